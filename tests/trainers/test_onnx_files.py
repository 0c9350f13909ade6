"""Networks as ONNX: the same probabilities for any number of rows, and nothing that says otherwise is left."""

import json
from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest
from made.training import CLASSES, CNN, RNN, TRAIN, noisy
from sklearn.linear_model import LogisticRegression

from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.models.recurrent import Recurrent
from celltype_cli.models.scalogram_cnn import ScalogramCNN
from celltype_cli.trainers import onnx_files
from celltype_cli.trainers.networks import NetworkPredictor, Standardised

LSTM = partial(Recurrent, layers=["lstm", "dropout", "lstm"], steps=3, hidden=8, dropout=0.3, recurrent_dropout=0.2)
PICTURES = partial(ScalogramCNN, backbone="resnet18", channels=[0, 1, 0], pixel_range=[-2.0, 2.4], dropout=0.2,
                   auxiliary=False, pretrained=False, weights=None)  # fmt: skip


MISSING = [name for name in onnx_files.NEEDED if find_spec(name) is None]
needs_onnx = pytest.mark.skipif(bool(MISSING), reason=f"missing: {MISSING}; pip install 'celltype[onnx]'")


def session_of(file):
    import onnxruntime

    return onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])


def predictor(model, cells, seed=0):
    """A network with random weights, in use: what is exported needs no training."""
    import torch

    torch.manual_seed(seed)
    moments = {name: (0.3, 2.0 + seed) for name in cells.inputs}
    network = Standardised(model(cells.shapes, len(cells.classes)), moments)
    for values in network.buffers():
        if values.is_floating_point() and values.ndim:  # of batch norms
            values += 0.05
    return NetworkPredictor(network, accelerator="cpu", batch_size=8)


@needs_onnx
@pytest.mark.parametrize("model", [CNN, RNN, LSTM], ids=["cnn1d", "rnn", "lstm"])
def test_a_graph_says_what_the_networks_say(tmp_path, model):
    models = [predictor(model, TRAIN, seed) for seed in (0, 1)]
    made = onnx_files.write(models, TRAIN, tmp_path / "model.onnx", {"name": "mine", "classes": CLASSES})
    assert made["inputs"] == ["trace"] and made["differs"] < 1e-5 and made["rows"] == 42
    session, new = session_of(tmp_path / "model.onnx"), noisy(5, seed=3)
    assert json.loads(session.get_modelmeta().custom_metadata_map["celltype"])["classes"] == [*CLASSES]
    expected = np.mean([predict(new) for predict in models], axis=0)
    assert np.ptp(expected, axis=0).max() > 1e-3
    for rows in (slice(0, 1), slice(0, 5)):
        found = session.run(["proba"], {"trace": new.inputs["trace"][rows]})[0]
        np.testing.assert_allclose(found, expected[rows], atol=1e-5)


@needs_onnx
def test_pictures_and_an_input_that_the_network_does_not_take(tmp_path):
    draw, n = np.random.default_rng(0), 3
    inputs = {"features": draw.normal(size=(n, 4)), "scalogram": draw.normal(size=(n, 2, 64, 64)).astype(np.float32)}
    ids = np.arange(n).astype(str)
    cells = Cells(inputs, np.arange(n) % 3, ids, ids, CLASSES)
    models = [predictor(PICTURES, cells)]
    made = onnx_files.write(models, cells, tmp_path / "model.onnx", {})
    assert made["inputs"] == ["scalogram"] and made["differs"] < 1e-4
    found = session_of(tmp_path / "model.onnx").run(None, {"scalogram": inputs["scalogram"]})[0]
    np.testing.assert_allclose(found, models[0](cells), atol=1e-4)


@needs_onnx
def test_a_graph_that_says_otherwise_is_refused(tmp_path):
    predict = predictor(RNN, TRAIN)
    said = predict.__class__.__call__

    class Other(NetworkPredictor):
        def __call__(self, cells):
            return np.roll(said(self, cells), 1, axis=1)

    predict.__class__ = Other
    with pytest.raises(UserError, match="says otherwise than the network, by up to 0"):
        onnx_files.write([predict], TRAIN, tmp_path / "model.onnx", {})


@needs_onnx
def test_a_network_that_onnx_does_not_know_is_named(tmp_path, monkeypatch):
    predict = predictor(RNN, TRAIN)
    monkeypatch.setattr(predict.network.inner, "forward", lambda trace: trace[:, 0, : int(trace.sum()) % 3 + 1])
    with pytest.raises(UserError, match="cannot be written as ONNX"):
        onnx_files.write([predict], TRAIN, tmp_path / "model.onnx", {})


def test_estimators_are_no_networks():
    onnx_files.check_network(RNN)
    for estimator in (LogisticRegression, partial(LogisticRegression, C=2.0)):
        with pytest.raises(UserError, match=r"an estimator \(LogisticRegression\)"):
            onnx_files.check_network(estimator)


def test_missing_libraries_are_named_first(monkeypatch):
    monkeypatch.setattr(onnx_files, "find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(UserError, match=r"ONNX needs onnxscript: pip install 'celltype\[onnx\]'"):
        onnx_files.check_installed()
