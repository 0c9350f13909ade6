"""Every score as a function of counts: how often each class was predicted for each, and the losses added up."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

PER_CLASS = ("precision", "recall", "specificity", "f1")
MIXED = ("precision", "f1")  # of a class move with the cells of others, so with how many groups hold which class
HIGHEST = {"log_loss": np.inf, "brier": 2.0}  # of all other scores 1


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


def _mean_of_defined(values: Float[np.ndarray, "table classes"]) -> Float[np.ndarray, " table"]:
    return np.nansum(values, axis=-1) / np.isfinite(values).sum(axis=-1)
