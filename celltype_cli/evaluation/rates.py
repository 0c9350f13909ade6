"""Scores from confusion counts, for one table or for thousands of resampled ones at once."""

from __future__ import annotations

import warnings

import numpy as np
from jaxtyping import Float, Int

PER_CLASS = ("precision", "recall", "specificity", "f1")


def rates(
    confusion: Float[np.ndarray, "table classes classes"], losses: Float[np.ndarray, "table 2"]
) -> dict[str, Float[np.ndarray, ...]]:
    """Computes every score of each table of counts; nan where undefined.

    Args:
        confusion: counts, true class by predicted class.
        losses: log loss and Brier score, each summed over the examples.

    Returns:
        precision, recall, specificity and f1 as [table, classes], the others as [table]. Averages over classes
        skip classes without an example (recall) or with neither example nor prediction (F1), as scikit-learn does.
    """
    hit = np.diagonal(confusion, axis1=-2, axis2=-1)
    true, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    n = true.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = hit / true
        f1 = 2 * hit / (true + predicted)
        return {
            "accuracy": hit.sum(axis=-1) / n,
            "balanced_accuracy": _mean_of_defined(recall),
            "macro_f1": _mean_of_defined(f1),
            "weighted_f1": np.nansum(true * f1, axis=-1) / n,
            "log_loss": losses[..., 0] / n,
            "brier": losses[..., 1] / n,
            "precision": hit / predicted,
            "recall": recall,
            "specificity": (n[..., None] - true - predicted + hit) / (n[..., None] - true),
            "f1": f1,
        }


def floors(support: Int[np.ndarray, " classes"]) -> dict[str, float]:
    """Returns what guessing the most frequent class scores, of `support` examples of each class.

    Every score follows from p, the share of that class: its recall is 1, its precision p, its F1 2 p / (1 + p).
    """
    share, classes = support.max() / support.sum(), np.count_nonzero(support)
    f1 = 2 * share / (1 + share)
    floor = {"accuracy": share, "balanced_accuracy": 1 / classes, "macro_f1": f1 / classes, "weighted_f1": share * f1}
    return {name: float(value) for name, value in floor.items()}


def tally(
    part: Int[np.ndarray, " example"],
    label: Int[np.ndarray, " example"],
    proba: Float[np.ndarray, "example classes"],
) -> tuple[Float[np.ndarray, "parts classes classes"], Float[np.ndarray, "parts 2"]]:
    """Counts confusions and sums losses within each part (a fold or a group, numbered from 0).

    The Brier score is the sum over classes of the squared difference (Brier 1950, Monthly Weather Review 78:1), from
    0 to 2; the log loss takes the natural logarithm of probabilities of at least 2.2e-16.
    """
    n_parts, n_classes = part.max() + 1, proba.shape[1]
    confusion = np.zeros((n_parts, n_classes, n_classes))
    np.add.at(confusion, (part, label, proba.argmax(axis=1)), 1)
    log_loss = -np.log(np.maximum(proba[np.arange(len(label)), label], np.finfo(float).eps))
    brier = ((proba - np.eye(n_classes)[label]) ** 2).sum(axis=1)
    losses = np.stack([np.bincount(part, loss, minlength=n_parts) for loss in (log_loss, brier)], axis=1)
    return confusion, losses


def resample(
    confusion: Float[np.ndarray, "groups classes classes"],
    losses: Float[np.ndarray, "groups 2"],
    n_resamples: int,
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "resamples classes classes"], Float[np.ndarray, "resamples 2"]]:
    """Draws as many groups as there are, with replacement, and adds their counts; how often is multinomial."""
    n = len(confusion)
    weights = rng.multinomial(n, np.full(n, 1 / n), size=n_resamples).astype(float)
    return np.tensordot(weights, confusion, axes=1), weights @ losses


def interval(resampled: Float[np.ndarray, " resamples"]) -> tuple[float, float]:
    """Returns the 2.5th and 97.5th percentile of the resamples where the score is defined."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all undefined: nan
        low, high = np.nanpercentile(resampled, [2.5, 97.5])
    return float(low), float(high)


def mean_and_sd(values: Float[np.ndarray, " folds"]) -> tuple[float, float]:
    """Returns mean and standard deviation (n - 1) over the folds where the score is defined, else nan."""
    values = values[~np.isnan(values)]
    return (
        float(values.mean()) if len(values) else float("nan"),
        float(values.std(ddof=1)) if len(values) > 1 else float("nan"),
    )


def _mean_of_defined(values: Float[np.ndarray, "table classes"]) -> Float[np.ndarray, " table"]:
    return np.nansum(values, axis=-1) / np.isfinite(values).sum(axis=-1)
