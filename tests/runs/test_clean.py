"""What may be removed of an outputs folder: never what runs, never what lies elsewhere; MLflow forgets it, too."""

import os
import time

import pytest
from filelock import FileLock
from made.runs import fake_run
from mlflow import MlflowClient

from celltype_cli.runs import clean
from celltype_cli.runs.listed import listed
from celltype_cli.runs.tracking import Mlflow, store_uri
from celltype_cli.runs.tracking_run import Logged


@pytest.fixture
def outputs(tmp_path):
    """A finished run with checkpoints and models, an interrupted one, a running one's folder, and a cache."""
    for name in ("done", "stopped"):
        run = fake_run(tmp_path / "o" / "runs" / name, [0.5], per_class=5)
        (run.path / "fold_0" / "x-last.ckpt").write_bytes(bytes(700))
        (run.path / "fold_0" / "model").mkdir()
        (run.path / "fold_0" / "model" / "w").write_bytes(bytes(500))
    (tmp_path / "o" / "runs" / "stopped" / "scores.json").unlink()
    (tmp_path / "o" / "cache" / "of").mkdir(parents=True)
    (tmp_path / "o" / "cache" / "of" / "x.npz").write_bytes(bytes(300))
    (tmp_path / "o" / "README.md").write_text("kept")
    return tmp_path / "o"


def found(outputs, older_than=None):
    items, said = clean.found(outputs, listed(outputs)[0], older_than)
    return {(item.kind, item.path.name): item for item in items}, said


def aged(path, days):
    for file in (*path.rglob("*"), path):
        os.utime(file, (time.time() - days * 86_400,) * 2)


def test_what_is_found_and_how_large(outputs):
    items, said = found(outputs)
    sizes = {key: item.size for key, item in items.items() if key[0] != "interrupted"}
    assert sizes == {("caches", "of"): 300, ("checkpoints", "x-last.ckpt"): 700, ("models", "model"): 500}
    assert ("interrupted", "stopped") in items
    assert not said
    assert not {key for key in items if key[0] == "runs"}  # only with an age


def test_age_is_of_the_last_file_written(outputs):
    aged(outputs / "runs" / "done", 10)
    assert set(found(outputs, 5)[0]) == {("runs", "done"), ("checkpoints", "x-last.ckpt"), ("models", "model")}
    (outputs / "runs" / "done" / "fold_0" / "note.txt").write_text("new")
    assert not found(outputs, 5)[0]


def test_removal_leaves_the_rest(outputs):
    items, _ = found(outputs)
    gone, said = clean.remove([*items.values()], outputs, None)
    assert gone == sum(item.size for item in items.values()) and not said
    left = {path.relative_to(outputs).as_posix() for path in outputs.rglob("*") if path.is_file()}
    assert "README.md" in left and "runs/done/scores.json" in left and "runs/done/fold_0/time.json" in left
    assert not [name for name in left if "ckpt" in name or "model" in name or "cache" in name or "stopped" in name]
    assert not [*(outputs / "runs").glob(".removed*")]


def test_what_runs_is_left_alone_and_so_are_the_caches(outputs):
    before, _ = found(outputs)
    with FileLock(outputs / "runs" / "stopped" / ".lock"):
        items, said = found(outputs)
        assert {kind for kind, _ in items} == {"checkpoints", "models"}
        assert "since they run: stopped" in said[0]
        # One that began after it was listed:
        gone, said = clean.remove([before["interrupted", "stopped"]], outputs, None)
    assert gone == 0 and "another process is working on this run" in said[0]
    assert (outputs / "runs" / "stopped" / "run.json").exists()


def test_links_that_lead_elsewhere_are_left_alone(outputs, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (outputs / "cache").rename(elsewhere)
    (outputs / "cache").symlink_to(elsewhere)
    (outputs / "runs" / "stopped").rename(tmp_path / "moved")
    (outputs / "runs" / "stopped").symlink_to(tmp_path / "moved")
    items, said = found(outputs)
    assert {name for _, name in items} == {"x-last.ckpt", "model"}
    assert len(said) == 2 and all("leads elsewhere" in line for line in said)


def test_a_link_within_a_run_is_removed_and_not_what_it_leads_to(outputs, tmp_path):
    (tmp_path / "big.ckpt").write_bytes(bytes(9))
    (outputs / "runs" / "stopped" / "fold_0" / "big.ckpt").symlink_to(tmp_path / "big.ckpt")
    items, _ = found(outputs)
    clean.remove([items["interrupted", "stopped"]], outputs, None)
    assert (tmp_path / "big.ckpt").exists() and not (outputs / "runs" / "stopped").exists()


def logged(outputs, name):
    log = Mlflow(None).open(outputs, "test")
    run = Logged(name, None, {}, {}, [], {}, [])
    log.start(run)
    log.epoch(1, 1, {"loss": 1.0})
    folder = listed(outputs)[0][[one.name for one in listed(outputs)[0]].index(name)].folder
    folder._json("run.json", {**folder.facts(), "mlflow_run": log.id, "mlflow_uri": log.uri})
    return log


def test_mlflow_forgets_the_run_its_folds_and_their_files(outputs, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    stopped, done = (logged(outputs, name) for name in ("stopped", "done"))
    place = outputs / "mlflow-artifacts" / stopped.id / "artifacts"
    place.mkdir(parents=True)
    items, _ = found(outputs)
    assert clean.remove([items["interrupted", "stopped"]], outputs, None)[1] == []
    client = MlflowClient(tracking_uri=store_uri(outputs, None))
    left = {run.info.run_id for run in client.search_runs([stopped.experiment_id])}
    assert left == {done.id, *done.folds.values()}
    assert not place.exists()
    aged(outputs / "runs" / "done", 10)
    facts = listed(outputs)[0][0].folder
    facts._json("run.json", {**facts.facts(), "mlflow_uri": "sqlite:///another.db"})  # as in a copied outputs folder
    aged(outputs / "runs" / "done", 10)
    [line] = clean.remove([found(outputs, 5)[0]["runs", "done"]], outputs, None)[1]
    assert "1 runs stay in the MLflow store sqlite:///another.db" in line
    assert client.get_run(done.id).info.lifecycle_stage == "active"
