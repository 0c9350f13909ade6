"""A run from config to scores: identical twice, skipped when finished, taken up when interrupted, refused cleanly."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from made.configs import compose
from made.runs import LABELS

from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.evaluation.saved_scores import read_scores
from celltype_cli.evaluation.scores import scores
from celltype_cli.runs import folder, train
from celltype_cli.trainers import history

SMALL = ["dataset.cells_per_class=20", "dataset.timesteps=200", "dataset.animals=6"]


def config(outputs, *overrides):
    return compose("train", *SMALL, f"outputs={outputs}", "logger=none", "figures=[]", *overrides)


def run(outputs, *overrides):
    return train.train(config(outputs, *overrides), labels=LABELS, overrides=list(overrides))


RNN = ("model=rnn", "trainer.epochs=4")
CNN = ("model=cnn1d", "trainer.epochs=2", "split.n_folds=2", "model.width=8")  # sums of its gradients follow threads


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return run(tmp_path_factory.mktemp("outputs"), *RNN, "figures=[png]")


def test_a_run_writes_all_it_promises(finished):
    path = finished.folder.path
    for name in ("config.yaml", "log.txt", "overrides.yaml", "environment.json", "run.json", "split.csv",
                 "predictions.csv",
                 "curves.csv", "scores.json", "calibration.json", "figures/confusion.png",
                 "figures/learning_curves.png", "figures/reliability.png", "figures/coverage.png",
                 "cells.csv", "features.csv", "fold_1/supervised-last.ckpt", "fold_5/predictions.csv"):  # fmt: skip
        assert (path / name).stat().st_size > 0, name
    assert not list(path.rglob(".*-*"))  # temporary files
    assert path.name.endswith(json.loads((path / "run.json").read_text())["identity"])


def test_every_cell_is_tested_once_and_no_animal_is_on_two_sides(finished):
    table = finished.folder.predictions()
    assert sorted(table["cell_id"]) == sorted(set(table["cell_id"]))
    assert len(table) == 80
    split = pd.read_csv(finished.folder.path / "split.csv")
    assert {*split["label"]} == {*finished.folder.predictions()["label"]}
    sides = split.groupby(["fold", "group"])["side"].nunique()
    assert (sides == 1).all()
    tested = split[split["side"] == "test"].set_index("cell_id")["fold"]
    assert (tested[table["cell_id"]].to_numpy() == table["fold"].to_numpy()).all()


def test_figures_in_another_format_are_drawn_later_from_what_is_saved(finished, monkeypatch):
    """And only those that are missing; the run is the same."""
    figures = finished.folder.path / "figures"
    before = {file.name: file.stat().st_mtime_ns for file in figures.iterdir()}
    names = ("confusion", "coverage", "learning_curves", "reliability", "scores")
    assert sorted(before) == [f"{name}.png" for name in names]
    (figures / "scores.png").unlink()
    monkeypatch.setattr(train, "build", lambda cfg: pytest.fail("nothing is read or trained"))
    again = run(finished.folder.path.parents[1], *RNN, "figures=[png,svg]")
    assert again.status == "already finished" and again.folder.path == finished.folder.path
    assert {file.name for file in figures.iterdir()} == {*before} | {f"{name}.svg" for name in names}
    assert (figures / "confusion.png").stat().st_mtime_ns == before["confusion.png"]
    assert "split grouped_kfold, 80 cells of 6 animals, seed 0" in (figures / "scores.svg").read_text()


@pytest.mark.parametrize("formats", ["[jpg]", "png", "[png,tif]"])
def test_figures_of_other_formats_are_refused(tmp_path, formats):
    with pytest.raises(UserError, match=r"figures.* is text, expected .* of .*png, pdf, svg"):
        run(tmp_path, *RNN, f"figures={formats}")
    assert not list(tmp_path.rglob("run.json"))


def test_scores_are_a_function_of_the_saved_predictions(finished):
    again = scores(finished.folder.predictions())
    saved = read_scores(finished.folder.path / "scores.json")
    assert again["cell"]["balanced_accuracy"] == pytest.approx(saved["cell"]["balanced_accuracy"], nan_ok=True)


def test_confidence_is_a_function_of_the_saved_predictions(finished):
    of = finished.folder
    np.testing.assert_equal(of.confidence_of(of.predictions()), of.confidence())


@pytest.mark.parametrize("model", [RNN, ("model=forest", "model.n_estimators=20"), ("model=logistic",)])
def test_the_same_seed_gives_an_identical_file(tmp_path, model):
    first, second = (run(tmp_path / name, *model).folder.path / "predictions.csv" for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    other = run(tmp_path / "c", *model, "seed=1").folder.path / "predictions.csv"
    assert first.read_bytes() != other.read_bytes()


def test_the_model_does_not_change_what_is_tested_and_validation_cells_train_where_none_looks_at_them(tmp_path):
    network, estimator = (
        pd.read_csv(run(tmp_path, *model).folder.path / "split.csv") for model in (RNN, ("model=logistic",))
    )
    assert {*network["side"]} == {"train", "valid", "test"} and {*estimator["side"]} == {"train", "test"}
    joined = network.replace({"side": {"valid": "train"}})
    order = ["fold", "side", "cell_id"]
    ours, theirs = (table.sort_values(order, ignore_index=True) for table in (joined, estimator))
    pd.testing.assert_frame_equal(ours, theirs)


def test_test_cells_that_are_only_watched_never_train_an_estimator(tmp_path):
    split = ["split=shuffle", "split.n_splits=1"]
    first, second = (
        run(tmp_path, "model=logistic", *split, f"split.monitor={watched}").folder.path for watched in (True, False)
    )
    assert (first / "split.csv").read_bytes() == (second / "split.csv").read_bytes()
    assert (first / "predictions.csv").read_bytes() == (second / "predictions.csv").read_bytes()


@pytest.fixture
def threads():
    """Sets how many threads the process has, as an environment would."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_predictions_do_not_follow_the_threads_of_the_machine(tmp_path, threads):
    found = []
    for n in (1, 2, 3):
        threads(n)
        found.append((run(tmp_path / str(n), *CNN).folder.path / "predictions.csv").read_bytes())
    assert found[0] == found[1] == found[2]


