"""Trainers: same seed same result, whatever interrupts them; nothing learnt from what is not for training."""

import math
import signal
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from celltype_cli.cells import UNLABELLED, Cells
from celltype_cli.errors import UserError
from celltype_cli.models.cnn1d import CNN1d
from celltype_cli.models.recurrent import Recurrent
from celltype_cli.trainers import batches, history
from celltype_cli.trainers.batches import Batches
from celltype_cli.trainers.lightning import LightningTrainer
from celltype_cli.trainers.networks import NetworkPredictor, Standardised, moments
from celltype_cli.trainers.sklearn import SklearnTrainer

CLASSES = ("PY", "PV", "SOM")
CNN = partial(CNN1d, layers=["conv", "pool", "conv", "dropout"], width_first=4, width=6, kernel_size=5, pool_size=2,
              dropout=0.5)  # fmt: skip
RNN = partial(Recurrent, layers=["rnn", "dropout", "rnn"], steps=3, hidden=8, dropout=0.3, recurrent_dropout=0.2)
STILL = partial(Recurrent, layers=["rnn"], steps=3, hidden=8, dropout=0.0, recurrent_dropout=0.0)


def make_cells(trace, label):
    ids = np.arange(len(trace)).astype(str)
    return Cells({"trace": np.asarray(trace, dtype=np.float32)}, np.asarray(label), ids, ids, CLASSES)


def noisy(rows, seed=0):
    """Traces whose level gives a hint of their class."""
    draw = np.random.default_rng(seed)
    label = np.arange(rows) % 3
    return make_cells(draw.standard_normal((rows, 1, 60)) + 0.3 * label[:, None, None], label)


TRAIN, VALID = noisy(42), noisy(18, seed=1)
NONE = TRAIN[np.arange(0)]


def lightning(**changes):
    usual = {"epochs": 6, "batch_size": 8, "lr": 0.003, "betas": (0.9, 0.99), "precision": "fp32", "accelerator": "cpu",
             "devices": 1, "patience": None, "min_improvement": 0.0, "weights": "last"}  # fmt: skip
    return LightningTrainer(**{**usual, **changes})


def fit(trainer, folder, model=CNN, train=TRAIN, valid=VALID, seed=0, watch=None):
    return trainer.fit(model, train, valid, seed=seed, folder=folder, watch=watch)


def losses(fitted, name="train_loss"):
    return [row[name] for row in fitted.history]


def curves(fitted):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in fitted.history]


@pytest.mark.parametrize("model", [CNN, RNN])
def test_the_seed_decides_everything(model, tmp_path):
    first, second, other = (fit(lightning(), tmp_path / n, model, seed=s) for n, s in (("a", 0), ("b", 0), ("c", 1)))
    assert np.array_equal(first.predict(VALID), second.predict(VALID))
    assert curves(first) == curves(second)
    assert np.abs(first.predict(VALID) - other.predict(VALID)).max() > 1e-3
    np.testing.assert_allclose(first.predict(VALID).sum(1), 1, rtol=1e-12)


class Stop(Exception):
    pass


def stop_after(epoch, kind=Stop):
    def watch(done, epochs, values):
        if done == epoch:
            raise kind

    return watch


@pytest.mark.parametrize("model", [CNN, RNN])
@pytest.mark.parametrize("weights", ["last", "best"])
def test_an_interrupted_run_ends_like_one_that_was_not(model, weights, tmp_path, monkeypatch):
    whole = fit(lightning(weights=weights), tmp_path / "whole", model)

    fit(lightning(epochs=2), tmp_path / "parts", model)
    monkeypatch.setattr(history, "SAVE_EVERY_S", -1.0)
    with pytest.raises(Stop):
        fit(lightning(weights=weights), tmp_path / "parts", model, watch=stop_after(5))
    seen = []
    resumed = fit(
        lightning(weights=weights), tmp_path / "parts", model, watch=lambda done, epochs, _: seen.append((done, epochs))
    )
    assert seen == [(6, 6)]
    assert np.array_equal(resumed.predict(VALID), whole.predict(VALID))
    assert curves(resumed) == curves(whole)
    assert np.all(np.diff(losses(resumed, "seconds")) > 0)
    assert resumed.seconds == losses(resumed, "seconds")[-1]

    again = fit(lightning(weights=weights), tmp_path / "parts", model, watch=stop_after(1))  # nothing is left to do
    assert np.array_equal(again.predict(VALID), whole.predict(VALID))


def test_a_run_that_stopped_before_its_first_checkpoint_starts_anew(tmp_path):
    with pytest.raises(Stop):
        fit(lightning(), tmp_path / "parts", watch=stop_after(3))
    assert not (tmp_path / "parts" / "last.ckpt").exists()
    assert curves(fit(lightning(), tmp_path / "parts")) == curves(fit(lightning(), tmp_path / "whole"))


