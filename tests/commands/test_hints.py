"""Mistakes in a line lead on: to the setting that is meant, to the quotes that are needed, and all of them at once."""

import pytest
import yaml
from made.configs import compose

from celltype_cli.commands import as_typed, known, spelling
from celltype_cli.core import configs
from celltype_cli.core.files import config_options

OPTIONS = [["model=forest"], ["model=catboost"], ["model=rnn"], ["model=xgboost"], ["dataset=traces"],
           ["split=shuffle"], ["dataset=calcium_sim"]]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "epochs=5"], "epochs is no setting; meant: trainer.epochs=5"),
        (["train", "lr=0.1"], "meant: trainer.lr=0.1"),
        (["train", "learning_rate=0.1"], "meant: trainer.lr=0.1"),
        (["train", "model=lightgbm", "learning_rate=0.1"], "meant: model.learning_rate=0.1"),
        (["train", "device=cuda"], "meant: trainer=cuda"),
        (["train", "n_jobs=4"], "meant: threads=4"),
        (["train", "batch=16"], "meant: trainer.batch_size=16"),
        (["train", "epohcs=5"], "nearest: epochs, which is trainer.epochs"),
        (["train", "trainer=gpu"], "trainer=gpu is not there; meant: trainer=cuda"),
        (["train", "model=rf"], "meant: model=forest"),
        (["train", "model.dpeth=3"], "nearest: depth, which is model.layers"),
        (["train", "-m", "model=forest,cnn1d", "model.dpeth=3"], "nearest: depth, which is model.layers"),
        (["train", "model.widht=3"], "nearest: width; known here: model.layers"),
        (["train", "dataset.path=labelled.csv"], "type dataset=traces dataset.path=labelled.csv"),
        (["train", "dataset.path=cells.abf"], "type dataset=sweeps dataset.path=cells.abf"),
        (["train", "model=forest", "trainer.epochs=3"], "trainer.epochs is no setting of this trainer: trainer=cpu"),
        (["train", "model=forest", "model.max_depth=3"], "may be given: +model.max_depth=3"),
        (["train", "model=forest", "trainer.grid.C=[1]"], "to add it: +trainer.grid.C=[1]"),
        (["train", "trainer.stages=[1]"], "trainer.stages=[1] is a list, expected a mapping"),
        (["train", "model=forest", "trainer.grid=[1]"], "trainer.grid=[1] is a list, expected a mapping"),
        (["train", "trainer.stages={}"], "changes nothing, since mappings are merged"),
        (["train", "model=cnn1d,", "rnn"], "'rnn' stands after a blank: type model=cnn1d,rnn"),
        (["train", "dataset.sampling_rate=7,5"], "a decimal point is a point: prepare.sampling_rate=7.5"),
        (["train", "seed=1,2,3"], "add -m to run each"),
        (["predict", "model=a", "input=b", "threshold=2"], "threshold is no setting; meant: accuracy=2"),
        (["predict", "model=a", "input=b", "data_path=x"], "data_path is no setting; meant: input=x"),
        (["predict", "model=a", "input=b", "unit=[1]"], "nearest: units, which is dataset.units"),
        (["predict", "model=a", "input=b", "fs=10"], "meant: dataset.frame_rate=10 or dataset.sampling_rate=10"),
        (["predict", "model=a", "input=b", "units=1,2"], "a list has brackets: 'units=[1,2]'"),
        (["predict", "model=a", "input=b.npz,c.npz"], "several paths: give the folder that holds them, or 'input=\"b"),
        (["data", "labelled.csv"], "type dataset=traces dataset.path=labelled.csv"),
        (["predict", "model=a", "labelled.csv"], "'labelled.csv' is no setting: type input=labelled.csv"),
        (["train", "dataset=mine/cells.npz"], "is a file: type dataset=traces dataset.path=mine/cells.npz"),
        (["train", "path=labelled.csv"], "path is no setting; meant: dataset=traces dataset.path=labelled.csv"),
        (["train", "file=somewhere"], "meant: dataset.path=somewhere, which needs dataset=allen_cell_types or"),
        (["train", "trees=50"], "meant: model.n_estimators=50, which needs model=adaboost or"),
        (["train", "cnn1d"], "type model=cnn1d"),
        (["train", "what"], "'what' is no setting: expected setting=value"),
        (["train", "dataset=traces", "dataset.path=a=b.csv"], """as 'dataset.path="a=b.csv"'"""),
        (["train", "dataset=traces", "~dataset.timesteps"], "dataset.timesteps is now prepare.timesteps"),
        (
            ["train", "dataset=traces", "+dataset.timesteps=5"],
            "dataset.timesteps is no setting; it is now prepare.time",
        ),
        (["train", "dataset=traces", "++dataset.signal=raw"], "it is now prepare.signal"),
        (["data", "model=forest"], "celltype data takes no model: leave model=forest out; demo, explain, report"),
        (["data", "trainer.epochs=4"], "celltype data takes no trainer: leave trainer.epochs=4 out; demo, explain"),
        (["audit", "logger=none"], "celltype audit takes no logger: leave logger=none out; clean, demo, doctor"),
        (["train", "paper=sts"], "celltype train takes no paper: leave paper=sts out; report, reproduce take one"),
        (["predict", "model=a", "input=b", "trainer=cuda"], "celltype predict takes no trainer"),
        (["predict", "model=a", "input=b", "dataset=traces"], "type single settings: dataset.<setting>=..."),
        (["evaluate", "model=a", "input=b", "prepare=windows"], "the model says how recordings are prepared"),
        (["predict", "input=b"], "model is needed: add model=..."),
        (["predict", "model=null", "input=b"], "model=null is null, expected text"),
        (["train", "hydra/launcher=joblib"], "celltype train -m seed=0,1 hydra/launcher=joblib"),
        (["train", "hydra.launcher.n_jobs=2"], "hydra.launcher.n_jobs=2 is for several jobs, of which there is one"),
        (["fetch", "dataset=calcium_sim"], "is simulated: there is nothing to download"),
        (["fetch", "dataset=cascade"], "git clone https://github.com/HelmchenLabSoftware/Cascade"),
    ],
)
def test_a_mistake_leads_on(celltype, tmp_path, arguments, said):
    code, _, err = celltype(*arguments)
    assert code == 2
    assert said in err, err
    assert not list(tmp_path.iterdir())


