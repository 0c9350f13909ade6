"""Every score as a function of the table of predictions alone; of one table, or of thousands of resampled ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from celltype_cli.cells.about import count_in_words
from celltype_cli.evaluation import intervals
from celltype_cli.evaluation.floors import loss_floors, nested
from celltype_cli.evaluation.predictions import ALIKE, arrays_of, classes_of, labelled_lines, per_cell

PER_CLASS = ("precision", "recall", "specificity", "f1")
FEW_GROUPS = {"jackknife": 5, "bootstrap": 20}  # below, intervals are rough (benchmarks/interval_coverage.py)
HIGHEST = {"log_loss": np.inf, "brier": 2.0}  # of all other scores 1


def confusion(table: pd.DataFrame) -> pd.DataFrame:
    """Counts lines by true class (rows) and predicted class (columns)."""
    table, classes = labelled_lines(table), classes_of(table)
    counts = tally(np.zeros(len(table), int), *arrays_of(table))[0][0].astype(int)
    return pd.DataFrame(counts, index=pd.Index(classes, name="label"), columns=pd.Index(classes, name="predicted"))


def scores(
    table: pd.DataFrame,
    *,
    interval: Literal["jackknife", "bootstrap"] = "jackknife",
    n_resamples: int = 2000,
    seed: int = 0,
) -> dict:
    """Scores predictions per window (each row counts) and per cell (a cell's probabilities are averaged first).

    Every metric holds `value` over all folds together, `low` and `high`, its 95 % interval, and `fold_mean` and
    `fold_sd`, the mean and the standard deviation (n - 1) over folds, as papers quote them; nan where undefined.

    Intervals are of the jackknife over groups (`evaluation.intervals`), because cells of one animal resemble each
    other; or, where asked for, percentiles of a bootstrap that draws whole groups with replacement (Efron 1979, Annals
    of Statistics 7:1), too narrow with fewer than 20. They do not contain the spread over trainings. nan, no interval:
    one group alone has what is scored, or a bootstrap whose resamples all score alike.
    `floor` is what guessing the most frequent class of these rows would score; of log loss and Brier score, what
    predicting the shares of the classes would.

    Raises:
        UserError: when no row has a label.
    """
    table = labelled_lines(table)
    groups, folds = table["group"].nunique(), table["fold"].nunique()
    notes = []
    if groups == 1:
        notes.append("no interval: all predictions belong to one group")
    elif groups < FEW_GROUPS[interval]:
        kind = "wide, and cover 95 % only roughly" if interval == "jackknife" else "as a rule too narrow"
        notes.append(f"intervals ({interval}) from {groups} groups are {kind}")
    levels = {"window": table, "cell": per_cell(table)}
    notes += [*_guesses(levels["cell"]), *_never(levels["cell"]), *nested(levels["cell"])]
    found = {level: _score(lines, interval, n_resamples, seed) for level, lines in levels.items()}
    alone = [name for name, of in found["cell"]["classes"].items() if of["groups"] == 1]
    if groups > 1 and alone and interval == "jackknife":
        notes.append(
            f"no interval of balanced accuracy, macro F1, and recall, precision and F1 of {', '.join(alone)}: all "
            "cells of such a class are of one group"
        )
    elif groups > 1 and np.isnan(found["cell"]["balanced_accuracy"]["low"]):
        notes.append(f"no interval: all resamples of {groups} groups score alike")
    return {
        "n_rows": len(table),
        "n_cells": int(table["cell_id"].nunique()),
        "n_groups": groups,
        "n_unknown": int(table.loc[table["group"] == table["cell_id"], "cell_id"].nunique()),  # cells without a group
        "n_folds": folds,
        "classes": list(classes_of(table)),
        "interval": interval,
        "notes": notes,
        **found,
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


def _never(cells: pd.DataFrame) -> Iterator[str]:
    """Tells of classes that have cells and are predicted for none."""
    counts = cells["label"].value_counts()
    never = [name for name in classes_of(cells) if name in counts and not (cells["predicted"] == name).any()]
    if never:
        said = ", ".join(f"{name} (of {counts[name]} cells)" for name in never)
        yield f"never predicted: {said}"


def in_words(scores: dict, group: str) -> str:
    """Counts the cells and groups that were scored, for titles and summaries."""
    return count_in_words(scores["n_cells"], scores["n_groups"], scores.get("n_unknown", 0), group)


def _score(table: pd.DataFrame, method: str, n_resamples: int, seed: int) -> dict:
    label, proba = arrays_of(table)
    classes = classes_of(table)
    fold, group = (pd.factorize(table[name], sort=True)[0] for name in ("fold", "group"))
    whole = rates(*tally(np.zeros(len(table), int), label, proba))
    by_fold = rates(*tally(fold, label, proba))
    counts, losses = tally(group, label, proba)
    if method == "bootstrap":
        drawn = rates(*intervals.resample(counts, losses, n_resamples, np.random.default_rng(seed)))
    else:
        left = rates(counts.sum(axis=0) - counts, losses.sum(axis=0) - losses)
    holding, effective = intervals.groups_with(counts), intervals.effective_groups(counts.sum(axis=(1, 2)))

    def entry(name: str, *of_class: int) -> dict[str, float]:
        where = (..., *of_class)
        if method == "bootstrap":
            low, high = intervals.percentiles(drawn[name][where])
        else:
            at, highest = float(whole[name][(0, *of_class)]), HIGHEST.get(name, 1.0)
            low, high = intervals.jackknife(at, left[name][where], holding[name][where], effective, highest)
        mean, sd = mean_and_sd(by_fold[name][(..., *of_class)])
        value = float(whole[name][(0, *of_class)])
        return {"value": value, "low": low, "high": high, "fold_mean": mean, "fold_sd": sd}

    support = np.bincount(label, minlength=len(classes))
    return {
        "n": len(table),
        "groups": len(np.unique(group)),
        **{name: entry(name) for name in whole if name not in PER_CLASS},
        "classes": {
            name: {
                "support": int(support[c]),
                "groups": len(np.unique(group[label == c])),
                **{rate: entry(rate, c) for rate in PER_CLASS},
            }
            for c, name in enumerate(classes)
        },
        "floor": {**floors(support), **loss_floors(support)},
    }


def rates(
    confusion: Float[np.ndarray, "table classes classes"], losses: Float[np.ndarray, "table 2"]
) -> dict[str, Float[np.ndarray, ...]]:
    """Computes every score of each table of counts; nan where undefined.

    Args:
        confusion: counts, true class by predicted class.
        losses: log loss and Brier score, each summed over the examples.

    Returns:
        precision, recall, specificity and f1 as [table, classes], the others as [table]. Averages over classes
        skip classes without an example (recall) or with neither example nor prediction (F1), as scikit-learn does.
    """
    hit = np.diagonal(confusion, axis1=-2, axis2=-1)
    true, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    n = true.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = hit / true
        f1 = 2 * hit / (true + predicted)
        return {
            "accuracy": hit.sum(axis=-1) / n,
            "balanced_accuracy": _mean_of_defined(recall),
            "macro_f1": _mean_of_defined(f1),
            "weighted_f1": np.nansum(true * f1, axis=-1) / n,
            "log_loss": losses[..., 0] / n,
            "brier": losses[..., 1] / n,
            "precision": hit / predicted,
            "recall": recall,
            "specificity": (n[..., None] - true - predicted + hit) / (n[..., None] - true),
            "f1": f1,
        }


def floors(support: Int[np.ndarray, " classes"]) -> dict[str, float]:
    """Returns what guessing the most frequent class scores, of `support` examples of each class.

    Every score follows from p, the share of that class: its recall is 1, its precision p, its F1 2 p / (1 + p).
    """
    share, classes = support.max() / support.sum(), np.count_nonzero(support)
    f1 = 2 * share / (1 + share)
    floor = {"accuracy": share, "balanced_accuracy": 1 / classes, "macro_f1": f1 / classes, "weighted_f1": share * f1}
    return {name: float(value) for name, value in floor.items()}


def tally(
    part: Int[np.ndarray, " example"],
    label: Int[np.ndarray, " example"],
    proba: Float[np.ndarray, "example classes"],
) -> tuple[Float[np.ndarray, "parts classes classes"], Float[np.ndarray, "parts 2"]]:
    """Counts confusions and sums losses within each part (a fold or a group, numbered from 0).

    The Brier score is the sum over classes of the squared difference (Brier 1950, Monthly Weather Review 78:1), from
    0 to 2; the log loss takes the natural logarithm of probabilities of at least 2.2e-16.
    """
    n_parts, n_classes = part.max() + 1, proba.shape[1]
    confusion = np.zeros((n_parts, n_classes, n_classes))
    np.add.at(confusion, (part, label, proba.argmax(axis=1)), 1)
    log_loss = -np.log(np.maximum(proba[np.arange(len(label)), label], np.finfo(float).eps))
    brier = ((proba - np.eye(n_classes)[label]) ** 2).sum(axis=1)
    losses = np.stack([np.bincount(part, loss, minlength=n_parts) for loss in (log_loss, brier)], axis=1)
    return confusion, losses


def mean_and_sd(values: Float[np.ndarray, " folds"]) -> tuple[float, float]:
    """Returns mean and standard deviation (n - 1) over the folds where the score is defined, else nan."""
    values = values[~np.isnan(values)]
    return (
        float(values.mean()) if len(values) else float("nan"),
        float(values.std(ddof=1)) if len(values) > 1 else float("nan"),
    )


def _mean_of_defined(values: Float[np.ndarray, "table classes"]) -> Float[np.ndarray, " table"]:
    return np.nansum(values, axis=-1) / np.isfinite(values).sum(axis=-1)
