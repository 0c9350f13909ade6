"""Imports point down: read from the source, so that imports inside functions count too."""

from pathlib import Path

import pytest

import celltype_cli
from celltype_cli.identity import imports

PACKAGE = Path(celltype_cli.__file__).parent
# From top to bottom. A module may import from lower rows, and from its own package.
ROWS = [
    ["cli"],
    ["hydra_app", "commands", "sweeps"],
    ["report", "reproduce", "audit", "search", "explain"],
    ["reporting", "searching"],
    ["summary"],
    ["experiment"],
    ["runs"],
    ["plots_of_cells", "plots_of_explanations"],
    ["progress", "configs", "plots"],
    ["trainers"],
    ["datasets", "readers"],
    ["simulators", "models", "splits", "evaluation", "tracking", "identity", "environment"],
    ["patched_cells", "new_cells", "other_source", "published_ids"],
    ["recordings", "ephys_features", "scalogram_cache", "explanations"],
    ["first_spikes"],
    ["spike_extractor"],
    ["current_clamp", "columns"],
    ["transforms", "scalograms", "stimuli", "folds", "groups", "metrics", "comparison", "downloads", "array_cache"],
    ["cells"],
    ["paper_jobs"],
    ["papers"],
    ["paper_files"],
    ["messages", "files"],
    ["errors"],
]
ROW = {name: row for row, names in enumerate(ROWS) for name in names}
MAY_IMPORT = {
    "mlflow": {"tracking"},
    "pytorch_lightning": {"trainers"},
    "hydra": {"cli", "hydra_app", "commands", "sweeps", "configs", "reproduce", "searching"},
    "optuna": {"searching"},
    "torch": {"models", "trainers", "experiment", "environment"},
    "torchvision": {"models"},
    "captum": {"trainers"},
    "shap": {"trainers"},
    "allensdk": {"datasets", "ephys_features", "first_spikes", "spike_extractor"},
    "dandi": {"datasets"},
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def part(file: Path) -> str:
    """The first name below the package: `trainers` for trainers/lightning.py, `cells` for cells.py."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def ours(file: Path) -> set[str]:
    found = {name.split(".")[1] for name in imports(file) if name.startswith("celltype_cli.")}
    return {name for name in found if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()}


@pytest.mark.parametrize("file", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(file):
    if file == PACKAGE / "__init__.py":
        assert not ours(file)
        return
    here = part(file)
    upward = {name for name in ours(file) - {here} if ROW[name] < ROW[here]}
    assert not upward, f"{here} imports {upward} from above"


@pytest.mark.parametrize("file", sorted((PACKAGE / "models").glob("*.py")), ids=lambda p: p.name)
def test_a_network_can_be_lifted_out_by_copying_its_file(file):
    assert not ours(file)


@pytest.mark.parametrize(("library", "allowed"), MAY_IMPORT.items())
def test_libraries_stay_in_their_rooms(library, allowed):
    users = {part(file) for file in MODULES if any(name.split(".")[0] == library for name in imports(file))}
    assert users <= allowed


def test_every_module_has_a_row():
    assert {part(file) for file in MODULES} - {"__init__"} == set(ROW)


def test_files_stay_short():
    long = {file.name: n for file in MODULES if (n := len(file.read_text().splitlines())) > 230}
    assert not long
