"""Stages train one after the other: each from the weights of the one before, none on a cell that is held out."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from made.training import CNN, NONE, TRAIN, VALID, curves, fit, lightning, losses, without_labels

from celltype_cli.core.messages import UserError
from celltype_cli.trainers.tasks import Supervised


class Calm(Supervised):
    """Draws the logits to 0, which takes no label; keeps the levels of the traces that it saw."""

    unlabelled = True
    seen: list[float] = []

    def training_step(self, block, _):
        optimizer = self.optimizers(use_pl_optimizer=False)
        total = 0.0
        for inputs, _label in block:
            Calm.seen.extend(inputs["trace"].mean(dim=(1, 2)).tolist())
            loss = self.logits(inputs)[0].square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(_label)
        rows = sum(len(label) for _, label in block)
        return {"loss": torch.tensor(total), "rows": torch.tensor(float(rows))}

    def validation_step(self, block, _):
        loss = sum(F.mse_loss(self.logits(inputs)[0], torch.zeros(len(y), 3)) * len(y) for inputs, y in block)
        return {"loss": loss, "rows": torch.tensor(float(sum(len(y) for _, y in block)))}


@pytest.fixture(autouse=True)
def nothing_seen():
    Calm.seen = []


TWO = {"pretrain": {"task": partial(Calm), "epochs": 2}, "finetune": {"task": Supervised}}


def test_rows_without_a_label_reach_the_stage_that_takes_them(tmp_path):
    mixed = without_labels(TRAIN)
    fit(lightning(stages=TWO), tmp_path, train=mixed)
    wild = mixed.inputs["trace"][:9].mean(axis=(1, 2))
    assert len(Calm.seen) == 2 * len(mixed)
    assert max(Calm.seen) > 3 * np.quantile(Calm.seen, 0.8)  # the nine wild ones, z-scored with the others
    assert len(wild) == 9


def test_no_stage_sees_a_row_that_it_was_not_given(tmp_path):
    fit(lightning(stages=TWO), tmp_path, train=TRAIN)
    assert len(Calm.seen) == 2 * len(TRAIN)


def test_a_stage_goes_on_with_the_weights_of_the_one_before(tmp_path):
    alone = fit(lightning(), tmp_path / "alone")
    after = fit(lightning(stages=TWO), tmp_path / "two")
    assert after.history[2]["train_loss"] != losses(alone)[0]
    assert [row["epoch"] for row in after.history] == list(range(1, 9))
    assert [name for name in after.history[0] if name.startswith("pretrain")] == [
        "pretrain_train_loss",
        "pretrain_valid_loss",
    ]
    assert after.history[0]["pretrain_train_loss"] > after.history[1]["pretrain_train_loss"]
    assert np.all(np.diff([row["seconds"] for row in after.history]) > 0)


def test_one_stage_is_the_usual_training(tmp_path):
    named = fit(lightning(stages={"only": {"task": Supervised}}), tmp_path / "named")
    assert curves(named) == curves(fit(lightning(), tmp_path / "usual"))


def test_two_stages_interrupted_end_as_they_would_have(tmp_path):
    whole = fit(lightning(stages=TWO), tmp_path / "whole")

    def stop(done, epochs, _):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(lightning(stages=TWO), tmp_path / "parts", watch=stop)
    resumed = fit(lightning(stages=TWO), tmp_path / "parts")
    assert np.array_equal(resumed.predict(VALID), whole.predict(VALID))


def test_settings_of_a_stage_are_its_own(tmp_path):
    stages = {"short": {"task": Supervised, "epochs": 1, "keep": "last"}, "long": {"task": Supervised, "epochs": 3}}
    heard = []
    fitted = fit(lightning(stages=stages), tmp_path, model=CNN, valid=NONE, watch=lambda *a: heard.append(a[:2]))
    assert len(fitted.history) == 4
    assert heard == [(1, 1), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ({"patience": 2}, "trainer.stages.finetune.patience=2 need validation cells"),
        ({"keep": "best"}, "trainer.stages.finetune.keep=best need validation cells"),
        ({"epohcs": 2}, "trainer.stages.finetune.epohcs is no setting of a stage; nearest: epochs"),
    ],
)
def test_what_a_stage_asks_for_is_checked(tmp_path, stage, said):
    with pytest.raises(UserError, match=said):
        fit(lightning(stages=TWO | {"finetune": {"task": Supervised, **stage}}), tmp_path, train=TRAIN, valid=NONE)


def test_a_stage_needs_a_task():
    with pytest.raises(UserError, match="trainer.stages.a.task is needed"):
        lightning(stages={"a": {"lr": 0.1}})
