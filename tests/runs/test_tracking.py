"""The MLflow store: what is logged, six processes at once, dead runs."""

import os
import subprocess
import sys

import pytest
from mlflow import MlflowClient

from celltype_cli.core.messages import UserError
from celltype_cli.runs.tracking import Mlflow, close_dead_runs, store_uri

OPEN = """
import sys
from pathlib import Path
from celltype_cli.runs.tracking import Mlflow
run = Mlflow(None).open(Path(sys.argv[1]), "race")
run.start("run", None, tags={}, params={"a": 1})
run.epoch(0, 1, {"loss": 0.5})
run.finish_fold(0, {"accuracy": 1.0})
run.finish({"accuracy": 1.0}, [])
"""


@pytest.fixture(autouse=True)
def no_server(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def opened(tmp_path):
    log = Mlflow(None).open(tmp_path, "test")
    return log, MlflowClient(tracking_uri=store_uri(tmp_path, None))


def test_six_processes_open_a_new_store_together(tmp_path):
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    env.pop("MLFLOW_TRACKING_URI", None)
    command = [sys.executable, "-c", OPEN, str(tmp_path)]
    processes = [subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 6, errors
    client = MlflowClient(tracking_uri=store_uri(tmp_path, None))
    experiment = client.get_experiment_by_name("race").experiment_id
    runs = client.search_runs([experiment], "attributes.status = 'FINISHED'")
    assert len(runs) == 12  # six runs, each with one fold


def test_a_run_logs_params_curves_scores_files_and_folds(opened, tmp_path):
    log, client = opened
    (tmp_path / "table.csv").write_text("a")
    (tmp_path / "picture.png").write_text("a")
    log.start("name", None, tags={"dataset": "d"}, params={"model.width": 64, "long": "x" * 7000})
    for epoch in (1, 2):
        log.epoch(0, epoch, {"train_loss": 1 / epoch, "valid_loss": float("nan")})
    log.finish_fold(0, {"accuracy": 0.5})
    log.finish({"cell_accuracy": 0.25}, [tmp_path / "table.csv", tmp_path / "picture.png"])
    run = client.get_run(log.id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"model.width": "64"}  # what is too long is in the config file, not cut
    assert run.data.metrics == {"cell_accuracy": 0.25}
    assert [m.value for m in client.get_metric_history(log.folds[0], "train_loss")] == [1.0, 0.5]
    assert client.get_run(log.folds[0]).data.tags["mlflow.parentRunId"] == log.id
    assert {f.path for f in client.list_artifacts(log.id)} == {"table.csv", "figures"}


def test_an_interrupted_run_is_taken_up_under_its_id(opened, tmp_path):
    log, client = opened
    log.start("name", None, tags={}, params={"a": 1})
    log.epoch(0, 1, {"loss": 1.0})
    log.stop("KILLED")
    assert client.get_run(log.id).info.status == "KILLED"
    again = Mlflow(None).open(tmp_path, "test")
    again.start("name", log.id, tags={}, params={"a": 1})
    again.epoch(0, 2, {"loss": 0.5})
    assert again.id == log.id
    assert again.folds == log.folds
    assert client.get_run(log.id).info.status == "RUNNING"


def test_a_run_of_another_store_is_started_anew(opened):
    log, _ = opened
    log.start("name", "0" * 32, tags={}, params={})
    assert log.id != "0" * 32


def test_dead_runs_are_closed_and_living_ones_are_not(tmp_path):
    dead, alive = (Mlflow(None).open(tmp_path, "test") for _ in range(2))
    for log in (dead, alive):
        log.start("name", None, tags={}, params={})
        log.epoch(0, 1, {"loss": 1.0})
    assert close_dead_runs(tmp_path, None, {alive.id}) == 2  # the run and its fold
    client = MlflowClient(tracking_uri=store_uri(tmp_path, None))
    assert client.get_run(dead.id).info.status == "KILLED"
    assert client.get_run(alive.id).info.status == "RUNNING"


def test_an_unusable_store_is_said_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(tmp_path / "folder"))
    with pytest.raises(UserError, match="logger=none"):
        Mlflow(None).open(tmp_path, "test")
