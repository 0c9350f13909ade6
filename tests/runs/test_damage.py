"""Run folders with damaged files: said, passed over in lists, and made whole again by the command that made them."""

import json
import os
import shutil

import pytest
from made.configs import compose
from made.runs import DATASET, FACTS, LABELS

from celltype_cli.core.messages import UserError
from celltype_cli.runs import train
from celltype_cli.runs.folder import RunFolder

SMALL = ["dataset.cells_per_class=8", "dataset.timesteps=120", "dataset.animals=8", "split.n_folds=2", "threads=1"]


def run(outputs, *overrides):
    quiet = ["logger=none", "figures=[]", f"outputs={outputs}"]
    cfg = compose("train", *SMALL, *quiet, "model=rnn", "trainer.epochs=2", *overrides)
    return train.train(cfg, labels=LABELS, overrides=[])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return run(tmp_path_factory.mktemp("outputs")).folder.path


@pytest.fixture
def copy(made, tmp_path):
    """A finished run that a test may damage."""
    return RunFolder(shutil.copytree(made, tmp_path / "runs" / made.name))


def emptied(path):
    path.write_bytes(b"")


def zeroed(path):
    path.write_bytes(bytes(path.stat().st_size))


def cut(path):
    os.truncate(path, path.stat().st_size - 2)


def edited(path):
    path.write_text(path.read_text().replace("1", "2"))


def removed(path):
    path.unlink()


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        (emptied, "run.json"),
        (zeroed, "run.json"),
        (emptied, "scores.json"),
        (edited, "scores.json"),
        (cut, "predictions.csv"),
        (removed, "predictions.csv"),
        (edited, "cells.csv"),
        (emptied, "config.yaml"),
        (zeroed, "overrides.yaml"),
        (emptied, "seals.json"),
    ],
)
def test_a_damaged_run_is_made_whole_and_not_trained_again(made, copy, tmp_path, monkeypatch, damage, name):
    damage(copy.path / name)
    assert not copy.finished
    monkeypatch.setattr(train, "_train_fold", None)
    outcome = run(tmp_path)
    assert outcome.status == "finished" and outcome.folder.path == copy.path and copy.finished
    for file in ("predictions.csv", "cells.csv", "scores.json", "overrides.yaml"):
        assert (copy.path / file).read_bytes() == (made / file).read_bytes()


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        (cut, "predictions.csv"),
        (edited, "predictions.csv"),
        (emptied, "time.json"),
        (removed, "curves.csv"),
        (zeroed, "seals.json"),
        (zeroed, "supervised-last.ckpt"),
        (cut, "supervised-last.ckpt"),
        (emptied, "supervised-last.ckpt"),
    ],
)
def test_a_damaged_fold_is_trained_again_and_ends_the_same(made, copy, tmp_path, damage, name):
    (copy.path / "scores.json").unlink()
    fold = copy.fold(1)
    damage(fold.path / name)
    if name.endswith("ckpt"):  # it is looked at where the fold is not done
        (fold.path / "predictions.csv").unlink()
    assert not fold.done and copy.fold(2).done
    assert run(tmp_path).status == "finished"
    assert fold.done
    assert (copy.path / "predictions.csv").read_bytes() == (made / "predictions.csv").read_bytes()


def test_a_finished_run_with_a_damaged_fold_goes_on(made, copy, tmp_path):
    emptied(copy.fold(1).path / "time.json")
    assert not copy.finished
    assert run(tmp_path).status == "finished" and copy.finished
    assert (copy.path / "predictions.csv").read_bytes() == (made / "predictions.csv").read_bytes()


def test_best_weights_that_are_damaged_are_trained_again(copy, tmp_path):
    best = ["trainer.keep=best", f"outputs={tmp_path}"]
    whole = run(tmp_path, *best).folder
    wanted = (whole.path / "predictions.csv").read_bytes()
    (whole.path / "scores.json").unlink()
    zeroed(whole.fold(1).path / "supervised-best.ckpt")
    zeroed(whole.fold(1).path / "predictions.csv")
    assert (run(tmp_path, *best).folder.path / "predictions.csv").read_bytes() == wanted


def test_lists_of_runs_name_what_they_pass_over(copy, tmp_path):
    emptied(copy.path / "run.json")
    (tmp_path / "runs" / "notes").mkdir()
    (tmp_path / "runs" / ".DS_Store").write_text("")
    (tmp_path / "runs" / "a file").write_text("")
    other = copy.path.with_name("other")
    shutil.copytree(copy.path, other)
    (other / "run.json").write_text(json.dumps({**FACTS, "dataset": DATASET}))
    found, others = RunFolder.all(tmp_path)
    assert [folder.path.name for folder in found] == ["other"]
    assert len(others) == 3
    assert any(line.startswith(f"{copy.path.name} is passed over") and "JSONDecodeError" in line for line in others)
    assert any(line.startswith("notes is passed over") and "run.json is missing" in line for line in others)


def test_predictions_of_a_run_that_were_cut_at_the_end_of_a_line_are_refused(copy):
    path = copy.path / "predictions.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-3]))
    assert copy.status == "interrupted"
    with pytest.raises(UserError, match="cut or changed after it was written"):
        copy.predictions()
