"""Trains scikit-learn estimators, and whatever else has their fit and predict_proba."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge
from jaxtyping import Float
from sklearn.base import BaseEstimator, TransformerMixin

from celltype_cli.cells.cells import Cells
from celltype_cli.cells.columns import table_of
from celltype_cli.core.messages import UserError
from celltype_cli.core.ranges import held
from celltype_cli.trainers.estimators import check_settings
from celltype_cli.trainers.protocol import Fitted, State, Watch, labelled


@held
@dataclass(frozen=True, kw_only=True)
class SklearnTrainer:
    """Fits an estimator on one table, the inputs side by side.

    Args:
        inputs: which; a table as it is, each value of any other as a column of its own.
        columns: names of the columns to use; None for all.
        views: lists of inputs; an estimator of its own is fitted on each, and probabilities are averaged. None: one on
            all inputs.
        scale: z-scores each feature with the mean and standard deviation of the training rows.
        grid: values to try for settings of the estimator, every combination; None for none.
        grid_folds: folds within the training rows, groups kept apart, whose mean accuracy chooses the combination.
    """

    validates: ClassVar[bool] = False
    inputs: Sequence[str]
    columns: Sequence[str] | None
    views: Sequence[Sequence[str]] | None
    scale: bool
    grid: Mapping[str, Sequence[Any]] | None
    grid_folds: Annotated[int, Ge(2)]

    def check(self, model: Callable[..., Any], cells: Cells, *, any_valid: bool) -> None:
        """Raises a UserError when the model is no estimator or cannot take the inputs."""
        try:
            estimator = model()
        except TypeError:
            estimator = None
        except ValueError as error:
            raise UserError(f"the model cannot be made from its settings: {error}") from error
        if not hasattr(estimator, "fit"):
            raise UserError("this model is no scikit-learn estimator: leave out `trainer=`")
        if not (hasattr(estimator, "predict_proba") or hasattr(estimator, "decision_function")):
            raise UserError(f"{type(estimator).__name__} gives neither probabilities nor decision values")
        unknown = [name for name in self.grid or () if name not in estimator.get_params()]
        if unknown:
            raise UserError(f"trainer.grid: {', '.join(unknown)} is no setting of {type(estimator).__name__}")
        check_settings(estimator, len(cells.classes))
        self._table(cells[np.arange(1)])
        if self.views is not None:
            self._check_views(estimator)

    def _check_views(self, estimator: Any) -> None:
        unknown = sorted({name for view in self.views for name in view} - {*self.inputs})
        if unknown or not self.views or not all(self.views):
            found = f"names {', '.join(unknown)}" if unknown else f"is {[[*view] for view in self.views]}"
            raise UserError(f"trainer.views {found}; expected lists of trainer.inputs: {', '.join(self.inputs)}")
        if self.columns is not None or self.grid:
            raise UserError("trainer.views goes with neither trainer.columns nor trainer.grid: set them to null")
        if not hasattr(estimator, "predict_proba"):
            raise UserError(f"trainer.views averages probabilities, and {type(estimator).__name__} gives none")

    def fit(
        self, model: Callable[..., Any], train: Cells, valid: Cells, *, seed: int, folder: Path, watch: Watch | None
    ) -> Fitted:
        """Fits; every parameter whose name ends in random_state is set to `seed`.

        A grid is searched with scikit-learn's GridSearchCV over the whole pipeline, so that scaling is fitted within
        its folds too; `watch` hears of every fit. Estimators that take no missing values get the training medians.
        """
        train = labelled(train)
        _, table = self._table(train)
        pipeline = self._pipeline(model(), seed, train)
        started, chosen = time.perf_counter(), {}
        if self.grid:
            search = self._search(pipeline, table, train, seed, watch)
            pipeline = search.best_estimator_
            chosen = {name.rpartition("__")[2]: value for name, value in search.best_params_.items()}
        else:
            pipeline.fit(table, train.label)
        seconds = time.perf_counter() - started
        return Fitted(SklearnPredictor(pipeline, self._table, self.inputs, self.columns), [], seconds, chosen)

    def _table(self, cells: Cells) -> tuple[list[str], Float[np.ndarray, "row column"]]:
        return table_of(cells, self.inputs, self.columns)

    def _pipeline(self, estimator: Any, seed: int, train: Cells) -> Any:
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.utils import get_tags

        random_states = [name for name in estimator.get_params() if name.endswith("random_state")]
        estimator.set_params(**dict.fromkeys(random_states, seed))
        if self.views is not None:
            estimator = self._viewing(estimator, train)
        impute = [] if get_tags(estimator).input_tags.allow_nan else [SimpleImputer(strategy="median")]
        return make_pipeline(EmptyColumns(), *impute, *([StandardScaler()] if self.scale else []), estimator)

    def _viewing(self, estimator: Any, cells: Cells) -> Any:
        """Returns a vote of copies of an estimator, each of which is given the columns of one view."""
        from sklearn.base import clone
        from sklearn.compose import ColumnTransformer
        from sklearn.ensemble import VotingClassifier
        from sklearn.pipeline import make_pipeline

        ends = np.cumsum([len(table_of(cells, [name])[0]) for name in self.inputs])
        columns = {name: [*range(start, end)] for name, start, end in zip(self.inputs, [0, *ends], ends)}
        voters = []
        for k, view in enumerate(self.views, start=1):
            picked = ColumnTransformer([("of", "passthrough", sum((columns[name] for name in view), []))])
            voters.append((f"view {k}", make_pipeline(picked, clone(estimator))))
        return VotingClassifier(voters, voting="soft")

    def _search(self, pipeline: Any, table: np.ndarray, train: Cells, seed: int, watch: Watch | None) -> Any:
        from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold

        groups = len(np.unique(train.linked_group))
        if groups < self.grid_folds:
            raise UserError(
                f"the grid search needs trainer.grid_folds={self.grid_folds} groups to train on, a fold has {groups}: "
                "set trainer.grid_folds lower, or trainer.grid=null to search nothing"
            )
        step = pipeline.steps[-1][0]
        grid = {f"{step}__{name}": list(values) for name, values in self.grid.items()}
        fits = self.grid_folds * int(np.prod([len(values) for values in grid.values()]))
        done = []

        def accuracy(candidate: Any, x: np.ndarray, y: np.ndarray) -> float:
            done.append(float((candidate.predict(x) == y).mean()))
            if watch:
                watch(len(done), fits, {"epoch": len(done), "grid_accuracy": done[-1]})
            return done[-1]

        folds = StratifiedGroupKFold(self.grid_folds, shuffle=True, random_state=seed)
        search = GridSearchCV(pipeline, grid, cv=folds, scoring=accuracy)
        return search.fit(table, train.label, groups=train.linked_group)


@dataclass(frozen=True)
class SklearnPredictor:
    """Turns cells into probabilities; classes that were not trained get 0.

    Attributes:
        pipeline: a fitted scikit-learn pipeline, the estimator last.
        table: names and values of the columns it was fitted on, of cells [row, column].
        inputs, columns: as in `SklearnTrainer`.
    """

    pipeline: Any
    table: Callable[[Cells], tuple[list[str], Float[np.ndarray, "row column"]]]
    inputs: Sequence[str]
    columns: Sequence[str] | None

    def __call__(self, cells: Cells) -> Float[np.ndarray, "row class"]:
        proba = np.zeros((len(cells), len(cells.classes)))
        proba[:, self.pipeline.classes_] = probabilities(self.pipeline, self.table(cells)[1])
        return proba

    def state(self) -> State:
        plain = {"inputs": list(self.inputs), "columns": self.columns and list(self.columns)}
        return State("estimator", self.pipeline, dict, plain, self.table)


def probabilities(fitted: Any, x: Float[np.ndarray, "row feature"]) -> Float[np.ndarray, "row class"]:
    """Returns probabilities, or the softmax of the decision function, which ranks classes but is not calibrated."""
    if hasattr(fitted, "predict_proba"):
        return fitted.predict_proba(x)
    from scipy.special import softmax

    decision = fitted.decision_function(x)
    return softmax(np.stack([-decision, decision], axis=1) / 2 if decision.ndim == 1 else decision, axis=1)


class EmptyColumns(TransformerMixin, BaseEstimator):
    """Sets columns that are nan in every training row to 0 in all rows, in those of test cells too.

    Nothing can be learnt of such a column; HistGradientBoosting of scikit-learn 1.9 stops with an error at one.
    """

    def fit(self, x: Float[np.ndarray, "row column"], y: object = None) -> EmptyColumns:
        self.empty_ = np.isnan(x).all(axis=0)
        return self

    def transform(self, x: Float[np.ndarray, "row column"]) -> Float[np.ndarray, "row column"]:
        return np.where(self.empty_, x.dtype.type(0), x) if self.empty_.any() else x
