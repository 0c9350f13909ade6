"""Compares classifiers over the same random splits, and two orders of the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from scipy import stats

from celltype_cli.core.messages import UserError

LEVEL = 0.05


@dataclass(frozen=True)
class Entrant:
    """One classifier, tested on several splits.

    Attributes:
        score: one value per split, in the order of the splits.
        split: the run's split file: fold, side, cell_id and group, one line per cell.
    """

    name: str
    score: Float[np.ndarray, " split"]
    split: pd.DataFrame


@dataclass(frozen=True)
class Pair:
    """Two entrants by position; `difference` is first less second, `adjusted` the p value after Holm's correction."""

    first: int
    second: int
    difference: float
    t: float
    p: float
    adjusted: float


@dataclass(frozen=True)
class Comparison:
    """All pairs of some entrants, and what a critical-difference picture draws.

    Attributes:
        ranks: mean rank over the splits, 1 for the best, ties shared.
        groups: entrants, by position, that follow each other in rank and among which no pair is told apart.
    """

    names: tuple[str, ...]
    n_splits: int
    ranks: Float[np.ndarray, " entrant"]
    pairs: tuple[Pair, ...]
    groups: tuple[tuple[int, ...], ...]

    @property
    def told_apart(self) -> int:
        return sum(pair.adjusted < LEVEL for pair in self.pairs)


def compare(entrants: Sequence[Entrant]) -> Comparison:
    """Tests every pair of entrants over the splits they share, with Holm's correction for the number of pairs.

    Raises:
        UserError: when there are fewer than two entrants or splits, when two were not tested on the same cells, or
            when all splits test the same cells.
    """
    if len(entrants) < 2:
        raise UserError(f"a comparison needs two finished rows, {len(entrants)} found")
    check_same_splits(entrants)
    score = np.stack([entrant.score for entrant in entrants])
    n_splits = score.shape[1]
    if n_splits < 2:
        raise UserError(f"a paired test needs two splits or more, {entrants[0].name} has {n_splits}")
    if len(set(_test_cells(entrants[0]).values())) == 1:
        raise UserError(f"the {n_splits} trainings were tested on the same cells; their spread says nothing of others")
    share = [_test_over_train(entrant.split) for entrant in entrants]
    places = list(combinations(range(len(entrants)), 2))
    # Where training sets differ in size, the smaller one gives the wider, safer error.
    tests = [corrected_t(score[a] - score[b], max(share[a], share[b])) for a, b in places]
    adjusted = holm(np.array([p for _, p in tests]))
    means = score.mean(axis=1)
    pairs = tuple(
        Pair(a, b, float(means[a] - means[b]), t, p, float(corrected))
        for (a, b), (t, p), corrected in zip(places, tests, adjusted)
    )
    ranks = mean_ranks(score)
    return Comparison(tuple(e.name for e in entrants), n_splits, ranks, pairs, _groups(ranks, pairs))


def corrected_t(difference: Float[np.ndarray, " split"], test_over_train: float) -> tuple[float, float]:
    """Returns t and two-sided p of the corrected resampled t test over random splits that share training cells.

    t = mean / sqrt((1 / J + n_test / n_train) variance) with J - 1 degrees of freedom, J the number of splits
    (Nadeau and Bengio 2003, Machine Learning 52:239, section 3.1); without the second term the splits would count as
    independent, and far too many differences as real.
    """
    n = len(difference)
    mean, error = difference.mean(), np.sqrt((1 / n + test_over_train) * difference.var(ddof=1))
    if error == 0:
        return (0.0, 1.0) if mean == 0 else (float(np.copysign(np.inf, mean)), 0.0)
    t = float(mean / error)
    return t, float(2 * stats.t.sf(abs(t), n - 1))


def holm(p: Float[np.ndarray, " test"]) -> Float[np.ndarray, " test"]:
    """Adjusts p values for their number, step by step from the smallest (Holm 1979, Scand J Statist 6:65)."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return adjusted


def mean_ranks(score: Float[np.ndarray, "entrant split"]) -> Float[np.ndarray, " entrant"]:
    """Returns each entrant's rank averaged over the splits, 1 for the best, ties shared (Demsar 2006)."""
    return stats.rankdata(-score, axis=0).mean(axis=1)


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """Returns Spearman's rho and Kendall's tau-b; nan for fewer than three rows or where one side is constant."""
    if len(first) < 3 or len(set(first)) == 1 or len(set(second)) == 1:
        return float("nan"), float("nan")
    return float(stats.spearmanr(first, second)[0]), float(stats.kendalltau(first, second)[0])


def check_same_splits(entrants: Sequence[Entrant]) -> None:
    """Raises a UserError that names the first two entrants whose test cells differ in any split."""
    reference, *others = entrants
    test = _test_cells(reference)
    for other in others:
        cells = _test_cells(other)
        if len(cells) != len(test):
            what = f"{len(test)} splits against {len(cells)}"
        elif differing := [k for k in test if cells.get(k) != test[k]]:
            n = len(test[differing[0]] ^ cells.get(differing[0], frozenset()))
            what = f"{n} cells of split {differing[0]} are tested by one of them only"
        else:
            continue
        raise UserError(
            f"{reference.name} and {other.name} were not tested on the same cells ({what}), so their splits cannot be "
            "paired: run both with the same dataset, split and seed"
        )


def _test_cells(entrant: Entrant) -> dict[int, frozenset[str]]:
    test = entrant.split[entrant.split["side"] == "test"]
    return {int(fold): frozenset(cells.astype(str)) for fold, cells in test.groupby("fold")["cell_id"]}


def _test_over_train(split: pd.DataFrame) -> float:
    counts = split.groupby(["fold", "side"])["cell_id"].size().unstack()
    return float((counts["test"] / counts["train"]).mean())


def _groups(ranks: Float[np.ndarray, " entrant"], pairs: Sequence[Pair]) -> tuple[tuple[int, ...], ...]:
    """Finds the longest runs of neighbours in rank without a pair that is told apart; none within another."""
    apart: Bool[np.ndarray, "entrant entrant"] = np.zeros((len(ranks), len(ranks)), bool)
    for pair in pairs:
        apart[pair.first, pair.second] = apart[pair.second, pair.first] = pair.adjusted < LEVEL
    order = np.argsort(ranks, kind="stable")
    apart = apart[np.ix_(order, order)]
    groups, reached = [], 0
    for start in range(len(order)):
        end = start + 1
        while end < len(order) and not apart[start : end + 1, start : end + 1].any():
            end += 1
        if end - start > 1 and end > reached:
            groups.append(tuple(int(i) for i in order[start:end]))
        reached = max(reached, end)
    return tuple(groups)
