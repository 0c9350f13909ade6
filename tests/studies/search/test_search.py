"""A search: trials see no held-out cell, and end in one refit."""

import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from made.configs import compose
from made.search import LABELS, SEARCH, config, drawn, records, run, table
from omegaconf import OmegaConf

from celltype_cli import cli
from celltype_cli.core import files
from celltype_cli.core.messages import UserError
from celltype_cli.runs.identity import run_identity
from celltype_cli.studies.search import search

pytestmark = pytest.mark.usefixtures("record")


def test_the_best_trial_is_the_best_of_the_table(finished):
    found, _ = finished
    lines = table(found)
    assert len(lines) == 6
    assert lines["accuracy"].max() == found.best.result.value
    # More quality tells more cells, so the best settings are known.
    assert found.best.values["model.quality"] == lines["model.quality"].max()
    folds = lines[["fold_1", "fold_2", "fold_3"]].mean(axis=1)
    assert lines["accuracy"].to_numpy() == pytest.approx(folds.to_numpy())
    assert all(file.stat().st_size for file in found.files.values())


def test_settings_differ_and_stay_in_the_space(finished):
    assert len({values["model.quality"] for values in drawn(finished[0])}) == 6
    for values in drawn(finished[0]):
        assert 0.2 <= values["model.quality"] <= 0.9
        assert values["model.depth"] in range(1, 9)


def test_no_trial_sees_a_held_out_cell(finished):
    found, seen = finished
    held_out = set(found.outcome.folder.predictions()["row"])
    *trials, refit, look = seen
    assert len(held_out) == 12  # of 60, in 5 folds
    assert len(trials) == 6 * 3 * 2
    assert not held_out & {cell for entry in trials for cell in entry["cells"]}
    assert set(look["cells"]) == held_out
    assert sorted(refit["cells"]) == sorted(set(range(60)) - held_out)
    for trained, tested in zip(trials[::2], trials[1::2]):
        assert (trained["what"], tested["what"]) == ("fit", "predict")
        assert sorted(trained["cells"] + tested["cells"]) == sorted(set(range(60)) - held_out)
        assert not {cell % 10 for cell in trained["cells"]} & {cell % 10 for cell in tested["cells"]}  # animals


def test_the_overrides_give_the_settings_of_the_refit(finished):
    found, _ = finished
    overrides = yaml.safe_load(found.files["settings"].read_text())
    assert overrides == found.overrides
    assert f"model.quality={found.best.values['model.quality']}" in "\n".join(overrides)
    pasted = OmegaConf.to_container(compose("train", *overrides), resolve=True)
    made = OmegaConf.to_container(OmegaConf.load(found.outcome.folder.path / "config.yaml"))
    made["split"] = made["split"]["split"]  # the refit takes its first fold alone
    assert run_identity(pasted) == run_identity(made)
    assert made["split"]["valid_fraction"] == 0


def test_the_same_search_again_computes_nothing(finished):
    found, _ = finished
    written = [file for file in found.folder.parents[1].rglob("*.*") if file.suffix != ".lock" and file.is_file()]
    before = [file.stat().st_mtime_ns for file in written]
    again = run(found.folder.parents[1])
    assert records() == []
    assert again.outcome.status == "already finished"
    assert (again.best, again.overrides, again.notes) == (found.best, found.overrides, found.notes)
    assert [file.stat().st_mtime_ns for file in written] == before


def test_more_trials_go_on_and_a_new_best_means_another_look(finished, tmp_path):
    found, _ = finished
    small = run(tmp_path, n_trials=4)
    assert drawn(small) == drawn(found)[:4]
    assert not any("looked at its hold-out" in note for note in small.notes)
    more = run(tmp_path, n_trials=6)
    assert more.folder == small.folder
    assert drawn(more) == drawn(found)
    assert more.best != small.best
    assert any("looked at its hold-out 2 times" in note for note in more.notes)
    assert len(records()) == 6 * 3 * 2 + 2 * 2


def test_another_seed_draws_others(finished, tmp_path):
    other = run(tmp_path, n_trials=1, seed=1)
    assert other.folder.name != finished[0].folder.name
    assert drawn(other) != drawn(finished[0])[:1]


