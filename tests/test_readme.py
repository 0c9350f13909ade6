"""Every command of the README runs."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from made import sweep_files, units

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
EXAMPLES = [[line.partition("  #")[0].strip() for line in text.splitlines()] for kind, text in BLOCKS if kind == "bash"]
COMMANDS = [line for lines in EXAMPLES for line in lines]
TABLE = re.findall(r"^\| .* \| (`.*`.*) \|$", README, re.MULTILINE)
SMALL = ["dataset.cells_per_class=12", "dataset.timesteps=200", "threads=1"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder for what the examples make, and what they take of the user's, once one asks for it."""
    return tmp_path_factory.mktemp("readme")


def traces(path):
    (example,) = [text for kind, text in BLOCKS if kind == "python"]
    exec(example, {})
    assert path.is_file()


OF_THE_USER = {
    "my_traces.npz": traces,
    "my_sweeps": lambda path: sweep_files.write(path, path.with_name("my_labels.csv"), per_class=6),
    "labelled_units.npz": units.many,
    "my_kilosort_folder": units.phy,
}


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make ")])
def test_make_targets_exist(command):
    make(*shlex.split(command)[1:], "--dry-run")


def make(*words):
    result = subprocess.run(["make", *words], cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("lines", [e for e in EXAMPLES if "celltype" in e[0]], ids=lambda lines: lines[0])
def test_commands_run(lines, workplace, celltype, monkeypatch, request):
    """Those of one example follow one another: what the first makes the next may label."""
    monkeypatch.chdir(workplace)
    for line in (line for line in lines if line.startswith("celltype ")):
        words = smaller(shlex.split(line)[1:])
        if "dataset=cascade" in words and not Path("Cascade").exists():
            Path("Cascade").symlink_to(request.getfixturevalue("shared_data") / "calcium" / "cascade")
        for path in (workplace / word.partition("=")[2] for word in words):
            if path.name in OF_THE_USER and not path.exists():
                OF_THE_USER[path.name](path)
        code, out, err = celltype(*words)
        assert code == 0, f"{line}\n{out}\n{err}"


def smaller(words):
    """Returns the words of a command that does the same on fewer and shorter traces, in fewer epochs, undrawn."""
    if words[0] not in ("train", "reproduce"):
        return words
    words = [word for word in words if not word.startswith("hydra")]  # jobs beside each other: commands/test_multirun
    if not any(word.startswith("dataset=") for word in words):
        words += SMALL
    words.append("model.n_estimators=20" if {"model=forest", "dataset=units"} & {*words} else "trainer.epochs=1")
    return words if words[0] == "reproduce" else [*words, "figures=[]"]  # those of a run: runs/test_train


def test_make_lists_every_target():
    targets = re.findall(r"^([\w-]+):.*## ", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert {"demo", "reproduce-c4", "reproduce-c4-recorded"} <= {*targets}
    assert [line.split()[1] for line in make("--no-print-directory").splitlines()] == targets


def test_every_other_line_is_accounted_for():
    assert all(command.startswith(("make ", "celltype ")) for command in COMMANDS)
    assert len(COMMANDS) >= 12


def table_settings():
    for cell in TABLE:
        for code in re.findall(r"`([^`]+)`", cell):
            if "=" in code and not code.startswith(("OMP", "export", "mlflow", "make")):
                yield code if code.startswith("celltype ") else f"celltype train {code}"


@pytest.mark.parametrize("setting", list(table_settings()))
def test_settings_compose(setting, celltype):
    """Each setting of the tables is one that `celltype train`, or the command that it stands with, takes."""
    words = shlex.split(setting.replace("=...", "=somewhere"))[1:]
    code, out, err = celltype(*words, "--cfg", "job")
    assert code == 0, err
    assert "_target_" in out or words[0] in ("predict", "evaluate", "compare")  # which build nothing themselves


def test_pictures_and_pages_are_there():
    places = [place for place in re.findall(r"\]\(([^)]+)\)", README) if not place.startswith("http")]
    assert places
    for place in places:
        assert (REPOSITORY / place).is_file(), place
