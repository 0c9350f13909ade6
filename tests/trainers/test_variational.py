"""Autoencoders are trained on training cells alone, with a label or without; then frozen, fine-tuned, or jointly."""

import logging
import math
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from made.configs import compose
from made.fusion import PLAIN, TINY, units
from made.training import CNN, TRAIN, fit, lightning
from made.units import many

from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.models.fusion import Fusion
from celltype_cli.runs.build import build
from celltype_cli.trainers.networks import Standardised, moments
from celltype_cli.trainers.tasks import Supervised
from celltype_cli.trainers.variational import Variational

WAYS = ("supervised", "pretrained", "frozen", "joint")
WEIGHTS = {"beta": 5.0, "reconstruction": 1.0, "cross_entropy": 0.0}
NONE = units(3)[np.arange(0)]
AUGMENT = {"waveform": {"stretch": 0.5, "noise": 0.1}}
COPIES = {"number": 2, "lost": 0.1, "added": 0.1, "jitter": 0.001}
PRETRAIN = partial(Variational, **WEIGHTS)


def weights_of(fitted):
    return {name: torch.from_numpy(values) for name, values in fitted.predict.state().arrays().items()}


def changed(before, after, part):
    of_part = [name for name in before if name.startswith(f"inner.{part}.") and not name.endswith("tracked")]
    assert of_part
    return [name for name in of_part if not torch.equal(before[name], after[name])]


def test_the_loss_by_hand():
    """Squared errors and divergence of rows whose code is known, of z-scored inputs."""
    cells = units(6)
    network = Standardised(TINY(cells.shapes, 3), moments(cells.inputs))
    settings = {"lr": 1e-3, "betas": (0.9, 0.999), "lr_decay": 0.0, "period": 1, "auxiliary_weight": 0.0,
                "precision": "fp32"}  # fmt: skip
    task = PRETRAIN(network, **settings)
    task.trainer = SimpleNamespace(max_epochs=4, current_epoch=0, train_dataloader=SimpleNamespace(n_rows=24))
    task.eval()
    given = {name: torch.from_numpy(values) for name, values in cells.inputs.items()}
    expected = 0.0
    for name, (mean, sd) in network.moments.items():
        z = (given[name] - mean) / sd
        code, log_variance = network.inner.encoders[name](z)
        made = network.inner.decoders[name](code).reshape(z.shape)
        divergence = 0.5 * (code**2 + log_variance.exp() - 1 - log_variance).sum(1)
        beta = 5 / (1 + math.exp(12 * (0.5 - 0.125)))  # the middle of the first of four epochs
        expected = expected + ((made - z) ** 2).sum((1, 2)) + beta * 6 / 24 * divergence
    mean, rows = task.loss(given, torch.full((6,), -1))
    torch.testing.assert_close(rows, expected)
    assert mean.item() == pytest.approx(expected.mean().item(), rel=1e-5)


def test_cross_entropy_is_of_rows_with_a_label_alone():
    cells = units(6)
    network = Standardised(TINY(cells.shapes, 3), moments(cells.inputs))
    task = Variational(network, lr=1e-3, betas=(0.9, 0.999), lr_decay=0.0, period=1, auxiliary_weight=0.0,
                       precision="fp32", beta=0.0, reconstruction=0.0, cross_entropy=2.0)  # fmt: skip
    task.trainer = SimpleNamespace(max_epochs=4, current_epoch=0, train_dataloader=SimpleNamespace(n_rows=24))
    task.eval()
    given = {name: torch.from_numpy(values) for name, values in cells.inputs.items()}
    label = torch.tensor([0, -1, 2, -1, -1, 1])
    known = label >= 0
    expected = 2 * torch.nn.functional.cross_entropy(network(**given)[known], label[known])
    assert task.loss(given, label)[0].item() == pytest.approx(expected.item(), rel=1e-5)
    assert float(task.loss(given, torch.full((6,), -1))[0]) == 0


@pytest.mark.parametrize("way", WAYS)
def test_every_way_learns_what_is_to_be_learnt(way, tmp_path):
    cfg = compose("train", "model=fusion", f"trainer={way}")
    cfg.trainer.update(epochs=20, batch_size=8)
    for name in {*cfg.trainer.stages} - {"supervised"}:
        cfg.trainer.stages[name].update(epochs=15, batch_size=8, lr=0.003)
        cfg.trainer.stages[name].pop("copies", None)  # the made ones are far from the units
    cells, unseen = units(36, unlabelled=12), units(18, seed=1)
    trainer = configs.build(cfg.trainer)
    fitted = fit(trainer, tmp_path, partial(Fusion, **{**PLAIN, "latent_dim": 6}), cells, NONE)
    assert (fitted.predict(unseen).argmax(1) == unseen.label).mean() > 0.6
    assert all(math.isfinite(row[name]) for row in fitted.history for name in row)
    if way != "joint":
        assert fitted.history[-1]["train_balanced_accuracy"] > 0.6
    if way in ("pretrained", "frozen"):
        for stage in ("waveform", "histograms"):  # acg is passed over
            first = [row[f"{stage}_train_loss"] for row in fitted.history if f"{stage}_train_loss" in row]
            assert len(first) == 15 and first[-1] < first[0]
        assert len(fitted.history) == 15 + 15 + 20


