"""What a config describes, built in one place: cells, folds, trainer and model, found to fit together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from omegaconf import DictConfig

from celltype_cli.cells.cells import Cells
from celltype_cli.core import configs
from celltype_cli.splits.folds import Fold, checked
from celltype_cli.trainers.protocol import Fitted, Trainer, Watch


class Built(NamedTuple):
    """The parts of a run, and the seed that each fold is trained with."""

    cells: Cells
    folds: list[Fold]
    trainer: Trainer
    model: Callable[..., Any]
    seeds: list[int]

    def fit(self, k: int, folder: Path, watch: Watch | None) -> Fitted:
        """Fits the model of fold k, or goes on from what `folder` keeps of it."""
        train, valid = (self.cells[rows] for rows in (self.folds[k].train, self.folds[k].valid))
        return self.trainer.fit(self.model, train, valid, seed=self.seeds[k], folder=folder, watch=watch)


def cells_of(cfg: DictConfig) -> Cells:
    """Reads the dataset of a config and prepares it.

    Raises:
        UserError: when the data cannot be used.
    """
    return configs.build(cfg.prepare)(configs.build(cfg.dataset))


def build(cfg: DictConfig) -> Built:
    """Builds all parts of a run.

    Raises:
        UserError: when the data or the split cannot be used, or the model cannot be fitted to them.
    """
    split_seed, training_seed = (int(s.generate_state(1)[0]) for s in np.random.SeedSequence(cfg.seed).spawn(2))
    cells = cells_of(cfg)
    folds = checked(cells, configs.build(cfg.split)(cells, seed=split_seed))
    trainer: Trainer = configs.build(cfg.trainer)
    model = configs.build(cfg.model)
    trainer.check(model, cells, any_valid=all(len(fold.valid) and not fold.monitored for fold in folds))
    seeds = [int(np.random.SeedSequence((training_seed, k)).generate_state(1)[0]) for k in range(len(folds))]
    return Built(cells, folds, trainer, model, seeds)
