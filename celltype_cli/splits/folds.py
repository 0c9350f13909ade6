"""Folds, and the guard that stands between every split and every trainer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

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
        valid: empty where too little is left to choose a model by; `unvalidated` then says why.
        shares: what stands on several sides because it was asked for by name, of "group", "cell_id" and "copies".
        notes: what to know about this fold beside its scores.
        unvalidated: why it has no validation part, for models that choose by one.
        copies: which copies of one recording stand on several sides, where "copies" may; the guard finds them.
        monitored: `valid` repeats the test rows, to draw learning curves as papers do; nothing may be chosen by it.
    """

    train: Int[np.ndarray, " train"]
    valid: Int[np.ndarray, " valid"]
    test: Int[np.ndarray, " test"]
    shares: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unvalidated: str = ""
    copies: tuple[str, ...] = ()
    monitored: bool = False

    @property
    def note(self) -> str:
        """All that is to be known of the fold."""
        return "; ".join(filter(None, [*self.notes, self.unvalidated]))

    @property
    def sides(self) -> dict[str, Int[np.ndarray, " rows"]]:
        """The rows of each side; none in a `valid` that is only watched."""
        return {"train": self.train, "valid": self.valid[:0] if self.monitored else self.valid, "test": self.test}

    @property
    def joined(self) -> Fold:
        """The fold whose validation rows train, for a model that chooses nothing by them; a `valid` that repeats the
        test rows stays where it is."""
        if self.monitored or not (len(self.valid) or self.unvalidated):
            return self
        train = np.sort(np.concatenate([self.train, self.valid]))
        return replace(self, train=train, valid=self.valid[:0], unvalidated="")


def checked(cells: Cells, folds: Iterable[Fold]) -> list[Fold]:
    """Returns the folds when none of them leaks, before the first is trained.

    A group, a cell or the copies of one recording (`Cells.copies`) stand on one side, unless the fold names them in
    `shares`; the folds returned then say which copies do not. Both outer sides have rows, test rows have labels, and
    training has every class.

    Raises:
        LeakageError: with the group, cell or rows and the sides.
        UserError: when a side is empty or a class is missing in training.
    """
    folds = list(folds)
    copies = [_copies(cells, fold) for fold in folds]
    leaks = _by_fold([[*_leaks(cells, fold), *_unexcused(fold, found)] for fold, found in zip(folds, copies)])
    gaps = _by_fold([_gaps(cells, fold) for fold in folds])
    if leaks:
        raise LeakageError("\n  ".join([f"dataset {cells.about.title}: this split leaks:", *few(leaks), *few(gaps)]))
    refuse(cells, gaps if folds else ["the split gave no fold"])
    return [replace(fold, copies=found) if found else fold for fold, found in zip(folds, copies)]


def _by_fold(faults: Iterable[Iterable[str]]) -> list[str]:
    """Puts the folds before each fault, which is said once."""
    folds_of: dict[str, list[str]] = {}
    for k, of_fold in enumerate(faults, start=1):
        for fault in of_fold:
            folds_of.setdefault(fault, []).append(str(k))
    return [f"fold{'s' * (len(ks) > 1)} {', '.join(few(ks))}: {fault}" for fault, ks in folds_of.items()]


def _copies(cells: Cells, fold: Fold) -> tuple[str, ...]:
    """Names copies of one recording that stand on several sides: "c0 and c2 (identical values) in train and test"."""
    if not cells.copies:
        return ()
    code, found = cells.copies.code, []
    for k, how in enumerate(cells.copies.how):
        sides = {name: rows[code[rows] == k] for name, rows in fold.sides.items()}
        names = [name for name, rows in sides.items() if len(rows)]
        if len(names) > 1:
            rows = np.sort(np.concatenate([*sides.values()]))
            ids = few(dict.fromkeys(map(str, cells.cell_id[rows].tolist())))
            found.append(f"{' and '.join(ids)} ({how}) in {' and '.join(names)}")
    return tuple(found)


def _unexcused(fold: Fold, copies: Iterable[str]) -> Iterator[str]:
    for words in () if "copies" in fold.shares else copies:
        yield f"copies of one recording stand on two sides: {words}: remove the copies, or use split=grouped_kfold"


def _leaks(cells: Cells, fold: Fold) -> Iterator[str]:
    parts = list(fold.sides.values())
    rows, side = np.concatenate(parts), np.repeat(np.arange(3), [len(part) for part in parts])
    kept = [name for name in ("group", "cell_id") if name not in fold.shares]
    for name, values in {"row": np.arange(len(cells)), **{name: getattr(cells, name) for name in kept}}.items():
        code, found = pd.factorize(values[rows], use_na_sentinel=False)
        stands = np.zeros((len(found), 3), bool)
        stands[code, side] = True
        for shared in np.flatnonzero(stands.sum(axis=1) > 1):
            sides = " and ".join(np.array(SIDES)[stands[shared]])
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