def test_all_mistakes_are_said_at_once(celltype):
    old = ["split=published", "trainer.weights=best", "dataset.timesteps=5", "dataset=traces", "epochs=2", "a b"]
    code, _, err = celltype("train", *old)
    assert code == 2
    for said in ("split=published is now split=listed", "type trainer.keep=best", "type prepare.timesteps=5",
                 "trainer.epochs=2", "'a b' is no setting"):  # fmt: skip
        assert said in err, err


@pytest.mark.parametrize(
    "folder", ["a b", "x=y", "(1)", "[1]", "{a}", "a,b", "$x", "#1", "it's", 'a"b', "${home}", "é"]
)
def test_a_path_with_odd_characters_can_be_typed_as_it_is_said(folder):
    import shlex

    from hydra.core.override_parser.overrides_parser import OverridesParser

    path = f"data {folder}/cells.csv"
    (word,) = shlex.split(spelling.quoted("dataset.path", path))
    override = OverridesParser.create().parse_override(word)
    assert override.key_or_group == "dataset.path"
    assert override.value().replace("\\${", "${") == path


def test_a_file_behind_a_blank_is_found(celltype, tmp_path):
    (tmp_path / "my data.csv").write_text("")
    _, _, err = celltype("data", "dataset=traces", "dataset.path=my", "data.csv")
    assert "'data.csv' stands after a blank: type 'dataset.path=my data.csv'" in err


