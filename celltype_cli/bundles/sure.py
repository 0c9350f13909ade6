"""From probabilities to answers: a label or "unsure", and the set of types that a cell may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Shaped
from scipy.stats import binom

from celltype_cli.bundles.departures import FEW, lower
from celltype_cli.bundles.made import Doubt, said_p, weight_of
from celltype_cli.core.messages import UserError
from celltype_cli.evaluation import calibration, coverage, sets
from celltype_cli.evaluation.predictions import arrays_of, read_predictions

SUREST = 0.001  # below 1, beyond which confidences count as equal
RARELY = 0.05  # chance of so few right labels of a type, below which they are too few


class HeldOut:
    """Cells with known types, as models predicted them that had not seen their animals.

    The ensemble that labels new cells averages several such models: it is a little better than each, so that what
    these cells promise of it is on the safe side.
    """

    def __init__(
        self,
        label: Int[np.ndarray, " cell"],
        proba: Float[np.ndarray, "cell classes"],
        group: Shaped[np.ndarray, " cell"],
        cell_id: Shaped[np.ndarray, " cell"],
    ) -> None:
        self.label, self.proba, self.group, self.cell_id = label, proba, group, cell_id

    @classmethod
    def read(cls, path: Path) -> HeldOut:
        """Reads a table of predictions, a line for each cell."""
        table = read_predictions(path)
        return cls(*arrays_of(table), *(table[name].to_numpy().astype(str) for name in ("group", "cell_id")))

    def taken(self, cell_id: Shaped[np.ndarray, " some"], classes: Sequence[str]) -> Shaped[np.ndarray, " some"]:
        """Returns the type that each cell was taken for, by those that had not seen it; empty for others."""
        mean = pd.DataFrame(self.proba).groupby(self.cell_id).mean()
        place = mean.index.get_indexer(cell_id)
        return np.where(place < 0, "", np.array(classes)[mean.to_numpy().argmax(axis=1)[place]])

    @cached_property
    def temperature(self) -> float:
        """By which log-probabilities are divided."""
        return calibration.temperature(self.label, self.proba)

    def calibrated(self, proba: Float[np.ndarray, "new classes"]) -> Float[np.ndarray, "new classes"]:
        """Returns probabilities at the temperature of these cells."""
        return calibration.softened(proba, self.temperature)

    def sureness(self, each: Float[np.ndarray, "model new classes"]) -> Float[np.ndarray, " new"]:
        """Returns how sure models are of new cells, each by itself as here, on average."""
        return np.mean([self.calibrated(proba).max(axis=1) for proba in each], axis=0)

    def doubts(self, sureness: Float[np.ndarray, " new"], group: Shaped[np.ndarray, " new"]) -> Iterator[Doubt]:
        """Yields a doubt about a recording of which models are less sure than of groups that they had not seen.

        Where confidence drops, so does accuracy, and by more than what confidence says (Guillory et al. 2021, ICCV,
        doi 10.1109/ICCV48922.2021.00117). Tested are log-odds, animals being random effects (`departures`).
        """
        mine = self.calibrated(self.proba).max(axis=1)
        if len(sureness) < FEW:
            return
        if weight := weight_of(p := lower(_log_odds(mine), self.group, _log_odds(sureness), group)):
            medians = f"{np.median(sureness):.2f}, of training cells that they had not seen {np.median(mine):.2f}"
            yield Doubt(f"the models are less sure of it: median confidence {medians} ({said_p(p)})", weight)

    def threshold(self, accuracy: float | None) -> float:
        """Returns the confidence from which on labels are right as often as wished; infinite where none is.

        Raises:
            UserError: unless the accuracy is between 0 and 1.
        """
        if accuracy is None:
            return 0.0
        if not 0 < accuracy < 1:
            raise UserError(f"accuracy={accuracy}: choose a share between 0 and 1, such as 0.95, or null to label all")
        mine = self.calibrated(self.proba)
        at = coverage.threshold(mine.max(axis=1), mine.argmax(axis=1) == self.label, accuracy)
        return float("inf") if at is None else at

    def thresholds(self, accuracy: float | None) -> Float[np.ndarray, " class"]:
        """Returns the confidence from which on cells are labelled as each type: `threshold`, which is of all together.

        It is a higher one where labels of the type would be right too rarely from there on (a binomial test), infinite
        where none was right, or too few tell that they would be right as often as wished from any confidence on.
        """
        found = np.full(self.proba.shape[1], self.threshold(accuracy))
        if accuracy is None:
            return found
        mine = self.calibrated(self.proba)
        best, sure = mine.argmax(axis=1), mine.max(axis=1)
        for c, (right, given) in self.labelled(found).items():
            if right and binom.cdf(right, given, accuracy) >= RARELY:
                continue
            called = best == c
            own = coverage.threshold(sure[called], self.label[called] == c, accuracy) if right else None
            found[c] = np.inf if own is None else max(own, found[c])
        return found

    def labelled(self, least: Float[np.ndarray, " class"]) -> dict[int, tuple[int, int]]:
        """Returns of each type how many of these cells are rightly called so from a confidence on, and how many are."""
        mine = self.calibrated(self.proba)
        best = mine.argmax(axis=1)
        given = mine.max(axis=1) >= least[best]
        counted = {c: (given & (best == c), self.label == c) for c in range(mine.shape[1])}
        return {c: (int((called & true).sum()), int(called.sum())) for c, (called, true) in counted.items()}

    def sets(self, proba: Float[np.ndarray, "new classes"], promise: float = 0.9) -> Bool[np.ndarray, "new classes"]:
        """Returns which types each new cell may be, by the probabilities of the ensemble (`evaluation.sets`)."""
        return proba >= sets.thresholds(self.label, self.proba, self.group, promise)


def _log_odds(confidence: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " cell"]:
    within = np.clip(confidence, SUREST, 1 - SUREST)
    return np.log(within / (1 - within))
