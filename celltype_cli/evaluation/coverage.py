"""To label or to abstain: the confidence from which on labelled cells are right as often as was asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from scipy.optimize import isotonic_regression


def threshold(
    confidence: Float[np.ndarray, " cell"], right: Bool[np.ndarray, " cell"], accuracy: float
) -> float | None:
    """Returns the lowest confidence such that the cells at or above it reach an accuracy; None where none does.

    Accuracy is taken to rise with confidence: isotonic regression smooths it first, so that a lucky run of cells
    chooses no threshold. One more cell, wrong, is counted with those at or above, in the manner of conformal risk
    control (Angelopoulos et al. 2024, ICLR), whose proof does not cover a share of the labelled cells: tried on
    simulated ones, it undoes the luck that is in every choice. Few cells thus cannot show a high accuracy: 0.95 takes
    19, all right, and 0.99 takes 99.

    Args:
        confidence: probability of the best guess.
        accuracy: between 0 and 1, share of the labelled cells.

    Returns:
        a confidence that occurs; 0 where all cells together reach the accuracy.
    """
    values, place, n = np.unique(confidence, return_inverse=True, return_counts=True)
    smooth = isotonic_regression(np.bincount(place, right) / n, weights=n).x * n
    hits, labelled = (counts[::-1].cumsum()[::-1] for counts in (smooth, n))
    reached = np.flatnonzero(hits / (labelled + 1) >= accuracy - 1e-9)
    if not len(reached):
        return None
    return float(values[reached[0]]) if reached[0] else 0.0


def curve(confidence: Float[np.ndarray, " cell"], right: Bool[np.ndarray, " cell"]) -> pd.DataFrame:
    """Returns, from the surest cell on, which share of all cells is labelled where `confidence` is the threshold
    (coverage), and which share of these is right (accuracy); one line for each confidence that occurs."""
    values, place, n = np.unique(-confidence, return_inverse=True, return_counts=True)
    labelled, hits = n.cumsum(), np.bincount(place, right).cumsum()
    return pd.DataFrame({"confidence": -values, "coverage": labelled / len(right), "accuracy": hits / labelled})


def thinned(curve: pd.DataFrame, steps: int = 100) -> pd.DataFrame:
    """Keeps of a curve the first line in each of `steps` equal steps of coverage, and the last."""
    step = np.ceil(curve["coverage"] * steps - 1e-9)
    return curve[(step != step.shift()) | (curve.index == len(curve) - 1)].reset_index(drop=True)
