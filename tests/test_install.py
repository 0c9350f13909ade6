"""The wheel, installed elsewhere, finds its configs and runs in an empty folder."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A new environment with the wheel, and the dependencies of this one behind it."""
    folder = tmp_path_factory.mktemp("elsewhere")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheel = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, REPOSITORY]
    subprocess.run(wheel, check=True, capture_output=True)
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "--python", python, "install", "--no-deps", wheel], check=True, capture_output=True)
    (site,) = folder.glob("env/lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
    return folder


def test_the_wheel_runs_the_demo_in_an_empty_folder(installed, tmp_path):
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CELLTYPE_OUTPUTS")}
    env |= {"OMP_NUM_THREADS": "1"}
    celltype = installed / "env" / "bin" / "celltype"
    small = ["model=cnn1d", "dataset.cells_per_class=12", "dataset.timesteps=200", "trainer.epochs=2"]
    result = subprocess.run([celltype, "demo", *small], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "balanced accuracy" in result.stdout
    assert len(list(tmp_path.glob("outputs/runs/*/scores.json"))) == 1
    doctor = subprocess.run([celltype, "doctor"], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert str(installed / "env") in doctor.stdout  # its own configs, not the repository's


def test_the_wheel_holds_every_config_and_nothing_of_the_tests(installed):
    from zipfile import ZipFile

    (wheel,) = installed.glob("*.whl")
    names = ZipFile(wheel).namelist()
    configs = {file.relative_to(REPOSITORY / "conf").as_posix() for file in (REPOSITORY / "conf").rglob("*.yaml")}
    assert {name.removeprefix("celltype_cli/conf/") for name in names if name.endswith(".yaml")} == configs
    assert not [name for name in names if name.startswith(("tests/", "conf/", "benchmarks/"))]
