"""Every command of the README runs."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made import units

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
EXAMPLES = [[line.partition("  #")[0].strip() for line in text.splitlines()] for kind, text in BLOCKS if kind == "bash"]
COMMANDS = [line for lines in EXAMPLES for line in lines]
TABLE = re.findall(r"^\| .* \| (`.*`.*) \|$", README, re.MULTILINE)
SMALL = ["dataset.cells_per_class=12", "dataset.timesteps=200", "threads=1"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with the traces that the README's example makes."""
    folder = tmp_path_factory.mktemp("readme")
    (example,) = [text for kind, text in BLOCKS if kind == "python"]
    subprocess.run([sys.executable, "-c", example], cwd=folder, check=True)
    write_sweeps(folder)
    units.many(folder / "labelled_units.npz")
    units.phy(folder / "my_kilosort_folder")
    return folder


def write_sweeps(folder):
    """Writes the folder my_sweeps and the labels my_labels.csv: six simulated cells of each class, two animals."""
    from celltype_cli.patch_clamp.recording import CLASSES
    from celltype_cli.patch_clamp.simulator.protocol import Cell, record

    cells = [Cell(label, number, number % 6) for label in range(len(CLASSES)) for number in range(6)]
    settings = {"donor_share": 0.15, "step_pA": 10.0, "sampling_rate": 20_000.0, "noise_mV": 0.05}
    (folder / "my_sweeps").mkdir()
    lines = ["file,label,group"]
    for k, (cell, recorded) in enumerate(zip(cells, record(cells, seed=0, **settings))):
        sweeps = {name: np.stack([getattr(s, name) for s in recorded.sweeps]) for name in ("voltage", "current")}
        np.savez(folder / "my_sweeps" / f"cell_{k}.npz", **sweeps, sampling_rate=settings["sampling_rate"])
        lines.append(f"cell_{k}.npz,{CLASSES[cell.label]},mouse_{cell.donor}")
    (folder / "my_labels.csv").write_text("\n".join(lines) + "\n")


def run(folder, command):
    env = {**os.environ, "OMP_NUM_THREADS": "1", "MLFLOW_TRACKING_URI": ""}
    result = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert result.returncode == 0, f"{shlex.join(map(str, command))}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def celltype(arguments):
    return [sys.executable, "-c", "from celltype_cli.cli import main; main()", *arguments]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make ")])
def test_make_targets_exist(command):
    run(REPOSITORY, [*shlex.split(command), "--dry-run"])


@pytest.mark.parametrize("lines", [e for e in EXAMPLES if "celltype" in e[0]], ids=lambda lines: lines[0])
def test_commands_run(lines, workplace, request):
    """Those of one example follow one another: what the first makes the next may label."""
    for line in lines:
        if line.startswith("celltype "):
            _type(shlex.split(line)[1:], workplace, request)


def _type(words, workplace, request):
    if "dataset=cascade" in words:
        data = request.getfixturevalue("shared_data") / "calcium" / "cascade"
        if not (workplace / "Cascade").exists():
            (workplace / "Cascade").symlink_to(data)
    if words[0] == "train" and not any(word.startswith("dataset=") for word in words):
        words += SMALL  # the same command on fewer and shorter traces
    if words[0] == "train" and not {"model=forest", "model=lightgbm", "dataset=units"} & {*words}:
        words.append("trainer.epochs=1")
    if words[0] == "train" and "dataset=units" in words:
        words.append("model.n_estimators=20")
    run(workplace, celltype(words))


def test_make_lists_every_target():
    targets = re.findall(r"^([\w-]+):.*## ", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert {"demo", "reproduce-c4", "reproduce-c4-recorded"} <= {*targets}
    assert [line.split()[1] for line in run(REPOSITORY, ["make", "--no-print-directory"]).splitlines()] == targets


def test_every_other_line_is_accounted_for():
    assert all(command.startswith(("make ", "celltype ")) for command in COMMANDS)
    assert len(COMMANDS) >= 12


def table_settings():
    for cell in TABLE:
        for code in re.findall(r"`([^`]+)`", cell):
            if "=" in code and not code.startswith(("OMP", "export", "mlflow", "make")):
                yield code if code.startswith("celltype ") else f"celltype train {code}"


@pytest.mark.parametrize("setting", list(table_settings()))
def test_settings_compose(setting, tmp_path):
    """Each setting of the tables is one that `celltype train`, or the command that it stands with, takes."""
    words = shlex.split(setting.replace("=...", "=somewhere"))[1:]
    out = run(tmp_path, celltype([*words, "--cfg", "job"]))
    assert "_target_" in out or words[0] in ("predict", "evaluate", "compare")  # which build nothing themselves


def test_pictures_and_pages_are_there():
    places = [place for place in re.findall(r"\]\(([^)]+)\)", README) if not place.startswith("http")]
    assert places
    for place in places:
        assert (REPOSITORY / place).is_file(), place
