"""What fine-tuning asks of the trainer: schedule, auxiliary classifier, batch norm, inputs by name, files as inputs."""

import math
import warnings
from dataclasses import replace
from functools import partial
from unittest.mock import Mock

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from made.configs import compose
from made.training import CLASSES, CNN, NONE, STILL, TRAIN, VALID, curves, fit, lightning, losses
from torch import nn

from celltype_cli.cells.about import About, Input
from celltype_cli.cells.cells import Cells
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.models.scalogram_cnn import ScalogramCNN
from celltype_cli.runs.settings import Settings
from celltype_cli.trainers import history
from celltype_cli.trainers.networks import moments
from celltype_cli.trainers.tasks import Supervised


class Normalised(nn.Module):
    """Batch norm, dropout, and in training a second classifier."""

    def __init__(self, shapes, n_classes, auxiliary=True):
        super().__init__()
        width = shapes["trace"][-1]
        self.norm, self.dropout, self.auxiliary = nn.BatchNorm1d(width), nn.Dropout(0.2), auxiliary
        self.head, self.second = nn.Linear(width, n_classes), nn.Linear(width, n_classes)

    def forward(self, trace):
        x = self.dropout(self.norm(trace[:, 0]))
        return (self.head(x), self.second(x)) if self.training and self.auxiliary else self.head(x)


def last_lr(folder):
    state = torch.load(folder / "supervised-last.ckpt", weights_only=True)
    return state["optimizer_states"][0]["param_groups"][0]["lr"]


@pytest.mark.parametrize(
    ("lr_decay", "period", "expected"),
    [(0.5, 2, [0.008, 0.008, 0.004, 0.004, 0.002]), (0.1, 1, [8e-3, 8e-4, 8e-5, 8e-6, 8e-7]), (0.0, 1, [0.008] * 5)],
)
def test_the_learning_rate_of_each_epoch_by_hand(lr_decay, period, expected, tmp_path):
    for epochs, lr in enumerate(expected, start=1):
        fit(lightning(epochs=epochs, lr=0.008, lr_decay=lr_decay, period=period), tmp_path, STILL)  # goes on
        assert last_lr(tmp_path) == pytest.approx(lr, rel=1e-12)


def test_an_interrupted_run_keeps_its_schedule_and_its_batch_norm(tmp_path, monkeypatch):
    trainer = lightning(lr_decay=0.3, period=2, keep="best", lr=0.01)
    whole = fit(trainer, tmp_path / "whole", Normalised)
    flat = fit(lightning(keep="best", lr=0.01), tmp_path / "flat", Normalised)
    assert losses(flat)[:2] == losses(whole)[:2]
    assert losses(flat)[2:] != losses(whole)[2:]
    monkeypatch.setattr(history, "SAVE_EVERY_S", -1.0)

    def stop(done, epochs, values):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(trainer, tmp_path / "parts", Normalised, watch=stop)
    resumed = fit(trainer, tmp_path / "parts", Normalised)
    assert curves(resumed) == curves(whole)
    assert np.array_equal(resumed.predict(VALID), whole.predict(VALID))


@pytest.mark.parametrize("weight", [0.4, 1.0])
def test_a_step_follows_the_gradient_of_both_classifiers(weight):
    torch.manual_seed(0)
    network = Normalised({"trace": (1, 5)}, 3).train()
    network.dropout.p = 0.0
    trace, label = torch.randn(4, 1, 5), torch.tensor([0, 1, 2, 0])
    first, second = network(trace)
    loss = F.cross_entropy(first, label) + weight * F.cross_entropy(second, label)
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    expected = [value.detach() - 0.1 * g for value, g in zip(network.parameters(), gradients, strict=True)]

    task = Supervised(network, lr=0.1, betas=(0.9, 0.99), lr_decay=0.0, period=1, auxiliary_weight=weight,
                      precision="fp32")  # fmt: skip
    task.trainer = Mock(world_size=1)
    task.optimizers = lambda use_pl_optimizer: torch.optim.SGD(network.parameters(), lr=0.1)
    sums = task.training_step([({"trace": trace}, label)], 0)
    for value, other in zip(network.parameters(), expected, strict=True):
        torch.testing.assert_close(value.detach(), other)
    assert sums["loss"].item() == pytest.approx(4 * F.cross_entropy(first, label).item(), rel=1e-5)  # of the first


def test_a_row_left_over_can_be_normalised(tmp_path):
    fitted = fit(lightning(), tmp_path, partial(Normalised, auxiliary=False), train=TRAIN[np.arange(17)])  # 8 + 9
    assert np.isfinite(losses(fitted)).all()


def test_single_rows_cannot_be_normalised():
    with pytest.raises(UserError, match="trainer.batch_size=1: this network normalises"):
        lightning(batch_size=1).check(Normalised, TRAIN, any_valid=True)
    lightning(batch_size=1).check(CNN, TRAIN, any_valid=True)


def with_features(cells):
    values = np.full((len(cells), 2), np.nan, dtype=np.float32)
    values[1:] = 3
    inputs = {"features": values, **cells.inputs}
    return Cells(
        inputs,
        cells.label,
        cells.cell_id,
        cells.group,
        CLASSES,
        About("toy", inputs={"features": Input(columns=("a (mV)", "b (ms)"))}),
    )


def test_a_network_gets_the_inputs_that_it_names(tmp_path):
    alone = fit(lightning(), tmp_path / "alone")
    lightning().check(CNN, with_features(TRAIN), any_valid=True)
    among = fit(lightning(), tmp_path / "among", train=with_features(TRAIN), valid=with_features(VALID))
    assert curves(among) == curves(alone)
    assert np.array_equal(among.predict(with_features(VALID)), alone.predict(VALID))


