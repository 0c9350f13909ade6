"""Lightning modules: each owns a loss and a training step, never an architecture; `trainer.stages` names them."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Supervised(pl.LightningModule):
    """Trains a network by cross-entropy on labelled rows.

    A training step takes a block of many mini-batches (`batches.Batches`) and steps the optimiser once for each of
    them: Lightning's own work per step is then shared by the block, which matters for networks that train thousands
    of small batches a second.

    Args:
        network: takes the inputs by name, returns logits; in training it may return several, those that count first.
        lr, betas: of Adam.
        lr_decay, period: every `period` epochs the learning rate is multiplied by `lr_decay`; 0 never changes it.
        auxiliary_weight: of the losses of further logits that the network returns in training.
        precision: "fp32" or "bf16". Autocast is entered once per mini-batch, because it caches the weights it casts
            and would otherwise miss the optimiser's steps inside a block.
    """

    automatic_optimization = False
    unlabelled = False  # whether rows without a label train, too

    def __init__(
        self,
        network: nn.Module,
        *,
        lr: float,
        betas: Sequence[float],
        lr_decay: float,
        period: int,
        auxiliary_weight: float,
        precision: str,
    ) -> None:
        super().__init__()
        self.network, self.lr, self.betas, self.precision = network, lr, betas, precision
        self.lr_decay, self.period, self.auxiliary_weight = lr_decay, period, auxiliary_weight

    def configure_optimizers(self) -> torch.optim.Optimizer:
        # Lightning sets this so that a process may fork after looking for a GPU; we spawn, and with it every step of
        # Adam looks for one anew: 0.1 ms where there is none, of the 1.5 ms that a step of the smallest network takes.
        os.environ.pop("PYTORCH_NVML_BASED_CUDA_CHECK", None)
        return torch.optim.Adam(self.parameters(), lr=self.lr, betas=tuple(self.betas), fused=True)

    def on_train_epoch_start(self) -> None:
        """Sets the learning rate, which depends on the epoch alone: a resumed run has the one it would have had."""
        decay = self.lr_decay ** (self.current_epoch // self.period) if self.lr_decay else 1.0
        for group in self.optimizers(use_pl_optimizer=False).param_groups:
            group["lr"] = self.lr * decay

    def training_step(self, block: list[tuple[dict[str, Tensor], Tensor]], _: int) -> dict[str, Tensor]:
        """Steps once per mini-batch of the block; returns summed loss, correct and counted rows for the callbacks."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        # Only DDP needs Lightning's backward, whose hooks take some 4 % of a step of the smallest network.
        backward = self.manual_backward if self.trainer.world_size > 1 else Tensor.backward
        outputs = []
        for inputs, label in block:
            logits, *auxiliary = self.logits(inputs)
            loss = F.cross_entropy(logits, label)
            for others in auxiliary:
                loss = loss + self.auxiliary_weight * F.cross_entropy(others, label)
            optimizer.zero_grad()
            backward(loss)
            optimizer.step()
            outputs.append(logits.detach())
        return _sums(outputs, block)

    def validation_step(self, block: list[tuple[dict[str, Tensor], Tensor]], _: int) -> dict[str, Tensor]:
        return _sums([self.logits(inputs)[0] for inputs, _ in block], block)

    def logits(self, inputs: dict[str, Tensor]) -> list[Tensor]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            found = self.network(**inputs)
        return [logits.float() for logits in (found if isinstance(found, tuple) else (found,))]


def _sums(outputs: list[Tensor], block: list[tuple[dict[str, Tensor], Tensor]]) -> dict[str, Tensor]:
    """Once for the whole block: on each mini-batch these few small operations would show in the time of a step."""
    logits, label = torch.cat(outputs), torch.cat([label for _, label in block])
    loss = F.cross_entropy(logits, label, reduction="sum")
    correct = (logits.argmax(1) == label).sum()
    return {"loss": loss.double(), "correct": correct.double(), "rows": torch.ones_like(loss).double() * len(label)}
