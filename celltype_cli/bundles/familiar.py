"""Is a recording like the training cells? Compared before any label is given: what it looks like, not what it is.

Each cell is described by a few quantities that any series or image has (level, amplitude, noise, peak, skewness,
smoothness), or by the columns of its table. Whether a recording departs is a t test on each of them with animals as
random effects, as in a one-way analysis of variance (Searle, Casella & McCulloch 1992, Variance Components, ch. 3):
cells of one animal resemble each other, so that many cells of one new animal are not many independent ones. All
quantities are tested at once (Bonferroni). A single cell is unfamiliar when it lies farther from the training cells
than 99 % of those lie from training cells of other animals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from celltype_cli.bundles.training import Training

WITHHELD, NOTED = (0.001, 0.5), (0.01, 0.3)  # below which p, from which share of unfamiliar cells (of at least five)
LEAST_SHARED = 0.1  # of the variance lies between animals, where too few cells an animal say how much
FEW = 5  # cells beyond one an animal, from which the variance within animals is known
NEIGHBOURS = 5
TINY = 1e-9


@dataclass(frozen=True)
class Verdict:
    """How a recording compares with the training cells.

    Attributes:
        p: of the quantity that departs most, corrected for their number; 1 where there is nothing to compare.
        lines: what departs, in words.
        unfamiliar: of each cell, whether it lies far from all training cells.
        neighbours: of each cell, the nearest training cells, nearest first.
        distance: to each of them, in robust standard deviations per quantity.
    """

    p: float
    lines: tuple[str, ...]
    unfamiliar: Shaped[np.ndarray, " cell"]
    neighbours: Int[np.ndarray, "cell neighbour"]
    distance: Float[np.ndarray, "cell neighbour"]

    @property
    def withheld(self) -> bool:
        """Whether labels should not be given."""
        return self._beyond(*WITHHELD)

    @property
    def noted(self) -> bool:
        """Whether the recording departs at all."""
        return self._beyond(*NOTED)

    def words(self) -> str:
        """Returns one sentence for people."""
        if not self.noted:
            return "this recording looks like the training cells"
        far = f"{self.unfamiliar.sum()} of {len(self.unfamiliar)} cells lie far from all training cells"
        return f"this recording does not look like the training cells: {'; '.join([*self.lines, far])}"

    def _beyond(self, p: float, share: float) -> bool:
        return bool(self.p < p or (len(self.unfamiliar) >= FEW and self.unfamiliar.mean() >= share))


def compare(
    training: Training, values: Float[np.ndarray, "cell quantity"], group: Shaped[np.ndarray, " cell"]
) -> Verdict:
    """Compares cells of a new recording with training cells.

    Args:
        values: of `describe`.
        group: animals of the new cells.
    """
    old, new = training.scaled(training.values), training.scaled(values)
    p = departures(np.clip(old, -3, 3), training.group, np.clip(new, -30, 30), group)
    found = [k for k in np.argsort(p) if p[k] < 0.05]
    lines = tuple(_said(training, values, int(k), float(p[k])) for k in found[:3])
    near, distance = _nearest(new, old, NEIGHBOURS)
    usual = np.quantile(_among_others(old, training.group), 0.99)
    return Verdict(float(p.min(initial=1.0)), lines, distance[:, 0] > usual, near, distance)


def departures(
    old: Float[np.ndarray, "cell quantity"],
    old_group: Shaped[np.ndarray, " cell"],
    new: Float[np.ndarray, "new quantity"],
    new_group: Shaped[np.ndarray, " new"],
) -> Float[np.ndarray, " quantity"]:
    """Returns, of each quantity, the p value of a departure, corrected for their number.

    Of the training cells the mean is taken, of the new ones the median, so that one odd cell flags no recording. The
    variance of their difference holds that between animals and that within (method of moments); t has as many degrees
    of freedom as there are training animals, less one.
    """
    from scipy.stats import t as student

    n_groups, n_new_groups = len(np.unique(old_group)), len(np.unique(new_group))
    if n_groups < 2:
        return np.ones(old.shape[1])
    between, within = _variances(old, old_group)
    middle = np.median(new, axis=0)
    efficiency = np.pi / 2 if len(new) > 2 else 1.0  # of the median against the mean of normal values
    variance = between * (1 / n_new_groups + 1 / n_groups) + within * (efficiency / len(new) + 1 / len(old))
    t = np.abs(middle - old.mean(axis=0)) / np.sqrt(variance + TINY)
    return np.minimum(1.0, 2 * student.sf(t, n_groups - 1) * old.shape[1])


def _variances(
    x: Float[np.ndarray, "cell quantity"], group: Shaped[np.ndarray, " cell"]
) -> tuple[Float[np.ndarray, " quantity"], Float[np.ndarray, " quantity"]]:
    """Returns the variance between and within groups, by the moments of a one-way layout of unequal groups."""
    groups, code = np.unique(group, return_inverse=True)
    size, total = np.bincount(code), x.var(axis=0, ddof=1)
    if len(x) - len(groups) < FEW:
        return LEAST_SHARED * total, (1 - LEAST_SHARED) * total
    means = np.stack([x[code == k].mean(axis=0) for k in range(len(groups))])
    within = ((x - means[code]) ** 2).sum(axis=0) / (len(x) - len(groups))
    between = (size[:, None] * (means - x.mean(axis=0)) ** 2).sum(axis=0) / (len(groups) - 1)
    usual = (len(x) - (size**2).sum() / len(x)) / (len(groups) - 1)
    return np.maximum((between - within) / usual, LEAST_SHARED * total), within


def _nearest(new: np.ndarray, old: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    from scipy.spatial import cKDTree

    distance, near = cKDTree(np.clip(old, -10, 10)).query(np.clip(new, -10, 10), k=min(k, len(old)))
    shape = (len(new), -1)
    return near.reshape(shape), distance.reshape(shape) / np.sqrt(old.shape[1])


def _among_others(old: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Returns how far each training cell lies from the nearest of other groups; without any, from other cells."""
    groups = np.unique(group)
    if len(groups) < 2:
        return _nearest(old, old, 2)[1][:, -1]
    return np.concatenate([_nearest(old[group == name], old[group != name], 1)[1][:, 0] for name in groups])


def _said(training: Training, values: np.ndarray, k: int, p: float) -> str:
    """Says how a quantity departs, as a ratio where it is a logarithm."""
    new, old, name = np.nanmedian(values[:, k]), np.nanmedian(training.values[:, k]), training.names[k]
    kind = name.partition(" of ")[0]
    certainty = f"p {'< 0.0001' if p < 1e-4 else f'= {p:.2g}'}"
    if kind in ("amplitude", "noise", "peak"):
        return f"{name} is {np.exp(new - old):.2g} times that of the training cells ({certainty})"
    return f"{name} is {new:.3g}, of the training cells {old:.3g} ({certainty})"