@pytest.mark.parametrize("name", ["my new data.csv", "a=b, c [1].npz", "pv=1 sst=2 x.npz"])
def test_a_path_of_several_words_is_one(celltype, tmp_path, name):
    (tmp_path / name).write_text("")
    first, *rest = name.split(" ")
    _, _, err = celltype("data", "dataset=traces", f"dataset.path={first}", *rest, "threads=1")
    typed = spelling.quoted("dataset.path", name)
    assert f"{' '.join(rest)!r} stands after a blank: type {typed}" in err
    assert "is no setting" not in err


def test_a_folder_without_its_setting_is_told_who_reads_it(celltype, tmp_path):
    (tmp_path / "my_sweeps").mkdir()
    _, _, err = celltype("data", "my_sweeps")
    assert "type dataset.path=my_sweeps with what reads it, of dataset=traces (calcium), " in err
    assert "dataset=sweeps (patch clamp), dataset=units (sorted units)" in err


def test_a_path_of_several_words_that_is_not_there(celltype):
    _, _, err = celltype("data", "dataset=traces", "dataset.path=my", "new", "data.csv")
    said = "'new data.csv' stands after a blank: one path is typed 'dataset.path=my new data.csv', but is not there"
    assert said in err and "dataset.path=data.csv" not in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--epochs", "5"], "--epochs is no flag: settings are typed as name=value, without dashes: epochs is no "
                            "setting; meant: trainer.epochs=5"),
        (["--threads=2"], "--threads=2 is no flag: settings are typed as name=value, without dashes: threads=2"),
        (["model=rnn", "--batch-size", "8"], "batch_size is no setting; meant: trainer.batch_size=8"),
        (["dataset.sampling_rate=7,5"], "celltype: dataset.sampling_rate=7,5 is two values, 2 jobs with -m; a decimal "
                                        "point is a point: prepare.sampling_rate=7.5; "),
    ],
)  # fmt: skip
def test_what_other_tools_take_leads_on(celltype, arguments, said):
    code, _, err = celltype("train", "dataset=traces", *arguments)
    assert code == 2 and said in err and "is now" not in err


@pytest.mark.parametrize("meant", known.words())
def test_what_is_meant_is_there(meant):
    if "=" in meant:
        group, _, option = meant.partition("=")
        assert group.startswith("hydra/") or option in config_options(group)
    else:
        cfgs = [*(compose("train", *options) for options in OPTIONS), compose("predict")]
        assert any(known.has(cfg, meant) for cfg in cfgs)


def test_a_bundle_without_its_setting_is_found(celltype, tmp_path):
    (tmp_path / "my_model").mkdir()
    (tmp_path / "my_model" / "bundle.yaml").write_text("")
    _, _, err = celltype("predict", "my_model", "new.npz")
    assert "'my_model' is no setting: type model=my_model\n  'new.npz' is no setting: type input=new.npz" in err


def test_files_name_datasets_that_are_there():
    content = yaml.safe_load((configs.folder() / "hints.yaml").read_text())["files"]
    assert {*content.values()} <= {*config_options("dataset")}
    assert known.endings() == content


def test_usual_models_are_there_and_used_where_none_is_typed():
    content = yaml.safe_load((configs.folder() / "hints.yaml").read_text())["models"]
    assert known.usual_models() == content
    for command in ("train", "explain"):
        assert as_typed.for_hydra(command, ["dataset=units"]) == ["dataset=units", "model=units_forest"]
    assert as_typed.for_hydra("train", ["dataset=sts_features"]) == ["dataset=sts_features", "model=lightgbm_svm"]
    assert as_typed.for_hydra("data", ["dataset=units"]) == ["dataset=units"]
    assert as_typed.for_hydra("explain", ["dataset=units", "run=mine"]) == ["dataset=units", "run=mine"]
