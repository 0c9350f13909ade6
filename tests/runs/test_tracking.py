"""The MLflow store: what is logged, six processes at once, dead runs, and stores that cannot be used."""

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time

import pandas as pd
import pytest
from mlflow import MlflowClient

from celltype_cli.core.messages import UserError
from celltype_cli.runs import tracking_store
from celltype_cli.runs.tracking import Mlflow, close_dead_runs, store_uri
from celltype_cli.runs.tracking_run import Logged

OPEN = """
import sys
from pathlib import Path
from celltype_cli.runs.tracking import Mlflow
from celltype_cli.runs.tracking_run import Logged
run, logged = Mlflow(None).open(Path(sys.argv[1]), "race"), Logged("run", None, {}, {"a": 1}, [], {"accuracy": 1.0}, [])
run.start(logged)
run.epoch(1, 1, {"loss": 0.5})
run.finish_fold(1, {"accuracy": 1.0})
assert run.finish(logged)
"""
CURVES = pd.DataFrame({"epoch": [1, 2], "name": "loss", "value": [1.0, 0.5]})


def logged(run_id=None, *, folds=(), scores=None, files=(), **more):
    return Logged("name", run_id, more.get("tags", {}), more.get("params", {}), [*folds], scores or {}, [*files])


@pytest.fixture(autouse=True)
def no_server(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store, which takes seconds to make."""
    folder = tmp_path_factory.mktemp("store")
    Mlflow(None).open(folder, "test").start(logged())
    return folder / "mlflow.db"


@pytest.fixture
def opened(tmp_path, made):
    shutil.copy(made, tmp_path)
    return Mlflow(None).open(tmp_path, "test"), MlflowClient(tracking_uri=store_uri(tmp_path, None))


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
    log.start(logged(tags={"dataset": "d"}, params={"model.width": 64, "long": "x" * 7000}))
    for epoch in (1, 2):
        log.epoch(1, epoch, {"train_loss": 1 / epoch, "valid_loss": float("nan")})
    log.finish_fold(1, {"accuracy": 0.5})
    folds = [(CURVES, {}), (CURVES, {"accuracy": 0.75})]  # the first is there, as it was logged while it trained
    files = [tmp_path / "table.csv", tmp_path / "picture.png"]
    assert log.finish(logged(folds=folds, scores={"cell_accuracy": 0.25}, files=files))
    run = client.get_run(log.id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"model.width": "64"}  # what is too long is in the config file, not cut
    assert run.data.metrics == {"cell_accuracy": 0.25}
    assert [m.value for m in client.get_metric_history(log.folds[1], "train_loss")] == [1.0, 0.5]
    assert not client.get_metric_history(log.folds[1], "loss")
    assert [(m.value, m.step) for m in client.get_metric_history(log.folds[2], "loss")] == [(1.0, 1), (0.5, 2)]
    assert client.get_run(log.folds[2]).data.metrics["accuracy"] == 0.75
    assert client.get_run(log.folds[1]).data.tags["mlflow.parentRunId"] == log.id
    assert {f.path for f in client.list_artifacts(log.id)} == {"table.csv", "figures"}


def test_an_interrupted_run_is_taken_up_under_its_id(opened, tmp_path):
    log, client = opened
    log.start(logged())
    log.epoch(1, 1, {"loss": 1.0})
    log.stop("KILLED")
    assert client.get_run(log.id).info.status == "KILLED"
    again = Mlflow(None).open(tmp_path, "test")
    again.start(logged(log.id))
    again.epoch(1, 2, {"loss": 0.5})
    assert again.id == log.id
    assert again.folds == log.folds
    assert client.get_run(log.id).info.status == "RUNNING"


def test_a_run_of_another_store_is_started_anew(opened):
    log, _ = opened
    log.start(logged("0" * 32))
    assert log.id not in (None, "0" * 32)


def test_dead_runs_are_closed_and_living_ones_are_not(opened, tmp_path):
    dead, alive = (Mlflow(None).open(tmp_path, "new") for _ in range(2))
    _, client = opened
    before = close_dead_runs(tmp_path, None, set())
    assert before == 1  # the one of the fixture
    for log in (dead, alive):
        log.start(logged())
        log.epoch(1, 1, {"loss": 1.0})
    assert close_dead_runs(tmp_path, None, {alive.id}) == 2  # the run and its fold
    assert client.get_run(dead.id).info.status == "KILLED"
    assert client.get_run(alive.id).info.status == "RUNNING"


def silent(file):
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    return server, f"http://127.0.0.1:{server.getsockname()[1]}"


def locked(file):
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return connection, None


def newer(file):
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'f00df00df00d'")


def instead(make):
    def prepare(file):
        file.unlink()
        make(file)

    return prepare


TROUBLES = {
    "folder": (instead(lambda file: file.mkdir()), "it is no file"),
    "pipe": (instead(os.mkfifo), "it is no file"),
    "cut": (lambda file: os.truncate(file, file.stat().st_size // 2), "malformed"),
    "zeroed": (lambda file: file.write_bytes(bytes(9000)), "not a database"),
    "text": (lambda file: file.write_text("hello " * 900), "not a database"),
    "locked": (locked, "locked"),
    "newer": (newer, "out-of-date database schema"),
    "refused": (lambda file: (None, "http://127.0.0.1:9"), "Connection refused"),
    "silent": (silent, "no answer"),
    "no place": (lambda file: (None, "sqlite:////dev/null/store.db"), "Not a directory|exists"),
    "not offered": (lambda file: (None, "store://there"), "unsupported URI"),
}


@pytest.mark.parametrize(("prepare", "said"), TROUBLES.values(), ids=TROUBLES)
def test_a_store_in_trouble_is_said_in_time_and_stops_nothing(tmp_path, made, monkeypatch, capsys, prepare, said):
    monkeypatch.setattr(tracking_store, "ANSWER_S", 1.0)
    monkeypatch.setattr("celltype_cli.runs.tracking.LOOK_S", 2.0)
    monkeypatch.setattr(tracking_store, "UNLOCKED_S", 0.5)
    file = tmp_path / "mlflow.db"
    shutil.copy(made, file)
    made_so = prepare(file)
    held, uri = made_so if isinstance(made_so, tuple) else (None, None)
    began = time.perf_counter()
    log = Mlflow(uri).open(tmp_path, "test")
    log.start(logged())
    log.epoch(1, 1, {"loss": 1.0})
    log.finish_fold(1, {"accuracy": 1.0})
    log.stop("KILLED")
    assert not log.finish(logged(folds=[(CURVES, {})]))
    assert time.perf_counter() - began < 10
    assert log.id is None
    out = capsys.readouterr().out
    assert re.search(said, out) and out.count("warning: ") == 1 and "when the store is back" in out
    began = time.perf_counter()
    assert re.search(f"cannot be used: .*({said})|made by the first run", Mlflow(uri).reach(tmp_path))
    assert time.perf_counter() - began < 10
    del held


def test_a_store_that_is_lost_and_comes_back_has_everything_in_the_end(opened, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(tracking_store, "UNLOCKED_S", 0.5)
    log, client = opened
    log.start(logged())
    log.epoch(1, 1, {"loss": 1.0})
    (tmp_path / "mlflow.db").rename(tmp_path / "away.db")
    log.epoch(1, 2, {"loss": 0.5})
    log.finish_fold(1, {"accuracy": 1.0})
    run = logged(folds=[(CURVES, {"accuracy": 1.0})] * 2, scores={"cell_accuracy": 0.25})
    assert "warning" in capsys.readouterr().out
    assert not log.finish(run)
    (tmp_path / "away.db").replace(tmp_path / "mlflow.db")
    assert log.finish(run)
    assert client.get_run(log.id).info.status == "FINISHED"
    children = client.search_runs([log.experiment_id], f"tags.`mlflow.parentRunId` = '{log.id}'")
    assert {child.data.tags["fold"]: child.info.status for child in children} == {"1": "FINISHED", "2": "FINISHED"}
    for child in children:
        assert [m.value for m in client.get_metric_history(child.info.run_id, "loss")] == [1.0, 0.5]


def test_dead_runs_of_a_store_in_trouble(tmp_path):
    with pytest.raises(UserError, match=r"cannot be used: Connection refused"):
        close_dead_runs(tmp_path, "http://127.0.0.1:9", set())


def test_a_server_that_is_away_is_told_without_mlflow_and_torch(tmp_path):
    """Both take seconds to import, and longer on a busy machine; `doctor` answers without them."""
    code = (
        "import sys; from pathlib import Path; from celltype_cli.runs import environment, tracking\n"
        "print(tracking.Mlflow('http://127.0.0.1:9').reach(Path('.')))\n"
        "environment.DRIVERS, environment.AMD = (), Path('/nowhere'); print(environment.gpu())\n"
        "print([name for name in ('mlflow', 'torch', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    reached, gpu, imported = done.stdout.splitlines()
    assert "cannot be used: Connection refused" in reached and (gpu, imported) == ("None", "[]")


def test_a_full_disk_is_said_before_anything_runs(tmp_path, monkeypatch):
    free = shutil.disk_usage(tmp_path)._replace(free=300_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: free)
    assert "mlflow.db cannot be used: its disk is full (0.3 MB are free). Runs go on" in Mlflow(None).reach(tmp_path)
    assert "disk" not in Mlflow("http://127.0.0.1:9").reach(tmp_path)


def test_an_experiment_that_was_deleted_is_said_to_be(opened, capsys):
    log, store = opened
    store.delete_experiment(store.get_experiment_by_name("test").experiment_id)
    log.start(logged())
    assert log.id is None
    assert "its experiment test was deleted: mlflow experiments restore --experiment-id" in "".join(capsys.readouterr())
