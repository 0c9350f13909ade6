"""One trial: settings, trained and scored on the inner folds of the training part."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Interval
from omegaconf import DictConfig, OmegaConf

from celltype_cli.cells.cells import Cells
from celltype_cli.core import configs
from celltype_cli.core.files import write_text
from celltype_cli.core.messages import UserError
from celltype_cli.core.ranges import Count, SeedNumber, held
from celltype_cli.core.states import DamagedState, read_state
from celltype_cli.evaluation.predictions import predictions_table
from celltype_cli.evaluation.scores import scores
from celltype_cli.runs.identity import ELSEWHERE
from celltype_cli.splits.folds import Fold
from celltype_cli.studies.search.training import epochs_behind, final, inner_folds, stops_early, training_rows
from celltype_cli.trainers.protocol import Fitted


@held
@dataclass(frozen=True, kw_only=True)
class Search:
    """What is searched and how.

    Args:
        space: settings and the values they may take, see `space.parse`.
        n_trials: finished trials, failed ones among them, over all workers.
        metric: per cell, averaged over the inner folds; the largest is best.
        folds: inner folds of the training part.
        split: "stratified" or "grouped" inner folds, see `training.inner_folds`.
        valid_fraction: of an inner fold's training part, held out where the trainer stops early or keeps best weights.
        sampler: "tpe" or "gp".
        seed: of the sampler, the inner folds and the trainings in them.

    Raises:
        UserError: when a number is out of range.
    """

    space: Mapping[str, Any]
    n_trials: Count
    metric: Literal["balanced_accuracy", "accuracy", "macro_f1", "weighted_f1"]
    folds: Annotated[int, Ge(2)]
    split: Literal["stratified", "grouped"]
    valid_fraction: Annotated[float, Interval(gt=0, lt=0.5)]
    sampler: Literal["tpe", "gp"]
    seed: SeedNumber


@dataclass(frozen=True)
class Result:
    """One number of each inner fold: its score, the epochs behind the scored weights, and seconds of training.

    `epochs` is empty for models that are not trained in epochs.
    """

    values: list[float]
    epochs: list[int]
    seconds: float

    @property
    def value(self) -> float:
        return float(np.mean(self.values))


class Trials:
    """Scores settings on the training part of the first fold; the cells that are tested there are never taken.

    Args:
        cfg: of the run to be searched.
        search: how.
        prepare: `runs.build.build`; not imported, so that reports and pictures stay out of a search's identity.

    Attributes:
        facts: of the dataset, the hold-out and the inner folds, for people.

    Raises:
        UserError: when the data, the split, the model or the inner folds cannot be used.
    """

    def __init__(self, cfg: DictConfig, search: Search, prepare: Callable[[DictConfig], Any]) -> None:
        self.search, self.prepare, self._kept = search, prepare, ("", None, [])
        found, folds = self._material(cfg)
        cells, self.held_out = found.cells, _held_out(found)
        without = [fold.unvalidated for fold in folds if not len(fold.valid)]
        if stops_early(cfg) and without:
            raise UserError(
                f"the trainer stops early or keeps the best weights, but an inner fold has no validation cells: "
                f"{without[0].replace('split.', 'search.')}"
            )
        outer, group = found.folds[0], cells.group
        self.facts = {
            "title": cells.about.title,
            "group": cells.about.group,
            "outer_folds": len(found.folds),
            "held_out": [len(self.held_out), len(np.unique(group[outer.test]))],
            "training": len(np.unique(cells.cell_id[training_rows(outer)])),
            "shares_groups": any(np.isin(group[fold.test], group[fold.train]).any() for fold in folds),
        }

    def run(self, cfg: DictConfig, folder: Path, watch: Callable[[int, int, int, dict], None]) -> Result:
        """Trains on every inner fold; folds that an interrupted trial has left in `folder` are taken as they are.

        Args:
            watch: hears of every epoch: inner fold from 1, epochs done, epochs in all, the epoch's numbers.

        Raises:
            UserError: when the settings cannot be used, or would change which cells are held out.
        """
        found, folds = self._material(cfg)
        if _held_out(found) != self.held_out:
            raise UserError("these settings change which cells are held out: leave them out of search.space")
        cells, done = found.cells, []
        trainer, model = configs.build(cfg.trainer), configs.build(cfg.model)
        for k, fold in enumerate(folds, start=1):
            place = folder / f"fold_{k}"
            file = place / "result.json"
            if (result := _kept(file)) is None:
                train = cells[fold.train]
                trainer.check(model, train, any_valid=bool(len(fold.valid)))
                seed = stream(self.search.seed, "training", k - 1)
                fitted = trainer.fit(model, train, cells[fold.valid], seed=seed, folder=place, watch=partial(watch, k))
                result = Result([self._score(fitted, cells, fold)], epochs_behind(cfg, fitted), fitted.seconds)
                write_text(file, json.dumps(asdict(result)))
            watch(k, 1, 1, {})
            done.append(result)
        values, epochs = ([n for part in done for n in getattr(part, name)] for name in ("values", "epochs"))
        if not np.isfinite(values).all():
            raise UserError(f"{self.search.metric} is {values} in the inner folds")
        return Result(values, epochs, sum(part.seconds for part in done))

    def _score(self, fitted: Fitted, cells: Cells, fold: Fold) -> float:
        test = cells[fold.test]
        table = predictions_table(test, fitted.predict(test), fold=1, rows=fold.test)
        return float(scores(table)["cell"][self.search.metric]["value"])

    def _material(self, cfg: DictConfig) -> tuple[Any, list[Fold]]:
        """Returns what is prepared, and inner folds of its training part; made anew where they may differ.

        They may by every setting that is neither of the model nor of training.
        """
        made_of = OmegaConf.masked_copy(cfg, [key for key in cfg if key not in {*ELSEWHERE, "model", "trainer"}])
        key = f"{OmegaConf.to_yaml(made_of)} {stops_early(cfg)}"
        if self._kept[0] != key:
            found = self.prepare(final(cfg, []))
            folds = inner_folds(
                found.cells,
                training_rows(found.folds[0]),
                n_folds=self.search.folds,
                split=self.search.split,
                valid_fraction=self.search.valid_fraction if stops_early(cfg) else 0,
                seed=stream(self.search.seed, "inner folds", 0),
            )
            self._kept = key, found, folds
        return self._kept[1:]


def _kept(file: Path) -> Result | None:
    """Returns the result that an interrupted trial has left of a fold; None where there is none that can be read."""
    try:
        return read_state(file, lambda path: Result(**json.loads(path.read_text())))
    except DamagedState:
        return None


def _held_out(found: Any) -> frozenset[str]:
    """Names the cells that the first fold holds out."""
    return frozenset(found.cells.cell_id[found.folds[0].test].astype(str).tolist())


def stream(seed: int, use: Literal["sampler", "inner folds", "training"], k: int) -> int:
    """Returns the seed of the k-th trial, of the inner folds, or of the training in inner fold k."""
    number = ("sampler", "inner folds", "training").index(use)
    return int(np.random.SeedSequence((seed, number, k)).generate_state(1)[0])
