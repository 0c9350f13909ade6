"""The folds of a search: one hold-out, which trials never see, and inner folds of the rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Int

from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.splits.folds import Fold, checked
from celltype_cli.splits.grouped import grouped_kfold
from celltype_cli.splits.groups import Fraction


def training_rows(fold: Fold) -> Int[np.ndarray, " row"]:
    """Returns the rows of a fold that a search may use: all that are not tested."""
    return np.sort(np.concatenate([fold.train, fold.sides["valid"]]))


def inner(cells: Cells, *, n_folds: int, split: str, valid_fraction: Fraction, seed: int) -> list[Fold]:
    """Deals the training part to folds, each of which is scored once; the guard has checked them.

    Args:
        split: "grouped" keeps groups apart; "stratified" deals cells, so that groups stand on both sides, as papers do.
            The windows of a cell stay together in both.
        valid_fraction: of each fold's training groups or cells, for early stopping; 0 takes none.

    Raises:
        UserError: when a class or the groups are too few.
    """
    dealt = cells if split == "grouped" else replace(cells, group=cells.cell_id)
    try:
        folds = list(grouped_kfold(dealt, n_folds=n_folds, valid_fraction=valid_fraction, seed=seed))
        shares = ("group",) if split == "stratified" else ()
        return checked(cells, [replace(fold, shares=shares) for fold in folds])
    except UserError as error:
        where = f"the inner folds (search.folds={n_folds}, search.split={split}, search.valid_fraction)"
        raise UserError(f"{where} cannot be made: {str(error).replace('split.', 'search.')}") from error


def shares_groups(cells: Cells, folds: list[Fold]) -> bool:
    """Says whether a group that is scored in an inner fold also trains there."""
    return any(np.isin(cells.group[fold.test], cells.group[fold.train]).any() for fold in folds)
