"""Compares classifiers over the same splits of the same cells, and two orders of the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy import stats

from celltype_cli.core.messages import UserError

LEVEL = 0.05
FEWEST = 5  # splits of a test: of fewer the spread is hardly known, and among many pairs one always is small by chance
SAME = 1e-9  # by which scores, shares of 1, differ in rounding alone


@dataclass(frozen=True)
class Entrant:
    """One classifier, trained and tested several times.

    Attributes:
        score: one value per training, in the order of the folds.
        split: the run's split file: fold, side, cell_id, group and label (empty where unknown), one line per cell.
    """

    name: str
    score: Float[np.ndarray, " training"]
    split: pd.DataFrame


@dataclass(frozen=True)
class Pair:
    """Two entrants by position.

    Attributes:
        difference: of the mean scores, first less second.
        t, p: of `corrected_t`; nan where there are too few splits for a test.
        adjusted: p after Holm's correction.
    """

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
        n_splits, n_trainings: trainings that were tested on the same cells are repeats of one split.
        ranks: mean rank over the splits, 1 for the best, ties shared.
        groups: entrants, by position, that follow each other in rank and among which no pair is told apart; none
            without a test.
    """

    names: tuple[str, ...]
    n_splits: int
    n_trainings: int
    ranks: Float[np.ndarray, " entrant"]
    pairs: tuple[Pair, ...]
    groups: tuple[tuple[int, ...], ...]

    @property
    def told_apart(self) -> int:
        return sum(pair.adjusted < LEVEL for pair in self.pairs)

    @property
    def counted(self) -> str:
        """Counts the splits in words."""
        splits = f"{self.n_splits} split" + "s" * (self.n_splits > 1)
        return splits if self.n_splits == self.n_trainings else f"{splits}, {self.n_trainings} trainings"

    @property
    def untested(self) -> str:
        """Says why there is no test; empty where there is one."""
        if self.n_splits >= FEWEST:
            return ""
        return f"{self.counted}, and fewer than {FEWEST} do not tell how much splits vary"


def compare(entrants: Sequence[Entrant]) -> Comparison:
    """Tests every pair of entrants over the splits they share, with Holm's correction for the number of pairs.

    Trainings that were tested on the same cells are no further splits: their scores are averaged. With fewer than
    `FEWEST` splits there are differences and ranks, and no test.

    Raises:
        UserError: when there are fewer than two entrants, or two were not tested on the same cells.
    """
    if len(entrants) < 2:
        raise UserError(f"a comparison needs two finished rows, {len(entrants)} found")
    check_same_splits(entrants)
    split_of = _split_of(entrants[0])
    score = np.stack([_averaged(entrant.score, split_of) for entrant in entrants])
    n_splits = score.shape[1]
    places = list(combinations(range(len(entrants)), 2))
    tests = [(np.nan, np.nan)] * len(places)
    if n_splits >= FEWEST:
        share = [_test_over_train(entrant.split) for entrant in entrants]
        # Where training sets differ in size, the smaller one gives the wider, safer error.
        tests = [corrected_t(score[a] - score[b], max(share[a], share[b])) for a, b in places]
    adjusted = holm(np.array([p for _, p in tests]))
    means = score.mean(axis=1)
    pairs = tuple(
        Pair(a, b, float(means[a] - means[b]), t, p, float(corrected))
        for (a, b), (t, p), corrected in zip(places, tests, adjusted)
    )
    ranks = mean_ranks(score)
    groups = _groups(ranks, pairs) if n_splits >= FEWEST else ()
    return Comparison(tuple(e.name for e in entrants), n_splits, len(split_of), ranks, pairs, groups)


def corrected_t(difference: Float[np.ndarray, " split"], test_over_train: float) -> tuple[float, float]:
    """Returns t and two-sided p of the corrected resampled t test over random splits that share training cells.

    t = mean / sqrt((1 / J + n_test / n_train) variance) with J - 1 degrees of freedom, J the number of splits
    (Nadeau and Bengio 2003, Machine Learning 52:239); without the second term the splits would count as
    independent, and far too many differences as real. Differences that do not vary say nothing of how much others
    would: t = 0 and p = 1.
    """
    n = len(difference)
    if np.ptp(difference) <= SAME * max(1.0, np.abs(difference).max()):
        return 0.0, 1.0
    t = float(difference.mean() / np.sqrt((1 / n + test_over_train) * difference.var(ddof=1)))
    return t, float(2 * stats.t.sf(abs(t), n - 1))


def holm(p: Float[np.ndarray, " test"]) -> Float[np.ndarray, " test"]:
    """Adjusts p values for their number, step by step from the smallest (Holm 1979, Scand J Statist 6:65)."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return adjusted


def mean_ranks(score: Float[np.ndarray, "entrant split"]) -> Float[np.ndarray, " entrant"]:
    """Returns each entrant's rank averaged over the splits, 1 for the best, ties shared (Demsar 2006, JMLR 7:1).

    Scores that differ by rounding alone (`SAME`) are ties.
    """
    return stats.rankdata(-np.round(score / SAME), axis=0).mean(axis=1)


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


def _split_of(entrant: Entrant) -> Int[np.ndarray, " training"]:
    """Numbers the splits of the trainings, in the order of the folds; those with the same test cells are one."""
    cells, known = _test_cells(entrant), {}
    return np.array([known.setdefault(cells[fold], len(known)) for fold in sorted(cells)])


def _averaged(
    score: Float[np.ndarray, " training"], split_of: Int[np.ndarray, " training"]
) -> Float[np.ndarray, " split"]:
    return np.bincount(split_of, score) / np.bincount(split_of)


def _test_over_train(split: pd.DataFrame) -> float:
    """Returns the mean ratio of test cells to training cells with a label; others tell nothing of the classes."""
    counts = split[split["label"] != ""].groupby(["fold", "side"])["cell_id"].size().unstack()
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
