"""`celltype reproduce`: the missing rows and no others, again after an interruption, and a report of what is there."""

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout

import pytest
from made.runs import stamps

from celltype_cli import cli
from celltype_cli.core import files

PAPER = """
key: tiny
title: A tiny paper
citation: nobody, nowhere
url: https://example.org
classes: [PY, PV, SOM, VIP]
protocol: three recurrent networks on few simulated cells
profiles: {quick: small, full: less small}
overrides: [dataset=calcium_sim, dataset.cells_per_class=12, dataset.timesteps=60, threads=1, logger=none, "figures=[]"]
when:
  published: [split=shuffle, split.n_splits=2, split.train=0.6, split.test=0.3]
  grouped: [split=grouped_kfold, split.n_folds=2, split.valid_fraction=0]
  full: [trainer.epochs=3]
models:
  rnn: {overrides: [model=rnn, trainer.epochs=2]}
  lstm: {overrides: [model=lstm, trainer.epochs=EPOCHS]}
tables:
  table1:
    title: Depth
    source: Table 1
    kind: scores
    rows:
      - {name: one, model: rnn, best: true, published: {accuracy: [0.8, 0.01]}}
      - {name: two, model: rnn, overrides: ["model.layers=[rnn,rnn]"], published: {accuracy: [0.7, 0.01]}}
  table2:
    title: Again
    source: Table 2
    kind: scores
    rows:
      - {name: one, model: rnn, published: {accuracy: [0.8, 0.01]}}
      - {name: long, model: lstm, published: {accuracy: [0.75, 0.01]}}
"""
RUNS = 6  # three networks, each with two splits; the first stands in both tables
TINY = ["paper=tiny", "--config-dir", "conf"]


def start(folder, *arguments):
    """Begins a command in a process of its own, which can be stopped."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    env.pop("CELLTYPE_OUTPUTS", None)
    return subprocess.Popen(
        [sys.executable, "-c", "from celltype_cli.cli import main; main()", *arguments, *TINY],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # which tests in the background may ignore
        start_new_session=True,
    )


def call(folder, *arguments):
    """Runs a command in this process; returns exit code and all that it said."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        patch.chdir(folder)
        patch.setenv("COLUMNS", "200")
        patch.delenv("CELLTYPE_OUTPUTS", raising=False)
        patch.setattr(files, "own_configs", [])
        patch.setattr(sys, "argv", ["celltype", *arguments, *TINY])
        with pytest.raises(SystemExit) as end:
            cli.main()
    return end.value.code, said.getvalue()


def write_paper(folder, epochs=2):
    (folder / "conf" / "paper").mkdir(parents=True)
    (folder / "conf" / "paper" / "tiny.yaml").write_text(PAPER.replace("EPOCHS", str(epochs)))


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduced")
    write_paper(folder)
    code, out = call(folder, "reproduce")
    assert code == 0, out
    return folder, out


def test_all_rows_run_once_and_the_report_is_there(reproduced):
    folder, out = reproduced
    assert f"{RUNS} runs for 8 table entries, {RUNS} to do" in out
    assert len(stamps(folder)) == RUNS
    report = folder / "outputs" / "reports" / "tiny-quick"
    assert {"report.html", "report.md", "report.tex", "table1.csv", "table2.csv"} <= {f.name for f in report.iterdir()}
    page = (report / "report.html").read_text()
    assert "simulated" in page
    assert "quick" in page
    assert not list(folder.glob("outputs/runs/*/fold_*/*.ckpt"))


def test_a_second_call_runs_nothing(reproduced):
    folder, _ = reproduced
    before = stamps(folder)
    code, out = call(folder, "reproduce")
    assert code == 0
    assert "0 to do" in out
    assert stamps(folder) == before


def test_a_deleted_run_makes_exactly_its_rows_run_again(reproduced, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(reproduced[0], folder)
    before = stamps(folder)
    gone = sorted(before)[0]
    shutil.rmtree(folder / "outputs" / "runs" / gone)
    code, out = call(folder, "report")
    assert code == 0
    assert "celltype reproduce paper=tiny table=" in out  # a missing row shows the command that makes it
    code, out = call(folder, "reproduce")
    assert code == 0
    assert "1 to do" in out
    after = stamps(folder)
    assert after[gone] > before.pop(gone)
    assert {name: after[name] for name in before} == before


def test_tables_rows_and_profiles_can_be_chosen(tmp_path):
    write_paper(tmp_path)
    code, out = call(tmp_path, "reproduce", "table=table1", "rows=two", "profile=full")
    assert code == 0, out
    assert len(stamps(tmp_path)) == 2
    code, out = call(tmp_path, "reproduce", "table=tabel1")
    assert code == 2
    assert "table1" in out
    code, out = call(tmp_path, "reproduce", "profile=slow")
    assert code == 2
    firing = [f"dataset.classes.{name}.running_gain=9" for name in ("PY", "PV", "SOM", "VIP")]
    places = ["logger=none", f"outputs={tmp_path / 'elsewhere'}"]
    code, out = call(tmp_path, "report", "table=table1", *firing, "dataset.classes.PY.slow_sd=0.7", *places)
    assert code == 0, out
    [folder] = (tmp_path / "elsewhere" / "reports").iterdir()
    assert (
        folder.name.startswith("tiny-quick-table1-dataset.classes.PY.running_gain=9") and 100 < len(folder.name) < 120
    )


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_call_is_finished_by_the_same_command(tmp_path, how):
    write_paper(tmp_path, epochs=40)
    process = start(tmp_path, "reproduce", "table=[table2]")
    end = time.monotonic() + 120
    while not any("lstm" in file.parent.name for file in tmp_path.glob("outputs/runs/*/run.json")):
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    os.killpg(process.pid, how)
    out = process.communicate()[0]
    before = stamps(tmp_path)
    assert len(before) < 4, out
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "Type the same command again" in out
    code, out = call(tmp_path, "reproduce", "table=[table2]")
    assert code == 0, out
    assert f"4 runs for 4 table entries, {4 - len(before)} to do" in out
    after = stamps(tmp_path)
    assert len(after) == 4
    assert {name: after[name] for name in before} == before
