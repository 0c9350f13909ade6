"""What MLflow shows of a run: its name, its own fields, the few scores, and the multirun that it belongs to."""

import json
import math

import pytest
import yaml
from made.runs import fake_run
from mlflow import MlflowClient

from celltype_cli.runs.tracked import tracked
from celltype_cli.runs.tracking import Mlflow, delete_runs, store_uri

CONFIG = {"dataset": {"path": "/data/mice.h5"}, "model": {"n": 10}}


def made(path, overrides=(), simulated=True, **labels):
    run = fake_run(path, [0.5], per_class=5)
    facts = run.facts()
    facts["labels"] |= labels
    facts["dataset"]["simulated"] = simulated
    run._json("run.json", {**facts, "identity": "0123abcd", "mlflow_run": None})
    (run.path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    (run.path / "overrides.yaml").write_text(yaml.safe_dump([*overrides]))
    return run


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], "m seed0 shuffle 0123abcd"),
        (["model=m", "dataset.cells=5", "trainer.lr=0.1", "trainer.devices=2", "dataset.path=/x/y.h5", "threads=1"],
         "m seed0 lr=0.1 cells=5 shuffle 0123abcd"),
        ([f"model.n={'9' * 80}"], f"m seed0 n={'9' * 55}... shuffle 0123abcd"),
    ],
)  # fmt: skip
def test_a_name_begins_with_what_differs(tmp_path, overrides, name):
    assert tracked(made(tmp_path / "run", overrides), None).name == name


def test_few_scores_and_all_others_in_a_file(tmp_path):
    run = made(tmp_path / "run")
    told = tracked(run, run.scores())
    assert set(told.scores) == {"balanced_accuracy", "accuracy", "macro_f1", "ece"}
    assert told.scores["balanced_accuracy"] == run.scores()["cell"]["balanced_accuracy"]["value"]
    assert told.scores["ece"] == run.confidence()["ece"]["after"] and not math.isnan(told.scores["ece"])
    assert "scores.json" in {file.name for file in told.files}
    assert tracked(run, None).files == []


def test_fields_of_mlflow(tmp_path):
    told = tracked(made(tmp_path / "run", ["model=m", "trainer.lr=0.1"], command="demo"), None)
    assert told.tags["mlflow.source.name"] == "celltype demo model=m trainer.lr=0.1"
    assert told.tags["mlflow.source.type"] == "LOCAL"
    note = told.tags["mlflow.note.content"]
    assert "**m** on **toy (simulated)**" in note and "no animal was recorded" in note and "`run`" in note
    assert told.dataset == {"name": "toy (simulated)", "digest": "f0", "source": "simulated"}
    recorded = tracked(made(tmp_path / "recorded", simulated=False), None)
    assert recorded.dataset["source"] == "/data/mice.h5"


def test_the_store_has_dataset_model_and_one_run_above_the_jobs_of_a_multirun(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    logs = []
    for name in ("a", "b"):
        run = made(tmp_path / "runs" / name, multirun="20260101-000000-000001")
        log = Mlflow(None).open(tmp_path, "toy")
        assert log.finish(tracked(run, run.scores())) and log.finish(tracked(run, run.scores()))  # twice: all once
        logs.append(log)
    client = MlflowClient(tracking_uri=store_uri(tmp_path, None))
    jobs = [client.get_run(log.id) for log in logs]
    (above,) = {job.data.tags["mlflow.parentRunId"] for job in jobs}
    assert client.get_run(above).info.run_name == "multirun 20260101-000000-000001"
    for job in jobs:
        (given,) = job.inputs.dataset_inputs
        assert (given.dataset.name, given.dataset.digest) == ("toy (simulated)", "f0")
        assert json.loads(given.dataset.source) == {"uri": "simulated"}
        (model,) = job.outputs.model_outputs
        assert client.get_logged_model(model.model_id).name == "m"
    delete_runs(tmp_path, None, [logs[0].id])
    left = {run.info.run_id for run in client.search_runs([logs[0].experiment_id])}
    assert left == {above, logs[1].id}
    assert not client.search_logged_models([logs[0].experiment_id], f"source_run_id = '{logs[0].id}'")
    delete_runs(tmp_path, None, [logs[1].id, "0" * 32])  # one that is not there
    assert not client.search_runs([logs[0].experiment_id])
