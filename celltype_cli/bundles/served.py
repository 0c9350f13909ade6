"""A bundle as MLflow serves it: a table with a row for each cell in, probabilities out.

MLflow finds `_load_pyfunc` by the name of this module, which it keeps beside the bundle: nothing is pickled.
"""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pandas as pd

from celltype_cli.bundles.bundle import Bundle, load_bundle
from celltype_cli.core.messages import UserError

RATE = "sampling_rate"  # in Hz, beside the arrays
NOTE = "note"  # beside the probabilities: empty, or why there are none


def arrays(bundle: Bundle) -> tuple[str, ...]:
    """Names the arrays of a cell, two axes each, as in an npz file of the bundle's kind of recording."""
    return import_module(bundle.about["source"]["_target_"].rpartition(".")[0]).ARRAYS


def columns(bundle: Bundle) -> list[str]:
    return [f"p_{name}" for name in bundle.classes]


class Served:
    """Answers what MLflow asks of a model."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def predict(self, cells: pd.DataFrame, params: object = None) -> pd.DataFrame:
        """Returns calibrated probabilities, as `Bundle.predict_proba` does of one cell.

        Args:
            cells: a row for each cell: its arrays by name, and its `sampling_rate` in Hz.

        Returns:
            None for the probabilities of a cell that cannot be used, and a note that says why.
        """
        names = [name for name in (*arrays(self.bundle), RATE) if name in cells]
        rows = [self._row({name: _whole(line[name]) for name in names}) for line in cells.to_dict("records")]
        answer = pd.DataFrame(rows, columns=[*columns(self.bundle), NOTE], dtype=object)  # None, which JSON has, stays
        return answer if (answer[NOTE] != "").any() else answer.astype(dict.fromkeys(columns(self.bundle), float))

    def _row(self, cell: dict[str, np.ndarray]) -> list[float | str | None]:
        try:
            return [*map(float, self.bundle.predict_proba(**cell)[0]), ""]
        except UserError as error:
            return [*[None] * len(self.bundle.classes), str(error).removeprefix("no cell can be used: ")]


def _whole(value: object) -> np.ndarray:
    """Returns an array of nested lists or of arrays of arrays, as MLflow hands them on."""
    return np.array([*map(_whole, value)]) if np.ndim(value) or isinstance(value, (list, tuple)) else np.asarray(value)


def _load_pyfunc(path: str) -> Served:
    """Opens the bundle that MLflow has copied to `path`."""
    return Served(load_bundle(path))
