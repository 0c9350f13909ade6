"""Lightning modules: each owns a loss and a training step, never an architecture."""

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
        network: takes the inputs by name, returns logits.
        lr, betas: of Adam.
        precision: "fp32" or "bf16". Autocast is entered once per mini-batch, because it caches the weights it casts
            and would otherwise miss the optimiser's steps inside a block.
    """

    automatic_optimization = False

    def __init__(self, network: nn.Module, *, lr: float, betas: Sequence[float], precision: str) -> None:
        super().__init__()
        self.network, self.lr, self.betas, self.precision = network, lr, betas, precision

    def configure_optimizers(self) -> torch.optim.Optimizer:
        # Lightning sets this so that a process may fork after looking for a GPU; we spawn, and with it every step of
        # Adam looks for one anew: 0.1 ms where there is none, of the 1.5 ms that a step of the smallest network takes.
        os.environ.pop("PYTORCH_NVML_BASED_CUDA_CHECK", None)
        return torch.optim.Adam(self.parameters(), lr=self.lr, betas=tuple(self.betas), fused=True)

    def training_step(self, block: list[tuple[dict[str, Tensor], Tensor]], _: int) -> dict[str, Tensor]:
        """Steps once per mini-batch of the block; returns summed loss, correct and counted rows for the callbacks."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        # Only DDP needs Lightning's backward, whose hooks take some 4 % of a step of the smallest network.
        backward = self.manual_backward if self.trainer.world_size > 1 else Tensor.backward
        outputs = []
        for inputs, label in block:
            logits = self.logits(inputs)
            optimizer.zero_grad()
            backward(F.cross_entropy(logits, label))
            optimizer.step()
            outputs.append(logits.detach())
        return _sums(outputs, block)

    def validation_step(self, block: list[tuple[dict[str, Tensor], Tensor]], _: int) -> dict[str, Tensor]:
        return _sums([self.logits(inputs) for inputs, _ in block], block)

    def logits(self, inputs: dict[str, Tensor]) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            return self.network(**inputs).float()


def _sums(outputs: list[Tensor], block: list[tuple[dict[str, Tensor], Tensor]]) -> dict[str, Tensor]:
    """Once for the whole block: on each mini-batch these few small operations would show in the time of a step."""
    logits, label = torch.cat(outputs), torch.cat([label for _, label in block])
    loss = F.cross_entropy(logits, label, reduction="sum")
    correct = (logits.argmax(1) == label).sum()
    return {"loss": loss.double(), "correct": correct.double(), "rows": torch.ones_like(loss).double() * len(label)}
