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
    """Deals groups to parts, each class in proportion to `shares`, by greedy descent on the squared departure.

    Groups come in the order of the largest share of a class that they hold, equal ones in random order; each goes
    where the sum over classes of (share held)^2 / share wanted grows least, and there to the emptiest part. Groups
    of one class that are at least as many as equal parts therefore reach every part.
    """
    fractions = counts / np.maximum(counts.sum(axis=0), 1)
    order = rng.permutation(len(counts))
    order = order[np.argsort(-fractions[order].max(axis=1, initial=0), kind="stable")]
    held = np.zeros((len(shares), counts.shape[1]))
    part = np.empty(len(counts), int)
    for group in order:
        growth = ((held + fractions[group]) ** 2 - held**2).sum(axis=1) / shares
        part[group] = np.lexsort((held.sum(axis=1) / shares, growth.round(12)))[0]
        held[part[group]] += fractions[group]
    return part


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
    train, valid, note = with_validation(cells, np.flatnonzero(others), valid_fraction, rng)
    test = np.flatnonzero(held & (cells.label != UNLABELLED))
    return Fold(train=train, valid=valid, test=test, note="; ".join(filter(None, [*notes, note])))


def streams(seed: Seed, n: int) -> list[np.random.Generator]:
    return [np.random.default_rng(stream) for stream in np.random.SeedSequence(int(seed)).spawn(n)]
