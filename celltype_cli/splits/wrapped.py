"""Splits made of another split."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.core.messages import UserError, few, raise_faults
from celltype_cli.core.ranges import Count, held
from celltype_cli.splits.folds import Fold, LeakageError
from celltype_cli.splits.groups import Seed


@held
def repeated(cells: Cells, *, split: Callable[..., Iterator[Fold]], times: Count, seed: Seed) -> Iterator[Fold]:
    """Yields the folds of another split several times: every time trained from another seed, tested on the same cells.

    The spread over folds is then that of training alone, where the other split has one fold.
    """
    for _ in range(times):
        yield from split(cells, seed=seed)


def first(cells: Cells, *, split: Callable[..., Iterator[Fold]], seed: Seed) -> Iterator[Fold]:
    """Yields the first fold of another split alone."""
    yield next(iter(split(cells, seed=seed)))


def with_new(cells: Cells, *, split: Callable[..., Iterator[Fold]], source: str, seed: Seed) -> Iterator[Fold]:
    """Splits the rows of other sources by `split` and adds all labelled rows of `source` to every test set.

    Raises:
        UserError: when no row, or every row, is of that source.
        LeakageError: when a group, a cell or copies of one recording have rows of both kinds; `shares` of the inner
            split does not excuse it.
    """
    new = cells.source == source
    if not new.any() or new.all():
        found = ", ".join(map(repr, np.unique(cells.source).tolist()))
        raise UserError(
            f"split.source={source}: {cells.about.title} has the sources {found}, this and another are needed"
        )
    shared = [
        f"{name} {value} has new and known rows"
        for name, values in (("group", cells.group), ("cell_id", cells.cell_id))
        for value in np.intersect1d(values[new], values[~new])
    ]
    code = cells.copies.code
    for k in np.intersect1d(code[new], code[~new]):
        if k >= 0:
            ids = few(dict.fromkeys(map(str, cells.cell_id[code == k].tolist())))
            shared.append(f"of the copies {' and '.join(ids)} ({cells.copies.how[k]}) some are new and some known")
    raise_faults(f"dataset {cells.about.title}: this split", shared, "leaks", LeakageError)
    known, tested = np.flatnonzero(~new), np.flatnonzero(new & (cells.label != UNLABELLED))
    for fold in split(cells[known], seed=seed):
        test = np.sort(np.concatenate([known[fold.test], tested]))
        yield replace(
            fold,
            train=known[fold.train],
            valid=test if fold.monitored else known[fold.valid],
            test=test,
            notes=(*fold.notes, f"{len(tested)} new rows are tested in every fold"),
        )
