"""Lightning modules: each owns a loss and a training step, never an architecture."""

from __future__ import annotations

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
        return torch.optim.Adam(self.parameters(), lr=self.lr, betas=tuple(self.betas), fused=True)

    def training_step(self, block: list[tuple[dict[str, Tensor], Tensor]], _: int) -> dict[str, Tensor]:
        """Steps once per mini-batch of the block; returns summed loss, correct and counted rows for the callbacks."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        sums = []
        for inputs, label in block:
            loss, logits = self.loss(inputs, label)
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
            sums.append(_sums(loss, logits, label))
        return dict(zip(("loss", "correct", "rows"), torch.stack(sums).sum(0).unbind(), strict=True))

    def validation_step(self, block: list[tuple[dict[str, Tensor], Tensor]], _: int) -> dict[str, Tensor]:
        sums = [_sums(*self.loss(inputs, label), label) for inputs, label in block]
        return dict(zip(("loss", "correct", "rows"), torch.stack(sums).sum(0).unbind(), strict=True))

    def loss(self, inputs: dict[str, Tensor], label: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the mean cross-entropy and the logits."""
        with torch.autocast(label.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            logits = self.network(**inputs)
        logits = logits.float()
        return F.cross_entropy(logits, label), logits


def _sums(loss: Tensor, logits: Tensor, label: Tensor) -> Tensor:
    correct = (logits.detach().argmax(1) == label).sum()
    return torch.stack([loss.detach() * len(label), correct, torch.full_like(correct, len(label))]).double()
