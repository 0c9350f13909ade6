"""Multiruns: every combination once, again after a kill only the rest, failures beside successes."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

SMALL = ["dataset.cells_per_class=12", "dataset.timesteps=200", "dataset.animals=6", "split.n_folds=3", "threads=1"]
PROGRAM = [sys.executable, "-c", "from celltype_cli.cli import main; main()"]


def multirun(folder, *arguments, **how):
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    for name in ("CELLTYPE_OUTPUTS", "MLFLOW_TRACKING_URI"):
        env.pop(name, None)
    command = [*PROGRAM, "train", "-m", *SMALL, *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how
    )


def finish(process):
    out = process.communicate(timeout=300)[0]
    return process.returncode, out


def stamps(folder):
    return {file.parent.name: file.stat().st_mtime_ns for file in folder.glob("outputs/runs/*/scores.json")}


def wait_for(condition, process):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)


def test_a_killed_multirun_is_finished_by_the_same_command(tmp_path):
    arguments = ["model=rnn,lstm", "seed=0,1", "trainer.epochs=20"]
    process = multirun(tmp_path, *arguments, start_new_session=True)
    wait_for(lambda: len(stamps(tmp_path)) >= 1, process)
    wait_for(lambda: len(list(tmp_path.glob("outputs/runs/*/run.json"))) > len(stamps(tmp_path)), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = stamps(tmp_path)
    assert 1 <= len(before) < 4

    code, out = finish(multirun(tmp_path, *arguments))
    assert code == 0, out
    after = stamps(tmp_path)
    assert len(after) == 4
    assert {name: after[name] for name in before} == before  # what was finished was left alone
    assert out.count("already finished") == len(before)

    code, out = finish(multirun(tmp_path, *arguments))
    assert code == 0
    assert out.count("already finished") == 4
    assert stamps(tmp_path) == after


def test_a_failing_job_stops_no_other_and_the_command_says_so(tmp_path):
    tmp_path = tmp_path / "Dropbox (Lab), a='b'"  # what people call their folders
    tmp_path.mkdir()
    code, out = finish(multirun(tmp_path, "model=logistic", "logger=none", "split.n_folds=3,30", "seed=0,1"))
    assert code == 2, out
    assert len(stamps(tmp_path)) == 2
    assert "2 of 4 jobs did not finish" in out
    assert len(list(tmp_path.glob("outputs/multiruns/*/job_*.json"))) == 4
    table = out[out.index("settings") :]
    assert len(re.findall(r" refused +", table)) == 2
    assert len(re.findall(r" finished +\d", table)) == 2
    assert re.search(r"note on job 0, 1: intervals from 6 groups are rough", " ".join(table.split()))


def test_jobs_run_side_by_side_with_joblib(tmp_path):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    arguments = ["model=logistic", "seed=0,1", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    code, out = finish(multirun(tmp_path, *arguments))
    assert code == 0, out
    assert len(stamps(tmp_path)) == 2
    code, out = finish(multirun(tmp_path, *arguments))
    assert out.count("already finished") == 2
