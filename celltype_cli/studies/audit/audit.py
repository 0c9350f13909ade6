"""Finds leaks of the source: can a small model tell laboratory, dataset or session kind from what the models are given?

Where source and label go together, a column that tells the label tells the source as well. So the source is told within
each class: a column that still tells it there holds something of the recording, not of the cell. Example: in the tables
of Amprimo et al. (2025) spike times count from the start of the sweep, and the step starts at 1.02 s in one source and
at 0.5 s in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Shaped
from scipy.stats import rankdata
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import homogeneity_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.tree import DecisionTreeClassifier

from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.cells.columns import summary_of
from celltype_cli.core.messages import UserError, check_choice
from celltype_cli.core.terminal import track
from celltype_cli.studies.audit.chance import chance

SHOWN = 8  # values of the source in a message
FEWEST = 5  # cells of a class that a source needs to count
LEAVES, LEAF = 8, 10  # of a single column's tree: leaves, and rows in a leaf; an eighth of the rows where they are few
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
    rest = (
        told.by(_forest(seed), table[:, kept], words="without the flagged")
        if 0 < kept.sum() < len(kept)
        else within
        if kept.any()
        else np.nan
    )
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


@dataclass(frozen=True)
class Told:
    """Scores how well the source is told within each class, each cell by models that saw none of its kind `apart`."""

    label: Int[np.ndarray, " row"]
    source: Shaped[np.ndarray, " row"]
    apart: Shaped[np.ndarray, " row"]
    n_folds: int
    seed: int
    dealt: dict[bytes, list[tuple[np.ndarray, np.ndarray]]] = field(default_factory=dict)  # folds, by their rows

    def classes(self, rows: Bool[np.ndarray, " row"]) -> Iterator[Int[np.ndarray, " _"]]:
        """Yields the rows of each class that has two sources with `FEWEST` rows and two groups each, without others."""
        for c in np.unique(self.label):
            here = np.flatnonzero(rows & (self.label == c))
            names, source, count = np.unique(self.source[here], return_inverse=True, return_counts=True)
            groups = [len(np.unique(self.apart[here[source == k]])) for k in range(len(names))]
            enough = (count >= FEWEST) & (np.array(groups) > 1)
            if enough.sum() > 1:
                yield here[enough[source]]

    def by_column(self, column: Float[np.ndarray, " row"]) -> float:
        def tree(n: int) -> Any:
            leaf = max(1, min(LEAF, n // LEAVES))
            return DecisionTreeClassifier(max_leaf_nodes=LEAVES, min_samples_leaf=leaf, random_state=self.seed)

        return self.by(tree, column[:, None], np.isfinite(column))

    def by(
        self,
        model: Callable[[int], Any],
        table: Float[np.ndarray, "row column"],
        rows: Bool[np.ndarray, " row"] | None = None,
        words: str = "",
    ) -> float:
        """Returns the AUC, one source against the others, averaged over sources, classes and folds by smaller side.

        Args:
            model: makes an estimator for so many training rows.
            words: before a bar over the classes; none without.
        """
        rows = np.ones(len(table), bool) if rows is None else rows
        classes = [*self.classes(rows)]
        shown = track(classes, words, len(classes)) if words else classes
        scored = [[*self._scores(model, table, here)] for here in shown]
        values = np.array([pair for part in scored for pair in part]).reshape(-1, 2)
        return float(np.average(values[:, 0], weights=values[:, 1])) if len(values) else np.nan

    def _scores(
        self, model: Callable[[int], Any], table: Float[np.ndarray, "row column"], rows: Int[np.ndarray, " _"]
    ) -> Iterator[tuple[float, int]]:
        """Yields AUCs of single folds: pooled, they suffer from training shares that fall where test shares rise."""
        names, source = np.unique(self.source[rows], return_inverse=True)
        for train, test in self._folds(rows, source):
            fitted = model(len(train)).fit(table[rows[train]], source[train])
            proba = np.zeros((len(test), len(names)))
            proba[:, fitted.classes_] = fitted.predict_proba(table[rows[test]])
            of = source[test][:, None] == np.arange(len(names))
            n, m = of.sum(axis=0), (~of).sum(axis=0)
            ranks = (rankdata(proba, axis=0) * of).sum(axis=0)
            for k in np.flatnonzero((n > 0) & (m > 0)):  # the AUC is Mann and Whitney's U over n m
                yield (ranks[k] - n[k] * (n[k] + 1) / 2) / (n[k] * m[k]), min(n[k], m[k])

    def _folds(self, rows: Int[np.ndarray, " _"], source: Int[np.ndarray, " _"]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Deals rows to folds, once for all columns that are measured in the same rows."""
        if (key := rows.tobytes()) not in self.dealt:
            pairs = np.unique(np.stack([source.astype(str), self.apart[rows].astype(str)]), axis=1)
            n_folds = min(self.n_folds, np.unique(pairs[0], return_counts=True)[1].min())
            folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=self.seed)
            self.dealt[key] = list(folds.split(rows, source, self.apart[rows]))
        return self.dealt[key]


def _forest(seed: int) -> Callable[[int], Any]:
    return lambda _: RandomForestClassifier(n_estimators=100, min_samples_leaf=3, random_state=seed)


def _check(cells: Cells, by: str, shares: pd.DataFrame, told: Told) -> None:
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
