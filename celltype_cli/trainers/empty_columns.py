"""Columns of a table that no training row has a value of."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, TransformerMixin


class EmptyColumns(TransformerMixin, BaseEstimator):
    """Sets columns that are nan in every training row to 0 in all rows, in those of test cells too.

    Nothing can be learnt of such a column; HistGradientBoosting of scikit-learn 1.9 stops with an error at one.
    """

    def fit(self, x: Float[np.ndarray, "row column"], y: object = None) -> EmptyColumns:
        self.empty_ = np.isnan(x).all(axis=0)
        return self

    def transform(self, x: Float[np.ndarray, "row column"]) -> Float[np.ndarray, "row column"]:
        return np.where(self.empty_, x.dtype.type(0), x) if self.empty_.any() else x
