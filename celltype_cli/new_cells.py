"""The split of a dataset that holds new cells: another split divides the known ones, the new ones are only tested."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from celltype_cli.cells import UNLABELLED, Cells
from celltype_cli.errors import UserError
from celltype_cli.folds import Fold, LeakageError
from celltype_cli.messages import few


def with_new(
    cells: Cells, *, split: Callable[..., Iterator[Fold]], source: str, seed: int | np.integer
) -> Iterator[Fold]:
    """Splits the rows of other sources by `split` and adds all labelled rows of `source` to every test set.

    Raises:
        UserError: when no row, or every row, is of that source.
        LeakageError: when a group or a cell has rows of both kinds; `shares` of the inner split does not excuse it.
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
    if shared:
        raise LeakageError("\n  ".join([f"dataset {cells.about.title}: this split leaks:", *few(shared)]))
    known, tested = np.flatnonzero(~new), np.flatnonzero(new & (cells.label != UNLABELLED))
    for fold in split(cells[known], seed=seed):
        test = np.sort(np.concatenate([known[fold.test], tested]))
        yield replace(
            fold,
            train=known[fold.train],
            valid=test if fold.monitored else known[fold.valid],
            test=test,
            note="; ".join(filter(None, [fold.note, f"{len(tested)} new rows are tested in every fold"])),
        )
