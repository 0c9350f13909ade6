"""Predictions as a table, and every score as a function of that table alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from celltype_cli.cells import Cells
from celltype_cli.errors import UserError
from celltype_cli.files import replacing
from celltype_cli.metrics import PER_CLASS, floors, interval, mean_and_sd, rates, resample, tally

IDS = ("fold", "row", "cell_id", "group", "label", "predicted")
FEW_GROUPS = 10  # with few clusters such intervals are too narrow (Cameron et al. 2008, Rev Econ Stat 90:414)
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
    cells.insert(4, "predicted", np.array(classes)[_arrays(cells)[1].argmax(axis=1)])
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


def confusion(table: pd.DataFrame) -> pd.DataFrame:
    """Counts lines by true class (rows) and predicted class (columns)."""
    table, classes = _labelled(table), classes_of(table)
    counts = tally(np.zeros(len(table), int), *_arrays(table))[0][0].astype(int)
    return pd.DataFrame(counts, index=pd.Index(classes, name="label"), columns=pd.Index(classes, name="predicted"))


def scores(table: pd.DataFrame, *, n_resamples: int = 2000, seed: int = 0) -> dict:
    """Scores predictions per window (each row counts) and per cell (a cell's probabilities are averaged first).

    Every metric holds `value` over all folds together, `low` and `high`, its 95 % interval, and `fold_mean` and
    `fold_sd`, the mean and the standard deviation (n - 1) over folds, as papers quote them; nan where undefined.

    Intervals are percentiles of a bootstrap (Efron 1979, Annals of Statistics 7:1) that draws whole groups with
    replacement, because cells of one animal resemble each other. They do not contain the spread over trainings.
    `floor` is what guessing the most frequent class of these rows would score.

    Raises:
        UserError: when no row has a label.
    """
    table = _labelled(table)
    groups, folds = table["group"].nunique(), table["fold"].nunique()
    notes = []
    if groups == 1:
        notes.append("no interval: all predictions belong to one group")
    elif groups < FEW_GROUPS:
        notes.append(f"intervals from {groups} groups are rough, as a rule too narrow")
    levels = {"window": table, "cell": per_cell(table)}
    notes += _guesses(levels["cell"])
    return {
        "n_rows": len(table),
        "n_cells": int(table["cell_id"].nunique()),
        "n_groups": groups,
        "n_folds": folds,
        "classes": list(classes_of(table)),
        "notes": notes,
        **{level: _score(lines, n_resamples, seed) for level, lines in levels.items()},
    }


def _guesses(cells: pd.DataFrame) -> Iterator[str]:
    """Tells of folds with several classes in which the model cannot have looked at its cells."""
    folds = [fold for _, fold in cells.groupby("fold") if fold["label"].nunique() > 1]
    alike = sum(np.ptp(_arrays(fold)[1], axis=0).max() < ALIKE for fold in folds)
    if alike:
        yield (
            f"in {alike} of {cells['fold'].nunique()} folds every cell got the same probabilities: the model learnt "
            "nothing of them; it may need more training cells, or settings for few"
        )


def _score(table: pd.DataFrame, n_resamples: int, seed: int) -> dict:
    label, proba = _arrays(table)
    classes = classes_of(table)
    fold, group = (pd.factorize(table[name], sort=True)[0] for name in ("fold", "group"))
    whole = rates(*tally(np.zeros(len(table), int), label, proba))
    by_fold = rates(*tally(fold, label, proba))
    resampled = rates(*resample(*tally(group, label, proba), n_resamples, np.random.default_rng(seed)))

    def entry(name: str, *of_class: int) -> dict[str, float]:
        low, high = interval(resampled[name][(..., *of_class)]) if group.max() else (np.nan, np.nan)
        mean, sd = mean_and_sd(by_fold[name][(..., *of_class)])
        value = float(whole[name][(0, *of_class)])
        return {"value": value, "low": low, "high": high, "fold_mean": mean, "fold_sd": sd}

    support = np.bincount(label, minlength=len(classes))
    return {
        "n": len(table),
        **{name: entry(name) for name in whole if name not in PER_CLASS},
        "classes": {
            name: {"support": int(support[c]), **{rate: entry(rate, c) for rate in PER_CLASS}}
            for c, name in enumerate(classes)
        },
        "floor": floors(support),
    }


def _sums_to_one(proba: Float[np.ndarray, "row classes"]) -> Bool[np.ndarray, " row"]:
    return np.abs(proba.sum(axis=1) - 1) < 1e-3  # never true of nan


def _labelled(table: pd.DataFrame) -> pd.DataFrame:
    unknown = set(table["label"]) - {*classes_of(table), ""}
    if unknown:
        raise UserError(f"these predictions have labels without a probability column: {', '.join(sorted(unknown))}")
    table = table[table["label"] != ""]
    if table.empty:
        raise UserError("these predictions have no labels, so there is nothing to score")
    return table


def _arrays(table: pd.DataFrame) -> tuple[Int[np.ndarray, " example"], Float[np.ndarray, "example classes"]]:
    proba = table[[f"p_{name}" for name in classes_of(table)]].to_numpy(float)
    return pd.Index(classes_of(table)).get_indexer(table["label"]), proba


def write_scores(values: dict, path: str | Path) -> None:
    """Writes scores as JSON, nan as null, whole or not at all."""

    def plain(value):
        if isinstance(value, dict):
            return {name: plain(entry) for name, entry in value.items()}
        return None if isinstance(value, float) and np.isnan(value) else value

    with replacing(path) as temporary:
        temporary.write_text(json.dumps(plain(values), indent=2, allow_nan=False) + "\n")


def read_scores(path: str | Path) -> dict:
    """Reads what `write_scores` wrote, null as nan."""

    def with_nan(entry: dict) -> dict:
        return {name: np.nan if value is None else value for name, value in entry.items()}

    try:
        return json.loads(Path(path).read_text(), object_hook=with_nan)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as scores: {error}") from error
