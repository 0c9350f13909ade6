"""Every shipped config composes, and everything it names takes what it is given."""

from pathlib import Path

import pytest
from made.configs import compose as composed
from omegaconf import OmegaConf

from celltype_cli.commands import (
    audit,
    clean,
    compare,
    data,
    doctor,
    evaluate,
    explain,
    export,
    fetch,
    predict,
    report,
    runs,
)
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.runs.settings import Settings
from celltype_cli.studies.search import search

SETTINGS = {"train": Settings, "demo": Settings, "data": data.Settings, "fetch": fetch.Settings, "runs": runs.Settings,
            "doctor": doctor.Settings, "reproduce": report.Settings, "report": report.Settings,
            "audit": audit.Settings, "search": search.Settings, "explain": explain.Settings,
            "export": export.Settings, "predict": predict.Settings, "evaluate": evaluate.Settings,
            "compare": compare.Settings, "clean": clean.Settings}  # fmt: skip
GROUPS = ("dataset", "prepare", "model", "split", "trainer", "logger")
OPTIONS = [(group, file.stem) for group in GROUPS for file in sorted((configs.folder() / group).glob("*.yaml"))]


def with_needed(cfg):
    """Fills settings that only the user knows."""
    for group in ("dataset", "split"):
        if group in cfg and OmegaConf.is_missing(cfg[group], "path"):
            cfg[group].path = "somewhere"
    for name in ("run", "out", "bundle", "input"):
        if name in [*cfg] and OmegaConf.is_missing(cfg, name):  # what is missing is not "in" a config
            cfg[name] = "somewhere"
    if "runs" in [*cfg] and OmegaConf.is_missing(cfg, "runs"):
        cfg.runs = ["one", "other"]
    return cfg


@pytest.mark.parametrize("command", SETTINGS)
def test_commands_compose_and_bind(command):
    configs.check(with_needed(composed(command)), SETTINGS[command])


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_options_compose_and_bind(group, option):
    configs.check(with_needed(composed("train", f"{group}={option}")), Settings)


def test_every_yaml_is_a_command_or_an_option():
    options = {configs.folder() / group / f"{option}.yaml" for group, option in OPTIONS}
    commands = {configs.folder() / f"{command}.yaml" for command in (*SETTINGS, "command", "drawn")}
    others = {configs.folder() / name for name in ("renamed.yaml", "hints.yaml", "called.yaml")}
    others |= {file for group in ("paper", "search", "classes") for file in (configs.folder() / group).glob("*.yaml")}
    assert set(configs.folder().rglob("*.yaml")) == options | commands | others


@pytest.mark.parametrize("option", sorted(file.stem for file in (configs.folder() / "search").glob("*.yaml")))
def test_searches_compose_and_bind(option):
    configs.check(with_needed(composed("search", f"search={option}")), search.Settings)


@pytest.mark.parametrize(
    "file", [f for f in sorted(configs.folder().rglob("*.yaml")) if f.parent.name != "paper"], ids=lambda p: p.name
)
def test_config_files_are_short(file):
    assert len(file.read_text().splitlines()) <= 40
    assert all(len(line) <= 120 for line in file.read_text().splitlines())


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["+model.widht=3"], "model.widht is no setting; nearest: width;"),
        (["seed=abc"], "seed=abc is text, expected a whole number"),
        (["trainer.epochs=2.5"], "trainer.epochs=2.5 is a number, expected a whole number"),
        (["trainer.keep=worst"], "trainer.keep=worst is text, expected one of last, best"),
        (["model.layers=conv"], "model.layers=conv is text, expected a list"),
        (["split=listed"], "split.path is needed: add split.path=..."),
        (["model._target_=celltype_cli.models.cnn1d.CNN2d"], "cannot be imported"),
        (["~model.width"], None),
    ],
)
def test_what_is_wrong_is_said(overrides, said):
    cfg = composed("train", *overrides)
    if said is None:  # a partial target may lack arguments: the network says so when it is built
        configs.check(cfg, Settings)
        return
    with pytest.raises(UserError) as error:
        configs.check(cfg, Settings)
    assert said in str(error.value)


def test_all_faults_are_said_at_once():
    with pytest.raises(UserError) as error:
        configs.check(composed("train", "seed=abc", "+model.widht=3"), Settings)
    assert "seed=abc" in str(error.value)
    assert "model.widht" in str(error.value)


def test_whole_numbers_serve_as_numbers_but_truth_does_not():
    configs.check(composed("train", "trainer.lr=1"), Settings)
    with pytest.raises(UserError, match="trainer.lr=true is true or false"):
        configs.check(composed("train", "trainer.lr=true"), Settings)


def test_configs_lie_beside_the_package_or_in_it():
    assert (configs.folder() / "train.yaml").is_file()
    package = Path(configs.__file__).parents[1]
    assert configs.folder() in (package / "conf", package.parent / "conf")


def test_a_constructor_error_comes_out_as_it_was():
    node = OmegaConf.create({"_target_": "celltype_cli.calcium.features.nothing_of_this_name"})
    with pytest.raises(ImportError):
        configs.build(node)


def exists(cfg, key):
    return OmegaConf.select(cfg, key, default="nothing of this name") != "nothing of this name"


@pytest.mark.parametrize("old", configs.renamed())
def test_what_was_renamed_is_gone_and_its_new_name_is_there(old):
    new = configs.renamed()[old]
    if "=" in old:
        group, _, option = new.partition("=")
        assert (configs.folder() / group / f"{option}.yaml").is_file()
        assert not (configs.folder() / old.replace("=", "/")).with_suffix(".yaml").exists()
        return
    here = [composed("train", f"{group}={option}") for group, option in OPTIONS if group in ("dataset", "trainer")]
    assert any(exists(cfg, new) for cfg in here)