def test_other_threads_are_another_run_for_sums_follow_them(tmp_path, threads):
    one, two = (run(tmp_path, *CNN, f"threads={n}").folder for n in (1, 2))
    assert one.path != two.path and two.facts()["threads"] == 2
    same, other = (folder.predictions().filter(like="p_").to_numpy() for folder in (one, two))
    assert 0 < np.abs(same - other).max() < 0.1


def test_a_finished_run_is_skipped(finished, monkeypatch):
    monkeypatch.setattr(configs, "build", None)  # nothing may be loaded or built
    again = run(finished.folder.path.parents[1], *RNN)
    assert again.status == "already finished"
    assert again.folder.path == finished.folder.path


def test_an_interrupted_run_goes_on_and_ends_the_same(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(history, "SAVE_EVERY_S", 0.0)
    trained = []

    def stop_in_second_fold(self, fold, epoch, epochs, values):
        trained.append((fold, epoch))
        if (fold, epoch) == (2, 2):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(train.Progress, "epoch", stop_in_second_fold)
        run(tmp_path, *RNN)
    (left,), _ = folder.RunFolder.all(tmp_path)
    assert left.status == "interrupted"
    assert left.fold(1).done
    assert not left.fold(2).done

    monkeypatch.setattr(train.Progress, "epoch", lambda self, fold, epoch, *_: trained.append((fold, epoch)))
    outcome = run(tmp_path, *RNN)
    assert outcome.status == "finished"
    assert trained.count((1, 1)) == 1  # the finished fold was not trained again
    assert trained.count((2, 1)) == 1  # the interrupted one went on from its checkpoint
    ours, theirs = (f.path / "predictions.csv" for f in (outcome.folder, finished.folder))
    assert ours.read_bytes() == theirs.read_bytes()


def test_two_processes_cannot_work_on_one_run(finished, tmp_path):
    from filelock import FileLock

    copy = tmp_path / "runs" / finished.folder.path.name
    shutil.copytree(finished.folder.path, copy)
    (copy / "scores.json").unlink()
    with FileLock(copy / ".lock"):
        assert folder.RunFolder(copy).status == "running"
        with pytest.raises(UserError, match="another process"):
            run(tmp_path, *RNN)
    assert folder.RunFolder(copy).status == "interrupted"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["dataset.timesteps=20"], "too short for"),
        (["model=forest", "trainer=cpu"], "no network"),
        (["trainer=sklearn", "model=cnn1d"], "no scikit-learn estimator"),
        (["split=shuffle", "trainer.patience=3"], "need validation cells"),
        (["split.n_folds=30"], "split.n_folds"),
        (["trainer=cuda"], "0 usable GPUs"),
        (["seed=abc"], "seed=abc is text"),
    ],
)
def test_a_refused_run_writes_nothing(tmp_path, overrides, said):
    if "trainer=cuda" in overrides and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(UserError, match=said):
        run(tmp_path / "outputs", *overrides)
    assert not (tmp_path / "outputs").exists()


def test_random_splits_are_marked(tmp_path):
    outcome = run(tmp_path, "model=logistic", "split=shuffle")
    assert "animals stand on both sides" in " ".join(outcome.folder.facts()["split"]["notes"])


def test_simulated_data_are_called_so(finished):
    assert finished.folder.facts()["dataset"]["simulated"] is True
    assert "simulated" in finished.folder.facts()["dataset"]["title"]


def test_learning_lowers_the_training_loss(finished):
    curves = pd.read_csv(finished.folder.path / "curves.csv")
    loss = curves[curves["name"] == "train_loss"].pivot(index="epoch", columns="fold", values="value")
    assert (loss.loc[4] < loss.loc[1]).all()
    assert np.isfinite(loss.to_numpy()).all()
