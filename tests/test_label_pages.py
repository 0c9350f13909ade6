"""The pages on labelling: each command and each line of Python runs as it stands, on small files."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made import sweep_files
from made.bundles import RATE, command, dff, make_bundle, suite2p, write_labelled
from made.units import many, phy

DOCS = Path(__file__).parents[1] / "docs"
FAST = ("model.n_estimators=20", "split.n_folds=3", "logger=none", "figures=[]")  # added to each training


def blocks(page, kind):
    return re.findall(rf"```{kind}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


def run_commands(page):
    lines = [line for block in blocks(page, "bash") for line in block.splitlines()]
    assert len(lines) >= 4
    for line in lines:
        if line.startswith("celltype "):
            words = shlex.split(line)[1:]
            assert command(*words, *(FAST if words[0] == "train" else ())) == 0, line
        else:
            subprocess.run(line, shell=True, check=True)


@pytest.fixture(scope="module")
def sweeps(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweeps")
    sweep_files.write(folder / "labelled_sweeps", folder / "labels.csv")
    (folder / "new_sweeps").mkdir()
    for k in (3, 7):
        shutil.copy(folder / f"labelled_sweeps/cell_{k}.npz", folder / "new_sweeps")
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CELLTYPE_OUTPUTS", str(tmp_path / "outputs"))
    return tmp_path


def test_label_suite2p(here):
    write_labelled(here / "labelled.npz")
    suite2p(here / "my_session/suite2p/plane0")
    run_commands("label_suite2p.md")
    names = {"celltype.npy", "celltype_confidence.npy", "celltype.csv"}
    for plane in ("my_session", "my_session-labels", "looser"):
        assert names <= {file.name for file in (here / plane / "suite2p/plane0").iterdir()}
    cells = pd.read_csv("my_session-labels/cells.csv")
    table = re.findall(r"^\| (`.*?) \|", (DOCS / "label_suite2p.md").read_text(), re.MULTILINE)
    assert {name for cell in table for name in re.findall(r"`(\w+)`", cell)} <= {*cells.columns}


def test_label_phy(here):
    many(here / "labelled_units.npz")
    phy(here / "my_kilosort")
    run_commands("label_phy.md")
    written = {file.name for file in (here / "my_kilosort").glob("cluster_*.tsv")} - {"cluster_group.tsv"}
    assert written == set(re.findall(r"`(cluster_\w+\.tsv)`", (DOCS / "label_phy.md").read_text()))
    assert written <= {file.name for file in (here / "my_kilosort-labels").iterdir()}


def test_label_patch_clamp(sweeps, monkeypatch):
    monkeypatch.chdir(sweeps)
    monkeypatch.setenv("CELLTYPE_OUTPUTS", str(sweeps / "outputs"))
    run_commands("label_patch_clamp.md")
    assert pd.read_csv("new_sweeps-labels/cells.csv")["best"].notna().tolist() == [True, True]
    assert len(pd.read_csv("one_cell/cells.csv")) == 1


def test_share_a_model(here):
    write_labelled(here / "labelled.npz")
    write_labelled(here / "new.npz", n=4, seed=1)
    write_labelled(here / "their_labelled.npz", n=12, seed=2)
    labels = pd.DataFrame({"cell_id": ["c0", "c1"], "label": ["PV", "SOM"]})
    labels.to_csv("their_labels.csv", index=False)
    run_commands("share_a_model.md")
    table = re.findall(r"^\| `(.*?)` \|", (DOCS / "share_a_model.md").read_text(), re.MULTILINE)
    assert {name.rstrip("/") for name in table} == {file.name for file in (here / "my_model").iterdir()}


def test_notebook(here, sweeps, capsys):
    make_bundle(here)
    np.savez(here / "new.npz", trace=dff(6, seed=1), sampling_rate=RATE)
    shutil.copy(sweeps / "new_sweeps/cell_3.npz", here / "sweeps.npz")
    outputs = f"outputs={sweeps / 'outputs'}"
    if not (sweeps / "my_model").exists():
        labelled = (f"dataset.path={sweeps / 'labelled_sweeps'}", f"dataset.labels={sweeps / 'labels.csv'}")
        assert command("train", "dataset=sweeps", *labelled, "model=forest", *FAST, outputs) == 0
        assert command("export", "run=sweeps-forest", f"out={sweeps / 'my_model'}", outputs) == 0
    shutil.copytree(sweeps / "my_model", here / "my_sweep_model")
    names = {}
    for block in blocks("notebook.md", "python"):
        exec(block, names)
    assert "this recording" in capsys.readouterr().out and len(names["cells"]) == 6
