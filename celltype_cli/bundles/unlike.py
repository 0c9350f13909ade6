"""Is a cell like the training cells of the type that it is taken for?

A model asked of a type that it does not know names one that it knows. Such a cell lies among the training cells as a
whole, but farther from those of its supposed type than these lie from each other. Compared are inputs in which a place
means the same in every cell, histograms for instance; not those over time. Each place is scaled by its spread. How far
is far is learnt from training cells, each compared with cells of its type of other groups, on a logarithmic scale about
the median of its type, for all types together, since of some there are few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped
from scipy.spatial.distance import cdist

from celltype_cli.bundles.made import Doubt
from celltype_cli.bundles.odd import many_odd
from celltype_cli.bundles.training import Training

USUAL = 0.95  # of training cells that are as near, by the input in which a cell is farthest
FEW = 3  # cells of a type that can be compared; types of fewer are not judged
LEAST_SPREAD = 0.1  # of the whole input, added to that of each place
TINY = 1e-9


class Types:
    """How near training cells lie to others of their type, by each input in which a place means the same.

    Args:
        inputs: what each input is, as bundle.yaml has it.
        taken: the type that each training cell is taken for by a model that has not seen it; empty: by none.

    Attributes:
        own: of each training cell that is taken for a type, whether it is far; `group`, of each of these.
    """

    def __init__(
        self, training: Training, inputs: Mapping[str, Mapping[str, Any]], taken: Shaped[np.ndarray, " cell"]
    ) -> None:
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
        own = self._worst(training.examples, taken, training.group) > self.usual
        self.own, self.group = own[taken != ""], training.group[taken != ""]

    def far(
        self, examples: Mapping[str, Shaped[np.ndarray, "cell ..."]], best: Shaped[np.ndarray, " cell"]
    ) -> Bool[np.ndarray, " cell"]:
        """Says of each cell whether it lies farther from training cells of its type than 95 % of these do.

        Args:
            examples: by input, the first row of each cell.
            best: the type that each cell is taken for.
        """
        return self._worst(examples, best, None) > self.usual

    def doubts(self, far: Bool[np.ndarray, " cell"]) -> Iterator[Doubt]:
        """Yields a doubt about a recording in which more cells are far than in training recordings."""
        yield from many_odd(self.own, self.group, far, "are unlike training cells of the type that they are taken for")

    def _worst(
        self, examples: Mapping[str, np.ndarray], types: np.ndarray, groups: np.ndarray | None
    ) -> Float[np.ndarray, " cell"]:
        """Returns how far cells are by the input in which they are farthest, in sd from what is usual of their type."""
        scores = [np.full(len(types), -np.inf)]
        for name, spread in self.spread.items():
            found = self._distances(name, examples[name], types, groups)
            scores.append((found - _each(self.middle[name], types)) / spread)
        return np.fmax.reduce(scores)

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
