"""Is a recording like the training cells? Compared before any label is given: what it looks like, not what it is.

Each cell is described by a few quantities that any series or image has (level, amplitude, noise, peak, skewness,
smoothness), or by the columns of its table. A recording is doubted where it was made otherwise (`made`), where a
quantity departs (`departures`), where a small model tells it from the training cells (`told_apart`), where models are
less sure of it (`sure`), and where many of its cells are unlike their type (`unlike`) or unfamiliar: a cell is when it
lies farther from the training cells than 99 % of those lie from training cells of other animals. The most serious doubt
is the verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from celltype_cli.bundles.departures import beyond, departures
from celltype_cli.bundles.made import REMARK, WITHHELD, Doubt, said_p, weight_of
from celltype_cli.bundles.odd import many_odd
from celltype_cli.bundles.told_apart import Told, told_apart
from celltype_cli.bundles.training import Training

# How many times the noise of the usual training animal, and of the nearest one, likewise: for care, and for no labels;
# so many times that of the nearest is enough for care. Of recorded cells of one laboratory (CASCADE's DS30 to DS32)
# held-out animals came to 1.75 and 1.25 at once in 0 to 1 of 100, to 1.75 in less than 1 of 300. Of six animals in
# slices (DS24 to DS26) one has 3.1 times the noise of the others, and 1.6 times that of the next.
NOISE, NEAREST = ((1.75, 1.25), (2.5, 1.5)), 1.75
POSSIBLE = 0.5  # p of noise among all quantities, above which cells differ so much in it that this says nothing
SURELY = 0.01  # p of noise by itself, which is asked for whatever else departs, from which on labels are withheld
NEIGHBOURS = 5


@dataclass(frozen=True)
class Verdict:
    """How a recording compares with the training cells.

    Attributes:
        p: of the quantity that departs most, corrected for their number; 1 where there is nothing to compare.
        told: what a small model says that tells it from them; None with too few cells or animals.
        doubts: what sets it apart, the most serious first.
        unfamiliar: of each cell, whether it lies far from all training cells.
        neighbours: of each cell, the nearest training cells, nearest first.
        distance: to each of them, in robust standard deviations per quantity.
    """

    p: float
    told: Told | None
    doubts: tuple[Doubt, ...]
    unfamiliar: Shaped[np.ndarray, " cell"]
    neighbours: Int[np.ndarray, "cell neighbour"]
    distance: Float[np.ndarray, "cell neighbour"]

    @property
    def withheld(self) -> bool:
        """Whether labels should not be given."""
        return any(doubt.weight == WITHHELD for doubt in self.doubts)

    @property
    def noted(self) -> bool:
        """Whether the recording departs at all."""
        return any(doubt.weight > REMARK for doubt in self.doubts)

    def words(self) -> str:
        """Returns one sentence for people."""
        said = [doubt.words for doubt in self.doubts]
        if self.withheld:
            return f"this recording does not look like the training cells: {'; '.join(said)}"
        if self.noted:
            return f"this recording differs from the training cells, read labels with care: {'; '.join(said)}"
        more = [_told(self.told)] if self.told else []
        return "; ".join(["this recording looks like the training cells", *more, *said])


def compare(
    training: Training,
    values: Float[np.ndarray, "cell quantity"],
    group: Shaped[np.ndarray, " cell"],
    more: Sequence[Doubt] = (),
) -> Verdict:
    """Compares cells of a new recording with training cells.

    Args:
        values: of `describe`.
        group: animals of the new cells.
        more: doubts of other kinds: how they were recorded, how sure models are of them.
    """
    old, new = training.scaled(training.values), training.scaled(values)
    p = departures(old, training.group, new, group)
    told = told_apart(old, training.group, new, group)
    near, distance = _nearest(new, old, NEIGHBOURS)
    own = _among_others(old, training.group)
    limit = np.quantile(own, 0.99)
    unfamiliar = distance[:, 0] > limit
    many = many_odd(own > limit, training.group, unfamiliar, "lie far from all training cells")
    found = [*more, *_of_quantities(training, values, p), *_of_told(told), *many]
    doubts = sorted(found, key=lambda doubt: -doubt.weight)
    return Verdict(float(p.min(initial=1.0)), told, tuple(doubts), unfamiliar, near, distance)


def _of_quantities(training: Training, values: np.ndarray, p: np.ndarray) -> Iterator[Doubt]:
    """Yields the three quantities that depart most, and noise that no training animal has."""
    weights = {int(k): weight_of(p[k]) for k in np.argsort(p)[:3]}
    for k, name in enumerate(training.names):
        if name.startswith("noise of ") and p[k] < POSSIBLE:
            far = beyond(training.values[:, k], training.group, values[:, k])
            some, most = (far[0] >= np.log(usual) and far[1] >= np.log(nearest) for usual, nearest in NOISE)
            weight = int(some or far[1] >= np.log(NEAREST)) + int(most and p[k] / len(p) < SURELY)
            weights[k] = max(weight, weights.get(k, 0))
    for k, weight in weights.items():
        if weight:
            yield Doubt(_said(training, values, k, float(p[k])), weight)


def _of_told(told: Told | None) -> Iterator[Doubt]:
    if told and (weight := weight_of(told.p)):
        yield Doubt(_told(told), weight)


def _told(told: Told) -> str:
    low, high = min(told.others), max(told.others)
    return (
        f"a small model tells it from them with an AUC of {told.auc:.2f}, and held-out training animals from the "
        f"others with {low:.2f} to {high:.2f}"
    )


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
    found = np.empty(len(old))
    for name in groups:
        found[group == name] = _nearest(old[group == name], old[group != name], 1)[1][:, 0]
    return found


def _said(training: Training, values: np.ndarray, k: int, p: float) -> str:
    """Says how a quantity departs, as a ratio where it is a logarithm."""
    new, old, name = np.nanmedian(values[:, k]), np.nanmedian(training.values[:, k]), training.names[k]
    kind = name.partition(" of ")[0]
    if kind in ("amplitude", "noise", "peak"):
        return f"{name} is {np.exp(new - old):.2g} times that of the training cells ({said_p(p)})"
    return f"{name} is {new:.3g}, of the training cells {old:.3g} ({said_p(p)})"
