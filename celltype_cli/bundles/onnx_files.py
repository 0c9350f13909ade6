"""The networks of a bundle as one ONNX file, for programs that have neither celltype nor PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from celltype_cli.bundles.sure import HeldOut
from celltype_cli.cells.cells import Cells
from celltype_cli.evaluation.calibration import LOWEST
from celltype_cli.trainers import kept, onnx_files

FILE = "model.onnx"


def check(model: Callable[..., Any]) -> None:
    """Raises a UserError when a model, as its config builds it, cannot be written: before anything takes time."""
    onnx_files.check_installed()
    onnx_files.check_network(model)


def add(folder: Path, about: Mapping[str, Any], cells: Cells, held_out: Path) -> dict[str, Any]:
    """Writes the graph of all models of a bundle into its folder; returns what bundle.yaml says of it.

    Args:
        about: what bundle.yaml says of all else.
        cells: that it was trained on; the graph is tried on some of them.
        held_out: the table of predictions, which gives the temperature.

    Raises:
        UserError: as `trainers.onnx_files.write`.
    """
    models = [kept.load(folder / "models" / name) for name in about["models"]]
    said = {
        "classes": list(about["classes"]),
        "temperature": HeldOut.read(held_out).temperature,
        "lowest": LOWEST,
        "inputs": about["inputs"],
    }
    made = onnx_files.write(models, cells, folder / FILE, {"name": about["name"], **said})
    return {"file": FILE, **made, "temperature": said["temperature"], "lowest": LOWEST}