def test_stratified_folds_share_animals_and_say_so(tmp_path):
    found = run(tmp_path, split="stratified", n_trials=1)
    assert any("stands on both sides of the inner folds" in note for note in found.notes)
    tested = [entry["cells"] for entry in records() if entry["what"] == "predict"][:3]
    assert [len(cells) for cells in tested] == [16, 16, 16]
    assert [sum(cell // 2 % 2 for cell in cells) for cells in tested] == [8, 8, 8]


def test_a_network_is_refitted_on_everything_for_the_mean_of_the_best_epochs(tmp_path):
    small = ["model=rnn", "dataset.cells_per_class=12", "dataset.timesteps=100", "threads=1", "logger=none"]
    early = ["trainer.patience=1", "trainer.keep=best", "trainer.epochs=4", f"outputs={tmp_path}"]
    cfg = OmegaConf.to_container(compose("train", *small, *early), resolve=True)
    space = {"trainer": {"lr": {"low": 0.001, "high": 0.1, "log": True}}}
    cfg = OmegaConf.create({**cfg, "search": {**SEARCH, "space": space, "n_trials": 2, "split": "stratified"}})
    found = search.run(cfg, labels=LABELS, chosen=["model=rnn"], base=compose("train", "model=rnn"))
    epochs = found.best.result.epochs
    assert len(epochs) == 3
    curves = pd.read_csv(found.outcome.folder.path / "curves.csv")
    assert curves["epoch"].max() == int(np.mean(epochs) + 0.5)
    assert not curves["name"].str.startswith("valid").any()
    assert not [path for path in (found.folder / "working").glob("trial_*") if path.is_dir()]  # checkpoints


def test_early_stopping_without_validation_cells_is_refused(tmp_path):
    cfg = config(tmp_path, valid_fraction=0.01)
    cfg.search.space = {"trainer": {"lr": {"low": 0.001, "high": 0.1}}}
    cfg = OmegaConf.create({**OmegaConf.to_container(cfg), "trainer": compose("train", "trainer.patience=1").trainer,
                            "model": compose("train", "model=rnn").model})  # fmt: skip
    with pytest.raises(UserError, match="an inner fold has no validation cells: .* a larger search.valid_fraction"):
        search.run(
            cfg,
            labels=LABELS,
            chosen=[],
            base=compose(
                "train",
            ),
        )


def test_the_command_prints_what_it_found_and_how_to_train_it_again(tmp_path, monkeypatch, capsys):
    option = tmp_path / "conf" / "search" / "mine.yaml"
    option.parent.mkdir(parents=True)
    option.write_text(
        "# @package _global_\ndefaults: [override /model: forest]\n"
        "search: {space: {model: {n_estimators: [2, 4]}}, n_trials: 2}\n"
    )
    small = ["dataset.cells_per_class=12", "dataset.timesteps=100", "split.n_folds=3", "threads=1", "logger=none"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "own_configs", [])
    monkeypatch.setitem(cli.COMMANDS, "search", "")
    monkeypatch.setattr(sys, "argv", ["celltype", "search", "--config-dir", "conf", "search=mine", *small])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    out = capsys.readouterr().out
    for said in ("2 of 2 done", "2 trials; the best, trial", "the hold-out is the first of 3 folds", "trials.csv",
                 "celltype train --config-dir ",
                 " dataset=calcium_sim model=forest split=grouped_kfold dataset.cells_per_class=12",
                 "The refit, on the hold-out", "1 fold (first_of_grouped_kfold)"):  # fmt: skip
        assert said in out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n_trials": 0}, "search.n_trials=0 is out of range"),
        ({"folds": 1}, "search.folds=1 is out of range"),
        ({"folds": 40}, "the inner folds (search.folds=40, search.split=grouped"),
        ({"metric": "f1"}, "search.metric=f1 is text, expected one of balanced_accuracy, accuracy"),
        ({"n_trails": 3}, "search.n_trails is no setting; nearest: n_trials"),
        ({"space": {"model": {"qualty": [0, 1]}}}, "model.qualty: qualty is no setting; nearest: quality"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(tmp_path, changes, said):
    with pytest.raises(UserError) as error:
        run(tmp_path, **changes)
    assert said in str(error.value)
    assert not (tmp_path / "searches").exists()
    assert records() == []
