"""What a model that learnt nothing scores on these very folds: labels dealt anew over groups, and a cheap model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Shaped

from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.cells.columns import summary_of
from celltype_cli.splits.folds import Fold

RIDGE = 1.0  # on standardised columns
MODEL = "a ridge classifier of what the inputs say in sum"


def chance(cells: Cells, folds: Sequence[Fold], observed: float, *, times: int, seed: int) -> dict:
    """Scores a cheap model on labels that were dealt anew `times` times, and says how often it reached a score.

    What animals share stays with them: see `dealt_anew`. The cheap model stands for any that learnt nothing; p is
    (1 + how often it scored as high) / (1 + times), as in Phipson and Smyth (2010, Stat Appl Genet Mol Biol 9:39).

    Args:
        observed: balanced accuracy per cell of the run.

    Returns:
        score, model, times, mean, sd, high (95 % of them lie below) and p.
    """
    table = _standardised(summary_of(cells)[1])
    known = np.flatnonzero(cells.label != UNLABELLED)
    _, first, cell = np.unique(cells.cell_id[known], return_index=True, return_inverse=True)
    label, group = cells.label[known][first], cells.linked_group[known][first]
    rng = np.random.default_rng(np.random.SeedSequence((seed, times)))
    at = np.full(len(cells), -1)
    at[known] = cell
    found = np.array(
        [_scored(table, at, dealt_anew(label, group, rng), folds, len(cells.classes)) for _ in range(times)]
    )
    return {
        "score": "balanced_accuracy",
        "model": MODEL,
        "times": times,
        "mean": float(found.mean()),
        "sd": float(found.std(ddof=1)) if times > 1 else float("nan"),
        "high": float(np.percentile(found, 95)),
        "p": float((1 + (found >= observed - 1e-12).sum()) / (1 + times)),
    }


def dealt_anew(
    label: Int[np.ndarray, " cell"], group: Shaped[np.ndarray, " cell"], rng: np.random.Generator
) -> Int[np.ndarray, " cell"]:
    """Deals labels anew so that groups keep their likeness: whole groups of one class swap classes, and in a group of
    several its cells do (exchangeable blocks: Winkler et al. 2014, NeuroImage 92:381)."""
    new = label.copy()
    _, code = np.unique(group, return_inverse=True)
    of_one = {}
    for k in range(code.max() + 1):
        rows = np.flatnonzero(code == k)
        if len(np.unique(label[rows])) == 1:
            of_one[k] = label[rows[0]]
        else:
            new[rows] = rng.permutation(label[rows])
    for k, value in zip(of_one, rng.permutation(list(of_one.values())), strict=True):
        new[code == k] = value
    return new


def _scored(
    table: Float[np.ndarray, "row column"],
    at: Int[np.ndarray, " row"],
    label: Int[np.ndarray, " cell"],
    folds: Sequence[Fold],
    n_classes: int,
) -> float:
    """Returns the balanced accuracy per cell over all folds; `at` says which cell a row is of, -1 of an unlabelled."""
    said = []
    for k, fold in enumerate(folds):
        train, test = (rows[at[rows] >= 0] for rows in (np.concatenate([fold.train, fold.valid]), fold.test))
        train = np.setdiff1d(train, test)  # some splits watch the test rows
        votes = pd.DataFrame(_votes(table[train], label[at[train]], table[test], n_classes)).groupby(at[test]).mean()
        said.append(pd.DataFrame({"fold": k, "right": votes.to_numpy().argmax(axis=1) == label[votes.index],
                                  "label": label[votes.index]}))  # fmt: skip
    return float(pd.concat(said).groupby("label")["right"].mean().mean())


def _votes(
    x: Float[np.ndarray, "train column"],
    label: Int[np.ndarray, " train"],
    new: Float[np.ndarray, "test column"],
    n_classes: int,
) -> Float[np.ndarray, "test class"]:
    """Fits and applies a ridge regression of each class against the others, classes weighted alike."""
    count = np.bincount(label, minlength=n_classes)
    weight = np.sqrt(len(label) / np.maximum(count, 1) / np.count_nonzero(count))[label, None]
    target = np.where(np.arange(n_classes) == label[:, None], 1.0, -1.0)
    a = np.column_stack([np.ones(len(x)), x])
    penalty = RIDGE * np.eye(a.shape[1])
    penalty[0, 0] = 1e-9
    coefficients = np.linalg.solve((a * weight**2).T @ a + penalty, (a * weight**2).T @ target)
    votes = np.column_stack([np.ones(len(new)), new]) @ coefficients
    votes[:, count == 0] = -np.inf  # a class that training lacks is never said
    return votes


def _standardised(table: Float[np.ndarray, "row column"]) -> Float[np.ndarray, "row column"]:
    """Returns columns with mean 0 and sd 1; what was not measured as the mean."""
    table = table[:, ~np.isnan(table).all(axis=0)]
    sd = np.nanstd(table, axis=0)
    return np.nan_to_num((table - np.nanmean(table, axis=0)) / np.where(sd > 0, sd, 1))
