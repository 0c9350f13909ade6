"""The help of every command: in 80 columns and 60 lines, with examples that are right; of groups and options."""

import re
import shlex

import pytest
from hydra import compose as hydra_compose
from made.configs import compose, shipped

from celltype_cli import cli
from celltype_cli.commands import help, known
from celltype_cli.commands.as_typed import for_hydra
from celltype_cli.commands.commented import read
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_it_fits_two_screens(command, celltype):
    code, out, _ = celltype(command, "--help")
    assert code == 0
    lines = out.splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith(f"celltype {command}: ")
    assert not [line for line in lines if line != line.rstrip()]
    assert "Hydra's own" in lines[-2]


def test_the_list_of_commands_fits_80_columns(celltype):
    code, out, _ = celltype("--help")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert [line.split()[0] for line in out.splitlines()[4 : 4 + len(cli.COMMANDS)]] == [*cli.COMMANDS]


@pytest.mark.parametrize("command", [command for command in cli.COMMANDS if known.groups(command) - {"logger"}])
def test_the_options_shown_are_those_that_are_composed(command):
    """Also where a command builds on another and overrides its choice, as `demo` does."""
    with shipped():
        chosen = hydra_compose(command, return_hydra_config=True).hydra.runtime.choices
    shown = dict(re.findall(r"^  (\w+)=(\w+)(?:   or .*)?$", help.page(command, []), re.M))
    shown = {group: option for group, option in shown.items() if group in chosen}
    assert shown and shown == {group: chosen[group] for group in shown}


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_three_examples_that_compose(command):
    examples = read(configs.folder() / f"{command}.yaml").examples
    assert len(examples) == 3
    for line, _ in examples:
        program, name, *words = shlex.split(line)
        assert (program, name) == ("celltype", command)
        if "-m" not in words:
            compose(command, *for_hydra(command, words))


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_setting_of_the_file_is_there_with_its_comment(command):
    """What `compose` finds at the root is in the help, unless it is a group."""
    out = help.page(command, [])
    named = {"bundle": "model"} if command in ("predict", "evaluate") else {}
    groups = re.findall(r"^  (\w+)=\S+   or ", out, re.M)
    for name in compose(command):
        if name not in (*groups, "hydra", "dataset", "prepare"):
            assert re.search(rf"^  {named.get(name, name)}[.=]", out, re.M), name


def test_comments_and_units_are_those_of_the_files():
    out = help.page("train", ["prepare"])
    assert "Settings of prepare=whole" in out and "Hz" in out
    assert "Options of prepare" in out and "  sweeps: Current-clamp recordings" in out


def test_an_option_that_is_typed_is_explained_and_chooses_others():
    out = help.page("train", ["model=forest"])
    assert "trainer=sklearn   or" in out
    assert re.search(r"^  model.n_estimators=500 +trees$", out, re.M)
    assert re.search(r"^  model.width_first", out, re.M) is None
    assert "prepare=windows_64s   or" in help.page("train", ["dataset=cascade"])
    assert "trainer=cpu   or" in help.page("train", ["model=forest", "trainer=cpu"])
    out = help.page("train", ["dataset=units"])
    assert "model=units_forest   or" in out and "trainer=sklearn   or" in out
    assert "model=rnn   or" in help.page("train", ["dataset=units", "model=rnn"])


def test_an_option_that_builds_on_another_has_its_settings_and_comments():
    out = help.page("train", ["trainer=cuda"])
    assert re.search(r"^  trainer.epochs=20 +passes over the training rows$", out, re.M)
    assert "  trainer.accelerator=cuda\n" in out


def test_all_has_all_and_a_name_that_is_none_is_refused():
    out = help.page("train", ["all"])
    for said in ("Options of model", "  scalogram_cnn: ", "trainer.betas=[0.9, 0.99]", "  dataset.indicator={"):
        assert said in out
    assert max(map(len, out.splitlines())) <= 80
    with pytest.raises(UserError, match="no group of this command; nearest: model"):
        help.page("train", ["modle"])
    with pytest.raises(UserError, match="known: all, dataset, "):
        help.page("data", ["trainer"])


def test_own_configs_have_help_too(celltype, tmp_path):
    (tmp_path / "own" / "model").mkdir(parents=True)
    (tmp_path / "own" / "model" / "mine.yaml").write_text("# Mine.\ndefaults: [rnn]\nhidden: 7   # of mine\n")
    code, out, _ = celltype("train", "--config-dir", str(tmp_path / "own"), "model=mine", "--help")
    assert code == 0
    assert re.search(r"^  model.hidden=7 +of mine$", out, re.M) and "model.steps=2" in out
