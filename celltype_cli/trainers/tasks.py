"""Training in blocks of mini-batches: how they are cut from memory, and the Lightning modules that take them.

Each module owns a loss and a training step, never an architecture; `trainer.stages` names them.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.trainers.networks import as_tensor

BLOCK_BATCHES = 32
BLOCK_BYTES = 64 * 2**20
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # names and numbers of glibc's malloc.h


class Batches:
    """Iterates over blocks, each a list of mini-batches (inputs, label), gathered from memory in one index operation.

    Args:
        inputs: arrays by name with one entry per row.
        label: one per row.
        batch_size: rows of a mini-batch, over all devices together.
        seed: of the order of rows; None keeps the order as it is. The order of epoch e depends on (seed, e) alone,
            so that a run resumed at any epoch sees the batches it would have seen.
        world_size: processes that share each mini-batch equally, of which batch_size is a multiple; a few rows are
            taken twice where the number of rows is none.
        smallest: rows that a process needs in a mini-batch; with fewer, the last one joins the one before it.
    """

    def __init__(
        self,
        inputs: dict[str, Shaped[np.ndarray, "row ..."]],
        label: Int[np.ndarray, " row"],
        *,
        batch_size: int,
        seed: int | None,
        world_size: int,
        smallest: int = 1,
    ) -> None:
        self.inputs = {name: as_tensor(values) for name, values in inputs.items()}
        self.label = torch.from_numpy(label.astype(np.int64))
        self.batch_size, self.seed, self.world_size = batch_size, seed, world_size
        self.starts = list(range(0, len(label) + -len(label) % world_size, batch_size))  # of the mini-batches
        if len(self.starts) > 1 and len(label) - self.starts[-1] <= (smallest - 1) * world_size:
            self.starts.pop()
        row_bytes = sum(values[0].nbytes for values in inputs.values())
        self.per_block = max(1, min(BLOCK_BATCHES, BLOCK_BYTES // max(1, row_bytes * batch_size)))
        self.epoch = 0

    def __len__(self) -> int:
        return -(-len(self.starts) // self.per_block)

    def __iter__(self) -> Iterator[list[tuple[dict[str, Tensor], Tensor]]]:
        rows = torch.arange(len(self.label))
        if self.seed is not None:
            state = int(np.random.SeedSequence((self.seed, self.epoch)).generate_state(1)[0])
            rows = torch.randperm(len(rows), generator=torch.Generator().manual_seed(state))
        rows = torch.cat([rows, rows[: -len(rows) % self.world_size]])
        rank = torch.distributed.get_rank() if self.world_size > 1 else 0
        for first in range(0, len(self.starts), self.per_block):
            edges = [*self.starts, len(rows)][first : first + self.per_block + 1]
            block = rows[edges[0] : edges[-1]][rank :: self.world_size]
            shares = [(end - start) // self.world_size for start, end in pairwise(edges)]
            pieces = zip(*(values[block].split(shares) for values in self.inputs.values()), strict=True)
            labels = self.label[block].split(shares)
            yield [(dict(zip(self.inputs, piece, strict=True)), y) for piece, y in zip(pieces, labels, strict=True)]


class Supervised(pl.LightningModule):
    """Trains a network by cross-entropy on labelled rows.

    A training step takes a block of many mini-batches (`Batches`) and steps the optimiser once for each of
    them: Lightning's own work per step is then shared by the block, which matters for networks that train thousands
    of small batches a second.

    Args:
        network: takes the inputs by name, returns logits; in training it may return several, those that count first.
        lr, betas: of Adam.
        lr_decay, period: every `period` epochs the learning rate is multiplied by `lr_decay`; 0 never changes it.
        auxiliary_weight: of the losses of further logits that the network returns in training.
        class_weights: of each class in the cross-entropy, in training and validation; None counts all rows alike.
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
        class_weights: Float[Tensor, " class"] | None = None,
    ) -> None:
        super().__init__()
        self.network, self.lr, self.betas, self.precision = network, lr, betas, precision
        self.lr_decay, self.period, self.auxiliary_weight = lr_decay, period, auxiliary_weight
        self.register_buffer("class_weights", class_weights, persistent=False)

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
        """Steps once per mini-batch of the block; returns what `_sums` says for the callbacks."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        # Only DDP needs Lightning's backward, whose hooks take some 4 % of a step of the smallest network.
        backward = self.manual_backward if self.trainer.world_size > 1 else Tensor.backward
        outputs = []
        for inputs, label in block:
            logits, *auxiliary = self.logits(inputs)
            loss = F.cross_entropy(logits, label, self.class_weights)
            for others in auxiliary:
                loss = loss + self.auxiliary_weight * F.cross_entropy(others, label, self.class_weights)
            optimizer.zero_grad()
            backward(loss)
            optimizer.step()
            outputs.append(logits.detach())
        return _sums(outputs, block, self.class_weights)

    def validation_step(self, block: list[tuple[dict[str, Tensor], Tensor]], _: int) -> dict[str, Tensor]:
        return _sums([self.logits(inputs)[0] for inputs, _ in block], block, self.class_weights)

    def logits(self, inputs: dict[str, Tensor]) -> list[Tensor]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            found = self.network(**inputs)
        return [logits.float() for logits in (found if isinstance(found, tuple) else (found,))]


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


@functools.cache
def keep_large_blocks() -> None:
    """Stops glibc from returning freed activations to the kernel, which would map them anew in every step.

    It does nothing where the C library is not glibc. `python benchmarks/training.py` measures the effect.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
