"""From probabilities to answers: a label or "unsure", and the set of types that a cell may be."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from celltype_cli.core.messages import UserError
from celltype_cli.evaluation import calibration, coverage, sets
from celltype_cli.evaluation.predictions import arrays_of, read_predictions


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
    ) -> None:
        self.label, self.proba, self.group = label, proba, group

    @classmethod
    def read(cls, path: Path) -> HeldOut:
        """Reads a table of predictions, a line for each cell."""
        table = read_predictions(path)
        return cls(*arrays_of(table), table["group"].to_numpy().astype(str))

    @cached_property
    def temperature(self) -> float:
        """By which log-probabilities are divided."""
        return calibration.temperature(self.label, self.proba)

    def calibrated(self, proba: Float[np.ndarray, "new classes"]) -> Float[np.ndarray, "new classes"]:
        """Returns probabilities at the temperature of these cells."""
        return calibration.softened(proba, self.temperature)

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

    def sets(self, proba: Float[np.ndarray, "new classes"], promise: float = 0.9) -> Bool[np.ndarray, "new classes"]:
        """Returns which types each new cell may be, by the probabilities of the ensemble (`evaluation.sets`)."""
        return proba >= sets.thresholds(self.label, self.proba, self.group, promise)
