"""95 % intervals of scores from few groups: the delete-one-group jackknife, with Student's t, on the logit scale.

* spread: a score is computed without each group in turn (Tukey 1958, Ann Math Stat 29:614; Efron and Tibshirani 1993,
  An Introduction to the Bootstrap, ch. 11). All lines of a group go together, so cells tested in several folds count
  once, with their animal. Groups that hold nothing of what is scored (no cell of a class, for its recall) and do not
  move it are left out of the count
* t: degrees of freedom are the number of groups less one. Groups of unequal size count as fewer: (sum n)^2 / sum n^2
  (Kish 1965, Survey Sampling), for those with most cells decide
* strata: where groups hold one class each, as mouse lines do, how many hold which was chosen, and no chance. Precision
  and F1 of such a class would move with it: there the other groups of a class count for the one left out (the
  stratified jackknife, Wolter 2007, Introduction to Variance Estimation, ch. 4), with degrees of freedom by
  Satterthwaite (1946, Biometrics Bulletin 2:110)
* scale: the logit of where a score lies between its lowest and highest value (0 and 1; 2 of the Brier score; -1 and 1
  of a difference), the logarithm for the log loss
* no spread (all right, all wrong, or groups that all score alike): the exact binomial limits (Clopper and Pearson 1934,
  Biometrika 26:404) of as many trials as there are groups, as if the cells of a group were one

`benchmarks/interval_coverage.py` prints how often such intervals hold the true score.
"""

from __future__ import annotations

import warnings

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import special, stats

NONE = 1e-12  # variance from which on groups differ; less is rounding
TAIL = 0.975
SAME = 1e-12  # by which equal scores of resamples may differ in rounding


def effective_groups(n: Float[np.ndarray, " group"]) -> float:
    """Returns how many groups of equal size n examples per group are worth."""
    return float(n.sum() ** 2 / (n**2).sum())


def jackknife(
    value: float,
    left: Float[np.ndarray, " group"],
    holds: Bool[np.ndarray, " group"],
    effective: float,
    highest: float = 1.0,
    lowest: float = 0.0,
) -> tuple[float, float]:
    """Returns the 95 % interval of a score; nan where one group alone has what is scored, or the score is undefined.

    Args:
        value: the score of all groups, from `lowest` to `highest` (infinity where it has no bound).
        left: the score without each of all groups in turn.
        holds: the groups that have what is scored: cells of a class for its recall.
        effective: `effective_groups` of all.
    """
    groups = int(holds.sum())
    if not np.isfinite(value) or groups < 2 or not np.isfinite(left).all():
        return np.nan, np.nan
    left = left[holds | (np.abs(left - value) > NONE)]
    freedom = max(min(effective, groups) - 1, 1)
    return _limits(value, _spread(left), freedom, groups, highest, lowest)


def in_strata(
    value: float,
    left: Float[np.ndarray, " group"],
    holds: Bool[np.ndarray, " group"],
    stratum: Int[np.ndarray, " group"],
    n: Float[np.ndarray, " group"],
) -> tuple[float, float]:
    """Returns the 95 % interval of a share, as `jackknife`, of groups whose number in each stratum was chosen.

    Args:
        left: the share without each group in turn, the others of its stratum in its place (`without_in_strata`).
        n: examples of each group.
    """
    if not np.isfinite(value) or not np.isfinite(left).all():
        return np.nan, np.nan
    parts = [stratum == k for k in np.unique(stratum)]
    spread = np.array([_spread(left[part]) for part in parts])
    freedom = np.array([max(effective_groups(n[part]) - 1, 1) for part in parts])
    total = spread.sum()
    of_all = total**2 / (spread**2 / freedom).sum() if total > NONE else 1.0
    return _limits(value, total, of_all, int(holds.sum()), 1.0, 0.0)


def _spread(left: Float[np.ndarray, " group"]) -> float:
    """Returns the jackknife's variance."""
    return float((len(left) - 1) / len(left) * ((left - left.mean()) ** 2).sum())


