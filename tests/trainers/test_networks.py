"""Networks: same seed same result, on one process or two; nothing learnt from what is not for training."""

import math
from contextlib import nullcontext
from unittest.mock import Mock

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from made.training import (
    CNN,
    LSTM,
    RNN,
    STILL,
    TRAIN,
    VALID,
    cross_entropy,
    curves,
    fit,
    lightning,
    losses,
    make_cells,
    without_labels,
)

from celltype_cli.core.messages import UserError
from celltype_cli.trainers import history, networks
from celltype_cli.trainers.networks import NetworkPredictor, Standardised, moments


@pytest.mark.parametrize("model", [CNN, RNN])
def test_the_seed_decides_everything(model, tmp_path):
    first, second, other = (fit(lightning(), tmp_path / n, model, seed=s) for n, s in (("a", 0), ("b", 0), ("c", 1)))
    assert np.array_equal(first.predict(VALID), second.predict(VALID))
    assert curves(first) == curves(second)
    assert np.abs(first.predict(VALID) - other.predict(VALID)).max() > 1e-3
    np.testing.assert_allclose(first.predict(VALID).sum(1), 1, rtol=1e-12)


class Diary(torch.nn.Module):
    """Writes down the rows it is trained on and what it draws."""

    def __init__(self):
        super().__init__()
        self.head, self.rows, self.draws = torch.nn.Linear(60, 3), [], []

    def forward(self, trace):
        if self.training:
            self.rows += trace[:, 0, 0].tolist()
            self.draws.append(torch.rand(1).item())
        return self.head(trace[:, 0])


def test_every_epoch_has_its_own_order_and_its_own_draws(tmp_path):
    diary = Diary()
    fit(lightning(epochs=3, batch_size=42), tmp_path, lambda shapes, n_classes: diary)
    assert len(set(diary.draws)) == 3
    epochs = np.array(diary.rows).reshape(3, 42)
    assert np.array_equal(np.sort(epochs[0]), np.sort(epochs[1]))
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_the_history_counts_rows_not_batches(tmp_path):
    # The learning rate is too small to matter: these are losses of the untrained network, on batches of 8 and 2 rows.
    fitted = fit(lightning(epochs=1, lr=1e-12), tmp_path, STILL)
    (row,) = fitted.history
    for side, cells in (("train", TRAIN), ("valid", VALID)):
        assert row[f"{side}_loss"] == pytest.approx(cross_entropy(fitted, cells), rel=1e-5)
        assert row[f"{side}_accuracy"] == pytest.approx((fitted.predict(cells).argmax(1) == cells.label).mean())


def test_moments_by_hand():
    values = np.array([[[1.0, 2.0]], [[3.0, 6.0]]], dtype=np.float32)  # mean 3, variance (4 + 1 + 0 + 9) / 4
    assert moments({"trace": values}) == {"trace": (3.0, math.sqrt(3.5))}
    with pytest.raises(UserError, match="input trace: every training value is 7.0"):
        moments({"trace": np.full((4, 1, 5), 7.0, dtype=np.float32)})


def test_z_scores_know_the_training_rows_only(tmp_path):
    shifted = make_cells(VALID.inputs["trace"] * 50 + 100, VALID.label)
    usual, other = fit(lightning(), tmp_path / "a"), fit(lightning(), tmp_path / "b", valid=shifted)
    assert np.array_equal(usual.predict(VALID), other.predict(VALID))
    network = other.predict.network
    assert network.trace_mean.item() == pytest.approx(TRAIN.inputs["trace"].mean(), rel=1e-5)
    assert network.trace_scale.item() == pytest.approx(1 / TRAIN.inputs["trace"].std(), rel=1e-5)


def test_a_network_sees_z_scores_whatever_the_type_of_its_input():
    network = Standardised(torch.nn.Identity(), {"input": (10.0, 4.0)})
    for dtype in (torch.float32, torch.float64, torch.int16):
        x = torch.tensor([[2, 10, 16]], dtype=dtype)
        scaled = network(input=x)
        assert scaled.dtype is torch.float32
        assert scaled.tolist() == [[-2.0, 0.0, 1.5]]
        assert x.tolist() == [[2, 10, 16]]


def test_networks_leave_out_rows_without_a_label(tmp_path):
    usual = fit(lightning(), tmp_path / "a")
    mixed = fit(lightning(), tmp_path / "b", train=without_labels(TRAIN), valid=without_labels(VALID))
    assert curves(mixed) == curves(usual)
    assert np.array_equal(mixed.predict(VALID), usual.predict(VALID))


