"""Whether the quantities of a recording depart from those of the training cells, animals being random effects.

A t test on each quantity, as in a one-way analysis of variance (Searle, Casella & McCulloch 1992, Variance Components,
ch. 3): cells of one animal resemble each other, so that many cells of one new animal are not many independent ones.
Three animals hardly say how much animals differ; so what is usual counts beside them, as for the genes of Smyth (2004,
Stat Appl Genet Mol Biol 3:3), but never makes animals more alike than they are. All quantities are tested at once
(Bonferroni).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Shaped

LEAST_SHARED = 0.1  # of the variance lies between animals, where too few cells an animal say how much
FEW = 5  # cells beyond one an animal, from which the variance within animals is known
# What is usual: 0.25 of the variance lies between animals, as sure as 15 more of them would make it. In recorded cells
# of one indicator and laboratory it is 0.0 to 0.25 (CASCADE's DS30 to DS32, median over quantities 0.05; the units of
# Beau et al. 2025, 0.1), between donors of patch-clamped cells 0.3 to 0.4 (STS tables).
USUAL_SHARED, AS_ANIMALS = 0.25, 15
FAR_OLD, FAR_NEW = 5, 10  # robust sd to which training cells and new cells are clipped
TINY = 1e-9


def scaled(
    values: Float[np.ndarray, "cell quantity"], of: Float[np.ndarray, "other quantity"]
) -> Float[np.ndarray, "cell quantity"]:
    """Returns quantities as departures from the median of others, in robust sd of these; 0 for missing."""
    low, middle, high = np.nanpercentile(of, [25, 50, 75], axis=0)
    spread = (high - low) / 1.349
    fallback = np.nanstd(of, axis=0) + TINY
    return np.nan_to_num((values - middle) / np.where(spread > TINY, spread, fallback))


def departures(
    old: Float[np.ndarray, "cell quantity"],
    old_group: Shaped[np.ndarray, " cell"],
    new: Float[np.ndarray, "new quantity"],
    new_group: Shaped[np.ndarray, " new"],
) -> Float[np.ndarray, " quantity"]:
    """Returns, of each quantity, the p value of a departure, corrected for their number; 1 with fewer than two animals.

    Of the training cells the mean is taken, of the new ones the median, so that one odd cell flags no recording. The
    variance of their difference holds that between animals and that within (method of moments). It is a share of the
    variance of all training cells, so that t has the degrees of freedom of both: of the share and of that variance.

    Args:
        old, new: in robust sd of the training cells.
    """
    from scipy.stats import t as student

    n_groups, n_new_groups = len(np.unique(old_group)), len(np.unique(new_group))
    if n_groups < 2 or not len(new):
        return np.ones(old.shape[1])
    old, new = np.clip(old, -FAR_OLD, FAR_OLD), np.clip(new, -FAR_NEW, FAR_NEW)
    between, within = variances(old, old_group)
    tell = telling(old_group)
    of_share = AS_ANIMALS + tell
    usual = USUAL_SHARED * old.var(axis=0, ddof=1)
    between = np.maximum(between, (AS_ANIMALS * usual + tell * between) / of_share)
    middle = np.median(new, axis=0)
    efficiency = np.pi / 2 if len(new) > 2 else 1.0  # of the median against the mean of normal values
    variance = between * (1 / n_new_groups + 1 / n_groups) + within * (efficiency / len(new) + 1 / len(old))
    t = np.abs(middle - old.mean(axis=0)) / np.sqrt(variance + TINY)
    return np.minimum(1.0, 2 * student.sf(t, 1 / (1 / of_share + 1 / (len(old) - 1))) * old.shape[1])


def lower(
    old: Float[np.ndarray, " cell"],
    old_group: Shaped[np.ndarray, " cell"],
    new: Float[np.ndarray, " new"],
    new_group: Shaped[np.ndarray, " new"],
) -> float:
    """Returns the p value of a quantity that is lower in new cells, as `departures` tests it, on one side."""
    old, new = (scaled(values[:, None], old[:, None]) for values in (old, new))
    p = float(departures(old, old_group, new, new_group)[0])
    below = np.median(new) < np.clip(old, -FAR_OLD, FAR_OLD).mean()
    return p / 2 if below else 1 - p / 2


def telling(group: Shaped[np.ndarray, " cell"]) -> int:
    """Returns how many animals less one say how animals differ; 0 where hardly any has a second cell."""
    n_groups = len(np.unique(group))
    return n_groups - 1 if len(group) - n_groups >= FEW else 0


def variances(
    x: Float[np.ndarray, "cell quantity"], group: Shaped[np.ndarray, " cell"], least: float = LEAST_SHARED
) -> tuple[Float[np.ndarray, " quantity"], Float[np.ndarray, " quantity"]]:
    """Returns the variance between and within groups, by the moments of a one-way layout of unequal groups.

    Args:
        least: share of the whole that lies between groups at least.
    """
    groups, code = np.unique(group, return_inverse=True)
    size, total = np.bincount(code), x.var(axis=0, ddof=1)
    if len(x) - len(groups) < FEW:
        return least * total, (1 - least) * total
    means = np.stack([x[code == k].mean(axis=0) for k in range(len(groups))])
    within = ((x - means[code]) ** 2).sum(axis=0) / (len(x) - len(groups))
    between = (size[:, None] * (means - x.mean(axis=0)) ** 2).sum(axis=0) / (len(groups) - 1)
    usual = (len(x) - (size**2).sum() / len(x)) / (len(groups) - 1)
    return np.maximum((between - within) / usual, least * total), within


def beyond(
    old: Float[np.ndarray, " cell"], group: Shaped[np.ndarray, " cell"], new: Float[np.ndarray, " new"]
) -> tuple[float, float]:
    """Returns by how much the median of new cells departs from that of the training animals, and from the nearest of
    these: both 0 or more where it lies outside their range, the second negative where it lies inside."""
    here = ~np.isnan(old)
    if not here.any() or np.isnan(new).all():
        return 0.0, 0.0
    animals = np.array([np.median(old[here & (group == name)]) for name in np.unique(group[here])])
    if len(animals) > len(old) / 2:  # hardly more cells than animals
        animals = np.quantile(animals, [0.05, 0.5, 0.95])
    value = float(np.nanmedian(new))
    return abs(value - float(np.median(animals))), float(max(value - animals.max(), animals.min() - value))
