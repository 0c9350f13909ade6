"""A kind of recording only adds files: taken out, the others still train, predict and report; the middle names none."""

import ast
import json
import os
import shutil
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
import yaml
from made.configs import REPOSITORY
from test_rules import FILES, KINDS, PACKAGE, name_of, room

HERE = [kind for kind in KINDS if (PACKAGE / kind).is_dir()]


PROGRAM = """
import json, sys
from celltype_cli.cli import main
for sys.argv in json.loads(sys.argv[1]):
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
"""


@pytest.fixture
def without(tmp_path):
    """Copies package and configs without a kind of recording; returns what runs command lines there, in one process."""

    def copy(kind):
        for folder in ("celltype_cli", "conf"):
            shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", kind))
        for file in [*(tmp_path / "conf").rglob("*.yaml")]:
            if f"celltype_cli.{kind}." in file.read_text():
                file.unlink()

        def run(*commands):
            env = {**os.environ, "PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"}
            lines = json.dumps([["celltype", *words, "logger=none", "figures=[]"] for words in commands])
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM, lines], cwd=tmp_path, env=env, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        return run

    return copy


def traces(path):
    rng = np.random.default_rng(0)
    np.savez(path, trace=rng.normal(size=(24, 300)), label=["PV", "SOM"] * 12, cell_id=[f"c{i}" for i in range(24)],
             group=[f"m{i // 4}" for i in range(24)], sampling_rate=30.0)  # fmt: skip
    return path


def test_without_patch_clamp_calcium_trains_and_reports(without, tmp_path):
    run = without("patch_clamp")
    small = ("model=cnn1d", "dataset.cells_per_class=12", "dataset.timesteps=60", "trainer.epochs=1")
    own = ["dataset=traces", f"dataset.path={traces(tmp_path / 'own.npz')}", "prepare.timesteps=100", "split.n_folds=2"]
    forest = ("model=forest", "model.n_estimators=5")
    said = run(("demo", *small), ("train", *forest, *own), ("report", "table=table1"))
    assert "table1" in said
    made = [file.parent.name for file in (tmp_path / "outputs" / "runs").glob("*/scores.json")]
    assert sorted(name.split("-")[0] for name in made) == ["calcium_sim", "traces"]


def test_without_calcium_patch_clamp_trains(without):
    run = without("calcium")
    small = ["dataset.cells_per_class=6", "prepare.inputs=[features]", "split.n_folds=2", "model.n_estimators=5"]
    assert "patch_sim (simulated)" in run(("train", "dataset=patch_sim", "model=forest", *small))


def constants(file):
    """The strings of a file that are no docstrings and no parts of longer texts."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
            and id(node) not in texts}  # fmt: skip


MIDDLE = [file for file in FILES if room(file) not in (*HERE, "models", "__init__")]


@pytest.mark.parametrize("file", MIDDLE, ids=name_of)
def test_the_middle_names_no_input_and_no_cell_class(file):
    inputs = {name for kind in HERE for name in import_module(f"celltype_cli.{kind}.prepare").INPUTS}
    vocabularies = [yaml.safe_load(file.read_text()) for file in (REPOSITORY / "conf" / "classes").glob("*.yaml")]
    classes = {name for words in vocabularies for first, entry in words.items()
               for name in (first, *entry.get("synonyms", ()))}  # fmt: skip
    assert not constants(file) & (inputs | classes)


@pytest.mark.parametrize("kind", HERE)
def test_every_kind_has_the_same_rooms(kind):
    files = {name_of(file).removeprefix(f"{kind}/") for file in FILES if room(file) == kind}
    assert {"recording", "prepare", "readers/files", "datasets/own", "simulator/dataset"} <= files
