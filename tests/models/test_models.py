"""Networks of traces: sized as worked out by hand, able to learn, each cell alone."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from made.configs import compose

from celltype_cli.cells.cells import Cells
from celltype_cli.core import configs
from celltype_cli.models.cnn1d import CNN1d
from celltype_cli.models.recurrent import Recurrent

SIZES = {"width_first": 3, "width": 5, "kernel_size": 4, "pool_size": 2, "dropout": 0.0}
CNN = partial(CNN1d, {"trace": (1, 20)}, 2)
RNN = partial(Recurrent, {"trace": (1, 20)}, 2, hidden=4)
CHOICES = {"steps": 2, "dropout": 0.5, "recurrent_dropout": 0.0}


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (lambda: CNN(layers=["conv", "cnov"], **SIZES), "model.layers: 'cnov'"),
        (lambda: CNN(layers=["conv"] * 7, **SIZES), "model.layers: a trace of 20 samples is too short"),
        (lambda: CNN(layers=["pool"] * 5, **SIZES), "model.layers: a trace of 20 samples is too short"),
        (lambda: CNN(layers=["dropout"], **{**SIZES, "dropout": 1.0}), "model.dropout: 1.0"),
        (lambda: CNN(layers=["dropout"], **{**SIZES, "dropout": -0.1}), "model.dropout: -0.1"),
        (lambda: CNN(layers=["conv"], **{**SIZES, "kernel_size": 0}), "model.kernel_size: 0"),
        (lambda: CNN(layers=["pool"], **{**SIZES, "pool_size": 0}), "model.pool_size: 0"),
        (lambda: CNN(layers=["pool"], **{**SIZES, "pool_size": 257}), "model.pool_size: 257"),
        (lambda: CNN(layers=["conv"], **{**SIZES, "width_first": 0}), "model.width_first: 0"),
        (lambda: RNN(layers=["gru"], **CHOICES), "model.layers: 'gru'"),
        (lambda: RNN(layers=["rnn"], **{**CHOICES, "steps": 21}), "model.steps: 21 steps"),
        (lambda: RNN(layers=["rnn"], **{**CHOICES, "steps": 0}), "model.steps: 0 steps"),
        (lambda: RNN(layers=["rnn"], **{**CHOICES, "dropout": 1.0}), "model.dropout: 1.0"),
        (lambda: RNN(layers=["rnn"], **{**CHOICES, "recurrent_dropout": 1.5}), "model.recurrent_dropout: 1.5"),
    ],
)
def test_what_cannot_be_built_is_said_by_the_name_of_the_setting(network, said):
    with pytest.raises(ValueError, match="model") as error:
        network()
    assert str(error.value).startswith(said)


NETWORKS = [
    file.stem
    for file in sorted((configs.folder() / "model").glob("*.yaml"))
    if file.stem not in ("scalogram_cnn", "fusion")  # which take no traces
    and "\n_target_: celltype_cli.models." in file.read_text(encoding="utf-8")
]


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        # 32 x 10 + 32; 64 x 32 x 10 + 64; 64 x 64 x 10 + 64; 4 x 64 x 1982 + 4,
        # where 4000 samples become 3991, 3982, 1991 and 1982
        ("cnn1d", 352 + 20_544 + 41_024 + 507_396),
        # 100 x 2000 + 100 x 100 + two biases of 100; 4 x 100 + 4
        ("rnn", 210_200 + 404),
        # four gates of 100 x 2000 + 100 x 100 + 200, then four of 100 x 100 + 100 x 100 + 200; 4 x 100 + 4
        ("lstm", 840_800 + 80_800 + 404),
    ],
)
def test_the_papers_best_networks_have_the_size_worked_out_by_hand(model, parameters):
    with torch.device("meta"):
        network = configs.build(compose("train", f"model={model}").model)({"trace": (1, 4000)}, 4)
    assert sum(p.numel() for p in network.parameters()) == parameters


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_overfit_eight_cells_and_see_each_cell_alone(name, tmp_path):
    cfg = compose("train", f"model={name}")
    cfg.trainer.update(epochs=40, batch_size=4)
    draw = np.random.default_rng(0)
    ids = np.arange(8).astype(str)
    trace = draw.standard_normal((8, 1, 120), dtype=np.float32)
    cells = Cells({"trace": trace}, np.arange(8) % 4, ids, ids, ("PY", "PV", "SOM", "VIP"))
    trainer, model = configs.build(cfg.trainer), configs.build(cfg.model)
    fitted = trainer.fit(model, cells, cells[np.arange(0)], seed=0, folder=tmp_path, watch=None)
    proba = fitted.predict(cells)
    assert (proba.argmax(1) == cells.label).all()
    assert fitted.history[-1]["train_loss"] < 0.5 * math.log(4) < fitted.history[0]["train_loss"]
    for rows in ([3], [7, 3], [3, 0, 1, 2, 6]):
        np.testing.assert_allclose(fitted.predict(cells[np.array(rows)]), proba[rows], rtol=0, atol=1e-6)
