"""What chance does to an audit: the sources dealt anew to whole groups; cells of one group are not exchangeable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.stats import rankdata

PERMUTED = 499  # times the sources are dealt anew


@dataclass(frozen=True)
class Chance:
    """What the columns of a table would show of the source by chance.

    Attributes:
        p: of each column: the share of permutations whose strongest column is no weaker than it (of 1 + `PERMUTED`);
            nan where it was not measured. The chance that any column has p <= 0.05 is 0.05, however many there are.
        sd: of a column's AUC over permutations, the largest of all columns.
        least: the smallest p that so many groups allow: of three and three groups 0.1, since one permutation in ten
            is the one at hand or its reverse.
    """

    p: Float[np.ndarray, " column"]
    sd: float
    least: float


def chance(
    table: Float[np.ndarray, "row column"],
    source: Shaped[np.ndarray, " row"],
    apart: Shaped[np.ndarray, " row"],
    classes: Sequence[Int[np.ndarray, " _"]],
    seed: int,
) -> Chance:
    """Permutes sources among the groups of each class (whole blocks: Winkler et al. 2015, NeuroImage 123:253).

    A column's strength is the distance of its AUC from 0.5, one source against the others, averaged over sources and
    classes by their smaller side; the strongest column of each permutation makes the p values hold for all columns
    together (Westfall and Young 1993, Resampling-Based Multiple Testing). A column that tells the source up and down
    alike has little strength.

    Args:
        apart: groups that are dealt whole.
        classes: rows of each class in which sources are told.
    """
    rng = np.random.default_rng(seed)
    strength, spread, weight = (np.zeros((1 + PERMUTED, table.shape[1])) for _ in range(3))
    same = np.ones(PERMUTED, bool)
    for here in classes:
        pairs = np.stack([apart[here].astype(str), source[here].astype(str)])
        units, unit = np.unique(pairs, axis=1, return_inverse=True)
        names, own = np.unique(units[1], return_inverse=True)
        dealt = np.concatenate([own[None], rng.permuted(np.tile(own, (PERMUTED, 1)), axis=1)])
        alike = dealt[1:] == own
        same &= alike.all(axis=1) | (~alike.any(axis=1) if len(names) == 2 else False)
        of = (dealt[:, None] == np.arange(len(names))[:, None]).astype(float)  # [permutation, source, unit]
        for k, column in enumerate(table[here].T):
            seen = np.isfinite(column)
            size = np.bincount(unit.ravel()[seen], minlength=len(own))
            total = np.bincount(unit.ravel()[seen], rankdata(column[seen]), minlength=len(own))
            n = of @ size
            m = seen.sum() - n
            with np.errstate(invalid="ignore", divide="ignore"):
                away = np.nan_to_num((of @ total - n * (n + 1) / 2) / (n * m) - 0.5)
            smaller = np.minimum(n, m)
            strength[:, k] += (np.abs(away) * smaller).sum(axis=1)
            spread[:, k] += (away**2 * smaller).sum(axis=1)
            weight[:, k] += smaller.sum(axis=1)
    measured = weight > 0
    strength, spread = (np.divide(sums, weight, out=np.zeros_like(sums), where=measured) for sums in (strength, spread))
    strongest = strength[1:].max(axis=1, initial=0)
    p = (1 + (strongest[:, None] >= strength[0] - 1e-9).sum(axis=0)) / (1 + PERMUTED)
    sd = float(np.sqrt(spread[1:].mean(axis=0)).max(initial=0)) / np.sqrt(max(1, len(classes)))
    return Chance(np.where(measured[0], p, np.nan), sd, float((1 + same.sum()) / (1 + PERMUTED)))
