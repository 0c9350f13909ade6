"""Prediction sets: types, one, several or none, among which the true one is, in a new group, as often as promised.

Conformal prediction, for each class by itself, with cells in groups. Of the class, probabilities of held-out cells are
sorted, each group weighing the same however many cells it has, and the threshold is their quantile at
promise * (1 + 1 / K), K the number of groups. Then the class is in the set of a random cell of this class in a new
group with at least the promised probability, whatever the distributions and however alike the cells of a group are, as
long as groups are drawn alike and the model has not seen them:

* groups: Lee, Barber and Willett 2023, arXiv:2306.06342 (hierarchical conformal prediction); pooling the
  groups' distributions so is due to Dunn, Wasserman and Ramdas 2023, J Am Stat Assoc 118:2491
* one threshold per class, on the probability of the class: Sadinle, Lei and Wasserman 2019, J Am Stat Assoc 114:223.
  Such sets are the smallest; where no class reaches its threshold, the set is empty: no type fits as well as it should

The promise is of the average over groups: single ones do worse. Predictions of the models of several folds are pooled
(cross-conformal prediction), for which the theorem holds nearly, not exactly; `benchmarks/conformal.py` tries it.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from scipy import stats

FEWEST_GROUPS = 4  # promises below 0.8 are none


def promise_of(n_groups: int, promise: float) -> float:
    """Returns what can be promised of a class with cells in n groups: at most n / (n + 1), the chance that a new group
    is not the worst of all; 0 with fewer than `FEWEST_GROUPS`."""
    return min(promise, n_groups / (n_groups + 1)) if n_groups >= FEWEST_GROUPS else 0.0


def groups_for(promise: float) -> int:
    """Returns how many groups with cells of a class a promise takes."""
    return math.ceil(promise / (1 - promise) - 1e-9)


def threshold(own: Float[np.ndarray, " cell"], group: Shaped[np.ndarray, " cell"], promise: float) -> float:
    """Returns the probability from which on a class is in the set of a cell; 0, always, where nothing can be promised.

    Args:
        own: probability of the class, of cells that have it.
        promise: wished; `promise_of` says what is kept.
    """
    _, place, n = np.unique(group, return_inverse=True, return_counts=True)
    kept = promise_of(len(n), promise)
    if not kept:
        return 0.0
    order = np.argsort(-own, kind="stable")
    mass = (1 / n[place])[order].cumsum()  # groups at or above this probability
    return float(own[order][np.searchsorted(mass, kept * (len(n) + 1) - 1e-9)])


def thresholds(
    label: Int[np.ndarray, " cell"],
    proba: Float[np.ndarray, "cell classes"],
    group: Shaped[np.ndarray, " cell"],
    promise: float,
) -> Float[np.ndarray, " classes"]:
    """Returns the threshold of each class; `proba >= thresholds` are the sets."""
    classes = range(proba.shape[1])
    return np.array([threshold(proba[label == c, c], group[label == c], promise) for c in classes])


def held_out_sets(
    label: Int[np.ndarray, " cell"],
    proba: Float[np.ndarray, "cell classes"],
    group: Shaped[np.ndarray, " cell"],
    part: Int[np.ndarray, " cell"],
    promise: float,
) -> Bool[np.ndarray, "cell classes"]:
    """Returns the sets of the cells of each part by thresholds from the other parts.

    Where parts are alike, their cells are covered nearly as promised by construction; what this can show is that they
    differ in kind, as laboratories may.
    """
    sets = np.zeros(proba.shape, bool)
    for k in np.unique(part):
        sets[part == k] = proba[part == k] >= thresholds(*(a[part != k] for a in (label, proba, group)), promise)
    return sets


def covered(inside: Bool[np.ndarray, " cell"], group: Shaped[np.ndarray, " cell"]) -> tuple[float, float]:
    """Returns which share of cells was covered, each group weighing the same, and how many independent cells that is
    worth: as many as there are where cells of a group are as unlike as any, the number of groups where they are alike.

    The likeness is the intraclass correlation from the analysis of variance (Donner and Klar 2000, Design and Analysis
    of Cluster Randomization Trials in Health Research), between 0 and 1; 1 where the cells do not tell.
    """
    _, place, n = np.unique(group, return_inverse=True, return_counts=True)
    mean = np.bincount(place, inside) / n
    rho = _likeness(inside.astype(float), mean[place], place, n)
    return float(mean.mean()), float(len(n) / np.mean(rho + (1 - rho) / n))


def _likeness(value: np.ndarray, of_group: np.ndarray, place: np.ndarray, n: Int[np.ndarray, " group"]) -> float:
    total, k = len(value), len(n)
    if k < 2 or total == k:
        return 1.0
    within = ((value - of_group) ** 2).sum() / (total - k)
    between = ((of_group - value.mean()) ** 2).sum() / (k - 1)
    size = (total - (n**2).sum() / total) / (k - 1)
    both = between + (size - 1) * within
    return float(np.clip((between - within) / both, 0, 1)) if both > 0 else 1.0


def binomial_limits(n: float, chance: float) -> tuple[float, float]:
    """Returns between which shares n independent draws fall in 95 % of the cases."""
    n = max(round(n), 1)
    return tuple(float(stats.binom.ppf(q, n, chance) / n) for q in (0.025, 0.975))
