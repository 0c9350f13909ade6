"""How far the probabilities of a run can be trusted: `calibration.json`, a function of its predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from celltype_cli.evaluation import calibration, confidence_words, coverage, intervals, sets
from celltype_cli.evaluation.predictions import arrays_of, classes_of, labelled_lines, per_cell

ACCURACIES = (0.90, 0.95, 0.99)  # that labelled cells may be asked to have
RATIO = 2.0  # confidence ratio below which Beau et al. 2025 leave a cell without label
PROMISE = 0.9  # of the sets


@dataclass(frozen=True)
class Judged:
    """Cells as the model of their fold predicted them. Cells of one `part` are judged by what the others give."""

    label: Int[np.ndarray, " cell"]
    proba: Float[np.ndarray, "cell classes"]
    group: Int[np.ndarray, " cell"]
    part: Int[np.ndarray, " cell"]

    def __getitem__(self, rows: Bool[np.ndarray, " cell"]) -> Judged:
        return Judged(*(values[rows] for values in (self.label, self.proba, self.group, self.part)))

    @property
    def sure(self) -> Float[np.ndarray, " cell"]:
        return self.proba.max(axis=1)

    @property
    def right(self) -> Bool[np.ndarray, " cell"]:
        return self.proba.argmax(axis=1) == self.label

    @property
    def log_loss(self) -> float:
        of_label = self.proba[np.arange(len(self.label)), self.label]
        return float(-np.log(np.maximum(of_label, calibration.LOWEST)).mean())

    def calibrated(self, by: Judged) -> Judged:
        """Applies the temperature of other cells, or of these."""
        return replace(self, proba=calibration.softened(self.proba, calibration.temperature(by.label, by.proba)))

    def held_out(self) -> Iterator[tuple[Bool[np.ndarray, " cell"], Judged]]:
        """Yields which cells a part has, and all cells, calibrated by the others; nothing where there is one part."""
        for k in np.unique(self.part) if self.part.max() else ():
            here = self.part == k
            yield here, self.calibrated(self[~here])


def confidence(table: pd.DataFrame, *, group: str = "group", shares: Sequence[str] = ()) -> dict:
    """Fits temperature, thresholds and sets to all cells of a table of predictions, and judges each on held-out cells.

    What new cells are given (`temperature`, `confidence` of each of `labels`, `threshold` of each class of `sets`) is
    fitted to all cells. What is told of it (ECE after, curve, coverage, accuracy, size) is of the cells of each part by
    what the others give (`calibration.parts`); nan or nothing where all cells are of one group. `labels` and `curve` go
    by the calibrated probability of the best guess, `ratio` and `sets` by the probabilities of the model.

    Args:
        group: what a group is called, for messages: animal, donor, recording.
        shares: what stands on several sides of the split, as `Fold.shares` has it.

    Raises:
        UserError: when no row has a label.
    """
    cells = per_cell(labelled_lines(table))
    judged = Judged(*arrays_of(cells), pd.factorize(cells["group"], sort=True)[0], calibration.parts(cells))
    by_part = [*judged.held_out()]
    after = replace(judged, proba=np.full(judged.proba.shape, np.nan))
    for here, calibrated in by_part:
        after.proba[here] = calibrated.proba[here]
    values = {
        "n_cells": int(cells["cell_id"].nunique()),
        "n_groups": int(cells["group"].nunique()),
        "n_parts": len(by_part),
        "n_alone": int((cells["group"] == cells["cell_id"]).sum()),  # a group of their own, as theirs is unknown
        "temperature": calibration.temperature(judged.label, judged.proba),
        **_errors(judged, after if by_part else None),
        "labels": [_at_accuracy(judged, by_part, accuracy) for accuracy in ACCURACIES],
        "ratio": {"wanted": RATIO, **_labelled(judged, calibration.confidence_ratio(judged.proba) >= RATIO)},
        "curve": coverage.thinned(coverage.curve(after.sure, after.right)).to_dict("records") if by_part else [],
        "sets": _sets(judged, classes_of(table)),
    }
    values["sets"]["words"] = confidence_words.promised(values["sets"]["classes"], group, shares)
    return {**values, "notes": [*confidence_words.notes(values, group, shares)]}


def _errors(before: Judged, after: Judged | None) -> dict:
    found = {"ece": {"before": 0.0, "after": np.nan}, "log_loss": {"after": np.nan}, "bins": {"after": []}}
    for time, cells in (("before", before), ("after", after)):
        if cells is not None:
            bins = calibration.reliability(cells.sure, cells.right)
            found["ece"] |= {time: calibration.calibration_error(bins)}
            found["ece"] |= {"by_chance": calibration.error_by_chance(cells.sure)}
            found["log_loss"] |= {time: cells.log_loss}
            found["bins"] |= {time: bins.to_dict("records")}
    return found


def _at_accuracy(judged: Judged, by_part: Sequence, accuracy: float) -> dict:
    """Tells the threshold for an accuracy from all cells, and what thresholds of the other parts lead to."""
    chosen = np.zeros(len(judged.label), bool)
    for here, cells in by_part:
        others = cells[~here]
        at = coverage.threshold(others.sure, others.right, accuracy)
        chosen[here] = at is not None and cells.sure[here] >= at
    all_cells = judged.calibrated(judged)
    at = coverage.threshold(all_cells.sure, all_cells.right, accuracy)
    told = _labelled(judged, chosen) if by_part else {"n": 0}
    return {"wanted": accuracy, "confidence": np.nan if at is None else at, **told}


def _labelled(judged: Judged, chosen: Bool[np.ndarray, " cell"]) -> dict:
    """Returns the share of cells that are labelled, and of these that are right, with 95 % intervals (jackknife)."""
    n, labelled, hits = (
        np.bincount(judged.group, which.astype(float)) for which in (chosen | True, chosen, chosen & judged.right)
    )
    told = {"n": int(chosen.sum())}
    with np.errstate(invalid="ignore", divide="ignore"):
        for name, above, below in (("coverage", labelled, n), ("accuracy", hits, labelled)):
            value = float(above.sum() / below.sum())
            left = (above.sum() - above) / (below.sum() - below)
            low, high = intervals.jackknife(value, left, below > 0, intervals.effective_groups(below))
            told[name] = {"value": value, "low": low, "high": high}
    return told


def _sets(judged: Judged, classes: Sequence[str]) -> dict:
    label, proba, group, part = judged.label, judged.proba, judged.group, judged.part
    told = {"promise": PROMISE, "size": np.nan, "empty": np.nan}
    inside = sets.held_out_sets(label, proba, group, part, PROMISE)
    if part.max():
        told |= {"size": float(inside.sum(axis=1).mean()), "empty": float((~inside.any(axis=1)).mean())}
    at, by_class = sets.thresholds(label, proba, group, PROMISE), {}
    for c, name in enumerate(classes):
        here = label == c
        n_groups = len(np.unique(group[here]))
        promise = sets.promise_of(n_groups, PROMISE)
        entry = {"n": int(here.sum()), "groups": n_groups, "promise": promise, "threshold": float(at[c])}
        if part.max() and promise:
            share, worth = sets.covered(inside[here, c], group[here])
            low, high = sets.binomial_limits(worth, promise)
            entry |= {"coverage": share, "worth": worth, "low": low, "high": high}
        by_class[name] = entry
    return {**told, "classes": by_class}
