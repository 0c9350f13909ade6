"""`celltype train`: trains and scores one config, and says what was made and where."""

from __future__ import annotations

from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf


def run(cfg: DictConfig) -> dict[str, Any]:
    """Runs the config and prints the result; returns status, folder, score and notes for the table of a sweep."""
    from celltype_cli.commands.summary import one_line, print_outcome
    from celltype_cli.runs import train
    from celltype_cli.runs.environment import cores

    hydra = HydraConfig.get()
    sweeping = hydra.mode == RunMode.MULTIRUN
    jobs = int(hydra.launcher.get("n_jobs", 1)) if sweeping else 1
    jobs = jobs if jobs > 0 else cores()  # -1: as many as there are cores
    labels = {name: str(hydra.runtime.choices[name]) for name in ("dataset", "model", "split", "trainer")}
    labels["command"] = hydra.job.config_name
    overrides = list(OmegaConf.to_container(hydra.overrides.task))
    outcome = train.train(cfg, labels=labels, overrides=overrides, jobs=jobs)
    if not sweeping:
        print_outcome(outcome)
    result, notes = one_line(outcome.scores), outcome.scores["notes"]
    return {"status": outcome.status, "folder": str(outcome.folder.path), "result": result, "notes": notes}
