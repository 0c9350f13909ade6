"""Finds the runs of a paper's rows, and hands those that are missing or stale to a Hydra launcher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hydra import compose
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf

from celltype_cli import configs
from celltype_cli.errors import UserError
from celltype_cli.experiment import Settings
from celltype_cli.identity import run_identity
from celltype_cli.papers import Job
from celltype_cli.runs import RunFolder


def folders(jobs: Sequence[Job]) -> dict[Job, RunFolder]:
    """Composes every job and names the folder of its run, which holds the run if this code and data have made it.

    It is called inside a Hydra application, whose search path it uses.

    Raises:
        UserError: when a job's config does not fit.
    """
    named: dict[tuple[str, ...], RunFolder] = {}
    for job in jobs:
        if job.overrides in named:
            continue
        cfg = compose("train", overrides=list(job.overrides), return_hydra_config=True)
        choices = dict(cfg.hydra.runtime.choices)
        OmegaConf.set_struct(cfg, False)
        del cfg["hydra"]
        try:
            configs.check(cfg, Settings)
        except UserError as error:
            raise UserError(f"{job.table}, row {job.row.name}: {error}") from error
        identity = run_identity(OmegaConf.to_container(cfg, resolve=True))
        named[job.overrides] = RunFolder.named(Path(cfg.outputs), choices, cfg.seed, identity)
    return {job: named[job.overrides] for job in jobs}


def launch(jobs: Sequence[Job], function: Callable[[DictConfig], Any], hydra_overrides: Sequence[str]) -> None:
    """Hands the jobs to the launcher that `hydra_overrides` choose, each as one `celltype train`."""
    hydra = GlobalHydra.instance().hydra
    config = hydra.compose_config("train", overrides=list(hydra_overrides), run_mode=RunMode.MULTIRUN, from_shell=False)
    context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(config))
    launcher = Plugins.instance().instantiate_launcher(hydra_context=context, task_function=function, config=config)
    unique = list(dict.fromkeys(tuple(job.overrides) for job in jobs))
    launcher.launch([list(overrides) for overrides in unique], initial_job_idx=0)
