"""Whether probabilities are what they say: temperature, calibration error, the confidence ratio.

Everything that is fitted here is judged on cells that it was not fitted to (`parts`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy import stats
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

LOWEST = 1e-4  # a forest says exactly 0; a few thousand cells cannot tell a smaller chance from none
RANGE = (0.1, 10.0)  # of temperatures
PARTS = 20  # at most, in which groups are held out where the folds do not hold them apart
DRAWS = 200  # of answers, for the calibration error that chance alone makes


def temperature(label: Int[np.ndarray, " cell"], proba: Float[np.ndarray, "cell classes"]) -> float:
    """Returns the temperature T at which softmax(log(proba) / T) has the lowest log loss (Guo et al. 2017, ICML,
    section 4.2): above 1 where the model was too sure, below 1 where it was not sure enough.

    It is 1 unless the likelihood-ratio test tells it from 1 (5 %): of some hundred cells, a temperature fitted to noise
    does more harm than good. Probabilities count as at least `LOWEST`, so that one sure error of a forest does not
    decide alone. The prior log T ~ normal(0, 1), worth about one cell, and `RANGE` keep T finite where every cell is
    right.
    """
    given = (_logits(proba), label)
    best = minimize_scalar(_cost, args=given, bounds=np.log(RANGE), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(best.x)) if _cost(0.0, *given) - best.fun > stats.chi2.ppf(0.95, 1) / 2 else 1.0


def _cost(log_t: float, logits: Float[np.ndarray, "cell classes"], label: Int[np.ndarray, " cell"]) -> float:
    """Returns the log loss (a sum over cells) at a temperature, and that of the prior."""
    said = log_softmax(logits / np.exp(log_t), axis=1)[np.arange(len(label)), label]
    return -float(said.sum()) + log_t**2 / 2


def softened(proba: Float[np.ndarray, "cell classes"], t: float) -> Float[np.ndarray, "cell classes"]:
    """Applies a temperature: softmax(log(proba) / t), probabilities counted as at least `LOWEST`."""
    return softmax(_logits(proba) / t, axis=1)


def _logits(proba: Float[np.ndarray, "cell classes"]) -> Float[np.ndarray, "cell classes"]:
    return np.log(np.maximum(proba, LOWEST))


def reliability(
    confidence: Float[np.ndarray, " cell"], right: Bool[np.ndarray, " cell"], n_bins: int = 15
) -> pd.DataFrame:
    """Sorts cells into bins of equal width, (low, high], by confidence, the probability of the best guess.

    Fifteen bins of the best guess alone are what is usual (Guo et al. 2017).

    Returns:
        a line per bin that holds cells: low, high, n, and the means confidence and accuracy.
    """
    place = _bin(confidence, n_bins)
    n = np.bincount(place, minlength=n_bins)
    means = {
        name: np.bincount(place, values, minlength=n_bins) / np.maximum(n, 1)
        for name, values in (("confidence", confidence), ("accuracy", right))
    }
    edges = np.linspace(0, 1, n_bins + 1)
    table = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "n": n, **means})
    return table[n > 0].reset_index(drop=True)


def calibration_error(bins: pd.DataFrame) -> float:
    """Returns the expected calibration error (ECE): |accuracy - confidence| of each bin, weighted by its cells
    (Naeini et al. 2015, AAAI; Guo et al. 2017)."""
    return float(np.average((bins["accuracy"] - bins["confidence"]).abs(), weights=bins["n"]))


def error_by_chance(confidence: Float[np.ndarray, " cell"], n_bins: int = 15) -> float:
    """Returns the ECE that is to be expected of these cells if every confidence were exactly true, from drawn answers.

    It is not 0, because a bin of few cells is never exactly as right as it should be.
    """
    rng, place = np.random.default_rng(0), _bin(confidence, n_bins)
    gaps = np.zeros((DRAWS, n_bins))
    for draw in range(DRAWS):
        gap = (rng.random(len(confidence)) < confidence) - confidence
        gaps[draw] = np.bincount(place, gap, minlength=n_bins)
    return float(np.abs(gaps).sum(axis=1).mean() / len(confidence))


def _bin(confidence: Float[np.ndarray, " cell"], n_bins: int) -> Int[np.ndarray, " cell"]:
    return np.clip(np.ceil(confidence * n_bins).astype(int) - 1, 0, n_bins - 1)


def confidence_ratio(proba: Float[np.ndarray, "cell classes"]) -> Float[np.ndarray, " cell"]:
    """Returns the highest probability over the second highest, infinite where that is 0.

    Beau et al. 2025 (Cell, doi 10.1016/j.cell.2025.01.041) take it of the mean probabilities of an ensemble and leave
    a cell without label below 2.
    """
    second, first = np.sort(proba, axis=1)[:, -2:].T
    with np.errstate(divide="ignore"):
        return first / second


def parts(cells: pd.DataFrame) -> Int[np.ndarray, " cell"]:
    """Numbers the parts in which cells are held out from what is fitted to predictions.

    They are the folds, whose models differ too, where there are several and none shares a group with another; else
    up to `PARTS` parts of whole groups, dealt at random, always the same way. All 0 where there is one group only.

    Args:
        cells: with the columns fold and group.
    """
    fold = pd.factorize(cells["fold"], sort=True)[0]
    if fold.max() > 0 and cells.groupby("group")["fold"].nunique().max() == 1:
        return fold
    group = pd.factorize(cells["group"], sort=True)[0]
    n = group.max() + 1
    return (np.random.default_rng(0).permutation(n) % PARTS)[group]
