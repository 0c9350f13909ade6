"""Logs runs to MLflow; the only module that knows it."""

from __future__ import annotations

import logging
import os
import re
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from celltype_cli.core.messages import UserError

PARAM_LIMIT = 6000  # characters, of MLflow; the whole config is logged as a file besides


class NoTracking:
    """Takes what a run logs and forgets it."""

    id = uri = None

    def open(self, outputs: Path, experiment: str) -> NoTracking:
        return self

    def reach(self, outputs: Path) -> str:
        return "off"

    def start(self, name: str, run_id: str | None, *, tags: dict[str, str], params: dict[str, Any]) -> None: ...
    def epoch(self, fold: int, epoch: int, values: dict[str, float]) -> None: ...
    def finish_fold(self, fold: int, values: dict[str, float]) -> None: ...
    def finish(self, values: dict[str, float], files: list[Path]) -> None: ...
    def stop(self, status: str) -> None: ...


class Mlflow:
    """Logs to an MLflow store.

    Args:
        uri: of the tracking store; None for MLFLOW_TRACKING_URI, else an SQLite file in the outputs folder.
    """

    def __init__(self, uri: str | None) -> None:
        self.uri = uri

    def open(self, outputs: Path, experiment: str) -> MlflowRun:
        """Connects to the store, making it first where it is new.

        Raises:
            UserError: when the store cannot be used.
        """
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        uri = store_uri(outputs, self.uri)
        logging.getLogger("mlflow").setLevel(logging.WARNING)  # a new store announces every step of its making
        try:
            with _lock(uri):
                client = MlflowClient(tracking_uri=uri)
                found = client.get_experiment_by_name(experiment)
                place = (outputs / "mlflow-artifacts").resolve().as_uri() if uri.startswith("sqlite:") else None
                experiment_id = found.experiment_id if found else client.create_experiment(experiment, place)
        except MlflowException as error:
            raise UserError(
                f"the MLflow store {uri} cannot be used: {str(error).splitlines()[0]} Set MLFLOW_TRACKING_URI to a "
                "server or an sqlite:/// address, or switch logging off with logger=none"
            ) from error
        return MlflowRun(client, experiment_id, uri)

    def reach(self, outputs: Path) -> str:
        """Returns the address of the store after a look at it; a file that is not there yet is not made."""
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        uri = store_uri(outputs, self.uri)
        if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
            return f"{uri} (made by the first run)"
        try:
            MlflowClient(tracking_uri=uri).search_experiments(max_results=1)
        except MlflowException as error:
            return f"{uri} cannot be used: {str(error).splitlines()[0]}"
        return f"{uri} works"


class MlflowRun:
    """One run and its folds as child runs; a run that was interrupted is taken up again under its id."""

    def __init__(self, client: Any, experiment_id: str, uri: str) -> None:
        self.client, self.experiment_id, self.uri = client, experiment_id, uri
        self.id: str | None = None
        self.folds: dict[int, str] = {}

    def start(self, name: str, run_id: str | None, *, tags: dict[str, str], params: dict[str, Any]) -> None:
        """Starts the run, or goes on with `run_id` where the store still has it."""
        from mlflow.entities import Param
        from mlflow.exceptions import MlflowException

        self.name = name
        if run_id:
            try:
                self.client.update_run(run_id, status="RUNNING")
                self.id = run_id
                children = self.client.search_runs([self.experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'")
                self.folds = {int(child.data.tags["fold"]): child.info.run_id for child in children}
                return
            except MlflowException:
                pass  # another store, or an emptied one
        run = self.client.create_run(self.experiment_id, run_name=name, tags=tags)
        self.id = run.info.run_id
        shown = [Param(key, str(value)) for key, value in params.items() if len(str(value)) <= PARAM_LIMIT]
        for start in range(0, len(shown), 100):  # the store takes a hundred at a time
            self.client.log_batch(self.id, params=shown[start : start + 100])

    def epoch(self, fold: int, epoch: int, values: dict[str, float]) -> None:
        self._log(self._fold(fold), values, epoch)

    def finish_fold(self, fold: int, values: dict[str, float]) -> None:
        self._log(self._fold(fold), values, 0)
        self.client.set_terminated(self.folds[fold], "FINISHED")

    def finish(self, values: dict[str, float], files: list[Path]) -> None:
        self._log(self.id, values, 0)
        for file in files:
            self.client.log_artifact(self.id, str(file), "figures" if file.suffix == ".png" else None)
        self.client.set_terminated(self.id, "FINISHED")

    def stop(self, status: str) -> None:
        """Ends a run that did not finish: FAILED or KILLED, and those of its folds that were running."""
        for run_id in (*self.folds.values(), self.id):
            if run_id and self.client.get_run(run_id).info.status == "RUNNING":
                self.client.set_terminated(run_id, status)

    def _fold(self, fold: int) -> str:
        if fold not in self.folds:
            tags = {"mlflow.parentRunId": self.id, "fold": str(fold)}
            child = self.client.create_run(self.experiment_id, run_name=f"{self.name} fold {fold}", tags=tags)
            self.folds[fold] = child.info.run_id
        return self.folds[fold]

    def _log(self, run_id: str, values: dict[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(key, float(value), now, step) for key, value in values.items() if value == value]
        self.client.log_batch(run_id, metrics=metrics)


def store_uri(outputs: Path, uri: str | None) -> str:
    """Returns the address of the store: as given, as MLFLOW_TRACKING_URI says, or an SQLite file under `outputs`."""
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI")
    return uri or f"sqlite:///{(outputs / 'mlflow.db').resolve()}"


def close_dead_runs(outputs: Path, uri: str | None, alive: set[str]) -> int:
    """Marks as KILLED all runs that the store calls RUNNING, except those in `alive`; returns how many."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=store_uri(outputs, uri))
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    running = client.search_runs(experiments, "attributes.status = 'RUNNING'", max_results=10_000)
    dead = [r for r in running if not {r.info.run_id, r.data.tags.get("mlflow.parentRunId")} & alive]
    for run in dead:
        client.set_terminated(run.info.run_id, "KILLED")
    return len(dead)


def _lock(uri: str) -> AbstractContextManager:
    """Lets one process at a time make a new SQLite store, whose migrations collide otherwise."""
    from filelock import FileLock

    if not uri.startswith("sqlite:///"):
        return nullcontext()
    database = Path(uri.removeprefix("sqlite:///"))
    database.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(f"{database}.lock")


def flat_scores(values: dict) -> dict[str, float]:
    """Names every score for a flat log: cell_balanced_accuracy, cell_balanced_accuracy_low, cell_PV_recall ..."""
    named = {}
    for level in ("window", "cell"):
        entries = dict(values[level])
        for c, rates in values[level]["classes"].items():
            entries |= {f"{c}_{rate}": entry for rate, entry in rates.items()}
        for name, entry in entries.items():
            if isinstance(entry, dict) and "value" in entry:
                named |= {f"{level}_{name}": entry["value"]}
                named |= {f"{level}_{name}_{bound}": entry[bound] for bound in ("low", "high")}
    return {re.sub(r"[^\w./ -]", "_", name): value for name, value in named.items()}
