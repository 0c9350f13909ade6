"""Whole groups dealt to parts, with like shares of every class."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np
from annotated_types import Interval
from jaxtyping import Bool, Float, Int, Shaped

from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.core.messages import UserError
from celltype_cli.splits.folds import Fold

Fraction = Annotated[float | int, Interval(ge=0, lt=0.5)]  # 0 as people type it is an int
Seed = int | np.integer
MANY = 100  # groups, from which greedy descent alone is even
TRIED = {False: {"n": 256, "again": 2, "spread": 1.0}, True: {"n": 16, "again": 0, "spread": 0.1}}  # by whether many
LACKING = 1e3  # departure that counts for a class missing in a part, or in all others
TIE = 1e-9  # below which shares and departures are alike


def linked(cells: Cells) -> Cells:
    """Returns the cells with groups that hold copies of one recording as one group: what must be dealt together."""
    return cells if cells.linked_group is cells.group else replace(cells, group=cells.linked_group)


def census(
    cells: Cells, rows: Int[np.ndarray, " row"]
) -> tuple[Shaped[np.ndarray, " group"], Int[np.ndarray, "group classes"]]:
    """Counts labelled cells of each class in each group that has any."""
    rows = rows[cells.label[rows] != UNLABELLED]
    rows = rows[np.unique(cells.cell_id[rows], return_index=True)[1]]
    groups, code = np.unique(cells.group[rows], return_inverse=True)
    counts = np.zeros((len(groups), len(cells.classes)), int)
    np.add.at(counts, (code, cells.label[rows]), 1)
    return groups, counts


def deal(
    counts: Int[np.ndarray, "group classes"], shares: Float[np.ndarray, " part"], rng: np.random.Generator
) -> Int[np.ndarray, " group"]:
    """Deals groups to parts, each class in proportion to `shares`: at random one of the most even partitions found.

    A partition departs by the sum over parts and classes of (share held - share wanted)^2 / share wanted. Many are
    made by greedy descent: groups come by the largest share of a class that they hold, times chance, and each goes
    where the departure grows least, among equal parts to the emptiest, give or take a group; of few groups each is
    then dealt anew. One is drawn of the best tenth of departures, at least of four, but of none above that of a descent
    without chance, unless all are.

    A class that has groups enough for its share of a part reaches every part, and no part of a half or less takes all
    of a class, where groups allow it: either counts for more than any departure.
    """
    fractions, groups = counts / np.maximum(counts.sum(axis=0), 1), (counts > 0).sum(axis=0)
    due = np.outer(shares, groups) > 1 - TIE

    def tried(n: int, again: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
        part, held = _descents(fractions, shares, due, rng, n=n, again=again, spread=spread)
        lacking = due & (held < TIE) | (held > 1 - TIE) & (shares[:, None] <= 0.5) & (groups > 1)
        departure = (held - shares[:, None]) ** 2 / shares[:, None] + LACKING * lacking
        return part, departure.sum(axis=(1, 2)).round(9)

    part, departure = tried(**TRIED[len(counts) > MANY])
    levels = np.unique(departure)
    best = levels[: max(4, len(levels) // 10)]
    best = best[best <= max(levels[0], tried(n=1, again=0, spread=0)[1][0])]
    return part[rng.choice(np.flatnonzero(departure == rng.choice(best)))]


def _descents(
    fractions: Float[np.ndarray, "group classes"],
    shares: Float[np.ndarray, " part"],
    due: Bool[np.ndarray, "part classes"],
    rng: np.random.Generator,
    *,
    n: int,
    again: int,
    spread: float,
) -> tuple[Int[np.ndarray, "descent group"], Float[np.ndarray, "descent part classes"]]:
    """Deals all groups to parts `n` times, side by side; returns where each went, and the shares that parts hold.

    Args:
        again: how often each group is taken back and dealt anew.
        spread: sd of the logarithm of chance in the order of the groups.
    """
    part = np.zeros((n, len(fractions)), int)
    held = np.zeros((n, len(shares), fractions.shape[1]))
    each = np.arange(n)
    size = fractions.max(axis=1, initial=0) * rng.lognormal(sigma=spread, size=part.shape)
    order = np.argsort(-size, axis=1, kind="stable")
    uneven = rng.random(held.shape[:2]) * fractions.sum() / max(len(fractions), 1)
    for anew in range(1 + again):
        for group in order.T:
            more = fractions[group][:, None]
            if anew:
                held[each, part[each, group]] -= more[:, 0]
            growth = (2 * (held * more).sum(axis=2) + (more**2).sum(axis=2)) / shares
            growth -= LACKING * (due & (held < TIE) & (more > 0)).sum(axis=2)
            load = (held.sum(axis=2) + uneven) / shares
            part[each, group] = (growth.round(12) + TIE * load).argmin(axis=1)
            held[each, part[each, group]] += more[:, 0]
        order = rng.permuted(order, axis=1)
    return part, held


def with_validation(
    cells: Cells, rows: Int[np.ndarray, " row"], fraction: Fraction, rng: np.random.Generator
) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " valid"], str]:
    """Parts training rows: whole groups go to validation, without their unlabelled rows, or none and a note says why.

    Both parts have every class or there is no validation: a choice by a part without a class would go against it.
    """
    if not 0 <= fraction < 0.5:
        raise UserError(f"valid_fraction is {fraction}, expected 0 to below 0.5: set split.valid_fraction")
    groups, counts = census(cells, rows)
    if fraction == 0:
        return rows, rows[:0], "no validation part was asked for"
    taken = deal(counts, np.array([1 - fraction, fraction]), rng) == 1
    present = np.minimum(counts[taken].sum(axis=0), counts[~taken].sum(axis=0)) > 0
    lacking = [name for name, here, n in zip(cells.classes, present, counts.sum(axis=0)) if n and not here]
    if lacking:
        found = f"{fraction:g} of {len(groups)} training groups leaves a side without {', '.join(lacking)}"
        return rows, rows[:0], f"no validation part: {found}; a larger split.valid_fraction may help"
    held = np.isin(cells.group[rows], groups[taken])
    return rows[~held], rows[held & (cells.label[rows] != UNLABELLED)], ""


def hold_out(
    cells: Cells,
    held: Bool[np.ndarray, " row"],
    valid_fraction: Fraction,
    rng: np.random.Generator,
    *notes: str,
    without: Bool[np.ndarray, " row"] | None = None,
) -> Fold:
    """Tests the labelled rows among those held out, and has the others, but for those left out, train and validate."""
    others = ~held if without is None else ~held & ~without
    train, valid, unvalidated = with_validation(cells, np.flatnonzero(others), valid_fraction, rng)
    test = np.flatnonzero(held & (cells.label != UNLABELLED))
    return Fold(train=train, valid=valid, test=test, notes=tuple(filter(None, notes)), unvalidated=unvalidated)


def streams(seed: Seed, n: int) -> list[np.random.Generator]:
    return [np.random.default_rng(stream) for stream in np.random.SeedSequence(int(seed)).spawn(n)]
