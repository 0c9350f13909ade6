"""`celltype runs`: lists runs, shows one, or closes what killed processes left open in MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from celltype_cli.commands.train import interval, print_outcome
from celltype_cli.commands.typed import line
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.core.terminal import say, say_table


@dataclass
class Settings:
    """The keys of `conf/runs.yaml` and their types."""

    logger: Mapping[str, Any]
    outputs: str
    show: str | None
    close_dead: bool


def run(cfg: DictConfig) -> None:
    """Lists all runs; with `show` the one whose folder name contains it; with `close_dead` ends dead MLflow runs."""
    configs.check(cfg, Settings)
    from celltype_cli.runs.folder import RunFolder

    folders = RunFolder.all(Path(cfg.outputs))
    if cfg.close_dead:
        _close_dead(cfg, folders)
    elif cfg.show is not None:
        _show(folders, str(cfg.show))
    else:
        _list(folders, cfg.outputs)


def _list(folders: list, outputs: str) -> None:
    if not folders:
        say(f"no runs in {outputs}/runs yet; next: celltype demo")
        return
    rows = []
    for folder in folders:
        facts = folder.facts()
        result = interval(folder.scores()["cell"]["balanced_accuracy"]) if folder.finished else ""
        simulated = "simulated" if facts["dataset"]["simulated"] else ""
        rows.append([facts["started"][:16], folder.path.name, simulated, folder.status, result])
    say_table(["started", "run", "simulated", "status", "balanced accuracy per cell [95 %]"], rows)
    say("next: celltype runs show=<part of a run's name>")


def _show(folders: list, wanted: str) -> None:
    from celltype_cli.runs.train import Outcome

    found = [folder for folder in folders if wanted in folder.path.name]
    if len(found) != 1:
        names = ", ".join(folder.path.name for folder in found or folders)
        raise UserError(f"show={wanted} fits {len(found)} runs, expected one; runs: {names or 'none'}")
    (folder,) = found
    if folder.finished:
        print_outcome(Outcome(folder, folder.scores(), "already finished"))
    else:
        say(f"{folder.path} is {folder.status}; the command that started it goes on with it:")
        say(f"  {line(folder.facts()['labels'].get('command', 'train'), *folder.overrides())}")


def _close_dead(cfg: DictConfig, folders: list) -> None:
    from celltype_cli.runs.tracking import close_dead_runs

    alive = {folder.facts()["mlflow_run"] for folder in folders if folder.status == "running"}
    closed = close_dead_runs(Path(cfg.outputs), cfg.logger.get("uri"), alive)
    say(f"{closed} runs that no process works on are now marked KILLED in MLflow")
