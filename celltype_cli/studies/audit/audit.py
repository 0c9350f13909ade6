"""Finds leaks of the source: can a small model tell laboratory, dataset or session kind from what the models are given?

Where source and label go together, a column that tells the label tells the source as well. So the source is told within
each class: a column that still tells it there holds something of the recording, not of the cell. Example: in the tables
of Amprimo et al. (2025) spike times count from the start of the sweep, and the step starts at 1.02 s in one source and
at 0.5 s in the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Shaped
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import homogeneity_score

from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.cells.columns import summary_of
from celltype_cli.core.messages import UserError, check_choice
from celltype_cli.core.terminal import track
from celltype_cli.studies.audit.chance import chance
from celltype_cli.studies.audit.told import FEWEST, Told

SHOWN = 8  # values of the source in a message
SURE = 0.05  # p by chance, of all columns together, at which one may be flagged


@dataclass(frozen=True)
class Audit:
    """What an audit found; areas under the ROC curve (AUC) are 0.5 by chance and 1 where the source is plain.

    Attributes:
        shares: labelled cells of each class (row) by source (column).
        columns: by column of the inputs, strongest first: `within`, the cross-validated AUC of the source within a
            class, averaged over classes by their smaller source, among the rows where the column was measured (nan
            where no class has two sources); `missing`, the share of rows without a value; `p`, by chance; `flagged`.
        within: the AUC of a small model of all columns; `rest` without the flagged ones.
        chance_sd: about how far an AUC of such a mean strays from 0.5 by chance, groups kept whole.
        least_p: the smallest p that so many groups allow; above `SURE` no column can be flagged.
        label_from_source: balanced accuracy of guessing the label by the source alone; its floor is 1 / classes.
        information: share of the label's entropy that the source gives (mutual information / entropy).
    """

    shares: pd.DataFrame
    columns: pd.DataFrame
    within: float
    rest: float
    chance_sd: float
    least_p: float
    label_from_source: float
    information: float

    @property
    def flagged(self) -> list[str]:
        return [*self.columns.index[self.columns["flagged"]]]


def audit(cells: Cells, *, by: str, n_folds: int, flag_at: float, seed: int) -> Audit:
    """Tells the source within each class from the labelled cells' inputs, cross-validated.

    Args:
        by: "source", with groups kept apart; or "group" for whether animals can be told, with cells kept apart.
        flag_at: AUC from which a column is flagged, if its p by chance is `SURE` or less as well.

    Raises:
        UserError: when there is one source only, or no class has two sources with enough cells.
    """
    check_choice("by", by, ("source", "group"))
    cells = cells[np.flatnonzero(cells.label != UNLABELLED)]
    source, apart = (cells.source, cells.group) if by == "source" else (cells.group, cells.cell_id)
    shares = pd.crosstab(np.array(cells.classes)[cells.label], source).reindex([*cells.classes], fill_value=0)
    told = Told(cells.label, source, apart, n_folds, seed)
    _check(cells, by, shares, told)
    names, table = summary_of(cells)
    found = [(told.by_column(column), np.isnan(column).mean()) for column in track(table.T, "columns", len(names))]
    columns = pd.DataFrame(found, columns=["within", "missing"], index=pd.Index(names, name="column"))
    by_chance = chance(table, source, apart, [*told.classes(np.ones(len(cells), bool))], seed)
    columns["p"] = by_chance.p
    columns["flagged"] = (columns["within"] >= flag_at) & (columns["p"] <= SURE)
    kept = ~columns["flagged"].to_numpy()
    within = told.by(_forest(seed), table, words="all columns")
    rest = within
    if not kept.all():
        rest = told.by(_forest(seed), table[:, kept], words="without the flagged") if kept.any() else np.nan
    return Audit(
        shares=shares,
        columns=columns.sort_values("within", ascending=False),
        within=within,
        rest=rest,
        chance_sd=by_chance.sd,
        least_p=by_chance.least,
        label_from_source=_label_from_source(shares.to_numpy(float)),
        information=_information(cells.label, source),
    )


def _forest(seed: int) -> Callable[[int], Any]:
    """Returns what makes the small model of all columns; it is the same for any number of rows."""
    return lambda _: RandomForestClassifier(n_estimators=100, min_samples_leaf=3, random_state=seed)


def _check(cells: Cells, by: str, shares: pd.DataFrame, told: Told) -> None:
    """Raises a UserError where there is one source only, or no class has two sources with enough cells."""
    title = cells.about.title
    if shares.shape[1] < 2:
        more = "; by=group asks whether animals can be told instead" if by == "source" else ""
        names = ", ".join(filter(None, map(str, shares.columns)))
        known = f"has one {by} only ({names})" if names else f"does not say of which {by} its cells are"
        raise UserError(f"{title} {known}: nothing to tell{more}")
    if not any(True for _ in told.classes(np.ones(len(cells), bool))):
        plain = shares.rename_axis(index=None, columns=None).to_string()
        raise UserError(
            f"{title}: no class has {FEWEST} cells or more of two values of {by}"
            f"{', from two groups each' if by == 'source' else ''}, and only within a class can {by} be told without "
            "the label" + (f":\n{plain}" if shares.shape[1] <= SHOWN else "")
        )


def _label_from_source(counts: Float[np.ndarray, "class source"]) -> float:
    """Returns the balanced accuracy of the class that most favours the source, classes taken as equally frequent."""
    rate = counts[counts.sum(axis=1) > 0]
    rate = rate / rate.sum(axis=1, keepdims=True)
    return float(rate.max(axis=0).sum() / len(rate))


def _information(label: Int[np.ndarray, " row"], source: Shaped[np.ndarray, " row"]) -> float:
    """Returns mutual information / entropy of the label, which scikit-learn calls homogeneity; 0 for a single class."""
    return float(homogeneity_score(label, source)) if len(np.unique(label)) > 1 else 0.0
