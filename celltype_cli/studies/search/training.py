"""What a search trains on: inner folds of the training part, and in the end all of it, for as long as in those."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Int
from omegaconf import DictConfig, OmegaConf

from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.splits.folds import Fold, checked
from celltype_cli.splits.grouped import grouped_kfold
from celltype_cli.splits.groups import Fraction
from celltype_cli.studies.search.space import put
from celltype_cli.trainers.protocol import Fitted


def training_rows(fold: Fold) -> Int[np.ndarray, " row"]:
    """Returns the rows of a fold that a search may use: all that are not tested."""
    return np.sort(np.concatenate([fold.train, fold.sides["valid"]]))


def inner_folds(
    cells: Cells, rows: Int[np.ndarray, " row"], *, n_folds: int, split: str, valid_fraction: Fraction, seed: int
) -> list[Fold]:
    """Deals the training part to folds of all cells, each scored once; the guard has checked them.

    Args:
        rows: the training part. Folds index all cells, which may lie on disk: a copy of the part could fill the memory.
        split: "grouped" keeps groups apart; "stratified" deals cells, so that groups stand on both sides, as papers do.
            The windows of a cell stay together in both.
        valid_fraction: of each fold's training groups or cells, for early stopping; 0 takes none.

    Raises:
        UserError: when a class or the groups are too few.
    """
    part = cells[rows]
    dealt = part if split == "grouped" else replace(part, group=part.cell_id)
    try:
        folds = list(grouped_kfold(dealt, n_folds=n_folds, valid_fraction=valid_fraction, seed=seed))
        shares = ("group",) if split == "stratified" else ()
        folds = checked(part, [replace(fold, shares=shares) for fold in folds])
    except UserError as error:
        where = f"the inner folds (search.folds={n_folds}, search.split={split}, search.valid_fraction)"
        raise UserError(f"{where} cannot be made: {str(error).replace('split.', 'search.')}") from error
    return [replace(f, train=rows[f.train], valid=rows[f.valid], test=rows[f.test]) for f in folds]


def stops_early(cfg: DictConfig) -> bool:
    """Says whether the trainer chooses epochs or weights by validation cells."""
    return cfg.trainer.get("patience") is not None or cfg.trainer.get("keep") == "best"


def epochs_behind(cfg: DictConfig, fitted: Fitted) -> list[int]:
    """Returns the number of epochs behind the weights that predict, or nothing for models without epochs."""
    if not fitted.history:
        return []
    best = cfg.trainer.get("keep") == "best"
    row = min(fitted.history, key=lambda row: row["valid_loss"]) if best else fitted.history[-1]
    return [int(row["epoch"])]


def final(cfg: DictConfig, epochs: list[int]) -> DictConfig:
    """Returns the config that trains once on the whole training part: nothing is held out, nothing stops early.

    Args:
        epochs: of the inner folds; their mean is trained, as Amprimo et al. 2025 do. Empty keeps the config's own.
    """
    of_split = pd.json_normalize(OmegaConf.to_container(cfg.split))  # of the split within it, too
    values = {f"split.{key}": 0.0 for key in of_split if key.split(".")[-1] == "valid_fraction"}
    if stops_early(cfg):
        values |= {"trainer.patience": None, "trainer.keep": "last"}
        values |= {"trainer.epochs": int(np.mean(epochs) + 0.5)} if epochs else {}
    return put(cfg, {key: value for key, value in values.items() if OmegaConf.select(cfg, key) is not None})
