"""Random splits, as papers draw them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
from annotated_types import Interval
from jaxtyping import Int

from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.core.messages import UserError
from celltype_cli.core.ranges import Count, held
from celltype_cli.splits.folds import Fold, refuse
from celltype_cli.splits.groups import Seed, streams

Amount = Count | Annotated[float, Interval(gt=0, lt=1)] | Mapping[str, Count]


@held
def shuffle(
    cells: Cells,
    *,
    n_splits: Count,
    train: Amount,
    test: Amount,
    unit: Literal["cell", "window"],
    monitor: bool,
    seed: Seed,
) -> Iterator[Fold]:
    """Draws train and test at random within each class, as papers do; groups, and copies, stand on both sides.

    Under one seed the test rows do not depend on the amount of training, and of each class the larger training set
    contains the smaller. A total of three classes or more may, by rounding, take a unit from one class as it grows:
    a curve over sizes asks per class. There is no validation part. Rows without a label train.

    Args:
        train: how many units: a total, a fraction of all (both in proportion to the classes), or a number per class.
        test: the same.
        unit: "cell" keeps the windows of a cell together; "window" does not, and then measures memory as well.
        monitor: follow the test score over the epochs, as papers draw it; it cannot choose epochs or weights.

    Raises:
        UserError: when a class has too few units.
    """
    unit_of = np.unique(cells.cell_id, return_inverse=True)[1] if unit == "cell" else np.arange(len(cells))
    labelled = np.flatnonzero(cells.label != UNLABELLED)
    units, first = np.unique(unit_of[labelled], return_index=True)
    label = cells.label[labelled[first]]
    sizes = np.bincount(label, minlength=len(cells.classes))
    n_test = _per_class(test, cells, sizes, sizes, "test", unit)
    n_train = _per_class(train, cells, sizes, sizes - n_test, "train", unit)
    for stream in streams(seed, n_splits):
        drawn = [stream.permutation(units[label == c]) for c in range(len(cells.classes))]
        tested = np.concatenate([of_class[:n] for of_class, n in zip(drawn, n_test)])
        trained = np.concatenate([of_class[n : n + more] for of_class, n, more in zip(drawn, n_test, n_train)])
        test_rows = np.flatnonzero(np.isin(unit_of, tested))
        yield Fold(
            train=np.flatnonzero(np.isin(unit_of, trained) | (cells.label == UNLABELLED)),
            valid=test_rows if monitor else test_rows[:0],
            test=test_rows,
            shares=("group", "copies") if unit == "cell" else ("group", "cell_id", "copies"),
            notes=("learning curves show the test cells",) if monitor else (),
            unvalidated="" if monitor else "no validation part in a random split",
            monitored=monitor,
        )


def _per_class(
    amount: Amount,
    cells: Cells,
    sizes: Int[np.ndarray, " classes"],
    room: Int[np.ndarray, " classes"],
    side: str,
    unit: str,
) -> Int[np.ndarray, " classes"]:
    """Turns an amount into units per class: a total by largest remainder (Hamilton), as far as units are free."""
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
        # Test rounds up and train down, so that 0.8 and 0.2 always fit together.
        amount = int((np.ceil if side == "test" else np.floor)(round(amount * total, 6)))
    if not 0 < amount <= room.sum():
        raise UserError(f"split.{side} asks for {amount} {unit}s, {room.sum()} of {total} are free")
    quota = amount * sizes / total
    wanted = np.minimum(np.floor(quota).astype(int), room)
    for _ in range(amount - wanted.sum()):
        wanted[np.argmax(np.where(wanted < room, quota - wanted, -np.inf))] += 1
    return wanted
