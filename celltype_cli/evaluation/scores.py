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
from celltype_cli.evaluation.rates import HIGHEST, MIXED, PER_CLASS, rates, tally

FEW_GROUPS = {"jackknife": 5, "bootstrap": 20}  # below, intervals are rough (benchmarks/interval_coverage.py)


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
    return count_in_words(scores["n_cells"], scores["n_groups"], scores["n_unknown"], group)


def _score(table: pd.DataFrame, method: str, n_resamples: int, seed: int) -> dict:
    label, proba = arrays_of(table)
    classes = classes_of(table)
    fold, group = (pd.factorize(table[name], sort=True)[0] for name in ("fold", "group"))
    whole = rates(*tally(np.zeros(len(table), int), label, proba))
    by_fold = rates(*tally(fold, label, proba))
    counts, losses = tally(group, label, proba)
    if method == "bootstrap":
        drawn = rates(*intervals.resample(counts, losses, n_resamples, np.random.default_rng(seed)))
        ends = {name: np.apply_along_axis(intervals.percentiles, 0, values) for name, values in drawn.items()}
    else:
        ends = limits(counts, losses)

    def entry(name: str, *of_class: int) -> dict[str, float]:
        value = float(whole[name][(0, *of_class)])
        low, high = map(float, ends[name][(..., *of_class)])
        mean, sd = mean_and_sd(by_fold[name][(..., *of_class)])
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


def limits(
    counts: Float[np.ndarray, "group classes classes"], losses: Float[np.ndarray, "group 2"]
) -> dict[str, Float[np.ndarray, "2 ..."]]:
    """Returns the 95 % limits of every score by `evaluation.intervals`: [low and high], or [low and high, class].

    Args:
        counts, losses: as `rates.tally` has them, of each group.
    """
    whole = rates(counts.sum(axis=0)[None], losses.sum(axis=0)[None])
    left = rates(counts.sum(axis=0) - counts, losses.sum(axis=0) - losses)
    n = counts.sum(axis=(1, 2))
    holding, effective = intervals.groups_with(counts), intervals.effective_groups(n)
    strata = [intervals.strata(counts, c) for c in range(counts.shape[1])]
    kept = [None if of is None else rates(intervals.without_in_strata(counts, of), losses) for of in strata]

    def ends(name: str, *of_class: int) -> tuple[float, float]:
        where, value = (..., *of_class), float(whole[name][(0, *of_class)])
        if name in MIXED and (of := kept[of_class[0]]):
            return intervals.in_strata(value, of[name][where], holding[name][where], strata[of_class[0]], n)
        highest = HIGHEST.get(name, 1.0)
        return intervals.jackknife(value, left[name][where], holding[name][where], effective, highest)

    return {
        name: np.array([ends(name, c) for c in range(len(strata))]).T if name in PER_CLASS else np.array(ends(name))
        for name in whole
    }


def floors(support: Int[np.ndarray, " classes"]) -> dict[str, float]:
    """Returns what guessing the most frequent class scores, of `support` examples of each class.

    Every score follows from p, the share of that class: its recall is 1, its precision p, its F1 2 p / (1 + p).
    """
    share, classes = support.max() / support.sum(), np.count_nonzero(support)
    f1 = 2 * share / (1 + share)
    floor = {"accuracy": share, "balanced_accuracy": 1 / classes, "macro_f1": f1 / classes, "weighted_f1": share * f1}
    return {name: float(value) for name, value in floor.items()}


def mean_and_sd(values: Float[np.ndarray, " folds"]) -> tuple[float, float]:
    """Returns mean and standard deviation (n - 1) over the folds where the score is defined, else nan."""
    values = values[~np.isnan(values)]
    return (
        float(values.mean()) if len(values) else float("nan"),
        float(values.std(ddof=1)) if len(values) > 1 else float("nan"),
    )