def test_frozen_parts_stay_to_the_bit(tmp_path):
    cells = units(24, names=("waveform", "acg"))
    first = fit(lightning(stages={"pretrain": {"task": PRETRAIN}}), tmp_path / "a", TINY, cells, NONE)
    head = partial(Supervised, frozen=["encoders", "decoders"])
    two = lightning(stages={"pretrain": {"task": PRETRAIN}, "supervised": {"task": head}})
    # The seeds of a stage depend on how many come after it: the first is trained again, alone, with those of two.
    before = {}

    class Looking(Supervised):
        def on_fit_start(self):
            before.update({name: weights.clone() for name, weights in self.network.state_dict().items()})

    looking = partial(Looking, frozen=["encoders", "decoders"])
    looked = lightning(stages={"pretrain": {"task": PRETRAIN}, "supervised": {"task": looking}})
    after = weights_of(fit(looked, tmp_path / "b", TINY, cells, NONE))
    assert not changed(before, after, "encoders") and not changed(before, after, "decoders")
    assert changed(before, after, "head") and changed(before, after, "last")
    again = weights_of(fit(two, tmp_path / "c", TINY, cells, NONE))
    assert all(torch.equal(again[name], after[name]) for name in after)
    torch.manual_seed(0)
    assert changed(weights_of(first), before, "encoders")


def test_the_pretraining_leaves_the_classifier_alone(tmp_path):
    cells = units(24)
    seen = {}

    class Looking(Variational):
        def on_fit_start(self):
            seen.update({name: weights.clone() for name, weights in self.network.state_dict().items()})

    looking = partial(Looking, **WEIGHTS)
    after = weights_of(fit(lightning(stages={"a": {"task": looking}}), tmp_path, TINY, cells, NONE))
    assert not changed(seen, after, "head") and not changed(seen, after, "last")
    assert changed(seen, after, "encoders") and changed(seen, after, "decoders")


def test_a_stage_trains_the_autoencoders_of_its_inputs_alone(tmp_path):
    cells, seen = units(24, names=("waveform", "isi", "acg")), {}

    class Looking(Variational):
        def on_fit_start(self):
            seen.update({name: weights.clone() for name, weights in self.network.state_dict().items()})

        def loss(self, inputs, label):
            seen["inputs"] = [*inputs]
            return super().loss(inputs, label)

    looking = partial(Looking, **WEIGHTS, inputs=["isi", "correlogram"])
    after = weights_of(fit(lightning(stages={"a": {"task": looking}}), tmp_path, TINY, cells, NONE))
    assert seen.pop("inputs") == ["isi"]
    for part in ("encoders", "decoders"):
        assert {name.split(".")[2] for name in changed(seen, after, part)} == {"isi"}
    assert not changed(seen, after, "head") and not changed(seen, after, "last")


def test_the_log_says_what_is_passed_over_and_what_copies_are(tmp_path, caplog, monkeypatch):
    caplog.set_level("INFO", logger="celltype")
    monkeypatch.setattr(logging.getLogger("celltype"), "propagate", True)
    tasks = {name: partial(Variational, **WEIGHTS, inputs=[name]) for name in ("acg", "isi")}
    stages = {name: {"task": task, "copies": COPIES, "epochs": 1} for name, task in tasks.items()}
    fit(lightning(stages=stages), tmp_path, TINY, units(12), NONE)
    assert "stage acg is passed over: none of its inputs is prepared (acg)" in caplog.text
    assert "stage isi trains on copies, changed: " in caplog.text


def test_published_rates_of_the_stages():
    stages = configs.build(compose("train", "model=fusion", "trainer=pretrained").trainer).stages
    assert [*stages] == ["waveform", "acg", "histograms", "supervised"]
    found = {name: tuple(stages[name][key] for key in ("lr", "batch_size", "epochs")) for name in ("waveform", "acg")}
    assert found == {"waveform": (0.0001, 128, 60), "acg": (0.0005, 32, 60)}
    assert [stages[name]["task"].keywords["inputs"] for name in ("waveform", "acg")] == [["waveform"], ["acg"]]


