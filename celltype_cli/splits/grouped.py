"""Splits: which rows train, validate and test; `folds.checked` stands between every split and every trainer.

A split is a function of cells and seed, never of the values of the inputs or of a model.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from annotated_types import Ge
from jaxtyping import Shaped

from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.core.messages import UserError, nearest
from celltype_cli.core.ranges import held
from celltype_cli.splits.folds import Fold, refuse
from celltype_cli.splits.groups import Fraction, Seed, census, deal, hold_out, linked, streams


@held
def grouped_kfold(
    cells: Cells, *, n_folds: Annotated[int, Ge(2)], valid_fraction: Fraction, seed: Seed
) -> Iterator[Fold]:
    """Deals whole groups to `n_folds` folds with like shares of every class; each labelled row is tested once.

    Validation takes whole groups from the training groups by the same means. It stays empty, with a note, where
    that would leave validation or training without a class. Rows without a label train, unless their group is tested
    or validated. Groups that hold copies of one recording count as one, here and in the splits below. A fold that
    does not test every class says so, and what to set.

    Raises:
        UserError: when a class has fewer cells than folds or stands in one group only, or groups are too few.
    """
    cells = linked(cells)
    groups, counts = census(cells, np.arange(len(cells)))
    if not len(groups):
        refuse(cells, ["no cell has a label: give labels, where the dataset takes them with dataset.labels=..."])
    refuse(cells, _too_few(cells, groups, counts, n_folds))
    first, *validation = streams(seed, 1 + n_folds)
    part = deal(counts, np.full(n_folds, 1 / n_folds), first)
    for k, stream in enumerate(validation):
        note = _untested(cells, counts, counts[part == k], n_folds)
        yield hold_out(cells, np.isin(cells.group, groups[part == k]), valid_fraction, stream, note)


def leave_one_group_out(cells: Cells, *, valid_fraction: Fraction, seed: Seed) -> Iterator[Fold]:
    """Tests each group that has labelled cells in turn; validation as in `grouped_kfold`.

    Raises:
        UserError: when a class stands in one group only.
    """
    cells = linked(cells)
    groups, counts = census(cells, np.arange(len(cells)))
    refuse(cells, _too_few(cells, groups, counts, n_folds=2))
    for group, tested, stream in zip(groups, counts, streams(seed, len(groups))):
        note = _untested(cells, counts, tested[None], len(groups))
        yield hold_out(cells, cells.group == group, valid_fraction, stream, note)


def other_source(cells: Cells, *, source: str | None, valid_fraction: Fraction, seed: Seed) -> Iterator[Fold]:
    """Tests the labelled rows of one source and trains on the rows of all others; null tests each source in turn.

    Validation as in `grouped_kfold`. Training rows of a group that holds copies of what is tested are left out.

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
    for name, stream in zip(chosen, streams(seed, len(chosen))):
        held = cells.source == name
        copied = np.isin(cells.linked_group, cells.linked_group[held]) & ~np.isin(cells.group, cells.group[held])
        notes = [f"{name} is tested, the other sources train"]
        if copied.any():
            notes.append(f"{copied.sum()} rows left out, their {cells.about.group}s hold copies of what is tested")
        yield hold_out(linked(cells), held, valid_fraction, stream, *notes, without=copied)


def _untested(cells: Cells, counts: np.ndarray, tested: np.ndarray, n_folds: int) -> str:
    """Says, of a fold that lacks a class, that it does, and how many folds would test every class; else nothing.

    Args:
        counts: labelled cells of each class in each group.
        tested: the same of the groups that are tested.
    """
    if tested.any(axis=0).all():
        return ""
    held = (counts > 0).sum(axis=0)
    rarest = int(held.argmin())
    enough = min(int(held[rarest]), n_folds - 1)
    mend = f"; split=grouped_kfold split.n_folds={enough} can test all of them in each fold" if enough > 1 else ""
    where = f"{cells.classes[rarest]} stands in {held[rarest]} {cells.about.group}s"
    return f"not every class is tested ({where}, there are {n_folds} folds){mend}"


def _too_few(cells: Cells, groups: Shaped[np.ndarray, " group"], counts: np.ndarray, n_folds: int) -> Iterator[str]:
    n_cells = counts.sum(axis=0)
    most = min([len(groups), *n_cells[n_cells > 1].tolist()])
    for c, name in enumerate(cells.classes):
        n, where = int(n_cells[c]), groups[counts[:, c] > 0]
        if n < n_folds:
            others = [other for other in cells.classes if other != name]
            mend = f"set split.n_folds={most}" if n > 1 and most > 1 else "add cells"
            if len(where) > 1:
                mend += ", or split=leave_one_group_out, where a fold may lack a class"
            yield (
                f"class {name} has {n} cells, {n_folds} are needed: {mend}, or leave the class out by taking these "
                f"labels away{nearest(name, others)}"
            )
        elif len(where) == 1:
            yield (
                f"class {name} has {n} cells in one group ({where[0]}) and would vanish from training when it is "
                "tested: use a finer group, such as session or cell, or leave the class out"
            )
    if len(groups) == 1:
        yield f"all cells are of one group ({groups[0]}): to test on others, two groups at least are needed"
    elif len(groups) < n_folds:
        yield f"{len(groups)} groups cannot make {n_folds} folds: set split.n_folds={most} or less"
