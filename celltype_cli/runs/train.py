"""One run: cells -> folds -> trained models -> predictions -> scores, in a folder that can be taken up again."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from omegaconf import DictConfig, OmegaConf

from celltype_cli.core import configs
from celltype_cli.core.messages import UserError, counted, few
from celltype_cli.core.terminal import say
from celltype_cli.evaluation.predictions import predictions_table
from celltype_cli.evaluation.scores import scores
from celltype_cli.runs.build import Built, build
from celltype_cli.runs.chance import chance
from celltype_cli.runs.environment import limit_threads
from celltype_cli.runs.fold import FoldFolder
from celltype_cli.runs.folder import RunFolder, logger
from celltype_cli.runs.identity import run_identity
from celltype_cli.runs.progress import Progress
from celltype_cli.runs.results import draw, finish
from celltype_cli.runs.settings import Settings
from celltype_cli.splits.folds import Fold

NOTES = 4  # of folds, the most frequent ones


@dataclass(frozen=True)
class Outcome:
    """A finished run: where it is, what it scored, and whether this call had to compute anything."""

    folder: RunFolder
    scores: dict
    status: Literal["finished", "already finished"]


def train(cfg: DictConfig, *, labels: dict[str, str], overrides: list[str]) -> Outcome:
    """Runs a config once: finished before, it is only read; interrupted before, it goes on where it stopped.

    Args:
        cfg: composed from `conf/train.yaml`.
        labels: the chosen option of each config group, for names people read.
        overrides: what the user typed, kept with the run.

    Raises:
        UserError: before anything is written, when the config, the data or the split cannot be used.
    """
    folder, identity = located(cfg, labels)
    if folder.finished:
        draw(folder, cfg.figures)
        log_missing(cfg, folder)
        return Outcome(folder, folder.scores(), "already finished")

    threads = limit_threads(cfg.threads)
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
    say(f"{labels['model']} on {cells.about.title}: {cells.counted}, {counted(len(folds), 'fold')}")
    with folder.working(OmegaConf.to_container(cfg, resolve=True), overrides, facts, log):
        folder.write_split(cells, folds)
        tables, curves = [], []
        with Progress(len(folds)) as progress:
            for k in range(1, len(folds) + 1):
                fold = folder.fold(k)
                if not fold.done:
                    _train_fold(fold, log, progress, built, k, keep_model=cfg.keep_models)
                if not cfg.keep_checkpoints:
                    fold.drop_checkpoints()
                progress.finish_fold(k, fold.about()["scores"]["balanced_accuracy"])
                tables.append(fold.predictions())
                curves.append(fold.curves())
        whole = (pd.concat(parts, ignore_index=True) for parts in (tables, curves))
        finish(
            folder,
            cells,
            *whole,
            log,
            formats=cfg.figures,
            chance=partial(chance, cells, folds, times=cfg.permutations, seed=cfg.seed) if cfg.permutations else None,
        )
    if folder.facts()["in_store"]:
        log_missing(cfg)
    return Outcome(folder, folder.scores(), "finished")


def located(cfg: DictConfig, labels: dict[str, str]) -> tuple[RunFolder, str]:
    """Returns the folder that holds the run of a config if this code and data have made it, and its identity.

    Raises:
        UserError: when the config does not fit.
    """
    configs.check(cfg, Settings)
    identity = run_identity(OmegaConf.to_container(cfg, resolve=True))
    return RunFolder.named(Path(cfg.outputs), labels, cfg.seed, identity), identity


def log_missing(cfg: DictConfig, *folders: RunFolder) -> None:
    """Logs finished runs, all in the outputs folder where none is named, that the store lacked when they were made."""
    outputs = Path(cfg.outputs)
    for folder in folders or RunFolder.all(outputs)[0]:
        if folder.facts().get("in_store") is not False or not folder.finished:
            continue
        log = configs.build(cfg.logger).open(outputs, folder.facts()["labels"]["dataset"])
        if log.uri is None:
            return
        with suppress(UserError), folder.locked():  # another process may be logging it
            if not log.finish(folder.logged(folder.scores())):
                return
            folder.note_log(log, in_store=True)


def _train_fold(folder: FoldFolder, log: Any, progress: Progress, built: Built, k: int, *, keep_model: bool) -> None:
    def watch(epoch: int, epochs: int, values: dict[str, float]) -> None:
        progress.epoch(k, epoch, epochs, values)
        log.epoch(k, epoch, {name: value for name, value in values.items() if name != "epoch"})

    progress.begin_fold(k)
    fitted = built.fit(k, folder.path, watch)
    rows = built.folds[k - 1].test
    test = built.cells[rows]
    table = predictions_table(test, fitted.predict(test), fold=k, rows=rows)
    values = scores(table)["cell"]
    shown = {name: values[name]["value"] for name in ("accuracy", "balanced_accuracy", "macro_f1")}
    folder.write(k, table, fitted, shown, keep_model=keep_model)
    log.finish_fold(k, shown)
    found = f"{fitted.seconds:.1f} s of training, balanced accuracy per cell {shown['balanced_accuracy']:.3f}"
    logger.info("fold %d: %s", k, found)


def _describe_split(folds: list[Fold], group: str) -> dict[str, Any]:
    shared = sorted({name for fold in folds for name in fold.shares} - {"copies"})
    said = Counter(note for fold in folds for note in filter(None, (*fold.notes, fold.unvalidated)))
    notes = [f"in {count} of {len(folds)} folds: {note}" for note, count in said.most_common(NOTES)]
    if shared:
        names = " and ".join({"group": f"{group}s", "cell_id": "cells"}[name] for name in shared)
        notes.insert(0, f"{names} stand on both sides of this split, so scores are higher than for a new {group}")
    monitor = "test" if any(fold.monitored for fold in folds) else "valid"
    return {"folds": len(folds), "shares": shared, "monitor": monitor, "notes": notes, "copies": _shared_copies(folds)}


def _shared_copies(folds: list[Fold]) -> list[str]:
    """Warns of copies that a split asked for by name has on both sides; the warning goes with the scores."""
    count = Counter(words for fold in folds for words in fold.copies)
    if not count:
        return []
    named = "; ".join(few(f"{words}, {n} of {len(folds)} folds" for words, n in count.most_common()))
    return [f"copies of one recording stand on two sides, so part of the score is not of new cells: {named}"]
