"""Training in blocks of mini-batches: how they are cut from memory."""

from __future__ import annotations

import ctypes
import functools
import inspect
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
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
        oversample: draws rows of each label again, at random and anew in every epoch, until all labels have as many as
            the most frequent one; rows without a label count as one of them.
        copies: by input, rows as `altered` made them [row, copy, ...]: in each epoch each row is one of them, drawn at
            random, or as it is.
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
        oversample: bool = False,
        copies: Mapping[str, Shaped[np.ndarray, "row copy ..."]] = {},
    ) -> None:
        self.inputs = {name: as_tensor(values) for name, values in inputs.items()}
        self.copies = {name: as_tensor(copies[name]) for name in inputs if name in copies}
        self.label = torch.from_numpy(label.astype(np.int64))
        self.batch_size, self.seed, self.world_size = batch_size, seed, world_size
        count = np.unique(label, return_counts=True)[1] if oversample else np.zeros(0, dtype=int)
        self.oversample, self.n_rows = oversample, int(count.max() * len(count)) if len(count) else len(label)
        self.starts = list(range(0, self.n_rows + -self.n_rows % world_size, batch_size))  # of the mini-batches
        if len(self.starts) > 1 and self.n_rows - self.starts[-1] <= (smallest - 1) * world_size:
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
            generator = torch.Generator().manual_seed(state)
            rows = self._again(rows, generator) if self.oversample else rows
            rows = rows[torch.randperm(len(rows), generator=generator)]
        rows = torch.cat([rows, rows[: -len(rows) % self.world_size]])
        drawn = torch.zeros(0)
        if self.copies:  # the same of all inputs: they are of one recording
            n = next(iter(self.copies.values())).shape[1]
            drawn = torch.randint(n + 1, (len(rows),), generator=generator)
        rank = torch.distributed.get_rank() if self.world_size > 1 else 0
        for first in range(0, len(self.starts), self.per_block):
            edges = [*self.starts, len(rows)][first : first + self.per_block + 1]
            block = rows[edges[0] : edges[-1]][rank :: self.world_size]
            shares = [(end - start) // self.world_size for start, end in pairwise(edges)]
            of = drawn[edges[0] : edges[-1]][rank :: self.world_size]
            pieces = zip(*(self._values(name, block, of).split(shares) for name in self.inputs), strict=True)
            labels = self.label[block].split(shares)
            yield [(dict(zip(self.inputs, piece, strict=True)), y) for piece, y in zip(pieces, labels, strict=True)]

    def _values(self, name: str, rows: Int[Tensor, " row"], drawn: Shaped[Tensor, " _"]) -> Shaped[Tensor, "row ..."]:
        """Returns an input of rows, as they are where 0 was drawn, else of the copy that was."""
        values = self.inputs[name][rows]
        if name in self.copies:
            changed = drawn > 0
            values[changed] = self.copies[name][rows[changed], drawn[changed] - 1]
        return values

    def _again(self, rows: Int[Tensor, " row"], generator: torch.Generator) -> Int[Tensor, " more"]:
        """Returns rows and, of each label that has fewer than the most frequent one, some again."""
        of_label = [rows[self.label == value] for value in self.label.unique()]
        most = max(map(len, of_label))
        draw = [own[torch.randint(len(own), (most - len(own),), generator=generator)] for own in of_label]
        return torch.cat([rows, *draw])


def altered(cells: Cells, copies: Mapping[str, Any] | None) -> dict[str, Shaped[np.ndarray, "row copy ..."]]:
    """Returns rows as errors of their recordings change them, a number of times (`Cells.altered`); none for None.

    Raises:
        UserError: when the recordings are not there to be changed, or not so.
    """
    if copies is None or not len(cells):
        return {}
    if cells.altered is None:
        raise UserError(f"{cells.about.title} holds no recordings that copies are made of: set trainer copies=null")
    known = [p.name for p in inspect.signature(cells.altered).parameters.values() if p.kind is p.KEYWORD_ONLY]
    if {*copies} != {*known}:
        raise UserError(f"trainer copies={dict(copies)}: of {cells.about.title} it needs {', '.join(known)}, no more")
    found = [cells.altered(cell, **copies) for cell in cells.cell_id.tolist()]
    return {name: np.stack([of_row[name] for of_row in found]) for name in found[0]}


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
