"""How well a small model tells a recording from the training cells, and training animals from each other.

A classifier's two-sample test (Lopez-Paz & Oquab 2017, Revisiting classifier two-sample tests, ICLR): a linear
discriminant with a shrunken covariance (Ledoit & Wolf 2004) learns on some animals and cells which are of the
recording, and the area under its ROC curve (AUC) is taken on others. Animals differ, so that 0.5 is not what to expect:
each training animal (or as many of them as the recording has) is told from the others in the same way, and the AUC of
the recording is held against theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

LEAST = 3  # cells of a recording, or of a training animal that stands for one
MOST = 1000  # cells of either side
FOLDS, DRAWS = 4, 20
# What is usual, as sure as so many animals would make it: of animals of one laboratory d' is spread by 0.3 to 1.1 (sd).
SPREAD, AS_ANIMALS = 0.8, 16
FAR = 5  # robust sd, to which quantities are clipped
LEAST_AUC = 0.005  # and 1 less this: beyond them an AUC says no more
TINY = 1e-6


@dataclass(frozen=True)
class Told:
    """What the small model says.

    Attributes:
        auc: of the recording.
        others: of training animals held out in its place.
        p: of an AUC as large or larger, were the recording of the same kind.
    """

    auc: float
    others: tuple[float, ...]
    p: float


def told_apart(
    old: Float[np.ndarray, "cell quantity"],
    old_group: Shaped[np.ndarray, " cell"],
    new: Float[np.ndarray, "new quantity"],
    new_group: Shaped[np.ndarray, " new"],
) -> Told | None:
    """Returns how well new cells are told from training cells; None with fewer than three cells or training animals.

    Args:
        old, new: finite, in robust sd of the training cells.
    """
    if len(new) < LEAST or len(np.unique(old_group)) < LEAST:
        return None
    rng = np.random.default_rng(0)
    some, few = (np.sort(rng.permutation(len(x))[:MOST]) for x in (old, new))
    old, new = np.clip(old[some], -FAR, FAR), np.clip(new[few], -FAR, FAR)
    old_group, new_group = old_group[some], new_group[few]
    stands = list(_stand_ins(old_group, len(new), len(np.unique(new_group)), rng))
    auc = _auc(old, old_group, new, new_group, rng)
    others = [_auc(old[~own], old_group[~own], old[own], old_group[own], rng) for own in stands]
    others = [other for other in others if other is not None]
    if auc is None or not others:
        return None
    return Told(auc, tuple(others), _p(auc, np.array(others), len(new)))


def _stand_ins(
    group: Shaped[np.ndarray, " cell"], n_cells: int, n_groups: int, rng: np.random.Generator
) -> Iterator[Bool[np.ndarray, " cell"]]:
    """Yields which training cells stand for the recording: those of one animal, or of as many as it has."""
    names, size = np.unique(group, return_counts=True)
    large = names[size >= LEAST]
    if n_groups == 1 and len(large) >= LEAST:
        for name in rng.permutation(large)[:DRAWS]:
            yield group == name
        return
    wanted = max(n_groups, int(np.ceil(min(n_cells, len(group) / 3) / size.mean())))
    wanted = max(1, min(wanted, len(names) // 3))
    for _ in range(DRAWS):
        own = np.isin(group, rng.choice(names, wanted, replace=False))
        if own.sum() >= LEAST:
            yield own


def _auc(
    old: Float[np.ndarray, "cell quantity"],
    old_group: Shaped[np.ndarray, " cell"],
    new: Float[np.ndarray, "new quantity"],
    new_group: Shaped[np.ndarray, " new"],
    rng: np.random.Generator,
) -> float | None:
    """Returns the mean AUC over folds, animals held out on both sides where there are several; None without a fold."""
    mine, theirs = _parts(old_group, rng), _parts(new_group, rng)
    folds = max(2, min(mine.max(), theirs.max()) + 1)
    mine, theirs = mine % folds, theirs % folds
    found = []
    for k in range(folds):
        counts = [(mine != k).sum(), (mine == k).sum(), (theirs != k).sum(), (theirs == k).sum()]
        if min(counts) == 0 or counts[0] < 2:
            continue
        weights = _weights(old[mine != k], new[theirs != k])
        found.append(_area(old[mine == k] @ weights, new[theirs == k] @ weights))
    return float(np.mean(found)) if found else None


def _weights(
    old: Float[np.ndarray, "cell quantity"], new: Float[np.ndarray, "new quantity"]
) -> Float[np.ndarray, " quantity"]:
    """Returns Fisher's discriminant; how quantities vary together is learnt from both sides, each about its mean."""
    from sklearn.covariance import ledoit_wolf

    means = old.mean(axis=0), new.mean(axis=0)
    covariance, _ = ledoit_wolf(np.concatenate([old - means[0], new - means[1]]), assume_centered=True)
    return np.linalg.solve(covariance + TINY * np.eye(len(covariance)), means[1] - means[0])


def _area(old: Float[np.ndarray, " cell"], new: Float[np.ndarray, " new"]) -> float:
    """Returns the area under the ROC curve of scores, by their ranks (Mann & Whitney 1947)."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([old, new]))[len(old) :]
    return float((ranks.sum() - len(new) * (len(new) + 1) / 2) / (len(new) * len(old)))


def _parts(group: Shaped[np.ndarray, " cell"], rng: np.random.Generator) -> Int[np.ndarray, " cell"]:
    """Deals animals into folds, or the cells where there is one animal."""
    names, code = np.unique(group, return_inverse=True)
    return (rng.permutation(len(names)) % FOLDS)[code] if len(names) > 1 else rng.permutation(len(group)) % FOLDS


def _p(auc: float, others: Float[np.ndarray, " animal"], n_cells: int) -> float:
    """Returns the p value of an AUC among those of animals, as distances d' of two normal distributions.

    Args:
        n_cells: of the recording; of few cells an AUC of 1 says little.
    """
    from scipy.stats import norm
    from scipy.stats import t as student

    least = max(LEAST_AUC, 0.25 / n_cells)
    mine, theirs = (np.sqrt(2) * norm.ppf(np.clip(x, least, 1 - least)) for x in (auc, others))
    n = len(others)
    spread = AS_ANIMALS * SPREAD**2 + ((theirs - theirs.mean()) ** 2).sum()
    df = AS_ANIMALS + n - 1
    usual = max(0.0, theirs.mean())  # no better than chance is no better than chance
    return float(student.sf((mine - usual) / np.sqrt(spread / df * (1 + 1 / n)), df))
