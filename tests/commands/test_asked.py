"""Words of other tools, flags that are none, blanks, colons and dashes of PDF files lead to the line that is meant."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["fit", "model=forest"], "'fit' is no command; meant: celltype train"),
        (["list"], "meant: celltype runs"),
        (["label", "model=a"], "meant: celltype predict"),
        (["version"], "meant: celltype --version"),
        (["-V"], "meant: celltype --version"),
        (["trian"], "nearest: train; commands: train, demo"),
        (["TRAIN", "model=forest"], "type celltype train model=forest"),
        (["model=forest", "train"], "type celltype train model=forest"),
        (["-m", "train", "seed=0,1"], "'-m' is no command, which stands first: type celltype train -m seed=0,1"),
        (["model=forest"], "a setting, and a command stands first: celltype train model=forest"),
        (["train", "help"], "'help' is no setting: type celltype train --help"),
        (
            ["train", "--model", "forest"],
            "--model is no flag: settings are typed as name=value, without dashes: model=f",
        ),
        (["train", "--seed=3"], "without dashes: seed=3"),
        (["predict", "--model", "a", "--input", "my cells.npz"], "without dashes: 'input=my cells.npz'"),
        (["train", "-M", "seed=0,1"], "-M is no flag; nearest: -m"),
        (["train", "--multi-run"], "--multi-run is no flag; nearest: --multirun"),
        (["train", "--config_dir", "x"], "--config_dir is no flag; nearest: --config-dir"),
        (["train", "--verbose"], "--verbose is no flag; settings are typed as name=value"),
        (["train", "hydra.mode=MULTIRUN", "seed=0,1"], "leave it out; -m runs every combination of values"),
        (["train", "--cfg", "jobs"], "--cfg/-c: invalid choice: 'jobs'"),
        (["train", "--cfg"], "--cfg/-c: expected one argument"),
        (["predict", "-i", "new.npz"], "invalid choice: 'new.npz'"),
        (["train", "--config-dir"], "--config-dir needs a folder of configs"),
        (["train", "--config-dir", "model=mine"], "--config-dir needs a folder of configs"),
        (["train", "model", "=", "forest"], "model = forest has blanks around its =: type model=forest"),
        (["train", "seed=", "3", "model", "=rnn"], "seed= 3 has blanks around its =: type seed=3"),
        (["train", "model = forest"], "has blanks around its =: type model=forest"),
        (["train", "model:forest"], "'model:forest' has a colon: type model=forest"),
        (["train", "Model=CNN1D"], "meant: model=cnn1d"),
        (["train", "trainer.epochs=\u22123"], "as PDF files have them: type trainer.epochs=-3"),
        (["train", "dataset=traces", "dataset.path=\u201ccells.npz\u201d"], """type 'dataset.path="cells.npz"'"""),
        (["train", "\u2013m", "seed=0,1"], "begins with a dash as PDF files have it: type -m"),
        (["train", "model=[cnn1d, rnn]"], "one is taken at a time: celltype train -m model=cnn1d,rnn runs each"),
        (
            ["train", "model=cnn1d,rnn"],
            "is several options, one for each of several jobs: celltype train -m model=cnn1d",
        ),
        (["compare", "runs=forest,rnn"], "runs=forest,rnn is a list, which has brackets: 'runs=[forest,rnn]'"),
        (["compare", "forest", "rnn"], "'forest' is no setting: type 'runs=[forest,...]'"),
        (["export", "forest"], "'forest' is no setting: type run=forest"),
        (["predict", "forest", "input=a"], "'forest' is no setting: type model=forest"),
        (["train", "seed=None"], "seed=None is text, expected a whole number of 0 or more"),
        (["train", "seed=[0,1]"], "one value is expected, and -m seed=0,1 runs each"),
        (["train", "keep_models=yes"], "expected true or false; meant: true"),
        (["predict", "model=a", "input=b", "accuracy=95"], "a share, not percent: 0.95"),
        (["runs", "outputs="], "outputs= is empty, expected a path"),
        (["train", "outputs=", "model=forest"], "outputs= is empty, expected a path"),
    ],
)
def test_what_is_meant_is_said(celltype, tmp_path, line, said):
    code, out, err = celltype(*line)
    assert code == 2
    assert said in err, err
    assert "cli.py" not in out + err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("line", [["help", "train"], ["--help", "train"], ["-h", "train", "model=rnn"]])
def test_help_of_a_command_may_be_asked_for_first(celltype, line):
    code, out, _ = celltype(*line)
    assert (code, out.startswith("celltype train:")) == (0, True)


def test_an_empty_variable_names_no_folder(celltype, tmp_path, monkeypatch):
    monkeypatch.setenv("CELLTYPE_OUTPUTS", "")
    assert "no runs in outputs/runs yet" in celltype("runs")[1]


def test_a_script_with_windows_line_ends_means_what_it_says(celltype):
    code, out, err = celltype("train", "model=rnn\r", "--cfg", "job\r", "\r")
    assert code == 0 and "recurrent.Recurrent" in out, err


def test_what_jupyter_and_terminals_leave_in_the_environment_stops_nothing(celltype, tmp_path):
    env = {**os.environ, "MPLBACKEND": "module://of.another.environment", "COLUMNS": "0"}
    line = ["-c", "from celltype_cli.cli import main; main()", "data", "dataset.cells_per_class=2"]
    done = subprocess.run([sys.executable, *line], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0 and "PV" in done.stdout, done.stderr


@pytest.mark.parametrize("where", ["--version", "train --version"])
def test_the_version_is_that_of_celltype(celltype, where):
    code, out, _ = celltype(*where.split())
    assert (code, out.startswith("celltype ")) == (0, True)


@pytest.mark.parametrize("line", [["compare", "runs=[a,b]"], ["evaluate", "model=a", "input=there.csv"]])
def test_a_file_is_no_folder_for_an_answer(celltype, tmp_path, line):
    (tmp_path / "there.csv").write_text("")
    code, _, err = celltype(*line, "out=there.csv")
    assert (code, "out=there.csv: there.csv is a file; name a folder" in err) == (2, True), err


def test_a_path_in_the_home_folder_that_is_not_there_is_said_to_be_so(celltype, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "cells.csv").write_text("")
    _, _, err = celltype("data", "dataset=traces", "dataset.path=~/cell.csv")
    assert "cell.csv does not exist" in err and "nearest: cells.csv" in err
