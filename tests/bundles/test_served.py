"""A bundle in MLflow's registry says what it says by itself."""

import io
import json
import os

import mlflow
import numpy as np
import pandas as pd
import pytest
from made.bundles import command
from mlflow.pyfunc.scoring_server import predictions_to_json

from celltype_cli import load_bundle

FOREST = ("model=forest", "model.n_estimators=10", "split.n_folds=2", "prepare.timesteps=60", "logger=none",
          "figures=[]")  # fmt: skip


@pytest.fixture(scope="module")
def own_store():
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory, own_store):
    """A folder with a run that no store knows, and its bundle, registered twice."""
    folder = tmp_path_factory.mktemp("served")
    rng = np.random.default_rng(0)
    names = {"cell_id": [f"c{k}" for k in range(12)], "group": [f"m{k // 3}" for k in range(12)]}
    trace = rng.standard_normal((12, 60)) * (0.1 + 0.2 * (np.arange(12) % 2))[:, None]
    np.savez(folder / "traces.npz", trace=trace, label=["PV", "SOM"] * 6, sampling_rate=30.0, **names)
    outputs = f"outputs={folder / 'outputs'}"
    assert command("train", "dataset=traces", f"dataset.path={folder / 'traces.npz'}", *FOREST, outputs) == 0
    for _ in range(2):
        words = (f"out={folder / 'mine'}", "overwrite=true", "register=cells", outputs)
        assert command("export", "run=traces", *words, "logger=mlflow") == 0
    return folder


def test_a_registered_bundle_says_the_same(place):
    uri = f"sqlite:///{place / 'outputs' / 'mlflow.db'}"
    assert "MLFLOW_TRACKING_URI" not in os.environ  # what was registered leaves no trace in the process
    try:
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        model = mlflow.pyfunc.load_model("models:/cells/2")
    finally:
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
    trace = np.random.default_rng(1).standard_normal((3, 60)) * 0.2
    asked = pd.DataFrame({"trace": [[row.tolist()] for row in trace], "sampling_rate": 30.0})
    found = model.predict(asked)
    assert [*found] == ["p_PV", "p_SOM", "note"] == model.metadata.signature.outputs.input_names()
    alone = load_bundle(place / "mine").predict_proba(trace=trace, sampling_rate=30.0)
    np.testing.assert_allclose(found[["p_PV", "p_SOM"]], alone, atol=1e-6)
    assert [*found["note"]] == [""] * 3
    asked.at[1, "trace"] = [trace[1, :5].tolist()]  # a cell that cannot be used leaves the others
    found = model.predict(asked)
    assert found[["p_PV", "p_SOM"]].isna().all(axis=1).tolist() == [False, True, False]
    assert [*found["note"]] == ["", "its longest uninterrupted stretch has 5 samples at 30 Hz, 60 expected", ""]
    answer = io.StringIO()
    predictions_to_json(found, answer)
    assert json.loads(answer.getvalue(), parse_constant=pytest.fail)["predictions"][1]["p_PV"] is None
    with pytest.raises(Exception, match="trace"):  # the signature names what is missing
        model.predict(asked[["sampling_rate"]])


def test_what_is_registered_holds_no_pickle(place):
    files = [file.name for file in (place / "outputs" / "mlflow-artifacts").rglob("*") if file.is_file()]
    assert "checksums.txt" in files and not [name for name in files if name.endswith((".pkl", ".pickle"))]


def test_a_name_without_a_store_is_refused(place, capsys):
    words = (f"out={place / 'other'}", "register=cells", f"outputs={place / 'outputs'}")
    assert command("export", "run=traces", *words, "logger=none") == 2
    assert "register=cells needs a store" in capsys.readouterr().err and not (place / "other").exists()