class OnFeatures(nn.Module):
    def __init__(self, shapes, n_classes):
        super().__init__()
        self.head = nn.Linear(shapes["features"][0], n_classes)

    def forward(self, features):
        return self.head(features)


@pytest.mark.parametrize("call", ["check", "fit"])
def test_what_was_not_measured_cannot_be_fed_to_a_network(call, tmp_path):
    said = r"input features holds values that were not measured \(NaN\) in 1 of 42 rows"
    with pytest.raises(UserError, match=said):
        if call == "check":
            lightning().check(OnFeatures, with_features(TRAIN), any_valid=True)
        else:
            fit(lightning(), tmp_path, OnFeatures, train=with_features(TRAIN), valid=NONE)


def test_an_input_that_is_not_there_is_named():
    with pytest.raises(UserError, match="input 'features', the dataset has trace: choose another model, or"):
        lightning().check(OnFeatures, TRAIN, any_valid=True)
    known = replace(TRAIN, about=About("toy", inputs={"trace": Input(models=("cnn1d", "rnn"))}))
    with pytest.raises(UserError, match=r"choose another model \(cnn1d, rnn\), or what is prepared"):
        lightning().check(OnFeatures, known, any_valid=True)


def test_inputs_may_be_files_opened_for_reading(tmp_path):
    def on_file(cells, name):
        np.save(tmp_path / name, cells.inputs["trace"])
        inputs = {"trace": np.load(tmp_path / name, mmap_mode="r")}
        return Cells(inputs, cells.label, cells.cell_id, cells.group, CLASSES)

    usual = fit(lightning(), tmp_path / "usual")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "The given NumPy array is not writable")
        fitted = fit(lightning(), tmp_path / "files", train=on_file(TRAIN, "a.npy"), valid=on_file(VALID, "b.npy"))
        assert np.array_equal(fitted.predict(on_file(VALID, "c.npy")), usual.predict(VALID))
    assert curves(fitted) == curves(usual)


def test_moments_of_many_rows_are_those_of_all():
    values = np.random.default_rng(0).normal(50, 3, (150, 2, 7)).astype(np.float32)  # more than are looked at together
    mean, sd = moments({"x": values})["x"]
    assert mean == pytest.approx(values.astype(float).mean(), rel=1e-12)
    assert sd == pytest.approx(values.astype(float).std(), rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"lr_decay": -0.1}, "lr_decay=-0.1"), ({"lr_decay": 2.0}, "lr_decay=2.0"),
     ({"period": 0}, "period=0")],
)  # fmt: skip
def test_schedules_that_make_no_sense_are_said(changes, said):
    with pytest.raises(UserError, match=said):
        lightning(**changes)


def composed(*overrides):
    return compose("train", "model=scalogram_cnn", *overrides)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([], {"patience": 10, "keep": "best", "accelerator": "cpu"}),
        (["trainer.accelerator=cuda", "trainer.lr=0.01"], {"patience": 10, "accelerator": "cuda", "lr": 0.01}),
        (["trainer=cuda"], {"patience": None, "accelerator": "cuda"}),
        (["trainer=ddp"], {"patience": None, "devices": 2}),
        (["trainer=finetune"], {"patience": 10}),
    ],
)
def test_configs_compose(overrides, expected):
    cfg = composed(*overrides)
    configs.check(cfg, Settings)
    assert {name: cfg.trainer[name] for name in expected} == expected


def test_the_shipped_settings_lie_in_the_space_that_the_paper_searched():
    trainer, model = composed().trainer, composed().model
    assert trainer.batch_size in (32, 64)
    assert 0.001 <= trainer.lr <= 0.08
    assert trainer.lr_decay in (0, 0.01, 0.1)
    assert 5 <= trainer.period <= 20
    assert 10 <= trainer.patience <= 20
    assert trainer.min_improvement == 0.05
    assert model.dropout in (0, 0.3, 0.5, 0.7)


def test_a_scalogram_network_overfits_eight_cells_and_sees_each_cell_alone(tmp_path):
    cfg = composed("model.backbone=resnet18", "model.pretrained=false", "trainer.batch_size=4", "trainer.epochs=15",
                   "trainer.keep=last", "trainer.patience=null", "trainer.lr_decay=0")  # fmt: skip
    ids = np.arange(8).astype(str)
    scalogram = np.random.default_rng(0).gamma(0.3, 5.0, (8, 2, 32, 48)).astype(np.float32)
    cells = Cells({"scalogram": scalogram}, np.arange(8) % 4, ids, ids, ("Pvalb", "Excitatory", "Vip/Lamp5", "Sst"))
    trainer, model = configs.build(cfg.trainer), configs.build(cfg.model)
    trainer.check(model, cells, any_valid=False)
    fitted = trainer.fit(model, cells, cells[np.arange(0)], seed=0, folder=tmp_path, watch=None)
    assert isinstance(fitted.predict.state().model.inner, ScalogramCNN)
    assert fitted.history[-1]["train_loss"] < 0.5 * math.log(4) < fitted.history[0]["train_loss"]
    proba = fitted.predict(cells)
    for rows in ([3], [7, 3], [3, 0, 1, 2, 6]):
        np.testing.assert_allclose(fitted.predict(cells[np.array(rows)]), proba[rows], rtol=0, atol=1e-5)
