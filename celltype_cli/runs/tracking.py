"""Logs runs to MLflow; with its two neighbours the only module that knows it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from celltype_cli.core.messages import UserError
from celltype_cli.runs.tracking_fields import MULTIRUN, delete_models
from celltype_cli.runs.tracking_run import Logged, MlflowRun
from celltype_cli.runs.tracking_store import Store, knock, reason, sqlite_file, within

LOOK_S = 6.0  # for a look at the store; a busy machine takes some seconds to open even its own file
LEAST_ROOM = 2_000_000  # bytes on the disk of a store that is a file; a new one takes some 0.7 MB


class NoTracking:
    """Takes what a run logs and forgets it."""

    id = uri = None

    def open(self, outputs: Path, experiment: str) -> NoTracking:
        return self

    def reach(self, outputs: Path) -> str:
        return "off"

    def start(self, run: Logged) -> None: ...
    def epoch(self, fold: int, epoch: int, values: dict[str, float]) -> None: ...
    def finish_fold(self, fold: int, values: dict[str, float]) -> None: ...
    def add(self, run_id: str, files: list[Path]) -> None: ...
    def stop(self, status: str) -> None: ...

    def finish(self, run: Logged) -> bool:
        return True


class Mlflow:
    """Logs to an MLflow store.

    Args:
        uri: of the tracking store; None for MLFLOW_TRACKING_URI, else an SQLite file in the outputs folder.
    """

    def __init__(self, uri: str | None) -> None:
        self.uri = uri

    def open(self, outputs: Path, experiment: str) -> MlflowRun:
        return MlflowRun(store_uri(outputs, self.uri), outputs, experiment)

    def reach(self, outputs: Path) -> str:
        """Returns the address of the store after a look at it; a file that is not there yet is not made."""
        uri = store_uri(outputs, self.uri)
        later = "Runs go on without it and are logged later"
        if (file := sqlite_file(uri)) and (free := _free(file)) < LEAST_ROOM:
            return f"{uri} cannot be used: its disk is full ({free / 1e6:.1f} MB are free). {later}"
        if file and not (file.exists() and (not file.is_file() or file.stat().st_size)):
            return f"{uri} (made by the first run)"
        try:
            knock(uri)
            import mlflow  # noqa: F401 - takes seconds of its own

            within(LOOK_S, lambda: _look_into(uri))
        except Exception as error:  # noqa: BLE001 - a store may fail in any way
            return f"{uri} cannot be used: {reason(error)}. {later}"
        return f"{uri} works"


def _free(file: Path) -> int:
    """Returns the bytes that are free where a file lies or will lie."""
    return shutil.disk_usage(next(folder for folder in file.absolute().parents if folder.exists())).free


def _look_into(uri: str) -> None:
    store = Store(uri)
    with store.opened():
        store.search_experiments(max_results=1)


def store_uri(outputs: Path, uri: str | None) -> str:
    """Returns the address of the store: as given, as MLFLOW_TRACKING_URI says, or an SQLite file under `outputs`."""
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI")
    return uri or f"sqlite:///{(outputs / 'mlflow.db').resolve()}"


def close_dead_runs(outputs: Path, uri: str | None, alive: set[str]) -> int:
    """Marks as KILLED all runs that the store calls RUNNING, except those in `alive`; returns how many.

    Raises:
        UserError: when the store cannot be used.
    """
    with _reached(outputs, uri) as (store, experiments):
        running = store.search_runs(experiments, "attributes.status = 'RUNNING'", max_results=10_000)
        dead = [r for r in running if not {r.info.run_id, r.data.tags.get("mlflow.parentRunId")} & alive]
        for run in dead:
            store.set_terminated(run.info.run_id, "KILLED")
    return len(dead)


def delete_runs(outputs: Path, uri: str | None, ids: list[str]) -> None:
    """Deletes runs and their folds in the store, and their files where they lie under `outputs`; a multirun that is
    left without jobs goes as well.

    Raises:
        UserError: when the store cannot be used.
    """
    with _reached(outputs, uri) as (store, experiments):
        for run_id in ids:
            children = store.search_runs(experiments, f"tags.`mlflow.parentRunId` = '{run_id}'")
            for one in (*(child.info.run_id for child in children), run_id):
                _delete(store, one)
                shutil.rmtree(outputs / "mlflow-artifacts" / one, ignore_errors=True)
        multiruns = store.search_runs(experiments, f"tags.{MULTIRUN} LIKE '%'") if ids else []
        for parent in (run.info.run_id for run in multiruns):
            if not store.search_runs(experiments, f"tags.`mlflow.parentRunId` = '{parent}'", max_results=1):
                _delete(store, parent)


@contextmanager
def _reached(outputs: Path, uri: str | None) -> Iterator[tuple[Store, list[str]]]:
    """Yields the store and the ids of its experiments; whatever fails in the block is said of the store.

    Raises:
        UserError: when the store cannot be used.
    """
    store = Store(store_uri(outputs, uri))
    try:
        with store.opened():
            experiments = [experiment.experiment_id for experiment in store.search_experiments()]
        yield store, experiments
    except Exception as error:  # a store may fail in any way
        raise UserError(f"the MLflow store {store.uri} cannot be used: {reason(error)}") from error


def _delete(store: Store, run_id: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        delete_models(store, store.get_run(run_id))
        store.delete_run(run_id)
    except MlflowException as error:  # deleted by hand, or the store was emptied
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "INVALID_STATE"):
            raise
