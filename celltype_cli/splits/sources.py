"""Train on some sources (laboratories, datasets, kinds of session), test on another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.core.messages import UserError, few
from celltype_cli.splits.folds import Fold, LeakageError
from celltype_cli.splits.groups import Fraction, validation_groups


def other_source(
    cells: Cells, *, source: str | None, valid_fraction: Fraction, seed: int | np.integer
) -> Iterator[Fold]:
    """Tests the labelled rows of one source and trains on the rows of all others; null tests each source in turn.

    Validation takes whole groups from training, as in `splits.grouped_kfold`.

    Raises:
        UserError: when there is one source only, or `source` is none of them.
    """
    here = np.unique(cells.source).tolist()
    tested = [name for name in here if (cells.label[cells.source == name] != UNLABELLED).any()]
    if len(here) < 2 or (source is not None and source not in tested):
        needed = (
            "two are needed (of own recordings: column source of the labels)"
            if len(here) < 2
            else f"split.source={source} has no row with a label"
        )
        raise UserError(f"dataset {cells.about.title} has the sources {', '.join(map(repr, here))}: {needed}")
    chosen = tested if source is None else [source]
    for name, stream in zip(chosen, np.random.SeedSequence(int(seed)).spawn(len(chosen))):
        other = cells.source != name
        groups, reason = validation_groups(cells, np.flatnonzero(other), valid_fraction, np.random.default_rng(stream))
        valid, labelled = other & np.isin(cells.group, groups), cells.label != UNLABELLED
        yield Fold(
            train=np.flatnonzero(other & ~valid),
            valid=np.flatnonzero(valid & labelled),
            test=np.flatnonzero(~other & labelled),
            note="; ".join(filter(None, [f"{name} is tested, the other sources train", reason])),
        )


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
