"""Mini-batches cut from arrays in memory, a block of them at a time."""

from __future__ import annotations

import ctypes
import functools
import sys
import warnings
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

BLOCK_BATCHES = 32
BLOCK_BYTES = 64 * 2**20


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


def as_tensor(values: Shaped[np.ndarray, "row ..."]) -> Shaped[Tensor, "row ..."]:
    """Returns a tensor over the same memory, which is not to be written to: it may be a file opened for reading."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(values)


M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # names and numbers of glibc's malloc.h


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
