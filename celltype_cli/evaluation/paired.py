"""Two models on the same cells: how much better is one, and would new animals say so too?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from celltype_cli.core.messages import UserError
from celltype_cli.evaluation.predictions import arrays_of, classes_of, labelled_lines, per_cell
from celltype_cli.evaluation.scores import rates, tally

SWAPS = 10_000
ALL_SWAPS = 13  # groups up to which all 2^G swaps are made


@dataclass(frozen=True)
class Difference:
    """The difference of a score between two models, the first less the second.

    Attributes:
        value, low, high: with its 95 % interval; nan where there are fewer than 3 groups.
        p: two-sided; the smallest that this many groups can give is `least_p`.
        n_cells, n_groups: what it rests on.
        only_first, only_second: cells that one model alone got right.
    """

    value: float
    low: float
    high: float
    p: float
    least_p: float
    n_cells: int
    n_groups: int
    only_first: int
    only_second: int


def paired(first: pd.DataFrame, second: pd.DataFrame, *, score: str = "balanced_accuracy", seed: int = 0) -> Difference:
    """Compares two tables of predictions cell by cell, with whole groups as the units of chance.

    p is of a permutation test that swaps the two models' predictions within whole groups (paired randomisation,
    Good 2005, Permutation, Parametric and Bootstrap Tests of Hypotheses, ch. 3): all 2^G swaps of few groups, else
    10,000 random ones. The interval is of the delete-one-group jackknife with t of G - 1 degrees of freedom (Efron &
    Tibshirani 1993, An Introduction to the Bootstrap, ch. 11). Cells that were tested in several folds are averaged.

    Raises:
        UserError: when the tables have no labelled cell in common, or other classes or labels.
    """
    a, b = _aligned(first, second)
    group, names = pd.factorize(a["group"], sort=True)
    (label, proba_a), (_, proba_b) = arrays_of(a), arrays_of(b)
    counts = np.stack([tally(group, label, proba)[0] for proba in (proba_a, proba_b)])  # model, group, class, class
    right_a, right_b = (proba.argmax(axis=1) == label for proba in (proba_a, proba_b))
    value = _difference(counts.sum(axis=1)[None], score)[0]
    low, high = _jackknife(counts, value, score)
    p, least = _swapped(counts, value, score, np.random.default_rng(seed))
    alone = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    return Difference(float(value), low, high, p, least, len(a), len(names), *alone)


def _aligned(first: pd.DataFrame, second: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns both tables with a line for each cell that both have, in one order."""
    if classes_of(first) != classes_of(second):
        said = " and ".join(", ".join(classes_of(table)) for table in (first, second))
        raise UserError(f"the two have other classes ({said}); expected the same, in the same order")
    a, b = (_of_cells(table) for table in (first, second))
    both = a.index.intersection(b.index)
    if not len(both):
        raise UserError("the two have no labelled cell in common: expected predictions of the same cells")
    a, b = a.loc[both], b.loc[both]
    if (other := (a["label"] != b["label"]) | (a["group"] != b["group"])).any():
        raise UserError(f"cell {both[other][0]} has another label or group in the second")
    return a, b


def _of_cells(table: pd.DataFrame) -> pd.DataFrame:
    cells = per_cell(labelled_lines(table))
    proba = {f"p_{name}": "mean" for name in classes_of(table)}
    return cells.groupby("cell_id").agg({"group": "first", "label": "first", **proba})


def _difference(counts: Float[np.ndarray, "table 2 classes classes"], score: str) -> Float[np.ndarray, " table"]:
    none = np.zeros((len(counts), 2))
    values = [rates(counts[:, model], none)[score] for model in (0, 1)]
    return values[0] - values[1]


def _jackknife(counts: np.ndarray, value: float, score: str) -> tuple[float, float]:
    from scipy.stats import t as student

    n = counts.shape[1]
    if n < 3:
        return float("nan"), float("nan")
    without = counts.sum(axis=1)[None] - np.moveaxis(counts, 1, 0)
    left = _difference(without, score)
    left = left[np.isfinite(left)]
    error = np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum())
    margin = student.ppf(0.975, n - 1) * error
    return float(value - margin), float(value + margin)


def _swapped(counts: np.ndarray, value: float, score: str, rng: np.random.Generator) -> tuple[float, float]:
    n = counts.shape[1]
    if n <= ALL_SWAPS:
        swaps = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    else:
        swaps = np.concatenate([np.zeros((1, n), int), rng.integers(0, 2, (SWAPS - 1, n))])  # as it is counts too
    kept, other = 1 - swaps, swaps
    mixed = np.stack([np.tensordot(kept, counts[m], 1) + np.tensordot(other, counts[1 - m], 1) for m in (0, 1)], axis=1)
    found = np.abs(_difference(mixed.astype(float), score))
    p = float((found >= abs(value) - 1e-12).mean())
    return p, (2 / 2**n if n <= ALL_SWAPS else 1 / SWAPS)
