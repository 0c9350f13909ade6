"""`celltype doctor`: says what works here, what is missing, and how to mend it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

EXTRAS = {
    "allen": ("allensdk", "Allen Institute datasets"),
    "nwb": ("pynwb", "NWB files"),
    "vision": ("torchvision", "pre-trained image networks"),
    "trees": ("lightgbm", "boosted trees"),
    "parallel": ("hydra_plugins.hydra_joblib_launcher", "sweeps with several jobs at once"),
}


@dataclass
class Settings:
    """The keys of `conf/doctor.yaml` and their types."""

    logger: Mapping[str, Any]
    threads: int | None
    outputs: str


def run(cfg: DictConfig) -> None:
    """Prints versions, device, threads, run store and extras, each with what to do where something is missing."""
    from rich.table import Table

    from celltype_cli.core import configs
    from celltype_cli.core.terminal import console, say
    from celltype_cli.runs import environment

    configs.check(cfg, Settings)
    facts, outputs = environment.describe(), Path(cfg.outputs)
    table = Table.grid(padding=(0, 2))
    for name, version in facts["versions"].items():
        table.add_row(name, version or "missing: install the package again")
    table.add_row("")
    table.add_row("machine", f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB")
    table.add_row("GPU", facts["gpu"] or "none usable: networks train on the CPU (trainer=cpu)")
    table.add_row("threads", f"{environment.threads(cfg.threads, 1)} per job (set threads= or OMP_NUM_THREADS)")
    table.add_row("configs", str(configs.folder()))
    table.add_row("runs", _writable(outputs))
    table.add_row("run store", configs.build(cfg.logger).reach(outputs))
    table.add_row("")
    for extra, (module, purpose) in EXTRAS.items():
        there = _importable(module)
        table.add_row(
            f"extra {extra}", f"{'present' if there else f'missing: pip install celltype[{extra}]'}: {purpose}"
        )
    console.print(table)
    say("\nnext     celltype demo")


def _importable(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


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
