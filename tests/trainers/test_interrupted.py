"""Training that is interrupted, ends early or keeps its best weights: the result is that of an undisturbed run."""

import signal

import numpy as np
import pytest
from made.training import CNN, RNN, STILL, TRAIN, VALID, cross_entropy, curves, fit, lightning, losses, make_cells

from celltype_cli.core.messages import UserError
from celltype_cli.trainers import history


class Stop(Exception):
    pass


def stop_after(epoch, kind=Stop):
    def watch(done, epochs, values):
        if done == epoch:
            raise kind

    return watch


@pytest.mark.parametrize("model", [CNN, RNN])
@pytest.mark.parametrize("keep", ["last", "best"])
def test_an_interrupted_run_ends_like_one_that_was_not(model, keep, tmp_path, monkeypatch):
    whole = fit(lightning(keep=keep), tmp_path / "whole", model)

    fit(lightning(epochs=2), tmp_path / "parts", model)
    monkeypatch.setattr(history, "SAVE_EVERY_S", -1.0)
    with pytest.raises(Stop):
        fit(lightning(keep=keep), tmp_path / "parts", model, watch=stop_after(5))
    seen = []
    resumed = fit(
        lightning(keep=keep), tmp_path / "parts", model, watch=lambda done, epochs, _: seen.append((done, epochs))
    )
    assert seen == [(6, 6)]
    assert np.array_equal(resumed.predict(VALID), whole.predict(VALID))
    assert curves(resumed) == curves(whole)
    assert np.all(np.diff(losses(resumed, "seconds")) > 0)
    assert resumed.seconds == losses(resumed, "seconds")[-1]

    again = fit(lightning(keep=keep), tmp_path / "parts", model, watch=stop_after(1))  # nothing is left to do
    assert np.array_equal(again.predict(VALID), whole.predict(VALID))


def test_a_run_that_stopped_before_its_first_checkpoint_starts_anew(tmp_path):
    with pytest.raises(Stop):
        fit(lightning(), tmp_path / "parts", watch=stop_after(3))
    assert not (tmp_path / "parts" / "supervised-last.ckpt").exists()
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


def test_best_weights_are_those_of_the_lowest_validation_loss(tmp_path, monkeypatch):
    unrelated = make_cells(VALID.inputs["trace"], VALID.label[::-1])  # learning makes it worse sooner or later
    best = fit(lightning(epochs=12, keep="best"), tmp_path / "best", STILL, valid=unrelated)
    last = fit(lightning(epochs=12), tmp_path / "last", STILL, valid=unrelated)
    found = losses(best, "valid_loss")
    assert 0 < np.argmin(found) < 11
    assert cross_entropy(best, unrelated) == pytest.approx(min(found), rel=1e-5)
    assert cross_entropy(last, unrelated) == pytest.approx(found[-1], rel=1e-5)

    monkeypatch.setattr(history, "SAVE_EVERY_S", -1.0)
    with pytest.raises(Stop):  # interrupted after the best epoch
        fit(lightning(epochs=12, keep="best"), tmp_path / "parts", STILL, valid=unrelated, watch=stop_after(11))
    resumed = fit(lightning(epochs=12, keep="best"), tmp_path / "parts", STILL, valid=unrelated)
    assert np.array_equal(resumed.predict(VALID), best.predict(VALID))


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("PytorchStreamWriter failed")])
def test_a_checkpoint_that_cannot_be_written_is_said_and_leaves_nothing(tmp_path, monkeypatch, error):
    def full(trainer, path, weights_only):
        path.write_text("half")
        raise error

    with monkeypatch.context() as patch, pytest.raises(UserError, match="make room on the disk.* goes on"):
        patch.setattr("pytorch_lightning.Trainer.save_checkpoint", full)
        fit(lightning(), tmp_path / "parts")
    assert not list((tmp_path / "parts").iterdir())
    assert curves(fit(lightning(), tmp_path / "parts")) == curves(fit(lightning(), tmp_path / "whole"))
