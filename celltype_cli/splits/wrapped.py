"""Splits made of another split."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.splits.folds import Fold
from celltype_cli.splits.groups import Seed


def repeated(cells: Cells, *, split: Callable[..., Iterator[Fold]], times: int, seed: Seed) -> Iterator[Fold]:
    """Yields the folds of another split several times: every time trained from another seed, tested on the same cells.

    The spread over folds is then that of training alone, where the other split has one fold.

    Raises:
        UserError: when `times` is less than 1.
    """
    if times < 1:
        raise UserError(f"split.times={times}: choose at least 1")
    for _ in range(times):
        yield from split(cells, seed=seed)


def first(cells: Cells, *, split: Callable[..., Iterator[Fold]], seed: int | np.integer) -> Iterator[Fold]:
    """Yields the first fold of another split alone."""
    yield next(iter(split(cells, seed=seed)))
