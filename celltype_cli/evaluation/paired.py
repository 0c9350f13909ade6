"""Models on the same cells: how much better is one than another, and would new animals say so too?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from jaxtyping import Float

from celltype_cli.core.classes import same_as
from celltype_cli.core.messages import UserError
from celltype_cli.evaluation import intervals
from celltype_cli.evaluation.comparison import SAME, holm
from celltype_cli.evaluation.predictions import classes_of, labelled_lines, per_cell
from celltype_cli.evaluation.rates import rates

SWAPS = 10_000
AT_ONCE = 1000  # random swaps, so that memory stays small with thousands of groups
ALL_SWAPS = 13  # groups up to which all 2^G swaps are made


@dataclass(frozen=True)
class Difference:
    """The difference of a score between two models, the first less the second.

    Attributes:
        value, low, high: with its 95 % interval; no interval (nan) of one group, or where all say the same, or where
            a class that is averaged has one group.
        p: two-sided; the smallest that this many groups can give is `least_p`.
        adjusted: p after Holm's correction for the pairs that were compared together.
        n_cells, n_groups: what it rests on.
        left_out: labelled cells that one of the two alone has.
        only_first, only_second: cells that one model got right more often than the other.
    """

    value: float
    low: float
    high: float
    p: float
    adjusted: float
    least_p: float
    n_cells: int
    n_groups: int
    left_out: int
    only_first: int
    only_second: int

    @property
    def words(self) -> str:
        """The difference with its interval."""
        known = f" [{self.low:+.3f}, {self.high:+.3f}]" if self.low == self.low else ""
        return f"{self.value:+.3f}{known}"


def paired(
    tables: Mapping[str, pd.DataFrame], *, score: str = "balanced_accuracy", seed: int = 0
) -> dict[tuple[str, str], Difference]:
    """Compares every two tables of predictions cell by cell, with whole groups as the units of chance.

    p is of a permutation test that swaps the two models' predictions within whole groups (paired randomisation,
    Good 2005, Permutation, Parametric and Bootstrap Tests of Hypotheses): all 2^G swaps of few groups, else
    10,000 random ones. The interval is that of scores, `intervals.jackknife`, between -1 and 1. A cell that was tested
    several times counts once, each of its predictions for a part. Classes may stand in another order, or under other
    names of the same.

    Args:
        tables: by the name of the model, as `predictions` has them.
        score: a score of all classes together, by its name in `rates.rates`.

    Raises:
        UserError: when there are fewer than two tables, or two have no labelled cell in common, or other classes,
            labels or groups.
    """
    if len(tables) < 2:
        raise UserError(f"a comparison needs two models or more, found {', '.join(tables) or 'none'}")
    classes = classes_of(next(iter(tables.values())))
    cells = {name: _of_cells(name, table, classes) for name, table in tables.items()}
    found = {(a, b): _paired(a, b, cells[a], cells[b], score, seed) for a, b in combinations(tables, 2)}
    adjusted = holm(np.array([difference.p for difference in found.values()]))
    return {pair: replace(found[pair], adjusted=float(p)) for pair, p in zip(found, adjusted)}


def _of_cells(name: str, table: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """Returns a line for each labelled cell: group, label, and by class how often it was predicted, from 0 to 1."""
    own = {known: first for first in classes for known in same_as(first)} | {c: c for c in classes}
    names = {known: own.get(known, known) for known in classes_of(table)}
    if {*names.values()} != {*classes}:
        raise UserError(
            f"{name} has other classes ({', '.join(names)}) than {', '.join(classes)}: compare models of the same ones"
        )
    cells = per_cell(labelled_lines(table))
    predicted, of_cell = cells["predicted"].map(names).to_numpy(), cells.groupby("cell_id", sort=False)
    chosen = pd.DataFrame({c: (predicted == c).astype(float) for c in classes})
    shares = chosen.groupby(cells["cell_id"], sort=False).mean()
    return shares.assign(group=of_cell["group"].first(), label=of_cell["label"].first().map(names))


def _paired(name: str, other: str, first: pd.DataFrame, second: pd.DataFrame, score: str, seed: int) -> Difference:
    both = first.index.intersection(second.index)
    if not len(both):
        raise UserError(f"{name} and {other} have no labelled cell in common: expected predictions of the same cells")
    a, b = first.loc[both], second.loc[both]
    for what in ("label", "group"):
        if len(odd := both[a[what] != b[what]]):
            said = " and ".join(str(of.at[odd[0], what]) for of in (a, b))
            raise UserError(
                f"cell {odd[0]} has the {what}s {said} in {name} and {other} ({len(odd)} such cells): they are not of "
                "the same data"
            )
    classes = [column for column in a.columns if column not in ("group", "label")]
    group, names = pd.factorize(a["group"], sort=True)
    label = pd.Index(classes).get_indexer(a["label"])
    counts = np.zeros((2, len(names), len(classes), len(classes)))  # model, group, true class, predicted class
    for model, of in enumerate((a, b)):
        np.add.at(counts[model], (group, label), of[classes].to_numpy())
    right = [of[classes].to_numpy()[np.arange(len(both)), label] for of in (a, b)]
    value = float(_difference(counts.sum(axis=1)[:, None], score)[0])
    p, least = _swapped(counts, value, score, np.random.default_rng(seed))
    return Difference(
        value,
        *_jackknife(counts, value, score),
        p=p,
        adjusted=p,
        least_p=least,
        n_cells=len(both),
        n_groups=len(names),
        left_out=len(first) + len(second) - 2 * len(both),
        only_first=int((right[0] > right[1] + SAME).sum()),
        only_second=int((right[1] > right[0] + SAME).sum()),
    )


def _difference(counts: Float[np.ndarray, "2 table classes classes"], score: str) -> Float[np.ndarray, " table"]:
    none = np.zeros((counts.shape[1], 2))
    values = [rates(of_model, none)[score] for of_model in counts]
    return values[0] - values[1]


def _jackknife(counts: Float[np.ndarray, "2 group classes classes"], value: float, score: str) -> tuple[float, float]:
    left = _difference(counts.sum(axis=1, keepdims=True) - counts, score)
    if not np.ptp(left) > SAME:  # groups that all say the same tell nothing of others; nan where one has a class alone
        return float("nan"), float("nan")
    holds, effective = intervals.groups_with(counts[0])[score], intervals.effective_groups(counts[0].sum(axis=(1, 2)))
    return intervals.jackknife(value, left, holds, effective, lowest=-1.0)


def _swapped(counts: np.ndarray, value: float, score: str, rng: np.random.Generator) -> tuple[float, float]:
    """Returns p and the least p that so many groups can give."""
    n, total = counts.shape[1], counts.sum(axis=1)
    change = (counts[1] - counts[0]).reshape(n, -1)

    def extreme(swaps: np.ndarray) -> int:
        """Counts the swaps, of which groups a row each, that differ as much as the models do."""
        first = total[0] + (swaps @ change).reshape(-1, *total.shape[1:])
        found = np.abs(_difference(np.stack([first, total.sum(axis=0) - first]), score))
        return int((found >= abs(value) - SAME).sum())

    if n <= ALL_SWAPS:
        swaps = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        return extreme(swaps.astype(float)) / 2**n, 2 / 2**n
    drawn = (rng.integers(0, 2, (AT_ONCE, n)).astype(float) for _ in range(SWAPS // AT_ONCE))
    return (1 + sum(map(extreme, drawn))) / (1 + SWAPS), 1 / (1 + SWAPS)  # the models as they are count too
