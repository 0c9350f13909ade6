"""A bundle: the models of a run's folds and all that is needed to label new recordings with them, as a folder.

    bundle.yaml       what it is: classes, inputs, how a file becomes inputs, how it was scored and calibrated, versions
    card.md           the same for people
    held_out.csv      what each training cell was predicted as by a model that had not seen it: for thresholds
    training.npz      what its training cells look like (`familiar`)
    models/<name>/    a model each, as `trainers.kept` writes it
    checksums.txt     SHA-256 of each of these files, as sha256sum writes and checks it

It opens without Hydra, OmegaConf and MLflow. No file in it can run code: networks of ours and a list of estimators are
built, and a function is called only if it is the `prepare` or the reader of a kind of recording.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import yaml
from jaxtyping import Float

from celltype_cli.bundles.called import function_of
from celltype_cli.bundles.sums import check_sums
from celltype_cli.bundles.sure import HeldOut
from celltype_cli.bundles.training import Training
from celltype_cli.bundles.unlike import Types
from celltype_cli.cells.about import Input
from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.trainers import kept
from celltype_cli.trainers.protocol import Predictor

FORMAT = 2
ABOUT, TRAINING, HELD_OUT = "bundle.yaml", "training.npz", "held_out.csv"
NEEDED = ("format", "name", "classes", "inputs", "source", "prepare", "models", "scores", "trust", "data", "versions")
LARGEST = 5_000_000  # bytes of bundle.yaml


@dataclass(frozen=True)
class Bundle:
    """An opened bundle.

    Attributes:
        path: its folder.
        about: what bundle.yaml says.
    """

    path: Path
    about: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.about["name"]

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.about["classes"])

    @cached_property
    def members(self) -> tuple[Predictor, ...]:
        """The models, loaded when they are first needed."""
        return tuple(kept.load(self.path / "models" / name) for name in self.about["models"])

    @cached_property
    def training(self) -> Training:
        """What its training cells look like."""
        return Training.read(self.path / TRAINING)

    @cached_property
    def types(self) -> Types:
        """How near its training cells lie to others of their type."""
        return Types(self.training, self.about["inputs"], self.held_out.taken(self.training.cell_id, self.classes))

    @cached_property
    def held_out(self) -> HeldOut:
        """What the models said of cells that they had not seen."""
        return HeldOut.read(self.path / HELD_OUT)

    def of_kind(self, name: str) -> ModuleType | None:
        """Returns a file of the kind of recording, `writers.files` for instance; None where the kind has none."""
        kind = self.about["source"]["_target_"].rpartition(".datasets.")[0]
        try:
            return importlib.import_module(f"{kind}.{name}")
        except ModuleNotFoundError as error:
            if str(error.name).startswith(f"{kind}."):
                return None
            raise

    def predict(self, path: str | Path | Any, **dataset: Any) -> pd.DataFrame:
        """Labels the cells of a file or folder, as `celltype predict` does.

        Args:
            path: or an object in memory that the reader of its kind of recording takes.
            dataset: settings of the reader, such as `sampling_rate`.

        Returns:
            a line for each cell, as `bundles.predict.predict` describes them.

        Raises:
            UserError: when nothing can be read.
        """
        from celltype_cli.bundles.predict import predict
        from celltype_cli.bundles.recordings import recordings_of

        with TemporaryDirectory() as cache:
            prepare = {"cache": cache} if "cache" in self.about["prepare"] else {}
            return predict(self, recordings_of(self, path, **dataset), prepare=prepare).cells

    def predict_proba(self, **arrays: Any) -> Float[np.ndarray, "cell class"]:
        """Returns calibrated probabilities of cells in memory, a row for each; NaN where a cell cannot be used.

        Args:
            arrays: of an npz file of the bundle's kind of recording, as the docs describe it: `trace` [cell, time] and
                `sampling_rate`, or `voltage` and `current` [sweep, time] of one cell and `sampling_rate`.

        Raises:
            UserError: when an array is missing or of another shape, or no cell can be used.
        """
        with TemporaryDirectory() as folder:
            file = Path(folder) / "cells.npz"
            np.savez(file, **{name: np.asarray(array) for name, array in arrays.items()})
            cells = self.predict(file)
        if (cells["best"] == "").all():
            raise UserError(f"no cell can be used: {cells['note'].iloc[0]}")
        return cells[[f"p_{name}" for name in self.classes]].to_numpy(float)

    def proba(self, cells: Cells) -> Float[np.ndarray, "model row class"]:
        """Returns what each model says of each row, neither averaged nor calibrated.

        Raises:
            UserError: when the cells have other inputs than the models were trained on.
        """
        cells = self.aligned(cells)
        return np.stack([predict(cells) for predict in self.members])

    def aligned(self, cells: Cells) -> Cells:
        """Returns the cells with the classes and inputs of the training cells: of tables the same columns in their
        order, NaN where one was not measured.

        Raises:
            UserError: when an input is missing or has another shape.
        """
        inputs, known = {}, {}
        for name, wanted in self.about["inputs"].items():
            if name not in cells.inputs:
                raise UserError(f"the bundle {self.name} takes {name}; found {', '.join(cells.inputs)}")
            values, columns = cells.inputs[name], tuple(wanted.get("columns", ()))
            if columns:
                here = {column: k for k, column in enumerate(cells.about.of(name).columns)}
                empty = np.full(len(cells), np.nan, values.dtype)
                values = np.stack([values[:, here[c]] if c in here else empty for c in columns], axis=1)
                known[name] = Input(columns=columns)
            elif list(values.shape[1:]) != list(wanted["shape"]):
                raise UserError(
                    f"the bundle {self.name} takes {name} of shape {tuple(wanted['shape'])}, found {values.shape[1:]}"
                )
            inputs[name] = values
        about = replace(cells.about, notes=(), inputs={**cells.about.inputs, **known})
        unlabelled = np.full(len(cells), -1)
        own = {"inputs": inputs, "label": unlabelled, "classes": self.classes, "about": about}
        return replace(cells, **own, recorded=None)


def load_bundle(path: str | Path) -> Bundle:
    """Opens a bundle.

    Args:
        path: of its folder.

    Raises:
        UserError: when it is no bundle, of another format, incomplete, or any of its files is not what it was.
    """
    path = Path(path).expanduser()
    if not (path / ABOUT).is_file():
        inside = sorted(path.glob(f"*/{ABOUT}"))
        what = "is no bundle, it has no bundle.yaml" if path.is_dir() else "does not exist"
        instead = f"{inside[0].parent} has one" if inside else f"`celltype export run=... out={path}` makes one"
        raise UserError(f"{path} {what}; {instead}")
    file = path / ABOUT
    _check_format(file)
    check_sums(path)
    if file.stat().st_size > LARGEST:
        raise UserError(f"{file} has {file.stat().st_size} bytes; expected at most {LARGEST}")
    try:
        about = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise UserError(f"{file} cannot be read ({str(error).splitlines()[0]:.200})") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        found = about.get("format") if isinstance(about, dict) else None
        raise UserError(f"{file} has format {found}; this version of celltype reads format {FORMAT}")
    if missing := [name for name in NEEDED if name not in about]:
        raise UserError(f"{file} lacks {', '.join(missing)}: export the bundle again")
    for node in (about["source"], about["prepare"]):
        function_of(node)
    return Bundle(path, about)


def _check_format(file: Path) -> None:
    """Raises a UserError where another version made the bundle, of which other files may be parts."""
    with file.open("rb") as content:
        found = re.search(rb"(?m)^format: *(\d+)\s*$", content.read(LARGEST))
    if found and int(found[1]) != FORMAT:
        raise UserError(
            f"{file} has format {int(found[1])}; this version of celltype reads format {FORMAT}: open it with the "
            "version that made it (card.md and bundle.yaml name it), or export its run again"
        )
