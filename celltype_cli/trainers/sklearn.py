"""Trains scikit-learn estimators, and whatever else has their fit and predict_proba."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from celltype_cli.cells import Cells
from celltype_cli.errors import UserError
from celltype_cli.trainers import Fitted, Watch, labelled


@dataclass(frozen=True, kw_only=True)
class SklearnTrainer:
    """Fits an estimator on one array made from the inputs.

    Args:
        features: turns the named inputs into an array [row, feature], without fitting anything.
        scale: z-scores each feature with the mean and standard deviation of the training rows.
    """

    features: Callable[..., Float[np.ndarray, "row feature"]]
    scale: bool

    def check(self, model: Callable[..., Any], cells: Cells, *, any_valid: bool) -> None:
        """Raises a UserError when the model is no estimator or cannot take the inputs."""
        try:
            estimator = model()
        except TypeError as error:
            raise UserError("this model is no scikit-learn estimator: leave out `trainer=`") from error
        if not hasattr(estimator, "fit"):
            raise UserError("this model is no scikit-learn estimator: leave out `trainer=`")
        if not hasattr(estimator, "predict_proba"):
            raise UserError(f"{type(estimator).__name__} gives no probabilities: wrap it in CalibratedClassifierCV")
        try:
            self.features(**cells[np.arange(1)].inputs)
        except TypeError as error:
            names = ", ".join(cells.inputs)
            raise UserError(f"trainer.features cannot be made from the inputs {names}: {error}") from error

    def fit(
        self, model: Callable[..., Any], train: Cells, valid: Cells, *, seed: int, folder: Path, watch: Watch | None
    ) -> Fitted:
        """Fits; every parameter whose name ends in random_state is set to `seed`."""
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        train = labelled(train)
        estimator = model()
        random_states = [name for name in estimator.get_params() if name.endswith("random_state")]
        estimator.set_params(**dict.fromkeys(random_states, seed))
        pipeline = make_pipeline(*([StandardScaler()] if self.scale else []), estimator)
        started = time.perf_counter()
        pipeline.fit(self.features(**train.inputs), train.label)
        seconds = time.perf_counter() - started

        def predict(cells: Cells) -> Float[np.ndarray, "row class"]:
            proba = np.zeros((len(cells), len(cells.classes)))
            proba[:, pipeline.classes_] = pipeline.predict_proba(self.features(**cells.inputs))
            return proba

        return Fitted(predict, [], seconds)
