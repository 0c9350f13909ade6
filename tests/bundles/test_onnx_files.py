"""`celltype export onnx=true`: a bundle whose networks other programs can run."""

from importlib.util import find_spec

import numpy as np
import pytest
from made.bundles import RATE, command, dff, write_labelled

from celltype_cli import load_bundle
from celltype_cli.bundles import export as export_module
from celltype_cli.trainers import onnx_files

MISSING = [name for name in onnx_files.NEEDED if find_spec(name) is None]
NETWORK = ("model=rnn", "model.layers=[rnn]", "model.hidden=4", "trainer.epochs=1", "prepare.timesteps=350",
           "split.n_folds=2", "logger=none", "figures=[]", "threads=1")  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx")
    write_labelled(folder / "labelled.npz", n=18)
    run = ("dataset=traces", f"dataset.path={folder / 'labelled.npz'}", f"outputs={folder / 'outputs'}")
    assert command("train", *run, *NETWORK) == 0
    return folder


def export(place, out, *words):
    return command("export", "run=traces-rnn", f"out={place / out}", f"outputs={place / 'outputs'}", *words)


@pytest.mark.skipif(bool(MISSING), reason=f"missing: {MISSING}; pip install 'celltype[onnx]'")
def test_the_graph_and_the_card_give_the_probabilities_of_the_bundle(place, capsys):
    import onnxruntime

    assert export(place, "mine", "onnx=true") == 0
    assert "mine/model.onnx" in capsys.readouterr().out.replace("\n", "")
    bundle = load_bundle(place / "mine")
    onnx, card = bundle.about["onnx"], (place / "mine/card.md").read_text()
    trace = dff(3, 350, seed=5).astype(np.float32)
    session = onnxruntime.InferenceSession(place / "mine" / onnx["file"], providers=["CPUExecutionProvider"])
    proba = session.run([onnx["output"]], {"trace": trace[:, None]})[0]
    calibrated = np.maximum(proba, onnx["lowest"]) ** (1 / onnx["temperature"])
    calibrated /= calibrated.sum(axis=1, keepdims=True)
    assert f"p ** (1 / {onnx['temperature']:.4g})" in card and "`trace` [row, 1, 350]" in card
    expected = bundle.predict_proba(trace=trace, sampling_rate=RATE)
    np.testing.assert_allclose(calibrated, expected, atol=1e-4)


@pytest.mark.skipif(bool(MISSING), reason=f"missing: {MISSING}; pip install 'celltype[onnx]'")
def test_a_graph_that_says_otherwise_leaves_no_bundle(place, monkeypatch, capsys):
    monkeypatch.setattr(onnx_files, "_run", lambda file, inputs: np.full((len(inputs["trace"]), 2), 0.5))
    assert export(place, "wrong", "onnx=true") == 2
    assert "says otherwise than the network" in capsys.readouterr().err
    assert not [file for file in place.iterdir() if "wrong" in file.name]


def test_missing_libraries_and_trees_are_refused_before_anything_is_read(place, monkeypatch, capsys):
    monkeypatch.setattr(onnx_files, "find_spec", lambda name: None)
    assert export(place, "none", "onnx=true") == 2
    assert "ONNX needs onnx, onnxscript, onnxruntime: pip install 'celltype[onnx]'" in capsys.readouterr().err
    monkeypatch.setattr(onnx_files, "find_spec", lambda name: object())
    forest = ("model=logistic", *NETWORK[-5:], f"dataset.path={place / 'labelled.npz'}")
    assert command("train", "dataset=traces", *forest, f"outputs={place / 'outputs'}") == 0
    words = ("run=traces-logistic", f"out={place / 'none'}", "onnx=true", f"outputs={place / 'outputs'}")
    monkeypatch.setattr(export_module, "cells_of", None)  # which is called first of what takes time
    for fit in ("folds", "all"):
        assert command("export", *words, f"fit={fit}") == 2
        assert "this run's model is an estimator (LogisticRegression)" in " ".join(capsys.readouterr().err.split())
    assert not (place / "none").exists()