def _limits(
    value: float, variance: float, freedom: float, groups: int, highest: float, lowest: float
) -> tuple[float, float]:
    margin = special.stdtrit(freedom, TAIL) * np.sqrt(variance)
    if np.isinf(highest):
        if variance < NONE or value <= 0:
            return np.nan, np.nan
        return float(value * np.exp(-margin / value)), float(value * np.exp(margin / value))
    span = highest - lowest
    share = (value - lowest) / span
    if variance < NONE or not NONE < share < 1 - NONE:
        low, high = exact(share, groups)
    else:
        step = margin / span / (share * (1 - share))
        low, high = special.expit(special.logit(share) + np.array([-step, step]))
    return float(lowest + span * low), float(lowest + span * high)


def exact(share: float, n: int) -> tuple[float, float]:
    """Returns Clopper and Pearson's 95 % limits of a share of n trials; n times the share need not be whole."""
    hits = float(np.clip(share, 0, 1)) * n
    low = stats.beta.ppf(1 - TAIL, hits, n - hits + 1) if hits > 0 else 0.0
    high = stats.beta.ppf(TAIL, hits + 1, n - hits) if hits < n else 1.0
    return float(low), float(high)


def groups_with(counts: Float[np.ndarray, "groups classes classes"]) -> dict[str, Bool[np.ndarray, "groups ..."]]:
    """Tells which groups have what each score is made of; none where that is, or averages over, a class of one."""
    true, predicted = counts.sum(axis=2), counts.sum(axis=1)
    others = true.sum(axis=1, keepdims=True) - true
    having = (true > 0).sum(axis=0)
    of_class = {"recall": true, "precision": predicted * (having > 1), "f1": true, "specificity": others}
    averages = dict.fromkeys(("balanced_accuracy", "macro_f1"), np.full(len(counts), having[having > 0].min() > 1))
    whole = dict.fromkeys(("accuracy", "weighted_f1", "log_loss", "brier"), np.ones(len(counts), bool))
    return {**{name: n > 0 for name, n in of_class.items()}, **averages, **whole}


def strata(counts: Float[np.ndarray, "groups classes classes"], c: int) -> Int[np.ndarray, " groups"] | None:
    """Numbers the groups by the class that they hold; none where class c is not held so, or by one group alone.

    Class c is held so where its groups hold nothing else, and two cells or more on average: of single cells nobody
    knows whether the animal was chosen for its class. Groups of several other classes are one stratum, with those
    that are the only one of their class.
    """
    true = counts.sum(axis=2)
    holds = true > 0
    own = np.where(holds.sum(axis=1) == 1, true.argmax(axis=1), -1)
    groups = holds[:, c].sum()
    if groups < 2 or (own[holds[:, c]] != c).any() or true[:, c].sum() < 2 * groups:
        return None
    names, number = np.unique(own, return_counts=True)
    own[np.isin(own, names[(number == 1) & (names != c)])] = -1
    return own if np.unique(own, return_counts=True)[1].min() > 1 else None


def without_in_strata(
    sums: Float[np.ndarray, "groups ..."], stratum: Int[np.ndarray, " groups"]
) -> Float[np.ndarray, "groups ..."]:
    """Adds up all groups but each in turn, whose place the others of its stratum take, each for a part."""
    left = np.empty_like(sums)
    for part in (stratum == k for k in np.unique(stratum)):
        here, n = sums[part], part.sum()
        left[part] = sums[~part].sum(axis=0) + (here.sum(axis=0) - here) * n / (n - 1)
    return left


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


def percentiles(resampled: Float[np.ndarray, " resamples"]) -> tuple[float, float]:
    """Returns the 2.5th and 97.5th percentile of the resamples where the score is defined; nan where all are alike."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all undefined: nan
        low, high, least, most = np.nanpercentile(resampled, [2.5, 97.5, 0, 100])
    return (float(low), float(high)) if most - least > SAME else (np.nan, np.nan)