@pytest.mark.parametrize("model", [CNN, RNN])
def test_bf16_is_close_to_fp32_and_another_thing(model, tmp_path):
    exact, rough = (fit(lightning(precision=p), tmp_path / p, model) for p in ("fp32", "bf16"))
    difference = np.abs(exact.predict(VALID) - rough.predict(VALID)).max()
    assert 0 < difference < 0.05
    assert losses(rough) == pytest.approx(losses(exact), rel=0.02)


def test_an_lstm_in_bf16_is_refused_where_the_processor_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr(networks, "lstm_in_bf16", lambda: False)
    for model, said in ((LSTM, "no LSTM in bf16 for this processor; type trainer.precision=fp32"), (RNN, None)):
        with pytest.raises(UserError, match=said) if said else nullcontext():
            lightning(precision="bf16").check(model, TRAIN, any_valid=True)
    lightning(precision="fp32").check(LSTM, TRAIN, any_valid=True)


def test_two_processes_train_like_one_and_as_quietly(tmp_path, capfd, monkeypatch):
    """Also in a job of Slurm with two tasks, which Lightning would take for its processes, and refuse."""
    monkeypatch.setenv("SLURM_NTASKS", "2")
    monkeypatch.setenv("SLURM_JOB_NAME", "sort")
    # Every mini-batch has as many rows for each process: 42 = 5 x 8 + 2, 18 = 2 x 8 + 2.
    heard = []
    two = fit(lightning(devices=2), tmp_path / "two", STILL, watch=lambda done, epochs, _: heard.append((done, epochs)))
    assert "".join(capfd.readouterr()) == ""
    one = fit(lightning(), tmp_path / "one", STILL)
    assert heard == [(epoch, 6) for epoch in range(1, 7)]
    for name in ("train_loss", "valid_loss", "train_accuracy", "valid_accuracy"):
        assert losses(two, name) == pytest.approx(losses(one, name), rel=1e-4)
    np.testing.assert_allclose(two.predict(VALID), one.predict(VALID), rtol=0, atol=1e-4)


def test_an_epoch_says_accuracy_and_balanced_accuracy():
    # Of three classes with 4, 0 and 2 rows, 3 and 1 are right: 4/6, and the mean of 3/4 and 1/2.
    sums = {"loss": torch.tensor(9.0), "correct": torch.tensor([3.0, 0, 1]), "rows": torch.tensor([4.0, 0, 2])}
    assert history._numbers(sums) == pytest.approx({"loss": 1.5, "accuracy": 4 / 6, "balanced_accuracy": 0.625})
    # A task of one's own may sum other things.
    assert history._numbers({"loss": torch.tensor(6.0), "rows": torch.tensor(3.0)}) == {"loss": 2}


def test_the_last_balanced_accuracy_is_that_of_the_predictions(tmp_path):
    fitted = fit(lightning(), tmp_path)
    hit = fitted.predict(VALID).argmax(1) == VALID.label
    recall = [hit[VALID.label == c].mean() for c in range(3)]
    assert fitted.history[-1]["valid_balanced_accuracy"] == pytest.approx(np.mean(recall))
    assert fitted.history[-1]["valid_accuracy"] == pytest.approx(hit.mean())


def test_processes_draw_different_numbers(tmp_path):
    drawn = []
    for rank in (0, 0, 1):
        kept = history.History(stem=tmp_path / "s", seed=0, patience=None, min_improvement=0.0, watch=None)
        trainer = Mock(spec=pl.Trainer, current_epoch=0, global_rank=rank, train_dataloader=Mock())
        kept.on_train_epoch_start(trainer, Mock(spec=pl.LightningModule))
        drawn.append(torch.rand(1).item())
    assert drawn[0] == drawn[1] != drawn[2]


def test_patience_counts_falls_below_zero(tmp_path, monkeypatch):
    monkeypatch.setattr(history.History, "_save", lambda *_, **__: None)
    kept = history.History(stem=tmp_path / "s", seed=0, patience=3, min_improvement=0.5, watch=None)
    for epoch, (loss, lower) in enumerate([(2.0, 1), (-1.0, 2), (-1.2, 2), (-2.0, 4)], start=1):
        row = {"epoch": epoch, "valid_loss": loss}
        kept.rows.append(row)
        kept._keep_best(Mock(spec=pl.Trainer), row)
        assert (kept.best_loss, kept.patience_epoch) == (loss, lower)


def test_a_loss_that_explodes_is_said(tmp_path):
    with pytest.raises(UserError, match="train loss is nan after epoch 1: choose a lower trainer.lr"):
        fit(lightning(lr=1e38), tmp_path, STILL)


def test_predictions_do_not_depend_on_the_batch(tmp_path):
    network = Standardised(CNN(TRAIN.shapes, 3), moments(TRAIN.inputs))
    one, many = (NetworkPredictor(network, accelerator="cpu", batch_size=n)(TRAIN) for n in (1, 40))
    np.testing.assert_allclose(one, many, rtol=0, atol=1e-6)
