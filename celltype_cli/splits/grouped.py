"""Splits: which rows train, validate and test; `folds.checked` stands between every split and every trainer.

A split is a function of cells and seed, never of the values of the inputs or of a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from jaxtyping import Int, Shaped

from celltype_cli.cells import UNLABELLED, Cells
from celltype_cli.errors import UserError
from celltype_cli.folds import Fold, refuse
from celltype_cli.groups import Fraction, census, deal, validation_groups
from celltype_cli.messages import nearest

Seed = int | np.integer
Amount = int | float | Mapping[str, int]


def grouped_kfold(cells: Cells, *, n_folds: int, valid_fraction: Fraction, seed: Seed) -> Iterator[Fold]:
    """Deals whole groups to `n_folds` folds with like shares of every class; each labelled row is tested once.

    Validation takes whole groups from the training groups by the same means. It stays empty, with a note, where
    that would leave validation or training without a class. Rows without a label train, unless their group is tested
    or validated.

    Raises:
        UserError: when a class has fewer cells than folds or stands in one group only, or groups are too few.
    """
    groups, counts = census(cells, np.arange(len(cells)))
    if not len(groups):
        refuse(cells, ["no cell has a label: give labels, where the dataset takes them with dataset.labels=..."])
    faults = list(_too_few(cells, groups, counts, n_folds))
    if n_folds < 2:
        faults.append(f"n_folds is {n_folds}, at least 2 are needed: set split.n_folds")
    if len(groups) == 1:
        faults.append(f"all cells are of one group ({groups[0]}): to test on others, two groups at least are needed")
    elif len(groups) < n_folds:
        faults.append(f"{len(groups)} groups cannot make {n_folds} folds: set split.n_folds={len(groups)} or less")
    refuse(cells, faults)
    first, *streams = _streams(seed, 1 + n_folds)
    part = deal(counts, np.full(n_folds, 1 / n_folds), first)
    for k, stream in enumerate(streams):
        yield _hold_out(cells, groups[part == k], valid_fraction, stream)


def leave_one_group_out(cells: Cells, *, valid_fraction: Fraction, seed: Seed) -> Iterator[Fold]:
    """Tests each group that has labelled cells in turn; validation as in `grouped_kfold`.

    Raises:
        UserError: when a class stands in one group only.
    """
    groups, counts = census(cells, np.arange(len(cells)))
    refuse(cells, _too_few(cells, groups, counts, n_folds=2))
    for group, stream in zip(groups, _streams(seed, len(groups))):
        yield _hold_out(cells, np.array([group]), valid_fraction, stream)


def shuffle(
    cells: Cells, *, n_splits: int, train: Amount, test: Amount, unit: str, monitor: bool, seed: Seed
) -> Iterator[Fold]:
    """Draws train and test at random within each class, as papers do; groups stand on both sides.

    Under one seed the test rows do not depend on the amount of training, and a larger training set contains the
    smaller. There is no validation part. Rows without a label train.

    Args:
        train: how many units: a total, a fraction of all (both in proportion to the classes), or a number per class.
        test: the same.
        unit: "cell" keeps the windows of a cell together; "window" does not, and then measures memory as well.
        monitor: follow the test score over the epochs, as papers draw it; it cannot choose epochs or weights.

    Raises:
        UserError: when a class has too few units.
    """
    if unit not in ("cell", "window"):
        raise UserError(f"split unit is {unit!r}; choose split.unit=cell or split.unit=window")
    unit_of = np.unique(cells.cell_id, return_inverse=True)[1] if unit == "cell" else np.arange(len(cells))
    labelled = np.flatnonzero(cells.label != UNLABELLED)
    units, first = np.unique(unit_of[labelled], return_index=True)
    label = cells.label[labelled[first]]
    sizes = np.bincount(label, minlength=len(cells.classes))
    n_test = _per_class(test, cells, sizes, sizes, "test", unit)
    n_train = _per_class(train, cells, sizes, sizes - n_test, "train", unit)
    for stream in _streams(seed, n_splits):
        sides: dict[str, list] = {"train": [], "test": []}
        for c in range(len(cells.classes)):
            drawn = stream.permutation(units[label == c])
            sides["test"].append(drawn[: n_test[c]])
            sides["train"].append(drawn[n_test[c] : n_test[c] + n_train[c]])
        chosen = {side: np.isin(unit_of, np.concatenate(parts)) for side, parts in sides.items()}
        test_rows = np.flatnonzero(chosen["test"])
        yield Fold(
            train=np.flatnonzero(chosen["train"] | (cells.label == UNLABELLED)),
            valid=test_rows if monitor else test_rows[:0],
            test=test_rows,
            shares=("group",) if unit == "cell" else ("group", "cell_id"),
            note="learning curves show the test cells" if monitor else "no validation part in a random split",
            monitored=monitor,
        )


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


def _too_few(cells: Cells, groups: Shaped[np.ndarray, " group"], counts: np.ndarray, n_folds: int) -> Iterator[str]:
    for c, name in enumerate(cells.classes):
        n, where = int(counts[:, c].sum()), groups[counts[:, c] > 0]
        if n < n_folds:
            others = [other for other in cells.classes if other != name]
            mend = f"set split.n_folds={n}" if n > 1 else "add cells"
            yield (
                f"class {name} has {n} cells, {n_folds} are needed: {mend}, or leave the class out by taking these "
                f"labels away{nearest(name, others)}"
            )
        elif len(where) == 1:
            yield (
                f"class {name} has {n} cells in one group ({where[0]}) and would vanish from training when it is "
                "tested: use a finer group, such as session or cell, or leave the class out"
            )


def _streams(seed: Seed, n: int) -> list[np.random.Generator]:
    return [np.random.default_rng(stream) for stream in np.random.SeedSequence(int(seed)).spawn(n)]


def _hold_out(
    cells: Cells, groups: Shaped[np.ndarray, " group"], valid_fraction: Fraction, rng: np.random.Generator
) -> Fold:
    test = np.isin(cells.group, groups)
    chosen, note = validation_groups(cells, np.flatnonzero(~test), valid_fraction, rng)
    valid, labelled = np.isin(cells.group, chosen), cells.label != UNLABELLED
    return Fold(
        train=np.flatnonzero(~test & ~valid),
        valid=np.flatnonzero(valid & labelled),
        test=np.flatnonzero(test & labelled),
        note=note,
    )


def _per_class(
    amount: Amount,
    cells: Cells,
    sizes: Int[np.ndarray, " classes"],
    room: Int[np.ndarray, " classes"],
    side: str,
    unit: str,
) -> Int[np.ndarray, " classes"]:
    """Turns an amount into units per class; a total goes to the classes by largest remainder (Hamilton)."""
    total = int(sizes.sum())
    if isinstance(amount, Mapping):
        if set(amount) != set(cells.classes):
            raise UserError(f"split.{side} names {sorted(amount)}, the classes are {sorted(cells.classes)}")
        wanted = np.array([amount[name] for name in cells.classes])
        refuse(
            cells,
            [
                f"class {name}: split.{side} asks for {w} {unit}s, {r} of {n} are free"
                for name, w, r, n in zip(cells.classes, wanted, room, sizes)
                if not 0 < w <= r
            ],
        )
        return wanted
    if isinstance(amount, float):
        if not 0 < amount < 1:
            raise UserError(f"split.{side} is {amount}: a fraction lies between 0 and 1, a number is whole")
        # Test rounds up and train down, so that 0.8 and 0.2 always fit together.
        amount = int((np.ceil if side == "test" else np.floor)(round(amount * total, 6)))
    if not 0 < amount <= room.sum():
        raise UserError(f"split.{side} asks for {amount} {unit}s, {room.sum()} of {total} are free")
    quota = amount * sizes / total
    wanted = np.floor(quota).astype(int)
    for _ in range(amount - wanted.sum()):
        wanted[np.argmax(np.where(wanted < room, quota - wanted, -np.inf))] += 1
    return wanted
