"""What the benchmarks share: trainers and networks as the shipped configs make them, noise, and a loop by hand."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from torch import Tensor, nn

from celltype_cli.cells.cells import Cells
from celltype_cli.core import configs
from celltype_cli.trainers.protocol import Fitted, Trainer, Watch

CLASSES = ("PY", "PV", "SOM", "VIP")


def composed(*overrides: str) -> DictConfig:
    """Composes the config of `celltype train` with the overrides: the benchmarks measure what users run."""
    with initialize_config_dir(str(configs.folder()), version_base="1.3"):
        return compose("train", overrides=list(overrides))


def built(*overrides: str) -> tuple[Trainer, Callable[..., nn.Module]]:
    """Returns the trainer and the function that builds the network."""
    cfg = composed(*overrides)
    return configs.build(cfg.trainer), configs.build(cfg.model)


def noise(rows: int, shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> Cells:
    """Draws cells whose inputs, of these shapes, and labels are noise; each is its own group."""
    draw = np.random.default_rng(seed)
    ids = np.arange(rows).astype(str)
    inputs = {name: draw.standard_normal((rows, *shape), dtype=np.float32) for name, shape in shapes.items()}
    return Cells(inputs, draw.integers(0, len(CLASSES), rows), ids, ids, CLASSES)


def fit(
    trainer: Trainer,
    model: Callable[..., nn.Module],
    train: Cells,
    valid: Cells | None = None,
    *,
    folder: str | Path | None = None,
    watch: Watch | None = None,
) -> Fitted:
    """Fits with seed 0, without validation unless cells are given, in a folder that vanishes unless one is given."""
    valid = train[np.arange(0)] if valid is None else valid
    with tempfile.TemporaryDirectory() as passing:
        return trainer.fit(model, train, valid, seed=0, folder=Path(folder or passing), watch=watch)


def fitted_per_second(trainer: Trainer, model: Callable[..., nn.Module], cells: Cells) -> float:
    """Fits with our trainer; returns examples per second of the epochs after the first."""
    first, *_, last = fit(trainer, model, cells).history
    return (last["epoch"] - first["epoch"]) * len(cells) / (last["seconds"] - first["seconds"])


def synchronise(device: torch.device) -> None:
    """Waits until a GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def loop(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    cells: Cells,
    *,
    batch_size: int,
    epochs: int,
    precision: str = "fp32",
    auxiliary_weight: float = 0.0,
    resident: bool = False,
) -> float:
    """Trains with a loop written by hand, where the network is; returns examples per second.

    Args:
        precision: "fp32", or "bf16" for autocast.
        auxiliary_weight: of the loss of further logits that the network returns in training.
        resident: puts all rows beside the network first, instead of each mini-batch in its turn.
    """
    device = next(network.parameters()).device
    at = device if resident else torch.device("cpu")
    inputs, label = [torch.from_numpy(x).to(at) for x in cells.inputs.values()], torch.from_numpy(cells.label).to(at)
    network.train()
    synchronise(device)
    started = time.perf_counter()
    for _ in range(epochs):
        for rows in torch.randperm(len(label), device=at).split(batch_size):
            optimizer.zero_grad()
            loss(network, [x[rows] for x in inputs], label[rows], precision, auxiliary_weight).backward()
            optimizer.step()
    synchronise(device)
    return epochs * len(cells) / (time.perf_counter() - started)


def loss(
    network: nn.Module, inputs: Sequence[Tensor], label: Tensor, precision: str, auxiliary_weight: float
) -> Tensor:
    """Returns the cross-entropy of a mini-batch, which is moved to the network's device."""
    device = next(network.parameters()).device
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        found = network(*(x.to(device) for x in inputs))
    logits, *others = found if isinstance(found, tuple) else (found,)
    label = label.to(device)
    first = F.cross_entropy(logits.float(), label)
    return first + sum(auxiliary_weight * F.cross_entropy(more.float(), label) for more in others)
