"""The Lightning modules that train: each owns a loss, never an architecture; `trainer.stages` names them."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence

import numpy as np
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.core.messages import UserError, nearest
from celltype_cli.core.ranges import NotNegative
from celltype_cli.trainers.augment import augmented, check_changes


class Supervised(pl.LightningModule):
    """Trains a network by cross-entropy on labelled rows.

    A training step takes a block of many mini-batches (`batches.Batches`) and steps the optimiser once for each of
    them: Lightning's own work per step is then shared by the block, which matters for networks that train thousands
    of small batches a second.

    Args:
        network: takes the inputs by name, returns logits; in training it may return several, those that count first.
        lr, betas, weight_decay: of Adam, the last as in AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101).
        lr_decay, period: every `period` epochs the learning rate is multiplied by `lr_decay`; 0 never changes it.
        cosine: within each `period` the learning rate falls towards 0 along a cosine, and starts anew (Loshchilov and
            Hutter 2017, arXiv:1608.03983).
        auxiliary_weight: of the losses of further logits that the network returns in training.
        class_weights: of each class in the cross-entropy, in training and validation; None counts all rows alike.
        precision: "fp32" or "bf16". Autocast is entered once per mini-batch, because it caches the weights it casts
            and would otherwise miss the optimiser's steps inside a block.
        frozen: names of parts of the network whose weights stay as they are, and which compute as in prediction.
        augment: what is done at random to inputs in training, as `augment.augmented` takes it; inputs that the network
            does not take may be among them.

    Raises:
        UserError: when the network has no part of a name in `frozen`, or a change in `augment` is none.
    """

    automatic_optimization = False
    unlabelled = False  # whether rows without a label train, too; a task that has `inputs` gets these alone

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
        class_weights: Float[Tensor, " class"] | None = None,
        weight_decay: NotNegative = 0.0,
        cosine: bool = False,
        frozen: Sequence[str] = (),
        augment: Mapping[str, Mapping[str, NotNegative]] = {},
    ) -> None:
        super().__init__()
        check_changes(augment)
        _freeze(network, frozen)
        self.weight_decay, self.cosine, self.augment = weight_decay, cosine, augment
        self.network, self.lr, self.betas, self.precision = network, lr, betas, precision
        self.lr_decay, self.period, self.auxiliary_weight = lr_decay, period, auxiliary_weight
        self.register_buffer("class_weights", class_weights, persistent=False)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        # Lightning sets this so that a process may fork after looking for a GPU; we spawn, and with it every step of
        # Adam looks for one anew: 0.1 ms where there is none, of the 1.5 ms that a step of the smallest network takes.
        os.environ.pop("PYTORCH_NVML_BASED_CUDA_CHECK", None)
        trained = [weights for weights in self.parameters() if weights.requires_grad]
        kind = torch.optim.AdamW if self.weight_decay else torch.optim.Adam
        return kind(trained, lr=self.lr, betas=tuple(self.betas), weight_decay=self.weight_decay, fused=True)

    def on_train_epoch_start(self) -> None:
        """Sets the learning rate, which depends on the epoch alone: a resumed run has the one it would have had."""
        decay = self.lr_decay ** (self.current_epoch // self.period) if self.lr_decay else 1.0
        if self.cosine:
            decay *= 0.5 * (1 + math.cos(math.pi * (self.current_epoch % self.period) / self.period))
        for group in self.optimizers(use_pl_optimizer=False).param_groups:
            group["lr"] = self.lr * decay

    def training_step(self, block: list[tuple[dict[str, Tensor], Tensor]], _: int) -> dict[str, Tensor]:
        """Steps once per mini-batch of the block; returns its `sums`."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        # Only DDP needs Lightning's backward, whose hooks take some 4 % of a step of the smallest network.
        backward = self.manual_backward if self.trainer.world_size > 1 else Tensor.backward
        outputs = []
        for inputs, label in block:
            loss, output = self.loss(inputs, label)
            optimizer.zero_grad()
            backward(loss)
            optimizer.step()
            outputs.append(output.detach())
        return self.sums(outputs, block)

    def validation_step(self, block: list[tuple[dict[str, Tensor], Tensor]], _: int) -> dict[str, Tensor]:
        return self.sums([self.loss(inputs, label)[1] for inputs, label in block], block)

    def loss(self, inputs: dict[str, Tensor], label: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the loss of a mini-batch, and what `sums` needs of it: the logits."""
        logits, *auxiliary = self.logits(self.changed(inputs))
        loss = F.cross_entropy(logits, label, self.class_weights)
        for others in auxiliary:
            loss = loss + self.auxiliary_weight * F.cross_entropy(others, label, self.class_weights)
        return loss, logits

    def sums(self, outputs: list[Tensor], block: list[tuple[dict[str, Tensor], Tensor]]) -> dict[str, Tensor]:
        """Returns what the callbacks hear of a block: sums over its rows, and how many these are."""
        return _sums(outputs, block, self.class_weights)

    def changed(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns inputs as they are trained on: augmented, in training."""
        if not (self.training and self.augment):
            return inputs
        return augmented(inputs, self.augment, {name: sd for name, (_, sd) in self.network.moments.items()})

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def logits(self, inputs: dict[str, Tensor]) -> list[Tensor]:
        with self.autocast():
            found = self.network(**inputs)
        return [logits.float() for logits in (found if isinstance(found, tuple) else (found,))]


def _freeze(network: nn.Module, frozen: Sequence[str]) -> None:
    """Has all weights trained but those of the parts of the inner network that are named."""
    network.train()
    network.requires_grad_(True)
    for name in frozen:
        parts = dict(network.inner.named_children())
        if name not in parts:
            raise UserError(
                f"frozen: {type(network.inner).__name__} has no part {name}{nearest(name, parts)}; it has "
                f"{', '.join(parts)}"
            )
        parts[name].eval().requires_grad_(False)


def _sums(
    outputs: list[Tensor], block: list[tuple[dict[str, Tensor], Tensor]], weights: Tensor | None
) -> dict[str, Tensor]:
    """Returns the summed loss, and of each class how many rows there are and how many are right.

    Once for the whole block: on each mini-batch these few small operations would show in the time of a step.
    """
    logits, label = torch.cat(outputs), torch.cat([label for _, label in block])
    loss = F.cross_entropy(logits, label, weights, reduction="sum")
    of_class = F.one_hot(label, logits.shape[1]).double()
    right = (logits.argmax(1) == label).double()
    return {"loss": loss.double(), "correct": right @ of_class, "rows": of_class.sum(dim=0)}


def balanced(label: Int[np.ndarray, " row"], n_classes: int) -> Float[Tensor, " class"]:
    """Returns weights of classes in inverse proportion to their rows, 1 on average over the labelled rows.

    They are rows / (classes that occur * rows of the class), as in scikit-learn (King and Zeng 2001); 0 of others.
    """
    count = np.bincount(label[label != UNLABELLED], minlength=n_classes)
    weight = count.sum() / np.maximum(count, 1) / max(1, np.count_nonzero(count))
    return torch.from_numpy(np.where(count, weight, 0.0)).float()
