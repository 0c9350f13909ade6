"""Predictions as a table, and every score as a function of that table alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from celltype_cli.core.files import replacing
from celltype_cli.core.messages import UserError
from celltype_cli.evaluation.predictions import ALIKE, arrays_of, classes_of, labelled_lines, per_cell
from celltype_cli.evaluation.rates import PER_CLASS, floors, interval, mean_and_sd, rates, resample, tally

FEW_GROUPS = 10  # with few clusters such intervals are too narrow (Cameron et al. 2008, Rev Econ Stat 90:414)


def confusion(table: pd.DataFrame) -> pd.DataFrame:
    """Counts lines by true class (rows) and predicted class (columns)."""
    table, classes = labelled_lines(table), classes_of(table)
    counts = tally(np.zeros(len(table), int), *arrays_of(table))[0][0].astype(int)
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
    table = labelled_lines(table)
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
    alike = sum(np.ptp(arrays_of(fold)[1], axis=0).max() < ALIKE for fold in folds)
    if alike:
        yield (
            f"in {alike} of {cells['fold'].nunique()} folds every cell got the same probabilities: the model learnt "
            "nothing of them; it may need more training cells, or settings for few"
        )


def _score(table: pd.DataFrame, n_resamples: int, seed: int) -> dict:
    label, proba = arrays_of(table)
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