def test_inputs_and_copies_of_a_stage_are_checked(tmp_path):
    def train(copies=None, **settings):
        task = partial(Variational, **{**WEIGHTS, **settings})
        return fit(lightning(stages={"a": {"task": task, "copies": copies}}), tmp_path, TINY, units(12), NONE)

    with pytest.raises(UserError, match="stages.a.task.inputs: wave is no input of this model.*known: waveform"):
        train(inputs=["wave"])
    with pytest.raises(UserError, match="none of trainer.stages a is about an input that is prepared"):
        train(inputs=["acg"])
    with pytest.raises(UserError, match="inputs goes with cross_entropy=0"):
        train(inputs=["isi"], cross_entropy=1.0)
    with pytest.raises(UserError, match="copies={'number': 2}: of made it needs number, lost, added, jitter"):
        train({"number": 2})


class Diary(Variational):
    """Writes down the rows that it is trained on."""

    seen: list[float] = []

    def loss(self, inputs, label):
        if self.training:
            Diary.seen.extend(inputs["waveform"][:, 0, :5].double().sum(dim=1).tolist())
        return super().loss(inputs, label)


def test_no_row_of_a_held_out_recording_trains_with_a_label_or_without(tmp_path):
    """The run writes which cells trained: split.csv names them, those without a label too."""
    path = many(tmp_path / "units.npz")
    with np.load(path) as file:
        arrays = dict(file)
    arrays["label"][::4] = ""  # a quarter of each recording
    np.savez(path, **arrays)
    cfg = compose("train", "dataset=units", f"dataset.path={path}", "prepare.inputs=[waveform,isi]", "model=fusion",
                  "trainer=pretrained", "split=leave_one_group_out", "split.valid_fraction=0")  # fmt: skip
    built = build(cfg)
    fold, cells = built.folds[0], built.cells
    unknown = np.flatnonzero(cells.label < 0)
    assert np.isin(unknown, fold.train).sum() > 2 and not np.isin(fold.train, fold.test).any()
    Diary.seen = []
    diary = partial(Diary, **WEIGHTS)
    two = lightning(epochs=1, stages={"pretrain": {"task": diary}, "supervised": {"task": Supervised}})
    fit(two, tmp_path / "fold", TINY, cells[fold.train], NONE)
    marks = cells.inputs["waveform"][:, 0, :5].sum(axis=1, dtype=np.float64)
    np.testing.assert_allclose(sorted(Diary.seen), sorted(marks[fold.train]), rtol=1e-5, atol=1e-6)
    held = np.isin(cells.group, cells.group[fold.test])
    assert held.sum() > len(fold.test)  # it has cells without a label, which are on no side
    assert not np.isclose(np.array(Diary.seen)[:, None], marks[held], rtol=0, atol=1e-7).any()


def test_the_learning_rate_starts_anew(tmp_path):
    cells = units(12)
    rates = []

    class Looking(Supervised):
        def on_train_epoch_end(self):
            rates.append(self.optimizers(use_pl_optimizer=False).param_groups[0]["lr"])

    stages = {"a": {"task": partial(Looking, cosine=True, weight_decay=0.01)}}
    fit(lightning(epochs=5, lr=0.01, period=4, stages=stages), tmp_path, TINY, cells, NONE)
    half = 0.01 * (1 + math.sqrt(0.5)) / 2
    assert rates == pytest.approx([0.01, half, 0.005, 0.01 - half, 0.01])


def test_a_network_without_autoencoders_is_refused(tmp_path):
    with pytest.raises(UserError, match="CNN1d has no autoencoders to train; model=fusion has"):
        fit(lightning(stages={"a": {"task": partial(Variational, **WEIGHTS)}}), tmp_path, CNN, TRAIN)
    with pytest.raises(UserError, match="Fusion has no part heads; nearest: head"):
        fit(lightning(stages={"a": {"task": partial(Supervised, frozen=["heads"])}}), tmp_path, TINY, units(12))


def test_a_pretraining_interrupted_ends_as_it_would_have(tmp_path):
    cells = units(24, unlabelled=6)
    stages = {"pretrain": {"task": partial(PRETRAIN, augment=AUGMENT), "copies": COPIES}}
    stages["supervised"] = {"task": partial(Supervised, augment=AUGMENT, cosine=True, frozen=["decoders"])}
    train = partial(fit, lightning(epochs=2, oversample=True, stages=stages), model=TINY, train=cells, valid=NONE)
    whole = train(tmp_path / "whole")

    def stop(done, epochs, _):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "parts", watch=stop)
    assert np.array_equal(train(tmp_path / "parts").predict(cells), whole.predict(cells))
