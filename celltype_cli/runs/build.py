"""What a config describes, built in one place: cells, folds, trainer and model, found to fit together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar

import numpy as np
from omegaconf import DictConfig

from celltype_cli.cells import own_files
from celltype_cli.cells.assemble import Recordings
from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.splits.folds import Fold, checked
from celltype_cli.trainers import kept
from celltype_cli.trainers.protocol import Fitted, Trainer, Watch, check_ready

Part = TypeVar("Part")


class Built(NamedTuple):
    """The parts of a run, and the seed that each fold is trained with."""

    cells: Cells
    folds: list[Fold]
    trainer: Trainer
    model: Callable[..., Any]
    seeds: list[int]

    def fit(self, k: int, folder: Path, watch: Watch | None) -> Fitted:
        """Fits the model of fold k, counted from 1, or goes on from what `folder` keeps of it."""
        fold, seed = self.folds[k - 1], self.seeds[k - 1]
        train, valid = (self.cells[rows] for rows in (fold.train, fold.valid))
        return self.trainer.fit(self.model, train, valid, seed=seed, folder=folder, watch=watch)


def check_data(cfg: DictConfig) -> None:
    """Raises a UserError where the data that a run was made of are not there; a path may count from another folder."""
    path = cfg.dataset.get("path")
    if path is not None and not Path(path).expanduser().exists():
        above = "" if Path(path).expanduser().is_absolute() else "go to the folder that it was trained in, or "
        raise UserError(f"the data of the run, dataset.path={path}, are not there: {above}put them back")


def cells_of(cfg: DictConfig) -> Cells:
    """Reads the dataset of a config and prepares it; its notes name cells that are copies of each other.

    Raises:
        UserError: when the data cannot be used; it names the dataset that reads them, where another does.
    """
    try:
        dataset = _made("dataset", configs.build(cfg.dataset), Recordings, Cells)  # finished ones are Cells
        return _made("prepare", configs.build(cfg.prepare)(dataset), Cells).noted()
    except UserError as error:
        if said := own_files.hint(cfg.dataset.get("_target_"), cfg.dataset.get("path"), str(error)):
            raise UserError(f"{error}\n  {said}") from error
        raise


def build(cfg: DictConfig) -> Built:
    """Builds all parts of a run.

    Raises:
        UserError: when the data or the split cannot be used, or the model cannot be fitted to them.
    """
    split_seed, training_seed = (int(s.generate_state(1)[0]) for s in np.random.SeedSequence(cfg.seed).spawn(2))
    trainer = _made("trainer", configs.build(cfg.trainer), Trainer)
    model = configs.build(cfg.model)
    check_ready(model)
    cells = cells_of(cfg)
    try:
        _check_classes(cells)
        folds = [_made("split", fold, Fold) for fold in configs.build(cfg.split)(cells, seed=split_seed)]
        folds = checked(cells, folds if trainer.validates else [fold.joined for fold in folds])
    except UserError as error:  # names that look alike, for one, are often the reason
        raise UserError("\n  ".join([str(error), *(f"note: {note}" for note in cells.about.notes)])) from error
    trainer.check(model, cells, any_valid=all(len(fold.valid) and not fold.monitored for fold in folds))
    seeds = [int(np.random.SeedSequence((training_seed, k)).generate_state(1)[0]) for k in range(len(folds))]
    return Built(cells, folds, trainer, model, seeds)


def _made(setting: str, part: Part, *kinds: type) -> Part:
    """Returns a part that is of its kind; a config may name any function or class."""
    if not isinstance(part, kinds):
        expected = " or ".join(kind.__name__ for kind in kinds)
        raise UserError(f"{setting}._target_ makes a {type(part).__name__}, expected {expected}")
    return part


def _check_classes(cells: Cells) -> None:
    """Raises a UserError where nothing can be told apart, which a model would do without a mistake."""
    here = [name for k, name in enumerate(cells.classes) if (cells.label == k).any()]
    if len(here) == 1 and (cells.label != UNLABELLED).any():
        raise UserError(
            f"dataset {cells.about.title}: all labelled cells are {here[0]}, and to tell cell types apart two are "
            "needed: add cells of another type, or give labels, where the dataset takes them with dataset.labels=..."
        )


def refit(cfg: DictConfig, cells: Cells, folder: Path) -> None:
    """Fits the model of a config on all labelled cells, and keeps it in `folder`.

    Raises:
        UserError: when validation cells are to choose something, of which there are none, or it cannot be kept.
    """
    trainer: Trainer = configs.build(cfg.trainer)
    model = configs.build(cfg.model)
    trainer.check(model, cells, any_valid=False)
    seed = int(np.random.SeedSequence(cfg.seed).spawn(2)[1].generate_state(1)[0])
    with TemporaryDirectory() as checkpoints:
        fitted = trainer.fit(model, cells, cells[np.arange(0)], seed=seed, folder=Path(checkpoints), watch=None)
    if reason := kept.keep(fitted.predict, folder):
        raise UserError(f"this model cannot be kept: {reason}")
