"""Predictions as a table: laid out, checked, written and read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from celltype_cli.cells.cells import Cells
from celltype_cli.core.files import replacing
from celltype_cli.core.messages import UserError

IDS = ("fold", "row", "cell_id", "group", "label", "predicted")

ALIKE = 1e-9  # probabilities closer than this are the same, averaged over more or fewer windows


def predictions_table(
    cells: Cells, proba: Float[np.ndarray, "row classes"], fold: int, rows: Int[np.ndarray, " row"] | None = None
) -> pd.DataFrame:
    """Lays probabilities out, one line per row: fold, row, cell_id, group, label, predicted, p_<class> ...

    Args:
        rows: where the rows stand in the whole dataset; without it they are counted from 0.

    Returns:
        label and predicted as class names (label empty where there is none), probabilities in double precision.

    Raises:
        UserError: when a probability is not finite or those of a row do not sum to 1.
    """
    proba = proba.astype(np.float64)
    bad = ~_sums_to_one(proba)
    if bad.any():
        raise UserError(
            f"fold {fold}: the model gives {bad.sum()} of {len(bad)} rows probabilities that do not sum to 1, first "
            f"for cell {cells.cell_id[bad][0]}: {proba[bad][0]}: training may have diverged, lower the learning rate"
        )
    names = np.array([*cells.classes, ""])
    columns = {
        "fold": np.full(len(cells), fold),
        "row": np.arange(len(cells)) if rows is None else rows,
        "cell_id": cells.cell_id.astype(str),
        "group": cells.group.astype(str),
        "label": names[cells.label],  # UNLABELLED is the last
        "predicted": names[proba.argmax(axis=1)],
    }
    return pd.DataFrame({**columns, **{f"p_{name}": proba[:, c] for c, name in enumerate(cells.classes)}})


def classes_of(table: pd.DataFrame) -> tuple[str, ...]:
    """Names the classes in the order of their probabilities."""
    return tuple(column[2:] for column in table.columns if column.startswith("p_"))


def per_cell(table: pd.DataFrame) -> pd.DataFrame:
    """Averages the probabilities over the rows of each cell in each fold; one line per fold and cell, without row."""
    classes = classes_of(table)
    averaged = {**{name: "first" for name in ("group", "label")}, **{f"p_{name}": "mean" for name in classes}}
    cells = table.groupby(["fold", "cell_id"], sort=False).agg(averaged).reset_index()
    cells.insert(4, "predicted", np.array(classes)[arrays_of(cells)[1].argmax(axis=1)])
    return cells


def write_predictions(table: pd.DataFrame, path: str | Path) -> None:
    """Writes the table as CSV, whole or not at all; reading it gives the same numbers to the last bit."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)


def read_predictions(path: str | Path) -> pd.DataFrame:
    """Reads a table that `write_predictions` wrote.

    Raises:
        UserError: when the file is missing, is no such table or was cut short.
    """
    text = dict.fromkeys(("cell_id", "group", "label", "predicted"), str)
    try:
        table = pd.read_csv(path, dtype=text, keep_default_na=False, float_precision="round_trip")
        proba = table[[f"p_{name}" for name in classes_of(table)]].to_numpy(float)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as a table of predictions ({error}): run it again") from error
    if not {*IDS} <= {*table.columns} or not classes_of(table):
        found = ", ".join(table.columns)
        raise UserError(f"{path}: expected the columns {', '.join(IDS)} and p_<class> ..., found {found}")
    bad = np.flatnonzero(~_sums_to_one(proba))
    if len(bad):
        raise UserError(f"{path}: line {bad[0] + 2} is broken: the file was cut short or edited; run it again")
    return table


def _sums_to_one(proba: Float[np.ndarray, "row classes"]) -> Bool[np.ndarray, " row"]:
    return np.abs(proba.sum(axis=1) - 1) < 1e-3  # never true of nan


def labelled_lines(table: pd.DataFrame) -> pd.DataFrame:
    unknown = set(table["label"]) - {*classes_of(table), ""}
    if unknown:
        raise UserError(f"these predictions have labels without a probability column: {', '.join(sorted(unknown))}")
    table = table[table["label"] != ""]
    if table.empty:
        raise UserError("these predictions have no labels, so there is nothing to score")
    return table


def arrays_of(table: pd.DataFrame) -> tuple[Int[np.ndarray, " example"], Float[np.ndarray, "example classes"]]:
    proba = table[[f"p_{name}" for name in classes_of(table)]].to_numpy(float)
    return pd.Index(classes_of(table)).get_indexer(table["label"]), proba
