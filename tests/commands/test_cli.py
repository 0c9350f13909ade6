"""The command line as a user meets it: help, mistakes, own configs, completion."""

import os
import subprocess
import sys
from importlib import metadata

import pytest
from made.runs import fake_run

from celltype_cli import cli

SMALL = ["dataset.cells_per_class=12", "dataset.timesteps=200", "dataset.animals=6", "split.n_folds=3", "threads=1"]


def test_help_names_every_command(celltype):
    code, out, _ = celltype("--help")
    assert code == 0
    assert all(command in out for command in cli.COMMANDS)


def test_help_and_config_errors_import_nothing_heavy():
    heavy = "{'torch', 'mlflow', 'pytorch_lightning', 'sklearn', 'matplotlib', 'pandas', 'scipy'}"
    program = f"""
import sys
from importlib import metadata
from celltype_cli import cli
sys.argv = ["celltype", *sys.argv[1:]]
try:
    cli.main()
except SystemExit:
    print(sorted({heavy} & set(sys.modules)))
"""
    for arguments in (
        ["--help"],
        ["train", "model.dpeth=3"],
        ["trian"],
        ["train", "--cfg", "job"],
        ["train", "--help"],
        ["explain", "--help"],
        ["report", "--help"],
        ["runs", "--help"],
    ):
        result = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
        assert result.stdout.splitlines()[-1] == "[]", arguments


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trian"], "'trian' is no command; nearest: train"),
        (["train", "model.dpeth=3"], "model.dpeth is no setting"),
        (["train", "model=cnn1d", "model.widht=3"], "nearest: width"),
        (["train", "+model.widht=3"], "nearest: width"),
        (["train", "sede=3"], "sede is no setting; nearest: seed"),
        (["train", "modle=rnn"], "modle is no setting; nearest: model"),
        (["train", "model=cnn2d"], "model=cnn2d is not there; nearest: cnn1d; model can be adaboost, boosted_pair"),
        (["train", "model.layers=[conv"], "model.layers=[conv"),
        (["train", "seed=abc"], "seed=abc is text, expected a whole number"),
        (["train", "-m", "model=cnn1d,cnn2d"], "model=cnn2d is not there"),
        (["train", "-m", "model=cnn1d,rnn", "trainer.epohcs=1"], "nearest: epochs"),
        (["train", "dataset=cascade", "dataset.path=nowhere"], "nowhere"),
        (["train", "--config-dir", "nowhere"], "no such folder"),
        (["data", "dataset=traces"], "dataset.path is needed"),
        (["runs", "show=x"], "show=x fits 0 runs"),
    ],
)
def test_a_mistake_is_said_with_exit_code_2_and_nothing_is_created(celltype, tmp_path, arguments, said):
    code, _, err = celltype(*arguments)
    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_training_ends_with_the_result_and_the_places(celltype, tmp_path):
    code, out, _ = celltype("train", "model=logistic", *SMALL, "logger=none")
    assert code == 0
    for said in ("calcium_sim (simulated)", "balanced accuracy", "floor", "ECE", "predictions.csv", "next"):
        assert said in out
    assert "[95 %]: jackknife over animals; floor: what guessing the most frequent class would score" in out
    losses = {
        line.split()[0]: line.split()[-1] for line in out.splitlines() if line.startswith((" log loss", " brier"))
    }
    assert losses == {"log": "1.386", "brier": "0.750"}  # of four classes of one size
    code, out, _ = celltype("train", "model=logistic", *SMALL, "logger=none")
    assert "already finished" in out
    code, out, _ = celltype("runs")
    assert code == 0
    assert "simulated" in out
    code, out, _ = celltype("runs", "show=logistic")
    assert "recall per class" in out


def test_hydra_stays_in_reach(celltype, tmp_path):
    code, out, _ = celltype("train", "--cfg", "job", "model=rnn")
    assert code == 0
    assert "steps: 2" in out
    code, out, _ = celltype("train", "--info", "defaults")
    assert "model/cnn1d" in out
    assert not list(tmp_path.iterdir())


def started(arguments, folder, **env):
    program = [sys.executable, "-c", "from celltype_cli.cli import main; main()", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(program, cwd=folder, env={**os.environ, **env}, **pipes)


def test_a_terminal_without_greek_letters_gets_them_written_out(tmp_path):
    (tmp_path / "x.csv").write_text("")
    process = started(["data", "dataset=traces", "dataset.path=αβγ.csv"], tmp_path, PYTHONIOENCODING="ascii")
    _, err = process.communicate()
    assert process.returncode == 2
    assert rb"\u03b1\u03b2\u03b3.csv" in err
    assert b"Traceback" not in err


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["train", "--cfg", "job"]])
def test_a_reader_that_has_seen_enough_is_no_error(tmp_path, arguments):
    process = started(arguments, tmp_path)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() in (0, 141)


