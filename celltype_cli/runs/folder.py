"""The folder of a run: what it holds, and whether the run is finished, interrupted or new."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from celltype_cli.cells.cells import Cells
from celltype_cli.core.files import write_text
from celltype_cli.core.messages import UserError
from celltype_cli.core.states import DamagedState, fitting, read_json, read_state, sealed
from celltype_cli.evaluation.confidence import confidence
from celltype_cli.evaluation.predictions import read_predictions
from celltype_cli.evaluation.saved_scores import read_confidence, read_scores
from celltype_cli.runs import environment
from celltype_cli.runs.fold import FoldFolder
from celltype_cli.runs.tracked import tracked
from celltype_cli.runs.tracking import Logged
from celltype_cli.splits.folds import Fold

logger = logging.getLogger("celltype")
logger.propagate = False  # the terminal has its own lines


# What whoever shows a run reads of its run.json and scores.json.
FACTS = {"labels.dataset": str, "labels.model": str, "labels.split": str, "labels.command": str, "dataset.title": str,
         "dataset.group": str, "dataset.inputs": dict, "dataset.notes": list, "split.shares": list, "split.notes": list,
         "seed": int, "started": str}  # fmt: skip


class RunFolder:
    """Holds config.yaml, overrides.yaml, environment.json, run.json, log.txt, split.csv, fold_<k>/ (from 1),
    predictions.csv, curves.csv, cells.csv, features.csv, calibration.json, figures/ and, written last, scores.json and
    seals.json: a run whose scores and sealed files are whole is finished, and any other goes on when its command is
    typed again."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def named(cls, outputs: Path, labels: dict[str, str], seed: int, identity: str) -> RunFolder:
        words = "-".join(labels[name].replace("/", "_") for name in ("dataset", "model", "split"))
        return cls(outputs / "runs" / f"{words}-seed{seed}-{identity}")

    @classmethod
    def all(cls, outputs: Path) -> tuple[list[RunFolder], list[str]]:
        """Lists the runs under an outputs folder, oldest first; and what else is there, with the reason in a line."""
        found, others = [], []
        for path in sorted((outputs / "runs").glob("[!.]*")):
            try:
                found.append((cls(path).facts()["started"], path))
            except UserError as error:
                others.append(f"{path.name} is passed over: {error}")
        return [cls(path) for _, path in sorted(found)], others

    @property
    def finished(self) -> bool:
        try:
            self.facts()
            self.scores()
        except UserError:
            return False
        return sealed(self.path)

    @property
    def status(self) -> str:
        """Returns "finished", "running" in another process, or "interrupted"."""
        from filelock import FileLock, Timeout

        if self.finished:
            return "finished"
        try:
            with FileLock(self.path / ".lock", timeout=0):
                return "interrupted"
        except Timeout:
            return "running"
        except OSError:  # someone else's folder, which we may only read
            return "interrupted"

    def overrides(self) -> list[str]:
        return read_state(self.path / "overrides.yaml", lambda file: [str(o) for o in yaml.safe_load(file.read_text())])

    def config(self) -> dict[str, Any]:
        """Returns all settings of the run."""
        return read_state(self.path / "config.yaml", lambda file: fitting(yaml.safe_load(file.read_text()), {}))

    def facts(self) -> dict[str, Any]:
        return read_json(self.path / "run.json", FACTS)

    def scores(self) -> dict:
        return read_scores(self.path / "scores.json")

    def confidence(self) -> dict:
        """Returns how far its probabilities can be trusted, as `evaluation.confidence` says."""
        return read_confidence(self.path / "calibration.json")

    def confidence_of(self, table: pd.DataFrame) -> dict:
        """Returns what calibration.json is to hold."""
        facts = self.facts()
        return confidence(table, group=facts["dataset"]["group"], shares=facts["split"]["shares"])

    def predictions(self) -> pd.DataFrame:
        return read_predictions(self.path / "predictions.csv")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes out of the folder.

        Raises:
            UserError: when another process works on the same run.
        """
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.path / ".lock", timeout=2):  # `celltype runs` looks for a moment
                yield
        except Timeout as error:
            raise UserError(f"{self.path}: another process is working on this run; wait for it or stop it") from error

    @contextmanager
    def working(self, settings: dict, overrides: list[str], facts: dict[str, Any], log: Any) -> Iterator[None]:
        """Locks the folder, writes what is known beforehand, and tells log.txt and the log how the block ended."""
        self.path.mkdir(parents=True, exist_ok=True)
        with self.locked(), self._logging():
            try:
                logger.info("started")
                self._write_facts(settings, overrides, facts, log)
                yield
                logger.info("finished")
            except (KeyboardInterrupt, SystemExit):
                logger.info("stopped from outside")
                log.stop("KILLED")
                raise
            except BaseException:
                logger.exception("failed")
                log.stop("FAILED")
                raise

    @contextmanager
    def _logging(self) -> Iterator[None]:
        handler = logging.FileHandler(self.path / "log.txt", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        handler.handleError = lambda record: None  # a full disk is said by what cannot be written next
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            with suppress(OSError):
                handler.close()

    def _write_facts(self, settings: dict, overrides: list[str], facts: dict[str, Any], log: Any) -> None:
        try:
            before = self.facts()
        except DamagedState:  # a new run, or one whose facts are made anew
            before = {}
        self._json("environment.json", environment.describe())
        write_text(self.path / "config.yaml", yaml.safe_dump(settings, sort_keys=False))
        write_text(self.path / "overrides.yaml", yaml.safe_dump(overrides))
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        facts = {**facts, "started": before.get("started", now), "mlflow_run": before.get("mlflow_run")}
        self._json("run.json", facts)
        log.start(self.logged())
        self.note_log(log, in_store=False)

    def note_log(self, log: Any, *, in_store: bool) -> None:
        """Notes in run.json where the run is logged, and whether the store has all of it; null where none is wanted."""
        known = {"mlflow_run": log.id, "mlflow_uri": log.uri, "in_store": in_store if log.uri else None}
        self._json("run.json", {**self.facts(), **known})

    def write_split(self, cells: Cells, folds: list[Fold]) -> None:
        """Writes the split as ids: fold, side, cell_id, group and label, one line per cell, for `split=listed`."""
        tables, names = [], np.array([*cells.classes, ""])  # UNLABELLED is the last
        for k, fold in enumerate(folds, start=1):
            for side, rows in fold.sides.items():
                columns = {"fold": k, "side": side, "cell_id": cells.cell_id[rows], "group": cells.group[rows],
                           "label": names[cells.label[rows]]}  # fmt: skip
                tables.append(pd.DataFrame(columns).drop_duplicates())
        write_text(self.path / "split.csv", pd.concat(tables).to_csv(index=False))

    def fold(self, k: int) -> FoldFolder:
        """Returns the folder of fold k, counted from 1."""
        return FoldFolder(self.path / f"fold_{k}")

    def folds(self) -> list[Path]:
        """Returns the folders of the folds, in their order."""
        return sorted(self.path.glob("fold_*"), key=lambda place: int(place.name[5:]))

    def fitted(self) -> list[dict[str, Any]]:
        """Returns of each fold its training_seconds, and the settings that a search has chosen."""
        return [FoldFolder(place).about() for place in self.folds() if (place / "time.json").is_file()]

    def logged(self, values: dict | None = None) -> Logged:
        """Returns what the store is told of this run, as far as it has come, and of its scores."""
        return tracked(self, values)

    def _json(self, name: str, value: Any) -> None:
        write_text(self.path / name, json.dumps(value, indent=2) + "\n")
