"""`celltype explain`: explains a finished run from what it kept, and leaves the run as it was."""

import hashlib
import shutil
import sys

import numpy as np
import pandas as pd
import pytest

from celltype_cli import cli
from celltype_cli.cells.about import Axis
from celltype_cli.core.states import seal
from celltype_cli.evaluation.predictions import read_predictions, write_predictions
from celltype_cli.studies.explain import saved
from celltype_cli.trainers import history

SMALL = ["dataset.cells_per_class=12", "dataset.timesteps=200", "dataset.animals=6", "split.n_folds=3", "threads=1"]
FOREST = ["model=forest", "model.n_estimators=20"]
RNN = ["model=rnn", "trainer.epochs=2"]


@pytest.fixture(scope="module")
def celltype(tmp_path_factory):
    """Runs a command line with outputs of this file's own; returns exit code, output, errors and the outputs."""
    outputs = tmp_path_factory.mktemp("outputs")

    def call(capsys, *arguments, outputs=outputs):
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("MLFLOW_TRACKING_URI", raising=False)
            patch.setattr(sys, "argv", ["celltype", *arguments, *SMALL, f"outputs={outputs}"])
            with pytest.raises(SystemExit) as end:
                cli.main()
        return end.value.code, *capsys.readouterr(), outputs

    return call


def trained(celltype, capsys, *model):
    code, _, err, outputs = celltype(capsys, "train", *model, "figures=[]")
    assert code == 0, err
    name = model[0].partition("=")[2]
    (folder,) = (outputs / "runs").glob(f"*-{name}-*")
    return folder


def contents(folder):
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != ".lock")
    return {str(f.relative_to(folder)): hashlib.sha1(f.read_bytes()).hexdigest() for f in files}


def test_a_run_that_is_not_there_is_named_with_the_command_that_makes_it(celltype, capsys, tmp_path):
    code, out, err, outputs = celltype(capsys, "explain", *RNN, "method=saliency", outputs=tmp_path / "none")
    assert code == 2
    assert "the run to explain is not there" in err
    assert "celltype train model=rnn trainer.epochs=2 dataset.cells_per_class=12" in err
    assert "method=saliency" not in err
    assert not outputs.exists()


def test_codes_map_training_and_test_cells(celltype, capsys):
    folder = trained(celltype, capsys, *RNN)
    code, out, err, _ = celltype(capsys, "explain", *RNN, "method=codes", "fold=2")
    assert code == 0 and "fold2-codes.png" in out, err
    table = pd.read_csv(folder / "explain" / "fold2-codes.csv")
    saved_of_fold = read_predictions(folder / "predictions.csv").query("fold == 2")
    test = table[table["side"] == "test"]
    assert [*test["cell_id"]] == [*saved_of_fold["cell_id"]] and [*test["predicted"]] == [*saved_of_fold["predicted"]]
    codes = table.filter(like="code_").to_numpy()
    assert len(codes) > len(test) and np.ptp(codes) > 0
    train = table[table["side"] == "train"]
    assert np.allclose(train[["x", "y"]].mean(), 0, atol=1e-6) and train["x"].var() >= train["y"].var() > 0
    trained(celltype, capsys, *FOREST)
    code, _, err, _ = celltype(capsys, "explain", *FOREST, "method=codes")
    assert code == 2 and "this model is none" in err


def test_a_model_that_learnt_nothing_is_said_to_look_at_nothing(celltype, capsys):
    model = ["model=lightgbm", "model.min_child_samples=100"]  # of fewer cells
    trained(celltype, capsys, *model)
    code, out, err, _ = celltype(capsys, "explain", *model)
    assert code == 0, err
    assert "all these cells got the same probabilities: there is nothing that" in " ".join(out.split())


