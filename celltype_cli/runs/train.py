"""One run: cells -> folds -> trained models -> predictions -> scores, in a folder that can be taken up again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from omegaconf import DictConfig, OmegaConf

from celltype_cli.core import configs
from celltype_cli.evaluation.predictions import predictions_table
from celltype_cli.evaluation.scores import scores
from celltype_cli.runs.build import Built, build
from celltype_cli.runs.environment import threads as threads_of
from celltype_cli.runs.folder import RunFolder, logger
from celltype_cli.runs.identity import run_identity
from celltype_cli.runs.progress import Progress
from celltype_cli.splits.folds import Fold

NOTES = 4  # of folds, the most frequent ones


@dataclass
class Settings:
    """The keys of `conf/train.yaml` and their types."""

    dataset: Mapping[str, Any]
    prepare: Mapping[str, Any]
    split: Mapping[str, Any]
    trainer: Mapping[str, Any]
    model: Mapping[str, Any]
    logger: Mapping[str, Any]
    seed: int
    threads: int | None
    keep_checkpoints: bool
    outputs: str


@dataclass(frozen=True)
class Outcome:
    """A finished run: where it is, what it scored, and whether this call had to compute anything."""

    folder: RunFolder
    scores: dict
    status: Literal["finished", "already finished"]


def train(cfg: DictConfig, *, labels: dict[str, str], overrides: list[str], jobs: int = 1) -> Outcome:
    """Runs a config once: finished before, it is only read; interrupted before, it goes on where it stopped.

    Args:
        cfg: composed from `conf/train.yaml`.
        labels: the chosen option of each config group, for names people read.
        overrides: what the user typed, kept with the run.
        jobs: how many runs share this machine's cores.

    Raises:
        UserError: before anything is written, when the config, the data or the split cannot be used.
    """
    folder, identity = located(cfg, labels)
    if folder.finished:
        return Outcome(folder, folder.scores(), "already finished")

    threads = use_threads(cfg.threads, jobs)
    built = build(cfg)
    cells, folds = built.cells, built.folds
    log = configs.build(cfg.logger).open(Path(cfg.outputs), labels["dataset"])

    facts = {
        "identity": identity,
        "labels": labels,
        "seed": cfg.seed,
        "threads": threads,
        "dataset": {**asdict(cells.about), "title": cells.about.title, "fingerprint": cells.fingerprint()},
        "split": _describe_split(folds, cells.about.group),
    }
    with folder.working(OmegaConf.to_container(cfg, resolve=True), overrides, facts, log):
        folder.write_split(cells, folds)
        tables, curves = [], []
        with Progress(cells.about.title, labels["model"], len(folds)) as progress:
            for k in range(len(folds)):
                if not folder.has_fold(k):
                    _train_fold(folder, log, progress, built, k)
                if not cfg.keep_checkpoints:
                    folder.drop_checkpoints(k)
                table, history, about = folder.read_fold(k)
                progress.finish_fold(k, about["scores"]["balanced_accuracy"])
                tables.append(table)
                curves.append(history)
        folder.finish(pd.concat(tables, ignore_index=True), pd.concat(curves, ignore_index=True), log)
    return Outcome(folder, folder.scores(), "finished")


def located(cfg: DictConfig, labels: dict[str, str]) -> tuple[RunFolder, str]:
    """Returns the folder that holds the run of a config if this code and data have made it, and its identity.

    Raises:
        UserError: when the config does not fit.
    """
    configs.check(cfg, Settings)
    identity = run_identity(OmegaConf.to_container(cfg, resolve=True))
    return RunFolder.named(Path(cfg.outputs), labels, cfg.seed, identity), identity


def _train_fold(folder: RunFolder, log: Any, progress: Progress, built: Built, k: int) -> None:
    def watch(epoch: int, epochs: int, values: dict[str, float]) -> None:
        progress.epoch(k, epoch, epochs, values)
        log.epoch(k, epoch, {name: value for name, value in values.items() if name != "epoch"})

    fitted = built.fit(k, folder.checkpoints(k), watch)
    test = built.cells[built.folds[k].test]
    table = predictions_table(test, fitted.predict(test), fold=k, rows=built.folds[k].test)
    values = scores(table, n_resamples=1)["cell"]
    shown = {name: values[name]["value"] for name in ("accuracy", "balanced_accuracy", "macro_f1")}
    log.finish_fold(k, shown)
    folder.write_fold(k, table, fitted, shown)
    found = f"{fitted.seconds:.1f} s of training, balanced accuracy per cell {shown['balanced_accuracy']:.3f}"
    logger.info("fold %d: %s", k, found)


def use_threads(wanted: int | None, jobs: int = 1) -> int:
    """Limits torch and the libraries of numpy to this run's share of the cores, and returns it."""
    import torch
    from threadpoolctl import threadpool_limits

    n = threads_of(wanted, jobs)
    torch.set_num_threads(n)
    threadpool_limits(n)
    return n


def _describe_split(folds: list[Fold], group: str) -> dict[str, Any]:
    shared = sorted({name for fold in folds for name in fold.shares})
    said = Counter(fold.note for fold in folds if fold.note)
    notes = [f"in {count} of {len(folds)} folds: {note}" for note, count in said.most_common(NOTES)]
    if shared:
        names = " and ".join({"group": f"{group}s", "cell_id": "cells"}[name] for name in shared)
        notes.insert(0, f"{names} stand on both sides of this split, so scores are higher than for a new {group}")
    monitor = "test" if any(fold.monitored for fold in folds) else "valid"
    return {"folds": len(folds), "shares": shared, "monitor": monitor, "notes": notes}
