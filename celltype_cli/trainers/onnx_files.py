"""Kept networks as one ONNX graph, for programs without celltype and PyTorch: inputs in, mean probabilities out."""

from __future__ import annotations

import inspect
import json
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.trainers.protocol import Predictor, taken

NEEDED = ("onnx", "onnxscript", "onnxruntime")
OUTPUT = "proba"
AGREE = 1e-4  # by which probabilities of the graph may differ from those of the networks
ROWS = 64  # of the cells, on which that is tried


def check_installed() -> None:
    """Raises a UserError that names the libraries that are missing."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise UserError(f"ONNX needs {', '.join(missing)}: pip install 'celltype[onnx]'")


def check_network(model: Callable[..., Any]) -> None:
    """Raises a UserError unless what a config makes of a model is a network."""
    from torch import nn

    made = getattr(model, "func", model)
    if not (inspect.isclass(made) and issubclass(made, nn.Module)):
        raise UserError(
            f"onnx=true writes networks, and this run's model is an estimator ({made.__name__}): leave onnx out; "
            "the bundle itself holds its trees without pickle"
        )


def write(models: Sequence[Predictor], cells: Cells, file: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    """Writes one graph: the inputs that the networks take, in the order of the cells', each z-scored as in training;
    the networks; the mean of their softmax [row, class]. The number of rows is free.

    Args:
        cells: on some of which the graph is tried; rows that were not measured are left out.
        about: kept as JSON in the metadata of the file, under "celltype".

    Returns:
        names of inputs and output, version of the operators, and by how much probabilities differ at most.

    Raises:
        UserError: when a library is missing, the network cannot be written, or the graph
            says something else than the networks by more than `AGREE`.
    """
    check_installed()
    networks = [model.state().model for model in models]
    names = [*taken(networks[0].inner.forward, cells.inputs)]
    measured = np.all([~np.isnan(cells.inputs[n]).reshape(len(cells), -1).any(axis=1) for n in names], axis=0)
    rows = np.flatnonzero(measured)
    tried = cells[rows[np.linspace(0, len(rows) - 1, min(len(rows), ROWS)).round().astype(int)]]
    inputs = {name: tried.inputs[name].astype(np.float32) for name in names}
    try:
        opset = _export(networks, inputs, file, about)
        found = _run(file, inputs)
    except Exception as error:  # whatever torch, onnx and onnxruntime raise at an operator that they do not know
        raise UserError(f"this network cannot be written as ONNX ({type(error).__name__}: {error!s:.300})") from error
    expected = np.mean([model(tried) for model in models], axis=0)
    differs = float(np.abs(found - expected).max(initial=0.0))
    if not differs <= AGREE:
        raise UserError(
            f"the ONNX graph says otherwise than the network, by up to {differs:.2g} of a probability in "
            f"{len(tried)} rows; expected at most {AGREE:g}: nothing is written"
        )
    return {"inputs": names, "output": OUTPUT, "opset": opset, "differs": differs, "rows": len(tried)}


def _export(networks: list[Any], inputs: dict[str, np.ndarray], file: Path, about: Mapping[str, Any]) -> int:
    """Writes the graph; returns the version of its operators."""
    import torch

    class Ensemble(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.networks = torch.nn.ModuleList(networks)

        def forward(self, *values: torch.Tensor) -> torch.Tensor:
            given = dict(zip(inputs, values))
            return torch.stack([network(**given).softmax(1) for network in self.networks]).mean(0)

    example = tuple(torch.from_numpy(np.repeat(values[:1], 2, axis=0)) for values in inputs.values())
    shapes = {"values": tuple({0: torch.export.Dim("row")} for _ in example)}
    how = {"input_names": [*inputs], "output_names": [OUTPUT], "dynamic_shapes": shapes}
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)  # on what torch tries one after the other
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(Ensemble().eval(), example, dynamo=True, verbose=False, **how)
    finally:
        logging.disable(level)
    program.model.metadata_props["celltype"] = json.dumps(about)
    program.save(file)
    return program.model.opset_imports[""]


def _run(file: Path, inputs: dict[str, np.ndarray]) -> Float[np.ndarray, "row class"]:
    """Returns what the graph says: of the first row by itself, and of the others together."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, settings, providers=["CPUExecutionProvider"])
    parts = ({name: values[part] for name, values in inputs.items()} for part in (slice(0, 1), slice(1, None)))
    return np.concatenate([session.run([OUTPUT], part)[0] for part in parts if len(next(iter(part.values())))])