def test_an_estimator_is_explained_as_it_was_kept(celltype, capsys):
    folder = trained(celltype, capsys, *FOREST)
    before = contents(folder)
    code, out, err, outputs = celltype(capsys, "explain", *FOREST, "cells_per_class=2", "fold=2")
    assert code == 0, err
    assert "fitted again" not in out
    assert "note:" not in out  # its predictions are those that the run saved
    assert "forest on calcium_sim (simulated), fold 2 of 3: shap" in out
    assert "celltype explain model=forest model.n_estimators=20" in out
    made = {name for name in contents(folder) if name not in before}
    assert made == {f"explain/fold2-shap{end}" for end in (".npz", "-table.csv", "-table.png")}
    assert {name: value for name, value in contents(folder).items() if name in before} == before
    found = saved.read(folder / "explain" / "fold2-shap.npz")
    table = read_predictions(folder / "fold_2" / "predictions.csv").set_index("cell_id").loc[found.cell_id]
    assert [found.classes[c] for c in found.predicted] == [*table["predicted"]]
    assert [found.classes[c] for c in found.label] == [*table["label"]]
    assert max(np.bincount(found.predicted)) <= 2
    logged = [file.name for file in (outputs / "mlflow-artifacts").rglob("*fold2-shap*")]
    assert sorted(logged) == ["fold2-shap-table.csv", "fold2-shap-table.png"]

    kept = folder / "fold_2" / "model" / "estimator.skops"
    kept.write_bytes(kept.read_bytes()[:-20])
    for said in ("estimator.skops cannot be read as an estimator", ""):  # a damaged model is told, one not kept is not
        code, out, err, _ = celltype(capsys, "explain", *FOREST, "cells_per_class=2", "fold=2")
        assert code == 0 and said in out and "fitted again, with the same seed" in out and "note:" not in out, err
        again = saved.read(folder / "explain" / "fold2-shap.npz")
        np.testing.assert_allclose(again.parts["table"].attribution, found.parts["table"].attribution, atol=1e-9)
        shutil.rmtree(kept.parent, ignore_errors=True)


def test_a_network_is_explained_from_its_checkpoint_without_training(celltype, capsys, monkeypatch):
    folder = trained(celltype, capsys, *RNN)
    before = contents(folder)

    def refuse(*_):
        raise AssertionError("trained")

    with monkeypatch.context() as patch:
        patch.setattr(history.History, "on_train_epoch_start", refuse)
        for method in ("auto", "integrated_gradients"):
            code, out, err, _ = celltype(capsys, "explain", *RNN, f"method={method}", "cells_per_class=2")
            assert code == 0, err
            assert "fitted again" not in out
            assert "note:" not in out
    assert {name: value for name, value in contents(folder).items() if name in before} == before
    found = saved.read(folder / "explain" / "fold1-saliency.npz")
    assert found.parts["trace"].axes == (Axis("time", "s", 0.0, 199 / 30),)
    assert (found.parts["trace"].attribution >= 0).all()

    for checkpoint in (folder / "fold_1").glob("*.ckpt"):
        checkpoint.unlink()
    for kept in (True, False):
        code, out, err, _ = celltype(capsys, "explain", *RNN, "cells_per_class=2", "keep_checkpoints=false")
        assert code == 0, err
        assert ("fitted again" in out) != kept and "note:" not in out
        assert not list((folder / "fold_1").glob("*.ckpt"))
        again = saved.read(folder / "explain" / "fold1-saliency.npz")
        np.testing.assert_array_equal(again.parts["trace"].attribution, found.parts["trace"].attribution)
        shutil.rmtree(folder / "fold_1" / "model", ignore_errors=True)


def test_a_model_that_predicts_otherwise_than_the_run_is_called_so(celltype, capsys):
    model = ["model=logistic"]
    path = trained(celltype, capsys, *model) / "fold_1" / "predictions.csv"
    table = read_predictions(path)
    proba = [f"p_{name}" for name in ("PY", "PV", "SOM", "VIP")]
    write_predictions(table.assign(**(0.8 * table[proba] + 0.05)), path)  # the same order, and a sum of 1
    seal(path.parent, ["predictions.csv"])
    code, out, err, _ = celltype(capsys, "explain", *model, "cells_per_class=1")
    assert code == 0, err
    assert "note: this model predicts otherwise than the run saved, by up to 0." in out
    write_predictions(table.assign(cell_id="c" + table["cell_id"]), path)
    seal(path.parent, ["predictions.csv"])
    code, _, err, _ = celltype(capsys, "explain", *model)
    assert (code, "tested on other cells than the dataset now gives" in err) == (2, True)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("fold=4", "fold=4: this run has the folds 1 to 3"),
        ("fold=0", "fold=0: this run has the folds 1 to 3"),
        ("method=saliency", "method=saliency does not go with this model; it can be explained by shap"),
        ("method=guess", "method=guess is text, expected one of auto"),
        ("cells_per_class=0", "cells_per_class=0 is out of range"),
    ],
)
def test_settings_that_do_not_fit_are_refused(celltype, capsys, setting, said):
    folder = trained(celltype, capsys, *FOREST)
    before = contents(folder)
    code, _, err, _ = celltype(capsys, "explain", *FOREST, setting)
    assert (code, said in err) == (2, True), err
    assert contents(folder) == before
