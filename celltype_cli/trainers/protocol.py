"""Trainers turn (model, training cells, validation cells) into a predictor; networks and scikit-learn meet here."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.core.messages import UserError

Watch = Callable[[int, int, dict[str, float]], None]  # epochs done, epochs in all, the epoch's numbers


@dataclass(frozen=True)
class State:
    """What a predictor is made of, for bundles and explanations.

    Attributes:
        kind: "network" or "estimator".
        model: the fitted object: a torch module that takes z-scored inputs by name and returns logits, or a
            scikit-learn pipeline, the estimator last.
        arrays: returns, by name, the numbers that training found; none of estimators, which are kept as a whole.
        description: plain values that say how it takes inputs, as JSON takes them.
        table: of an estimator: names and values of the columns it is given, of cells [row, column].
    """

    kind: Literal["network", "estimator"]
    model: Any
    arrays: Callable[[], dict[str, np.ndarray]]
    description: dict[str, Any]
    table: Callable[[Cells], tuple[list[str], Float[np.ndarray, "row column"]]] | None = None


@runtime_checkable
class Predictor(Protocol):
    """Turns cells into probabilities, rows summing to 1, and says what it is made of."""

    def __call__(self, cells: Cells) -> Float[np.ndarray, "row class"]: ...

    def state(self) -> State: ...


@dataclass(frozen=True)
class Fitted:
    """What training leaves behind.

    Attributes:
        predict: turns cells into probabilities, rows summing to 1.
        history: one entry per epoch: epoch, seconds since the start, losses and accuracies by side; empty for models
            that are not trained in epochs.
        seconds: time spent training, in all sessions of an interrupted run together.
        chosen: settings that a search within the training rows chose.
    """

    predict: Predictor
    history: list[dict[str, float]]
    seconds: float
    chosen: dict[str, Any] = field(default_factory=dict)


@runtime_checkable
class Trainer(Protocol):
    """Checks beforehand that a model can be fitted, and fits it.

    In `fit`, `folder` keeps checkpoints to resume from, and `watch` hears of every epoch. A trainer that does not look
    at validation cells (`validates`) gets those of a fold among its training cells.
    """

    validates: bool

    def check(self, model: Callable[..., Any], cells: Cells, *, any_valid: bool) -> None: ...

    def fit(
        self, model: Callable[..., Any], train: Cells, valid: Cells, *, seed: int, folder: Path, watch: Watch | None
    ) -> Fitted: ...


def labelled(cells: Cells) -> Cells:
    """Returns the rows that have a label; the same cells, not copied, where all have one."""
    known = cells.label != UNLABELLED
    return cells if known.all() else cells[np.flatnonzero(known)]


def taken(function: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Returns the inputs that the arguments of `function` name; all, where it takes any (**inputs).

    Raises:
        UserError: when it needs an input that is not there.
    """
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return inputs
    needed = [p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
    if lacking := [name for name in needed if name not in inputs]:
        raise UserError(
            f"this model takes {', '.join(needed)}; the dataset has no {', '.join(lacking)}, but {', '.join(inputs)}: "
            "choose another model, or what is prepared (prepare.inputs, where it has that setting)"
        )
    return {p.name: inputs[p.name] for p in parameters if p.name in inputs}


def check_ready(model: Callable[..., Any]) -> None:
    """Asks a model what it lacks before cells are read, which may take hours; a class says so in `ready(**settings)`.

    Raises:
        UserError: when its settings, its library or its file of weights cannot be used.
    """
    ready = getattr(getattr(model, "func", None), "ready", None)
    if ready is None:
        return
    try:
        ready(**model.keywords)
    except (ValueError, OSError, ImportError) as error:
        raise UserError(str(error)) from error
