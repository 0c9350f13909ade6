"""The folder of a run: what it holds, and whether the run is finished, interrupted or new."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from celltype_cli.cells.cells import Cells
from celltype_cli.core.files import write_text
from celltype_cli.core.messages import UserError
from celltype_cli.evaluation.predictions import per_cell, read_predictions, write_predictions
from celltype_cli.evaluation.scores import read_scores, scores, write_scores
from celltype_cli.runs import environment
from celltype_cli.runs.tracking import flat_scores
from celltype_cli.splits.folds import Fold
from celltype_cli.trainers.protocol import Fitted

logger = logging.getLogger("celltype")
logger.propagate = False  # the terminal has its own lines


class RunFolder:
    """Holds config.yaml, overrides.yaml, environment.json, run.json, log.txt, split.csv, fold_<k>/, predictions.csv,
    curves.csv, figures/ and, written last, scores.json: a run with scores is finished."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def named(cls, outputs: Path, labels: dict[str, str], seed: int, identity: str) -> RunFolder:
        words = "-".join(labels[name].replace("/", "_") for name in ("dataset", "model", "split"))
        return cls(outputs / "runs" / f"{words}-seed{seed}-{identity}")

    @classmethod
    def all(cls, outputs: Path) -> list[RunFolder]:
        """Lists the runs under an outputs folder, oldest first."""
        found = [cls(file.parent) for file in (outputs / "runs").glob("*/run.json")]
        return sorted(found, key=lambda run: run.facts()["started"])

    @property
    def finished(self) -> bool:
        return (self.path / "scores.json").exists()

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
        return yaml.safe_load((self.path / "overrides.yaml").read_text())

    def facts(self) -> dict[str, Any]:
        return json.loads((self.path / "run.json").read_text())

    def scores(self) -> dict:
        return read_scores(self.path / "scores.json")

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
        with self.locked():
            self._write_facts(settings, overrides, facts, log)
            handler = logging.FileHandler(self.path / "log.txt", encoding="utf-8")
            handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
            try:
                logger.info("started")
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
            finally:
                logger.removeHandler(handler)
                handler.close()

    def _write_facts(self, settings: dict, overrides: list[str], facts: dict[str, Any], log: Any) -> None:
        before = self.facts() if (self.path / "run.json").exists() else {}
        about = facts["dataset"]
        tags = {
            **{name: facts["labels"][name] for name in ("dataset", "model", "split")},
            "identity": facts["identity"],
            "simulated": str(about["simulated"]),
            "fingerprint": about["fingerprint"],
            "notes": " | ".join([*about["notes"], *facts["split"]["notes"]]),
        }
        (params,) = pd.json_normalize(settings).to_dict("records")  # named like model.dropout
        log.start(self.path.name, before.get("mlflow_run"), tags=tags, params=params)
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        facts = {**facts, "started": before.get("started", now), "mlflow_run": log.id, "mlflow_uri": log.uri}
        self._json("environment.json", environment.describe())
        write_text(self.path / "config.yaml", yaml.safe_dump(settings, sort_keys=False))
        write_text(self.path / "overrides.yaml", yaml.safe_dump(overrides))
        self._json("run.json", facts)

    def write_split(self, cells: Cells, folds: list[Fold]) -> None:
        """Writes the split as ids: fold, side, cell_id and group, one line per cell, for `split=listed`."""
        tables = []
        for k, fold in enumerate(folds):
            for side, rows in fold.sides.items():
                columns = {"fold": k, "side": side, "cell_id": cells.cell_id[rows], "group": cells.group[rows]}
                tables.append(pd.DataFrame(columns).drop_duplicates())
        write_text(self.path / "split.csv", pd.concat(tables).to_csv(index=False))

    def checkpoints(self, k: int) -> Path:
        return self.path / f"fold_{k}"

    def has_fold(self, k: int) -> bool:
        return (self.checkpoints(k) / "predictions.csv").exists()

    def write_fold(self, k: int, table: pd.DataFrame, fitted: Fitted, scores: dict[str, float]) -> None:
        """Writes a fold's learning curves, time and scores, and last its predictions, which make it count as done."""
        history = pd.DataFrame(fitted.history, columns=None if fitted.history else ["epoch"])
        curves = history.melt("epoch", var_name="name").dropna().assign(fold=k)[["fold", "epoch", "name", "value"]]
        about = {"training_seconds": fitted.seconds, "chosen": fitted.chosen, "scores": scores}
        write_text(self.path / f"fold_{k}/curves.csv", curves.to_csv(index=False))
        self._json(f"fold_{k}/time.json", about)
        write_predictions(table, self.checkpoints(k) / "predictions.csv")

    def drop_checkpoints(self, k: int) -> None:
        for file in self.checkpoints(k).glob("*.ckpt"):
            file.unlink()

    def read_fold(self, k: int) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
        """Returns predictions and learning curves of a finished fold, and its time and scores."""
        place = self.checkpoints(k)
        about = json.loads((place / "time.json").read_text())
        return read_predictions(place / "predictions.csv"), pd.read_csv(place / "curves.csv"), about

    def fitted(self) -> list[dict[str, Any]]:
        """Returns of each fold its training_seconds, and the settings that a search has chosen."""
        files = sorted(self.path.glob("fold_*/time.json"), key=lambda file: int(file.parent.name[5:]))
        return [json.loads(file.read_text()) for file in files]

    def finish(self, table: pd.DataFrame, curves: pd.DataFrame, log: Any) -> None:
        """Writes predictions, curves and figures of the whole run, logs them, and writes the scores last."""
        from celltype_cli.core import plots
        from celltype_cli.evaluation import pictures

        write_predictions(table, self.path / "predictions.csv")
        write_text(self.path / "curves.csv", curves.to_csv(index=False))
        values = scores(table)
        title = self._title(values)
        figures = {
            "confusion": pictures.confusion_matrix(per_cell(table), title),
            "scores": pictures.scores_bar(values["cell"], title),
        }
        learning = curves[curves["name"] != "seconds"]
        if len(learning):
            figures["learning_curves"] = pictures.learning_curves(learning, title)
        for name, figure in figures.items():
            plots.save(figure, self.path / "figures" / f"{name}.png")
        files = ["config.yaml", "environment.json", "split.csv", "predictions.csv", "curves.csv"]
        files += [f"figures/{name}.png" for name in figures]
        log.finish(flat_scores(values), [self.path / file for file in files])
        write_scores(values, self.path / "scores.json")

    def _title(self, values: dict) -> str:
        """Says on a picture what was scored how, for when it is copied elsewhere."""
        facts = self.facts()
        labels, cells = (
            facts["labels"],
            f"{values['n_cells']} cells of {values['n_groups']} {facts['dataset']['group']}s",
        )
        how = f"split {labels['split']}, {cells}, seed {facts['seed']}"
        return f"{labels['model']} on {facts['dataset']['title']}\n{how}"

    def _json(self, name: str, value: Any) -> None:
        write_text(self.path / name, json.dumps(value, indent=2) + "\n")
