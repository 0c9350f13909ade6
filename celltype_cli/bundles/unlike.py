"""Is a cell like the training cells of the type that it is taken for?

A model asked of a type that it does not know names one that it knows. Such a cell lies among the training cells as a
whole, but farther from those of its supposed type than these lie from each other. Compared are inputs in which a place
means the same in every cell, histograms for instance; not those over time. Each place is scaled by its spread. How far
is far is learnt from training cells, each compared with cells of its type of other groups, on a logarithmic scale about
the median of its type, for all types together, since of some there are few.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped
from scipy.spatial.distance import cdist

from celltype_cli.bundles.training import Training

USUAL = 0.95  # of training cells that are as near, by the input in which a cell is farthest
FEW = 3  # cells of a type that can be compared; types of fewer are not judged
LEAST_SPREAD = 0.1  # of the whole input, added to that of each place
TINY = 1e-9
CELLS, NOTED, WITHHELD = 5, 0.3, 0.5  # of so many cells, from which share of unlike ones a recording is doubted


@dataclass(frozen=True)
class Unlike:
    """Which cells are unlike training cells of their type, and what that says of their recording."""

    far: Bool[np.ndarray, " cell"]

    @property
    def withheld(self) -> bool:
        """Whether no cell of the recording should get a label."""
        return self._share >= WITHHELD

    def words(self) -> str:
        """Returns a sentence for people; empty where few are unlike."""
        if self._share < NOTED:
            return ""
        many = (
            f"{self.far.sum()} of {len(self.far)} cells are unlike training cells of the type that they are taken for"
        )
        return f"{many}: the recording may hold types that the model does not know"

    @property
    def _share(self) -> float:
        return float(self.far.mean()) if len(self.far) >= CELLS else 0.0


class Types:
    """How near training cells lie to others of their type, by each input in which a place means the same.

    Args:
        inputs: what each input is, as bundle.yaml has it.
    """

    def __init__(self, training: Training, inputs: Mapping[str, Mapping[str, Any]]) -> None:
        self.training, self.spread, self.middle = training, {}, {}
        scores = [np.full(len(training.label), np.nan)]
        for name in training.examples:
            if not _has_places(inputs[name]):
                continue
            found = self._distances(name, training.examples[name], training.label, training.group)
            self.middle[name] = _middles(found, training.label)
            off = found - _each(self.middle[name], training.label)
            self.spread[name] = float(np.nanstd(off)) + TINY if np.isfinite(off).any() else np.inf
            scores.append(off / self.spread[name])
        worst = np.fmax.reduce(scores)
        self.usual = np.quantile(worst[np.isfinite(worst)], USUAL) if np.isfinite(worst).any() else np.inf

    def far(
        self, examples: Mapping[str, Shaped[np.ndarray, "cell ..."]], best: Shaped[np.ndarray, " cell"]
    ) -> Bool[np.ndarray, " cell"]:
        """Says of each cell whether it lies farther from training cells of its type than 95 % of these do.

        Args:
            examples: by input, the first row of each cell.
            best: the type that each cell is taken for.
        """
        scores = [np.full(len(best), -np.inf)]
        for name, spread in self.spread.items():
            found = self._distances(name, examples[name], best, None)
            scores.append((found - _each(self.middle[name], best)) / spread)
        return np.fmax.reduce(scores) > self.usual

    def _distances(
        self, name: str, rows: np.ndarray, types: np.ndarray, groups: np.ndarray | None
    ) -> Float[np.ndarray, " cell"]:
        """Returns the logarithm of the distance to the nearest training cell of the same type; NaN where there is none.

        Args:
            types: of the rows.
            groups: of the rows, where they are the training cells, which are compared with other groups.
        """
        known, labels = self.training.examples[name], self.training.label
        scale = known.std(axis=0) + LEAST_SPREAD * known.std() + TINY
        known, rows = ((values / scale).reshape(len(values), -1).astype(np.float64) for values in (known, rows))
        found = np.full(len(rows), np.nan)
        for label in np.unique(labels[labels != ""]):
            there, mine = np.flatnonzero(labels == label), np.flatnonzero(types == label)
            distance = cdist(rows[mine], known[there])
            if groups is not None:
                distance[groups[mine][:, None] == self.training.group[there]] = np.inf
            nearest = distance.min(axis=1, initial=np.inf)
            found[mine] = np.where(np.isfinite(nearest), np.log(nearest + TINY), np.nan)
        return found


def _has_places(about: Mapping[str, Any]) -> bool:
    axes = about.get("axes") or ()
    return bool(axes) and not about.get("sampling_rate") and all(axis["name"] != "time" for axis in axes)


def _middles(distance: np.ndarray, label: np.ndarray) -> dict[str, float]:
    """Returns the median of each type that has enough cells to say it."""
    of = {name: distance[(label == name) & np.isfinite(distance)] for name in np.unique(label)}
    return {name: float(np.median(some)) for name, some in of.items() if len(some) >= FEW}


def _each(middle: Mapping[str, float], label: np.ndarray) -> Float[np.ndarray, " cell"]:
    return np.array([middle.get(name, np.nan) for name in label], dtype=float)
