"""Multiruns: every combination once, again after a kill only the rest, failures beside successes."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from made.runs import stamps

SMALL = ["dataset.cells_per_class=12", "dataset.timesteps=60", "dataset.animals=6", "split.n_folds=2", "threads=1",
         "figures=[]"]  # fmt: skip
PROGRAM = [sys.executable, "-c", "from celltype_cli.cli import main; main()"]


def multirun(folder, *arguments):
    """Begins a multirun in a process of its own, which can be killed."""
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    for name in ("CELLTYPE_OUTPUTS", "MLFLOW_TRACKING_URI"):
        env.pop(name, None)
    command = [*PROGRAM, "train", "-m", *SMALL, *arguments]
    return subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            start_new_session=True)  # fmt: skip


def wait_for(condition, process):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)


def test_a_killed_multirun_is_finished_by_the_same_command(celltype, tmp_path):
    arguments = ["model=rnn", "seed=0,1,2", "trainer.epochs=30", "logger=none"]
    process = multirun(tmp_path, *arguments)
    wait_for(lambda: len(stamps(tmp_path)) >= 1, process)
    wait_for(lambda: len(list(tmp_path.glob("outputs/runs/*/run.json"))) > len(stamps(tmp_path)), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = stamps(tmp_path)
    assert 1 <= len(before) < 3

    code, out, _ = celltype("train", "-m", *SMALL, *arguments)
    assert code == 0, out
    after = stamps(tmp_path)
    assert len(after) == 3
    assert {name: after[name] for name in before} == before  # what was finished was left alone
    assert out.count("already finished") == len(before)

    code, out, _ = celltype("train", "-m", *SMALL, *arguments)
    assert code == 0
    assert out.count("already finished") == 3
    assert stamps(tmp_path) == after


def test_a_failing_job_stops_no_other_and_the_command_says_so(celltype, tmp_path, monkeypatch):
    tmp_path = tmp_path / "Dropbox (Lab), a='b'"  # what people call their folders
    tmp_path.mkdir()
    monkeypatch.chdir(tmp_path)
    code, out, _ = celltype("train", "-m", *SMALL, "model=logistic", "logger=none", "split.n_folds=2,30", "seed=0,1")
    assert code == 2, out
    assert len(stamps(tmp_path)) == 2
    assert "2 of 4 jobs did not finish" in out
    assert len(list(tmp_path.glob("outputs/multiruns/*/job_*.json"))) == 4
    table = out[out.index("settings") :]
    assert len(re.findall(r" refused +", table)) == 2
    assert len(re.findall(r" finished +\d", table)) == 2


def test_a_setting_that_some_jobs_lack_is_left_out_of_those_and_said(celltype, tmp_path):
    arguments = ["model=rnn,logistic", "trainer.epochs=1,2", "logger=none", "dataset.cells_per_class=6"]
    code, out, _ = celltype("train", "-m", *SMALL[1:], *arguments)
    assert code == 0, out
    words = [file.read_text() for file in sorted(tmp_path.glob("outputs/runs/*/overrides.yaml"))]
    assert len(words) == 3  # the tree once
    assert sum("trainer.epochs" in of_run for of_run in words) == 2
    for epochs in (1, 2):
        assert f"note: trainer.epochs={epochs} is left out where the chosen options have no such setting: " in out
    assert out.count(": model=logistic\n") == 2


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("train", ["model=logistic,mean_floor", "trainer.inputs=[features]"]),  # the usual model is a network,
        ("demo", ["model=rnn,lstm", "trainer.epochs=1", "dataset.cells_per_class=6"]),  # that of the demo a forest
    ],
)
def test_a_setting_that_the_usual_model_lacks_and_all_jobs_have(celltype, tmp_path, command, arguments):
    code, out, err = celltype(command, "-m", *SMALL, *arguments, "logger=none")
    assert code == 0, out + err
    kept = [file.read_text() for file in tmp_path.glob("outputs/runs/*/overrides.yaml")]
    assert len(kept) == 2
    assert all(arguments[1] in words and words.index("model=") < words.index(arguments[1]) for words in kept)


@pytest.mark.parametrize("arguments", [["model=rnn,lstm", "trainer.epohcs=1"], ["model=forest,cnn1d", "model.C=2"]])
def test_a_setting_that_no_job_has_is_refused(celltype, tmp_path, arguments):
    code, _, err = celltype("train", "-m", *arguments)
    assert code == 2
    assert arguments[1].partition("=")[0] in err
    assert not [*tmp_path.glob("outputs/runs/*")]


def test_the_flag_may_stand_anywhere(celltype):
    code, out, err = celltype("train", "model=forest", "-m", "seed=-1,-2", "outputs=o")
    assert code == 2 and "seed=-1 is out of range" in out + err
    assert "next: celltype runs outputs=o, or celltype runs outputs=o show=<part" in out


def test_equal_faults_of_jobs_are_said_once(celltype):
    code, out, _ = celltype("train", "-m", *SMALL, "logger=none", "model=logistic", "split.n_folds=30", "seed=0,1,2")
    assert code == 2
    assert "job 0, 1, 2: dataset calcium_sim" in out
    assert out.count("groups cannot make 30 folds") == 1


def test_jobs_run_side_by_side_with_joblib(celltype, tmp_path):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    arguments = ["model=logistic", "logger=none", "seed=0,1"]
    process = multirun(tmp_path, *arguments, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    out = process.communicate(timeout=300)[0]
    assert process.returncode == 0, out
    assert len(stamps(tmp_path)) == 2
    out = celltype("train", "-m", *SMALL, *arguments)[1]
    assert out.count("already finished") == 2
