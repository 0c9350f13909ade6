"""What MLflow hears of one run, from the first epoch to the files. A store never stops a training."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from celltype_cli.core.terminal import say
from celltype_cli.runs.tracking_fields import log_dataset, log_model, of_multirun
from celltype_cli.runs.tracking_store import Store, reason, sqlite_file

if TYPE_CHECKING:  # it takes a moment, and a look at the store needs none
    import pandas as pd

PARAM_LIMIT = 6000  # characters, of MLflow; the whole config is logged as a file besides
BATCH = 1000  # metrics that MLflow takes at a time; of parameters 100
PICTURES = (".png", ".pdf", ".svg")


@dataclass(frozen=True)
class Logged:
    """What the store is told of a run, all of it from the run's folder.

    Attributes:
        run_id: of the run in the store, as far as it was logged before.
        folds: of each finished fold its learning curves (epoch, name, value) and its scores.
        scores, files: of a finished run.
        dataset: name, digest and source; empty leaves the field of MLflow empty.
        multirun: name of the multirun whose job it is.
    """

    name: str
    run_id: str | None
    tags: dict[str, str]
    params: dict[str, Any]
    folds: list[tuple[pd.DataFrame, dict[str, float]]]
    scores: dict[str, float]
    files: list[Path]
    dataset: dict[str, str] = field(default_factory=dict)
    multirun: str | None = None


def _spared(method: Callable[..., None]) -> Callable[..., None]:
    """Keeps a store's failure from the training: it is said once, and nothing more is asked of that store."""

    @wraps(method)
    def call(self: MlflowRun, *args: Any, **kwargs: Any) -> None:
        if self.trouble:
            return
        try:
            method(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - a store may fail in any way
            self.trouble = reason(error)
            said = f"the MLflow store {self.uri} cannot be used: {self.trouble}"
            logging.getLogger("celltype").info(said)
            if self.warned:
                return
            self.warned = True
            back = "is back or, where it is damaged, was moved away" if sqlite_file(self.uri) else "is back"
            say(
                f"warning: {said}\n  the run goes on; its folder keeps everything, and the same command, or any later "
                f"run, logs it when the store {back} (logger=none logs nothing)"
            )

    return call


class MlflowRun:
    """One run and its folds as child runs; a run that was interrupted is taken up again under its id.

    Attributes:
        id: of the run in the store; None as long as it is not there.
        trouble: why the store cannot be used, or "".
    """

    def __init__(self, uri: str, outputs: Path, experiment: str) -> None:
        self.uri, self.outputs, self.experiment = uri, outputs, experiment
        self.id: str | None = None
        self.folds: dict[int, str] = {}
        self.finished: set[int] = set()  # folds
        self.trouble = ""
        self.warned = False

    @_spared
    def start(self, run: Logged) -> None:
        """Starts the run, or goes on with its id where the store still has it."""
        self._begin(run)

    @_spared
    def epoch(self, fold: int, epoch: int, values: dict[str, float]) -> None:
        self._log(self._fold(fold), [(name, value, epoch) for name, value in values.items()])

    @_spared
    def finish_fold(self, fold: int, values: dict[str, float]) -> None:
        self._log(self._fold(fold), [(name, value, 0) for name, value in values.items()])
        self._end_fold(fold)

    def finish(self, run: Logged) -> bool:
        """Logs what the store lacks of a finished run, whole folds too; says whether it now has all.

        A store that failed before is asked once more.
        """
        self.trouble = ""
        self._complete(run)
        return not self.trouble

    @_spared
    def add(self, run_id: str, files: list[Path]) -> None:
        """Adds files to a run that was logged before."""
        self.connect()
        self.id = run_id
        self._log_files(files)

    @_spared
    def stop(self, status: str) -> None:
        """Ends a run that did not finish: FAILED or KILLED, and those of its folds that were running."""
        for run_id in (*self.folds.values(), self.id):
            if run_id and self.store.get_run(run_id).info.status == "RUNNING":
                self.store.set_terminated(run_id, status)

    @_spared
    def _complete(self, run: Logged) -> None:
        if self.id is None:
            self._begin(run)
        for k, (curves, scores) in enumerate(run.folds, start=1):
            if k in self.finished:
                continue
            if k in self.folds:  # the store was lost while it was logged
                self.store.delete_run(self.folds[k])
                del self.folds[k]
            values = [(line.name, line.value, line.epoch) for line in curves.itertuples(index=False)]
            self._log(self._fold(k), [*values, *((name, value, 0) for name, value in scores.items())])
            self._end_fold(k)
        self._log(self.id, [(name, value, 0) for name, value in run.scores.items()])
        self._log_files(run.files)
        if "model" in run.tags:
            log_model(self.store, self.store.get_run(self.id), run.tags["model"], run.tags.get("folder", run.name))
        self.store.set_terminated(self.id, "FINISHED")

    def connect(self) -> None:
        """Opens the store and finds the experiment, or makes it.

        Raises:
            Exception: whatever says that the store cannot be used.
        """
        self.store = Store(self.uri)
        with self.store.opened():
            found = self.store.get_experiment_by_name(self.experiment)
            if found and found.lifecycle_stage == "deleted":
                named = f"--experiment-id {found.experiment_id}"
                raise ValueError(f"its experiment {self.experiment} was deleted: mlflow experiments restore {named}")
            place = (self.outputs / "mlflow-artifacts").resolve().as_uri() if sqlite_file(self.uri) else None
            self.experiment_id = found.experiment_id if found else self.store.create_experiment(self.experiment, place)

    def has(self, run_id: str) -> bool:
        """Says whether the store, which is open, knows a run."""
        from mlflow.exceptions import MlflowException

        try:
            return self.store.get_run(run_id).info.lifecycle_stage == "active"
        except MlflowException:
            return False

    def _begin(self, run: Logged) -> None:
        from mlflow.entities import Param
        from mlflow.exceptions import MlflowException

        self.connect()
        self.name = run.name
        if run.run_id:
            try:
                self.store.update_run(run.run_id, status="RUNNING")
                self._take_up(run.run_id)
                return
            except MlflowException:
                pass  # another store, or an emptied one
        tags = {**run.tags}
        if run.multirun:
            parent = of_multirun(self.store, self.experiment_id, run.multirun, self.outputs)
            tags["mlflow.parentRunId"] = parent
        self.id = self.store.create_run(self.experiment_id, run_name=run.name, tags=tags).info.run_id
        if run.dataset:
            log_dataset(self.store, self.id, run.dataset)
        shown = [Param(key, str(value)) for key, value in run.params.items() if len(str(value)) <= PARAM_LIMIT]
        for start in range(0, len(shown), 100):
            self.store.log_batch(self.id, params=shown[start : start + 100])

    def _take_up(self, run_id: str) -> None:
        children = self.store.search_runs([self.experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'")
        self.folds = {int(child.data.tags["fold"]): child.info.run_id for child in children}
        self.finished = {int(c.data.tags["fold"]) for c in children if c.info.status == "FINISHED"}
        self.id = run_id

    def _fold(self, fold: int) -> str:
        if fold not in self.folds:
            tags = {"mlflow.parentRunId": self.id, "fold": str(fold)}
            child = self.store.create_run(self.experiment_id, run_name=f"fold {fold} of {self.name}", tags=tags)
            self.folds[fold] = child.info.run_id
        return self.folds[fold]

    def _end_fold(self, fold: int) -> None:
        self.store.set_terminated(self.folds[fold], "FINISHED")
        self.finished.add(fold)

    def _log(self, run_id: str, values: list[tuple[str, float, int]]) -> None:
        """Logs names, values and epochs; what is nan is left out."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(key, float(value), now, int(step)) for key, value, step in values if value == value]
        for start in range(0, len(metrics), BATCH):
            self.store.log_batch(run_id, metrics=metrics[start : start + BATCH])

    def _log_files(self, files: list[Path]) -> None:
        for file in files:
            self.store.log_artifact(self.id, str(file), "figures" if file.suffix in PICTURES else None)
