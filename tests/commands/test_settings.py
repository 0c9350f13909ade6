"""Whatever is typed for a setting of any command: exit code 2 and a message that names it, and nothing is written."""

import pytest
from made.configs import compose
from omegaconf import DictConfig, ListConfig, OmegaConf

from celltype_cli import cli
from celltype_cli.core import configs

# Of wrong values, the kinds of settings that can never take them; numbers stand for whole numbers too.
WRONG = {
    "abc": ("number", "truth", "list"),
    "[x]": ("number", "truth", "text"),
    "2.5": ("whole", "truth", "list"),
    "nan": ("number", "truth", "list"),
    "{x: 1}": ("number", "truth", "text"),
    "true": ("number", "text", "list"),
    "-inf": ("number", "truth", "list"),
}
ANY = ("number", "truth", "text", "list", "null")
UNSET = dict.fromkeys(["${nope}", "${oc.env:NOPE_OF_THIS_NAME}"], ANY)  # said before anything else is looked at
RIGHT = {("show", "true"), ("dataset.cells_per_class", "{x: 1}")}  # a name, and a number for each class
PASSES = {"first": (WRONG, 0), "second": (WRONG, 1), "third": (WRONG, 2), "unset": (UNSET, 0)}


def kinds(value):
    """Names the kinds that a value of a config stands for."""
    if isinstance(value, bool):
        return {"truth"}
    if isinstance(value, int):
        return {"number", "whole"}
    if isinstance(value, ListConfig):
        return {"list"} if len(value) else set()
    return {{float: "number", str: "text", type(None): "null"}.get(type(value), "mapping")}


def leaves(node, prefix=""):
    """Yields the settings of a config that hold no others; of libraries, their own checks come later."""
    for key in node:
        name = f"{prefix}{key}"
        if key in (*configs.SPECIAL, "paper", "space", "table", "rows") or " " in name or "/" in name:
            continue
        value = None if OmegaConf.is_missing(node, key) else node[key]
        if isinstance(value, DictConfig):
            if value.get("_target_", "celltype_cli").startswith("celltype_cli"):
                yield from leaves(value, f"{name}.")
        elif not OmegaConf.is_interpolation(node, key):
            yield name, value


def own_settings(command):
    """Returns the settings of a command; of those that begin like `train`, their own."""
    settings = dict(leaves(compose(command)))
    if command in ("explain", "search", "reproduce", "report"):
        others = dict(leaves(compose("train")))
        settings = {name: settings[name] for name in settings if name not in others}
    return settings


@pytest.mark.parametrize("which", PASSES)
@pytest.mark.parametrize("command", [command for command in cli.COMMANDS if command != "demo"])
def test_a_wrong_value_of_any_setting_is_named(celltype, tmp_path, command, which):
    values, begin = PASSES[which]
    typed = {}
    for k, (name, value) in enumerate(own_settings(command).items()):
        fitting = [wrong for wrong, of in values.items() if kinds(value) & {*of} and (name, wrong) not in RIGHT]
        if fitting:
            typed[name] = fitting[(k + begin) % len(fitting)]
    if not typed:
        return  # it has no setting of these kinds
    code, _, err = celltype(command, *(f"{name}={wrong}" for name, wrong in typed.items()))
    assert code == 2, err
    assert "Traceback" not in err
    told = {"bundle": "model"}  # of what it is made is named as it was typed
    assert not [name for name in typed if told.get(name, name) not in err], err
    assert not list(tmp_path.iterdir())


RANGES = {
    "train": "seed=-1 threads=0 threads=1e9 dataset.seed=-1 dataset.sampling_rate=1e9 dataset.animals=0 "
             "dataset.timesteps=1 dataset.cells_per_class=-3 dataset.spread.cell.rate_hz=-1 dataset.baseline_s=0 "
             "split.n_folds=1 split.valid_fraction=0.5 split.valid_fraction=-0.1 trainer.lr=0 trainer.epochs=0 "
             "trainer.batch_size=0 trainer.betas=[0.9] trainer.betas=[0.9,0.99,0.999] trainer.betas=[0.9,1] "
             "trainer.patience=-1 trainer.min_improvement=2 trainer.lr_decay=1.5 trainer.period=0 trainer.devices=0 "
             "trainer.auxiliary_weight=-1 trainer.precision=fp8 model.dropout=1 model.kernel_size=0 model.width=-1 "
             "prepare.timesteps=1 prepare.sampling_rate=0 prepare.windows=some",
    "audit": "n_folds=1 flag_at=2 seed=-1 by=animal threads=0",
    "explain": "cells_per_class=0 fold=-1 method=guess",
    "search": "search.n_trials=0 search.folds=1 search.valid_fraction=0 search.sampler=luck search.seed=-1",
    "report": "profile=slow",
}  # fmt: skip


@pytest.mark.parametrize("command", RANGES)
def test_what_is_out_of_range_is_said_all_at_once(celltype, tmp_path, command):
    words = RANGES[command].split()
    for typed in ([*{w.partition("=")[0]: w for w in words}.values()], words[:1]):
        code, _, err = celltype(command, *typed)
        assert code == 2, err
        assert not [word for word in typed if word.partition("=")[0] not in err], err
        assert not list(tmp_path.iterdir())


ENDS = [word for word in RANGES["train"].split() if word.startswith(("trainer.betas", "split.valid"))]