def test_user_configs_add_and_shadow(celltype, tmp_path):
    folder = tmp_path / "conf"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "tiny.yaml").write_text("defaults: [rnn]\nhidden: 7\n")
    (folder / "model" / "lstm.yaml").write_text("defaults: [rnn]\nhidden: 8\n")
    for option, hidden in (("tiny", 7), ("lstm", 8), ("rnn", 100)):
        code, out, _ = celltype("train", "--config-dir", str(folder), "--cfg", "job", f"model={option}")
        assert code == 0
        assert f"hidden: {hidden}" in out


def test_data_describes_and_draws(celltype, tmp_path):
    code, out, _ = celltype("data", *SMALL[:3])
    assert code == 0
    assert "48 cells" in out
    assert "(simulated)" in out
    drawn = {file.name for file in (tmp_path / "outputs" / "data").glob("*/*.png")}
    assert drawn == {"cells.png", "trace.png", "features.png"}
    code, out, _ = celltype("data", *SMALL[:3], "figures=[]")
    assert code == 0 and "pictures" not in out


def test_doctor_knows_every_extra():
    from celltype_cli.commands.doctor import EXTRAS

    there = set(metadata.metadata("celltype").get_all("Provides-Extra"))
    assert {*EXTRAS} == there - {"all", "dev"}


def test_doctor_says_what_is_there(celltype):
    code, out, _ = celltype("doctor")
    assert code == 0
    for said in ("torch", "cores", "extra allen", "run store"):
        assert said in out


def completions(line):
    env = {**os.environ, "COMP_LINE": line, "COMP_POINT": str(len(line))}
    program = [sys.executable, "-c", "from celltype_cli.cli import main; main()", "-sc", "query=bash"]
    return subprocess.run(program, env=env, capture_output=True, text=True).stdout.split()


def test_completion_knows_commands_groups_options_and_settings():
    assert completions("celltype tr") == ["train"]
    assert "model=" in completions("celltype train mod")
    assert {"model=rnn", "model=lstm"} <= set(completions("celltype train model="))
    assert "model.steps=" in completions("celltype train model=rnn model.st")
    assert "show=" in completions("celltype runs sh")


def test_completion_can_be_installed():
    program = [sys.executable, "-c", "import sys; sys.argv[0] = 'celltype'; from celltype_cli.cli import main; main()"]
    script = subprocess.run([*program, "-sc", "install=bash"], capture_output=True, text=True).stdout
    assert "hydra_bash_completion celltype" in " ".join(script.split())


def test_a_program_error_is_no_user_error(celltype, monkeypatch):
    from celltype_cli.runs import train

    def broken(*args, **kwargs):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(train, "train", broken)
    monkeypatch.setattr(sys, "argv", ["celltype", "train"])
    with pytest.raises(RuntimeError, match="a fault of ours"):
        cli.main()


def test_runs_that_are_damaged_do_not_hide_the_others(celltype, tmp_path):
    fake_run(tmp_path / "outputs/runs/good", [0.5])
    (tmp_path / "outputs/runs/bad").mkdir()
    (tmp_path / "outputs/runs/bad/run.json").write_text("")
    code, out, _ = celltype("runs")
    assert code == 0 and "good" in out and "0.500" in out
    said = " ".join(out.split())
    assert "bad is passed over: outputs/runs/bad/run.json cannot be read" in said and "makes it anew" in said
    code, _, err = celltype("runs", "show=bad")
    assert code == 2 and "bad is passed over" in err


def test_data_gives_the_features_as_a_file(celltype, tmp_path):
    code, out, err = celltype("data", *SMALL[:3])
    assert code == 0, err
    (file,) = (tmp_path / "outputs/data").glob("*/features.csv")
    assert str(file.relative_to(tmp_path)) in out
    header, *lines = file.read_text().splitlines()
    assert header.startswith("cell_id,group,source,label,") and len(lines) == 48


def test_the_first_line_comes_before_the_libraries(celltype, monkeypatch):
    monkeypatch.setattr("celltype_cli.runs.train.train", lambda *_, **__: sys.exit(3))
    code, out, _ = celltype("train", "model=rnn")
    assert (code, out) == (3, "rnn on calcium_sim: loading\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_terminal_is_no_error(closed):
    program = f'"{sys.executable}" -m celltype_cli.cli --version {closed}'
    assert subprocess.run(["bash", "-c", program], capture_output=True).returncode == 0