def test_ctrl_c_stays_ctrl_c(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(lightning(), tmp_path, watch=stop_after(2, KeyboardInterrupt))
    assert signal.getsignal(signal.SIGINT) is before


def test_patience_ends_training_and_the_end_is_remembered(tmp_path):
    # The first epoch's loss counts as lower; no later one is half of it. So training ends two epochs after the first.
    trainer = lightning(patience=2, min_improvement=0.5)
    fitted = fit(trainer, tmp_path)
    assert [row["epoch"] for row in fitted.history] == [1, 2, 3]
    again = fit(trainer, tmp_path, watch=stop_after(4))
    assert curves(again) == curves(fitted)
    assert np.array_equal(again.predict(VALID), fitted.predict(VALID))


def test_patience_waits_while_the_loss_falls(tmp_path):
    fitted = fit(lightning(patience=1, lr=1e-4), tmp_path, STILL, valid=TRAIN)
    assert np.all(np.diff(losses(fitted, "valid_loss")) < 0)
    assert len(fitted.history) == 6


def cross_entropy(fitted, cells):
    return -np.log(fitted.predict(cells)[np.arange(len(cells)), cells.label]).mean()


def test_best_weights_are_those_of_the_lowest_validation_loss(tmp_path, monkeypatch):
    unrelated = make_cells(VALID.inputs["trace"], VALID.label[::-1])  # learning makes it worse sooner or later
    best = fit(lightning(epochs=12, weights="best"), tmp_path / "best", STILL, valid=unrelated)
    last = fit(lightning(epochs=12), tmp_path / "last", STILL, valid=unrelated)
    found = losses(best, "valid_loss")
    assert 0 < np.argmin(found) < 11
    assert cross_entropy(best, unrelated) == pytest.approx(min(found), rel=1e-5)
    assert cross_entropy(last, unrelated) == pytest.approx(found[-1], rel=1e-5)

    monkeypatch.setattr(history, "SAVE_EVERY_S", -1.0)
    with pytest.raises(Stop):  # interrupted after the best epoch
        fit(lightning(epochs=12, weights="best"), tmp_path / "parts", STILL, valid=unrelated, watch=stop_after(11))
    resumed = fit(lightning(epochs=12, weights="best"), tmp_path / "parts", STILL, valid=unrelated)
    assert np.array_equal(resumed.predict(VALID), best.predict(VALID))


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


def without_labels(cells):
    """The same cells, and among them some wild ones without a label."""
    wild = np.full((9, 1, 60), 1e4) + np.arange(9)[:, None, None]
    trace, label = np.concatenate([cells.inputs["trace"], wild]), np.concatenate([cells.label, np.full(9, UNLABELLED)])
    mixed = make_cells(trace, label)
    return mixed[np.concatenate([np.arange(len(cells), len(mixed)), np.arange(len(cells))])]


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


def test_two_processes_train_like_one(tmp_path):
    # Every mini-batch has as many rows for each process: 42 = 5 x 8 + 2, 18 = 2 x 8 + 2.
    heard = []
    two = fit(lightning(devices=2), tmp_path / "two", STILL, watch=lambda done, epochs, _: heard.append((done, epochs)))
    one = fit(lightning(), tmp_path / "one", STILL)
    assert heard == [(epoch, 6) for epoch in range(1, 7)]
    for name in ("train_loss", "valid_loss", "train_accuracy", "valid_accuracy"):
        assert losses(two, name) == pytest.approx(losses(one, name), rel=1e-4)
    np.testing.assert_allclose(two.predict(VALID), one.predict(VALID), rtol=0, atol=1e-4)


def test_processes_draw_different_numbers(tmp_path):
    drawn = []
    for rank in (0, 0, 1):
        kept = history.History(folder=tmp_path, seed=0, patience=None, min_improvement=0.0, watch=None)
        trainer = Mock(spec=pl.Trainer, current_epoch=0, global_rank=rank, train_dataloader=Mock())
        kept.on_train_epoch_start(trainer, Mock(spec=pl.LightningModule))
        drawn.append(torch.rand(1).item())
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_loss_that_explodes_is_said(tmp_path):
    with pytest.raises(UserError, match="train loss is nan after epoch 1: choose a lower trainer.lr"):
        fit(lightning(lr=1e38), tmp_path, STILL)


def test_predictions_do_not_depend_on_the_batch(tmp_path):
    network = Standardised(CNN(TRAIN.shapes, 3), moments(TRAIN.inputs))
    one, many = (NetworkPredictor(network, accelerator="cpu", batch_size=n)(TRAIN) for n in (1, 40))
    np.testing.assert_allclose(one, many, rtol=0, atol=1e-6)


def rows_of(iterable):
    """Row numbers of each mini-batch of each block, which the inputs and the labels must agree on."""
    found = []
    for block in iterable:
        for inputs, label in block:
            assert torch.equal(inputs["x"][:, 0], label * 10)
            found.append(label.tolist())
    return found


def numbered(rows, *, batch_size=4, seed=3, world_size=1, epoch=0):
    made = Batches({"x": np.arange(rows)[:, None] * 10}, np.arange(rows), batch_size=batch_size, seed=seed,
                   world_size=world_size)  # fmt: skip
    made.epoch = epoch
    return made


def test_batches_give_every_row_once_an_epoch():
    for epoch in range(3):
        found = rows_of(numbered(10, epoch=epoch))
        assert [len(rows) for rows in found] == [4, 4, 2]
        assert sorted(sum(found, [])) == list(range(10))


def test_the_order_of_rows_depends_on_seed_and_epoch_alone():
    usual = numbered(30)
    first = rows_of(usual)
    torch.manual_seed(5)
    assert rows_of(usual) == rows_of(numbered(30)) == first
    usual.epoch = 1
    assert rows_of(usual) == rows_of(numbered(30, epoch=1))
    assert len({str(rows) for rows in (first, rows_of(usual), rows_of(numbered(30, seed=4)))}) == 3
    assert sum(rows_of(numbered(30, seed=None)), []) == list(range(30))


@pytest.mark.parametrize(("count", "row_bytes", "per_block"), [(3, 8, 3), (100, 8, 4), (100, 64, 1)])
def test_blocks_are_bounded_in_batches_and_bytes(count, row_bytes, per_block, monkeypatch):
    monkeypatch.setattr(batches, "BLOCK_BATCHES", count)
    monkeypatch.setattr(batches, "BLOCK_BYTES", 4 * 4 * 8)  # four batches of four rows of eight bytes
    x = np.zeros((30, row_bytes // 8))
    made = Batches({"x": x}, np.arange(30), batch_size=4, seed=0, world_size=1)
    sizes = [len(block) for block in made]
    assert sum(sizes) == 8  # mini-batches of 30 rows
    assert set(sizes[:-1]) == {per_block}
    assert len(made) == len(sizes)


@pytest.mark.parametrize("rows", [30, 31])
def test_processes_share_each_mini_batch(rows, monkeypatch):
    shares = []
    for rank in range(2):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        shares.append(rows_of(numbered(rows, world_size=2)))
    whole = rows_of(numbered(rows))
    assert [len(share) for share in shares[0]] == [len(share) for share in shares[1]]
    assert [set(a + b) for a, b in zip(*shares, strict=True)][:-1] == [set(batch) for batch in whole][:-1]
    taken = sum(shares[0] + shares[1], [])
    assert set(taken) == set(range(rows))
    assert len(taken) == 2 * math.ceil(rows / 2)  # of 31 rows one is taken twice


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps what it is given."""

    def fit(self, x, y):
        self.x_, self.y_, self.classes_ = x, y, np.unique(y)
        return self

    def predict_proba(self, x):
        self.seen_ = x
        return np.full((len(x), len(self.classes_)), 1 / len(self.classes_))


def flat(trace):
    return trace[:, 0].astype(np.float64)


def sklearn_fit(model, train=TRAIN, scale=True, seed=0):
    return SklearnTrainer(features=flat, scale=scale, grid={}, grid_folds=3).fit(
        model, train, NONE, seed=seed, folder=Path(), watch=None
    )


@pytest.mark.parametrize(("scale", "given", "asked"), [(True, [[-1], [1]], [[4]]), (False, [[0], [2]], [[5]])])
def test_features_are_scaled_by_the_training_rows(scale, given, asked):
    estimator = Recorder()
    fitted = sklearn_fit(lambda: estimator, make_cells([[[0]], [[2]]], [0, 1]), scale)  # mean 1, sd 1
    fitted.predict(make_cells([[[5]]], [0]))
    assert estimator.x_.tolist() == given
    assert estimator.seen_.tolist() == asked


def test_estimators_leave_out_rows_without_a_label():
    estimator = Recorder()
    sklearn_fit(lambda: estimator, without_labels(TRAIN), scale=False)
    assert np.array_equal(estimator.x_, TRAIN.inputs["trace"][:, 0])
    assert np.array_equal(estimator.y_, TRAIN.label)


def test_a_class_without_training_rows_gets_probability_zero():
    two = TRAIN[np.flatnonzero(TRAIN.label != 1)]
    proba = sklearn_fit(LogisticRegression, two).predict(VALID)
    assert np.all(proba[:, 1] == 0)
    np.testing.assert_allclose(proba.sum(1), 1, rtol=1e-12)
    assert proba[:, 0].std() > 0


def test_every_random_state_is_set():
    estimator = BaggingClassifier(DecisionTreeClassifier(random_state=1), n_estimators=2)
    sklearn_fit(lambda: estimator, seed=7)
    assert estimator.random_state == estimator.estimator.random_state == 7


def test_the_seed_decides_the_forest():
    forest = partial(RandomForestClassifier, n_estimators=5)
    first, second, other = (sklearn_fit(forest, seed=seed).predict(VALID) for seed in (0, 0, 1))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


NEEDS_WAVEFORM = SklearnTrainer(features=lambda waveform: waveform, scale=True, grid={}, grid_folds=3)
SKLEARN = SklearnTrainer(features=flat, scale=True, grid={}, grid_folds=3)


@pytest.mark.parametrize(
    ("trainer", "model", "any_valid", "said"),
    [
        (lightning(), LogisticRegression, True, "this model is no network"),
        (lightning(), LinearSVC, True, "this model is no network"),
        (SKLEARN, CNN, True, "this model is no scikit-learn estimator"),
        (SKLEARN, dict, True, "this model is no scikit-learn estimator"),
        (SKLEARN, NearestNeighbors, True, "NearestNeighbors gives neither probabilities nor decision values"),
        (NEEDS_WAVEFORM, LogisticRegression, True, "inputs trace"),
        (lightning(patience=3), CNN, False, "need validation cells"),
        (lightning(weights="best"), CNN, False, "need validation cells"),
        (lightning(accelerator="cuda"), CNN, True, "trainer.accelerator=cuda with trainer.devices=1: 0 usable GPUs"),
        (lightning(), partial(CNN, kernel_size=50), True, "model.layers: a trace of 60 samples is too short"),
    ],
)
def test_what_cannot_be_trained_is_said_beforehand(trainer, model, any_valid, said, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(UserError) as error:
        trainer.check(model, TRAIN, any_valid=any_valid)
    assert said in str(error.value)


@pytest.mark.parametrize(("trainer", "model"), [(lightning(), CNN), (SKLEARN, LogisticRegression)])
def test_what_can_be_trained_passes(trainer, model):
    trainer.check(model, TRAIN, any_valid=False)


def test_validation_that_turns_out_empty_is_said(tmp_path):
    with pytest.raises(UserError, match="need validation cells"):
        fit(lightning(patience=1), tmp_path, valid=VALID[np.arange(0)])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": 0}, "trainer.epochs=0"),
        ({"batch_size": 0}, "trainer.batch_size=0"),
        ({"devices": 0}, "trainer.devices=0"),
        ({"batch_size": 9, "devices": 2}, "trainer.batch_size=9 cannot be shared by 2 devices"),
    ],
)
def test_numbers_that_make_no_sense_are_said_at_once(changes, said):
    with pytest.raises(UserError) as error:
        lightning(**changes)
    assert str(error.value).startswith(said)


def test_a_grid_is_searched_within_the_training_rows_with_groups_apart(tmp_path):
    from sklearn.svm import SVC

    rng = np.random.default_rng(0)
    label = np.arange(60) % 2
    trace = rng.standard_normal((60, 1, 5)).astype(np.float32)
    trace[:, 0, 0] += 10 * label  # told apart by one number, so only a senseless C fails
    names = np.arange(60).astype(str)
    cells = Cells({"trace": trace}, label, names, (np.arange(60) // 6).astype(str), ("A", "B"))
    trainer = SklearnTrainer(features=flat, scale=True, grid={"C": [1e-9, 1.0]}, grid_folds=3)
    heard = []
    watch = lambda done, total, values: heard.append((done, total, values["grid_accuracy"]))  # noqa: E731
    train = cells[np.arange(48)]
    fitted = trainer.fit(SVC, train, cells[np.arange(0)], seed=0, folder=tmp_path, watch=watch)
    assert fitted.chosen == {"C": 1.0}
    assert [(done, total) for done, total, _ in heard] == [(n, 6) for n in range(1, 7)]  # 2 values x 3 folds
    test = cells[np.arange(48, 60)]
    proba = fitted.predict(test)
    assert np.allclose(proba.sum(axis=1), 1)
    assert (proba.argmax(axis=1) == test.label).mean() > 0.9
    again = trainer.fit(SVC, train, cells[np.arange(0)], seed=0, folder=tmp_path, watch=None).predict(test)
    assert np.array_equal(proba, again)


def test_a_grid_of_unknown_settings_is_refused():
    from sklearn.svm import SVC

    trainer = SklearnTrainer(features=flat, scale=True, grid={"cost": [1]}, grid_folds=3)
    with pytest.raises(UserError, match="trainer.grid: cost is no setting of SVC"):
        trainer.check(SVC, make_cells(np.zeros((2, 1, 5), np.float32), [0, 1]), any_valid=True)