@pytest.mark.parametrize("wrong", ENDS)
def test_a_range_has_two_ends(celltype, wrong):
    code, _, err = celltype("train", wrong)
    assert (code, wrong.partition("=")[0] in err) == (2, True), err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dataset=null"], "dataset=null leaves nothing to work with; dataset can be"),
        (["prepare=null"], "prepare=null leaves nothing"),
        (["split=null"], "split=null leaves nothing"),
        (["dataset=nope"], "dataset=nope is not there"),
        (["~trainer"], "trainer is needed: choose one of trainer=cpu"),
        (["~seed"], "seed is needed"),
        (["model._partial_=false"], "model._partial_=False, expected true"),
        (["+dataset._partial_=true"], "dataset._partial_=True, expected none"),
        (["dataset._target_=builtins.dict"], "dataset._target_=builtins.dict is no function or class"),
        (["model._target_=builtins.dict"], "model._target_=builtins.dict is no function or class"),
        (["model._target_=os.getcwd"], "model.layers is no setting: getcwd takes none"),
        (["trainer._target_=nowhere.Trainer"], "trainer._target_=nowhere.Trainer cannot be imported"),
        (["trainer._target_=3"], "trainer._target_=3"),
        (["trainer.stages={supervised: 3}"], "trainer.stages.supervised=3 is"),
        (["model=fusion", "trainer=pretrained", "+trainer.stages.acg.task.weight_decy=1"], "nearest: weight_decay"),
        (["model=fusion", "trainer=pretrained", "trainer.stages.acg.task.cosine=3"], "task.cosine=3 is a whole number"),
        (["model.layers={x: 1}"], "model.layers={x: 1} is a mapping, expected a list"),
        (["model=forest", "+trainer.grid.C=5"], "trainer.grid.C=5 is a whole number, expected a list"),
        (["model=forest", "trainer.grid_folds=1"], "trainer.grid_folds=1 is out of range"),
        (["seed=${model.width}${nope}"], "seed=${model.width}${nope} cannot be worked out"),
        (["model.width=${model.width}"], "model.width=${model.width} cannot be worked out"),
        (["dataset=traces", "dataset.path=${oc.env:NOPE_OF_THIS_NAME}/a.csv"], "NOPE_OF_THIS_NAME is not set"),
        (["outputs=${nope}"], "outputs=${nope} cannot be worked out"),
        (["-m", "outputs=${nope}", "seed=1,2"], "nope"),
        (["-m", "seed=0,1", "hydra/launcher=nope"], "nope is not installed: pip install 'celltype[parallel]'"),
        (["--config-name", "nope"], "there is no config nope"),
        (["--resolve"], "--resolve flag can only be used"),
        (["--run", "-m"], "Only one of --run"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_said(celltype, tmp_path, arguments, said):
    code, out, err = celltype("train", *arguments)
    assert code == 2, out + err
    assert said in err, err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


SMALL = ["dataset.cells_per_class=6", "dataset.timesteps=200", "dataset.animals=6", "split.n_folds=3", "logger=none"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["model=forest", "model.n_estimators=0"], "model.n_estimators: The 'n_estimators' parameter"),
        (["model=svm_rbf", "model.C=-1"], "model.C: The 'C' parameter"),
        (["model=logistic", "model.C=nan"], "model.C"),
        (["model=logistic", "prepare._target_=os.path.basename", "~prepare.inputs"], "prepare."),
        (["model=logistic", "split._target_=celltype_cli.cells.assemble.finished", "~split.n_folds"], "split."),
        (["model=forest", "dataset.cells_per_class={PY: 9, PV: 0, SOM: 0, VIP: 0}"], "all labelled cells are PY"),
    ],
)  # fmt: skip
def test_what_only_the_parts_can_tell_is_said_before_anything_is_written(celltype, tmp_path, arguments, said):
    code, out, err = celltype("train", *SMALL, *arguments)
    assert code == 2, out + err
    assert said in err, err
    assert not (tmp_path / "outputs" / "runs").exists()


def test_boosted_trees_are_asked_beforehand(celltype, tmp_path):
    pytest.importorskip("lightgbm")
    code, _, err = celltype("train", *SMALL, "model=lightgbm", "model.num_leaves=1")
    assert code == 2
    assert "LGBMClassifier does not take its settings: Check failed: (num_leaves) > (1)" in err
    assert not (tmp_path / "outputs" / "runs").exists()


@pytest.mark.parametrize("multirun", [[], ["-m", "seed=0,1"]])
def test_a_place_that_cannot_be_written_is_named(celltype, tmp_path, multirun):
    (tmp_path / "file").write_text("")
    code, _, err = celltype("train", *multirun, *SMALL, "model=logistic", "outputs=file/x")
    assert code == 2
    assert "file/x" in err
    assert "not a directory: choose another place" in err


def test_a_full_disk_is_said(celltype, monkeypatch):
    import errno

    from celltype_cli.runs import train

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "outputs/runs/x/split.csv")

    monkeypatch.setattr(train, "train", full)
    code, _, err = celltype("train")
    assert code == 2
    assert err == (
        "celltype: outputs/runs/x/split.csv: the disk is full: make room, then type the same command again\n"
    )


@pytest.mark.parametrize("command", ["train", "data", "audit", "explain", "search", "predict", "reproduce", "report"])
def test_every_command_that_computes_takes_threads(command):
    assert "threads" in compose(command)


@pytest.mark.parametrize("command", ["train", "explain", "search", "doctor", "reproduce", "report", "runs"])
def test_every_command_that_logs_takes_a_logger(command):
    assert "logger" in compose(command)
