"""How well a source can be told within a class, cross-validated: by one column, or by a model of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from scipy.stats import rankdata
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.tree import DecisionTreeClassifier

from celltype_cli.core.terminal import track

FEWEST = 5  # cells of a class that a source needs to count
LEAVES, LEAF = 8, 10  # of a single column's tree: leaves, and rows in a leaf; an eighth of the rows where they are few


@dataclass(frozen=True)
class Told:
    """Scores how well the source is told within each class, each cell by models that saw none of its kind `apart`.

    Attributes:
        label, source: of each row.
        apart: what is kept on one side of a fold: groups, or cells where groups are the source.
        dealt: folds by the rows that they were dealt of.
    """

    label: Int[np.ndarray, " row"]
    source: Shaped[np.ndarray, " row"]
    apart: Shaped[np.ndarray, " row"]
    n_folds: int
    seed: int
    dealt: dict[bytes, list[tuple[np.ndarray, np.ndarray]]] = field(default_factory=dict)

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
        """Returns the AUC, as `by` does, of a single tree of one column, among the rows that have a value."""

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
