"""A finished run again: its data, and the model of one fold, made once more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from celltype_cli.cells.cells import Cells
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError, counted
from celltype_cli.core.terminal import say
from celltype_cli.runs import train
from celltype_cli.runs.build import Built, build, check_data
from celltype_cli.runs.environment import limit_threads
from celltype_cli.runs.folder import RunFolder
from celltype_cli.splits.folds import Fold
from celltype_cli.trainers import kept
from celltype_cli.trainers.protocol import Predictor


@dataclass(frozen=True)
class Again:
    """A finished run with its data, and the model of one fold, made once more.

    Attributes:
        cfg: composed as for `celltype train`.
        labels: the chosen option of each config group.
        parts: data and folds, built again.
        fold: counted from 1.
        predicted: what the run saved of the fold.
        predict: the model of the fold.
    """

    cfg: DictConfig
    labels: dict[str, str]
    folder: RunFolder
    parts: Built
    fold: int
    predicted: pd.DataFrame
    predict: Predictor

    @property
    def cells(self) -> Cells:
        return self.parts.cells

    @property
    def rows(self) -> Fold:
        return self.parts.folds[self.fold - 1]

    def tested(self, cells: Cells) -> str:
        """Says of which split, groups and seed cells were tested."""
        groups = counted(len(np.unique(cells.group)), cells.about.group)
        return f"split {self.labels['split']}, {len(cells)} test cells of {groups}, seed {self.cfg.seed}"

    def place(self, name: str) -> Path:
        """Returns where a file of the explanation of this fold lies."""
        return self.folder.path / "explain" / f"fold{self.fold}-{name}"

    def log(self, files: Iterable[Path]) -> None:
        """Adds files to what MLflow has of the run, where it was logged, and to the same store."""
        facts = self.folder.facts()
        log = configs.build(self.cfg.logger).open(Path(self.cfg.outputs), self.labels["dataset"])
        if facts["mlflow_run"] and log.uri == facts["mlflow_uri"]:
            log.add(facts["mlflow_run"], [*files])


def made_again(cfg: DictConfig, labels: dict[str, str], make: str, fold: int) -> Again:
    """Builds the data of a run, and the model of one of its folds, from what it kept or fitted anew.

    Args:
        cfg: composed as for `celltype train`.
        labels: the chosen option of each config group.
        make: the command that makes the run, for the message where it is missing.
        fold: counted from 1.

    Raises:
        UserError: when the run is not finished, or has no such fold, or its data are no longer the same.
    """
    folder, _ = train.located(cfg, labels)
    if not folder.finished:
        check_data(cfg)
        state = folder.status if folder.path.exists() else "not there"
        raise UserError(
            f"the run to explain is {state} ({folder.path}); other settings, data or code make another run. "
            f"Make it first:\n  {make}"
        )
    limit_threads(cfg.threads)
    parts = build(cfg)
    if not 1 <= fold <= len(parts.folds):
        raise UserError(f"fold={fold}: this run has the folds 1 to {len(parts.folds)}")
    predicted, rows = folder.fold(fold).predictions(), parts.folds[fold - 1]
    tested = parts.cells.cell_id[rows.test].astype(str)
    if not np.array_equal(predicted["cell_id"], tested):
        raise UserError(f"{folder.path}: fold {fold} was tested on other cells than the dataset now gives: train anew")
    return Again(cfg, labels, folder, parts, fold, predicted, _fitted(folder, parts, fold, keep=cfg.keep_checkpoints))


def _fitted(folder: RunFolder, parts: Built, k: int, *, keep: bool) -> Predictor:
    """Gets the predictor of a fold: from kept checkpoints, the kept model, or fitted again, which ends the same."""
    fold = folder.fold(k)
    if not any(fold.path.glob("*.ckpt")):
        if kept.is_kept(fold.model):
            try:
                return kept.load(fold.model)
            except UserError as error:
                say(str(error))
        seconds = fold.about()["training_seconds"]
        say(f"the model of fold {k} is fitted again, with the same seed ({seconds:.1f} s in the run)")
    with folder.locked():
        fitted = parts.fit(k, fold.path, None)
        if not keep:
            fold.drop_checkpoints()
    return fitted.predict
