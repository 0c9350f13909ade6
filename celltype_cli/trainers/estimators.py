"""The settings of estimators, which libraries look at only when they fit: looked at beforehand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

import numpy as np

from celltype_cli.core.messages import UserError

QUIET = ("verbose", "allow_writing_files", "n_jobs", "thread_count")  # settings that no result depends on
TREES = ("lightgbm", "xgboost", "catboost")  # libraries whose estimators do not describe their settings
ROWS = 8  # of each class, made up, on which those are tried


def check_settings(estimator: Any, n_classes: int) -> None:
    """Raises a UserError when the settings of an estimator, or of one inside it, are out of range.

    Those of scikit-learn describe what they take. Boosted trees of other libraries are tried on made-up rows; a failure
    counts where the same estimator with settings of its own makes none, for then the rows are not at fault.
    """
    for part in _parts(estimator):
        if hasattr(part, "_parameter_constraints"):
            try:
                part._validate_params()
            except ValueError as error:
                name = re.match(r"The '(\w+)' parameter", str(error))
                raise UserError(f"{f'model.{name[1]}' if name else 'model'}: {error}") from error
        elif type(part).__module__.partition(".")[0] in TREES:
            _try(part, n_classes)


def _parts(estimator: Any) -> Iterator[Any]:
    """Yields an estimator and those inside it, each once."""
    inside = estimator.get_params().values() if hasattr(estimator, "get_params") else ()
    found = {id(part): part for part in (estimator, *inside) if not isinstance(part, type)}
    yield from (part for part in found.values() if hasattr(part, "get_params"))


def _try(estimator: Any, n_classes: int) -> None:
    from sklearn.base import clone

    rows = np.random.default_rng(0).standard_normal((ROWS * n_classes, 3))
    label = np.arange(len(rows)) % n_classes
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            clone(estimator).fit(rows, label)
    except Exception as error:  # noqa: BLE001 - libraries raise types of their own
        quiet = {name: value for name, value in estimator.get_params().items() if name in QUIET}
        try:
            type(estimator)(**quiet).fit(rows, label)
        except Exception:  # noqa: BLE001 - it takes no such rows
            return
        raise UserError(f"model: {type(estimator).__name__} does not take its settings: {error}") from error
