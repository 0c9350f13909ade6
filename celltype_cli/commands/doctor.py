"""`celltype doctor`: says what works here, what is missing, and how to mend it."""

from __future__ import annotations

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

    from celltype_cli import configs, environment
    from celltype_cli.errors import UserError
    from celltype_cli.progress import console, say

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
    try:
        configs.build(cfg.logger).open(outputs, "doctor")
        store = cfg.logger.get("uri") or "works"
    except UserError as error:
        store = str(error)
    table.add_row("run store", store)
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
    from celltype_cli.environment import network_filesystem

    kind = network_filesystem(outputs)
    if kind:
        return f"{outputs.absolute()} lies on {kind}, where SQLite is unsafe: set MLFLOW_TRACKING_URI to a server"
    return str(outputs.absolute())
