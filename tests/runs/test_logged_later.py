"""A run whose store was away is logged whole when the store is back: by the same command, or by any later run."""

import shutil

import pytest
from made.configs import compose
from made.runs import LABELS
from mlflow import MlflowClient

from celltype_cli.runs import train
from celltype_cli.runs.tracking import Mlflow, store_uri

SMALL = ["dataset.cells_per_class=8", "dataset.timesteps=120", "dataset.animals=4", "split.n_folds=2", "threads=1",
         "model=forest", "model.n_estimators=3"]  # fmt: skip


def run(outputs, *overrides):
    return train.train(compose("train", *SMALL, f"outputs={outputs}", *overrides), labels=LABELS, overrides=[])


@pytest.fixture(scope="module")
def unlogged(tmp_path_factory):
    """A finished run whose server refused, and an empty store."""
    outputs = tmp_path_factory.mktemp("outputs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        outcome = run(outputs)
    assert outcome.status == "finished"
    assert outcome.folder.facts()["in_store"] is False and outcome.folder.facts()["mlflow_run"] is None
    assert "Connection refused" in (outcome.folder.path / "log.txt").read_text()
    assert Mlflow(None).reach(outputs).endswith("(made by the first run)")
    return outputs


@pytest.mark.parametrize("later", [[], ["seed=1"]], ids=["the same command", "another run"])
def test_what_is_missing_is_logged_later(unlogged, tmp_path, monkeypatch, later):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    outputs = shutil.copytree(unlogged, tmp_path / "outputs")
    run(outputs, *later)
    folders, _ = train.RunFolder.all(outputs)
    client = MlflowClient(tracking_uri=store_uri(outputs, None))
    assert len(folders) == 1 + len(later)
    for folder in folders:
        facts = folder.facts()
        assert facts["in_store"] is True
        logged = client.get_run(facts["mlflow_run"])
        assert logged.info.status == "FINISHED"
        accuracy = folder.scores()["cell"]["accuracy"]["value"]
        assert logged.data.metrics["accuracy"] == pytest.approx(accuracy)
        assert {"cells.csv", "calibration.json"} <= {file.path for file in client.list_artifacts(facts["mlflow_run"])}
        drawn = {file.path for file in client.list_artifacts(facts["mlflow_run"], "figures")}
        assert {"figures/reliability.png", "figures/coverage.png"} <= drawn
        children = client.search_runs(
            [logged.info.experiment_id], f"tags.`mlflow.parentRunId` = '{logged.info.run_id}'"
        )
        assert sorted(child.data.tags["fold"] for child in children) == ["1", "2"]
        assert {child.info.status for child in children} == {"FINISHED"}


def test_a_run_that_wants_no_log_lacks_nothing(tmp_path):
    assert run(tmp_path, "logger=none").folder.facts()["in_store"] is None
