"""Folds, and the guard that stands between every split and every trainer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Int

from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.core.messages import UserError, few, raise_faults

SIDES = ("train", "valid", "test")


class LeakageError(UserError):
    """Tells which group, cell or identical rows stand on two sides of a fold."""


@dataclass(frozen=True)
class Fold:
    """Row indices of one fold.

    Attributes:
        valid: empty where too little is left to choose a model by; `note` then says so.
        shares: what stands on several sides because it was asked for by name, of "group" and "cell_id".
        note: what to know about this fold beside its scores.
        monitored: `valid` repeats the test rows, to draw learning curves as papers do; nothing may be chosen by it.
    """

    train: Int[np.ndarray, " train"]
    valid: Int[np.ndarray, " valid"]
    test: Int[np.ndarray, " test"]
    shares: tuple[str, ...] = ()
    note: str = ""
    monitored: bool = False

    @property
    def sides(self) -> dict[str, Int[np.ndarray, " rows"]]:
        """The rows of each side; none in a `valid` that is only watched."""
        return {"train": self.train, "valid": self.valid[:0] if self.monitored else self.valid, "test": self.test}


def checked(cells: Cells, folds: Iterable[Fold]) -> list[Fold]:
    """Returns the folds when none of them leaks, before the first is trained.

    A group or a cell stands on one side, unless the fold names it in `shares`; identical input values on two sides
    are never excused. Both outer sides have rows, test rows have labels, and training has every class.

    Raises:
        LeakageError: with the group, cell or rows and the sides.
        UserError: when a side is empty or a class is missing in training.
    """
    folds = list(folds)
    leaks = [f"fold {k}: {fault}" for k, fold in enumerate(folds) for fault in _leaks(cells, fold)]
    gaps = [f"fold {k}: {fault}" for k, fold in enumerate(folds) for fault in _gaps(cells, fold)]
    if leaks:
        raise LeakageError("\n  ".join([f"dataset {cells.about.title}: this split leaks:", *few(leaks), *few(gaps)]))
    refuse(cells, gaps if folds else ["the split gave no fold"])
    return folds


def _leaks(cells: Cells, fold: Fold) -> Iterator[str]:
    parts = list(fold.sides.values())
    rows, side = np.concatenate(parts), np.repeat(np.arange(3), [len(part) for part in parts])
    kept = [name for name in ("group", "cell_id") if name not in fold.shares]
    columns = {"row": np.arange(len(cells)), **{name: getattr(cells, name) for name in kept}}
    for name, values in {**columns, "digest": cells.row_digests}.items():
        code, found = pd.factorize(values[rows], use_na_sentinel=False)
        stands = np.zeros((len(found), 3), bool)
        stands[code, side] = True
        for shared in np.flatnonzero(stands.sum(axis=1) > 1):
            sides = " and ".join(np.array(SIDES)[stands[shared]])
            if name == "digest":
                ids = list(dict.fromkeys(cells.cell_id[rows[code == shared]].tolist()))
                yield (
                    f"identical values stand in {sides}: cells {', '.join(map(str, ids[:3]))}: "
                    "remove the copies, or give copies of one recording one group"
                )
            else:
                where = f"{name.removesuffix('_id')} {found[shared]}"
                yield f"{where} stands in {sides}: use split=grouped_kfold, or a split that shares it by name"


def _gaps(cells: Cells, fold: Fold) -> Iterator[str]:
    if fold.monitored and not np.array_equal(fold.valid, fold.test):
        yield "valid is not test, though it is said to repeat it"
    for side in ("train", "test"):
        if not len(getattr(fold, side)):
            yield f"{side} is empty"
    for c in np.setdiff1d(np.arange(len(cells.classes)), cells.label[fold.train]):
        yield f"class {cells.classes[c]} is missing in training: use fewer folds, another seed or finer groups"
    if (cells.label[fold.test] == UNLABELLED).any():
        yield "test has rows without a label: they can only train"


def refuse(cells: Cells, faults: Iterable[str]) -> None:
    """Raises a UserError that lists the faults, if there are any."""
    raise_faults(f"dataset {cells.about.title}", faults, "cannot be split so")
