"""The plan of the house: imports point down, rooms stay closed, libraries stay at home. It knows no modules."""

from pathlib import Path

import pytest

import celltype_cli
from celltype_cli.core.code import imports

PACKAGE = Path(celltype_cli.__file__).parent
KINDS = ("calcium", "patch_clamp", "extracellular")
FLOORS = {
    "core": 0, "cells": 1, "splits": 2, "evaluation": 2, "models": 2, **dict.fromkeys(KINDS, 2), "trainers": 3,
    "runs": 4, "bundles": 5, "studies": 5, "commands": 6, "cli": 7,
}  # fmt: skip
HOMES = {  # where a library may be imported: a folder or a file, or files whose name begins so
    "mlflow": ("runs/tracking",),
    "pytorch_lightning": ("trainers/",),
    "hydra": ("commands/", "core/configs", "studies/", "cli"),
    "optuna": ("studies/search/",),
    "captum": ("studies/explain/",),
    "shap": ("studies/explain/",),
    "allensdk": ("core/allen", "calcium/", "patch_clamp/"),
    "dandi": ("core/downloads", "patch_clamp/"),
    "torch": ("models/", "trainers/", "runs/", "studies/explain/"),
    "torchvision": ("models/",),
    "onnxruntime": ("trainers/onnx_files",),
    "rich": ("core/terminal", "commands/"),
}
FILES = sorted(PACKAGE.rglob("*.py"))


def name_of(file: Path) -> str:
    return file.relative_to(PACKAGE).with_suffix("").as_posix()


def imported_by(file: Path) -> frozenset[str]:
    return imports(f"{PACKAGE.name}.{name_of(file).replace('/', '.')}".removesuffix(".__init__"))


def room(file: Path) -> str:
    """The folder of a file, or the name of one that lies in the root."""
    return name_of(file).split("/")[0]


def ours(file: Path) -> set[str]:
    """Files and folders of the package that a file imports, as paths below it."""
    named = {"/".join(name.split(".")[1:]) for name in imported_by(file) if is_ours(name)}
    return {name for name in named if name and ((PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file())}


def is_ours(name: str) -> bool:
    return name.split(".")[0] == PACKAGE.name


each_file = pytest.mark.parametrize("file", FILES, ids=name_of)


@each_file
def test_imports_point_down(file):
    here = room(file)
    if here == "__init__":
        return
    wrong = {name for name in ours(file) if (there := name.split("/")[0]) != here and FLOORS[there] >= FLOORS[here]}
    assert not wrong, f"{name_of(file)} imports {wrong} from its own floor or above"


@each_file
def test_nobody_imports_a_kind_of_recording(file):
    assert not {name for name in ours(file) if (there := name.split("/")[0]) in KINDS and there != room(file)}


@each_file
def test_splits_evaluation_and_trainers_do_not_meet_and_neither_do_studies(file):
    apart, here = {"splits", "evaluation", "trainers"}, room(file)
    if here in apart:
        assert not {name for name in ours(file) if name.split("/")[0] in apart - {here}}
    if here == "studies":
        own = name_of(file).split("/")[1]
        others = {name.split("/")[1] for name in ours(file) if name.startswith("studies/")} - {own}
        assert not others


@pytest.mark.parametrize("file", [file for file in FILES if room(file) == "models"], ids=name_of)
def test_a_network_can_be_lifted_out_by_copying_its_file_and_those_that_it_shares_parts_with(file):
    assert ours(file) <= {"models", "models/autoencoders", "models/imagenet_weights"}


@pytest.mark.parametrize(("library", "homes"), HOMES.items())
def test_libraries_stay_at_home(library, homes):
    users = {name_of(file) for file in FILES if any(name.split(".")[0] == library for name in imported_by(file))}
    assert not {user for user in users if not user.startswith(homes)}


def test_matplotlib_stays_in_files_that_draw():
    users = {file.stem for file in FILES if any(name.split(".")[0] == "matplotlib" for name in imported_by(file))}
    assert not {user for user in users if user not in ("pictures", "plots") and not user.startswith("draw_")}


def test_the_root_holds_the_command_line_and_a_few_folders():
    assert {file.name for file in PACKAGE.glob("*.py")} == {"__init__.py", "cli.py"}
    folders = {file.parent for file in PACKAGE.glob("*/*.py")}
    assert {folder.name for folder in folders} <= {*FLOORS}
    assert len(folders) <= 13


def test_every_room_says_what_it_is_for():
    for folder in {file.parent for file in FILES}:
        assert (folder / "__init__.py").read_text().startswith('"""'), folder


def test_files_stay_short():
    assert not {name_of(file): n for file in FILES if (n := len(file.read_text().splitlines())) > 230}
