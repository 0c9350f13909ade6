"""What a trainer cannot do is said before it begins."""

from functools import partial

import numpy as np
import pytest
import torch
from made.training import CNN, TRAIN, VALID, fit, lightning, sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import LinearSVC

from celltype_cli.core.messages import UserError

NEEDS_WAVEFORM = sklearn(inputs=["waveform"])
SKLEARN = sklearn()


@pytest.mark.parametrize(
    ("trainer", "model", "any_valid", "said"),
    [
        (lightning(), LogisticRegression, True, "this model is no network"),
        (lightning(), LinearSVC, True, "this model is no network"),
        (SKLEARN, CNN, True, "this model is no scikit-learn estimator"),
        (SKLEARN, dict, True, "this model is no scikit-learn estimator"),
        (SKLEARN, NearestNeighbors, True, "NearestNeighbors gives neither probabilities nor decision values"),
        (NEEDS_WAVEFORM, LogisticRegression, True, "trainer.inputs asks for waveform, unnamed gives trace"),
        (lightning(patience=3), CNN, False, "and the split leaves none: set trainer.patience=null, or"),
        (lightning(keep="best"), CNN, False, "trainer.keep=best need validation cells"),
        (lightning(keep="best", patience=3), CNN, False, "trainer.keep=best and trainer.patience=3 need"),
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
        ({"epochs": 0}, "epochs=0 is out of range"),
        ({"batch_size": 0}, "batch_size=0 is out of range"),
        ({"devices": 0}, "devices=0 is out of range"),
        ({"lr": float("nan")}, "lr=nan is no finite number"),
        ({"betas": [0.9]}, "betas=[0.9] is out of range"),
        ({"stages": {}}, "trainer.stages is empty"),
        ({"batch_size": 9, "devices": 2}, "trainer.batch_size=9 cannot be shared by 2 devices"),
    ],
)
def test_numbers_that_make_no_sense_are_said_at_once(changes, said):
    with pytest.raises(UserError) as error:
        lightning(**changes)
    assert str(error.value).startswith(said)
