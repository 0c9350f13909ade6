"""Predictions as a table: laid out, checked, written and read."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from celltype_cli.cells.cells import Cells
from celltype_cli.core.files import replacing
from celltype_cli.core.messages import UserError, few
from celltype_cli.core.states import check_seal, read_state
from celltype_cli.core.tables import EXACT

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


def cells_table(table: pd.DataFrame, source: pd.Series) -> pd.DataFrame:
    """Lays out one line per cell and the fold that tested it, for people and their spreadsheets.

    Args:
        source: laboratory, dataset or method, by cell_id.

    Returns:
        cell_id, group, source, fold, label, predicted, p_<class> (means over the cell's windows), windows.
    """
    cells = per_cell(table)
    windows = table.groupby(["fold", "cell_id"], sort=False).size().to_numpy()
    first = source[~source.index.duplicated()]
    found = cells.assign(source=first.reindex(cells["cell_id"]).to_numpy(), windows=windows)
    return found[["cell_id", "group", "source", "fold", "label", "predicted",
                  *(f"p_{name}" for name in classes_of(table)), "windows"]]  # fmt: skip


def write_predictions(table: pd.DataFrame, path: str | Path) -> None:
    """Writes the table as CSV, whole or not at all; reading it gives the same numbers to the last bit."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)


def read_predictions(path: str | Path) -> pd.DataFrame:
    """Reads a table that `write_predictions` wrote.

    Raises:
        UserError: when the file is missing, is no such table or was cut short, edited or joined with another.
    """
    return read_state(Path(path), _parsed, "restore it, or train again: the same command makes it anew")


def _parsed(path: Path) -> pd.DataFrame:
    text = dict.fromkeys(("cell_id", "group", "label", "predicted"), str)
    if not path.read_bytes().endswith(b"\n"):
        raise ValueError("its last line is cut short")
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # a line with more fields than the header
        table = pd.read_csv(path, dtype=text, keep_default_na=False, index_col=False, **EXACT)
    classes = classes_of(table)
    if not {*IDS} <= {*table.columns} or not classes:
        found = ", ".join(map(str, table.columns))
        raise ValueError(f"expected the columns {', '.join(IDS)} and p_<class> ..., found {found}")
    if faults := few(_faults(table)):
        raise ValueError("; ".join(faults))
    check_seal(path)
    return table


def _faults(table: pd.DataFrame) -> Iterator[str]:
    """Yields what no run writes, with the line of the file where it is first seen."""
    classes, (_, proba) = classes_of(table), arrays_of(table)
    most = np.array(classes)[np.nan_to_num(proba).argmax(axis=1)]
    checks = {
        "fold or row is no whole number": ~_whole(table["fold"]) | ~_whole(table["row"]),
        "the probabilities are not between 0 and 1 or do not sum to 1": ~_sums_to_one(proba),
        "this row of the dataset was there before": table.duplicated(["fold", "row"]),
        "the label is none of the classes": ~table["label"].isin([*classes, ""]),
        "predicted is not the class of highest probability": table["predicted"] != most,
    }
    for name in ("label", "group"):
        checks[f"the cell has another {name} elsewhere"] = table.groupby("cell_id")[name].transform("nunique") > 1
    for what, bad in checks.items():
        if (lines := np.flatnonzero(bad)).size:
            yield f"line {lines[0] + 2}: {what}" + (f" ({len(lines)} such lines)" if len(lines) > 1 else "")


def _whole(column: pd.Series) -> Bool[np.ndarray, " row"]:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(float)
    return (numbers >= 0) & (numbers % 1 == 0)


def _sums_to_one(proba: Float[np.ndarray, "row classes"]) -> Bool[np.ndarray, " row"]:
    within = ((proba >= 0) & (proba <= 1 + ALIKE)).all(axis=1)  # never true of nan
    return within & (np.abs(proba.sum(axis=1) - 1) < 1e-3)


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
