"""Finds the runs of a paper's rows, and hands those that are missing or stale to a Hydra launcher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from hydra import compose
from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.runs.folder import RunFolder
from celltype_cli.runs.identity import run_identity
from celltype_cli.runs.train import Settings
from celltype_cli.studies.papers.jobs import Job


def folders(jobs: Sequence[Job]) -> dict[Job, RunFolder]:
    """Composes every job and names the folder of its run, which holds the run if this code and data have made it.

    It is called inside a Hydra application, whose search path it uses.

    Raises:
        UserError: when a job's config does not fit.
    """
    named: dict[tuple[str, ...], RunFolder] = {}
    composed = cache(_composed)
    for job in jobs:
        if job.overrides in named:
            continue
        chosen, values = _chosen_and_set(job.overrides)
        shared, choices = composed(chosen)
        cfg = deepcopy(shared)
        ConfigLoaderImpl._apply_overrides_to_config(values, cfg)  # as Hydra does it, after composing
        OmegaConf.set_struct(cfg, False)
        try:
            configs.check(cfg, Settings)
        except UserError as error:
            raise UserError(f"{job.table}, row {job.row.name}: {error}") from error
        identity = run_identity(OmegaConf.to_container(cfg, resolve=True))
        named[job.overrides] = RunFolder.named(Path(cfg.outputs), choices, cfg.seed, identity)
    return {job: named[job.overrides] for job in jobs}


def _chosen_and_set(overrides: Sequence[str]) -> tuple[tuple[str, ...], list[Override]]:
    """Tells the choices of config groups, which need a new composition (75 ms), from the settings of values."""
    groups = GlobalHydra.instance().hydra.config_loader.repository
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    chosen = tuple(o.input_line for o in parsed if groups.group_exists(o.key_or_group))
    return chosen, [o for o in parsed if o.input_line not in chosen]


def _composed(chosen: tuple[str, ...]) -> tuple[DictConfig, dict[str, str]]:
    """Composes `celltype train` with these choices, and names all that were made, the defaults too."""
    cfg = compose("train", overrides=list(chosen), return_hydra_config=True)
    choices = dict(cfg.hydra.runtime.choices)
    with open_dict(cfg):
        del cfg["hydra"]
    return cfg, choices


def launch(jobs: Sequence[Job], function: Callable[[DictConfig], Any], hydra_overrides: Sequence[str]) -> None:
    """Hands the jobs to the launcher that `hydra_overrides` choose, each as one `celltype train`."""
    hydra = GlobalHydra.instance().hydra
    config = hydra.compose_config("train", overrides=list(hydra_overrides), run_mode=RunMode.MULTIRUN, from_shell=False)
    context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(config))
    launcher = Plugins.instance().instantiate_launcher(hydra_context=context, task_function=function, config=config)
    unique = list(dict.fromkeys(tuple(job.overrides) for job in jobs))
    launcher.launch([list(overrides) for overrides in unique], initial_job_idx=0)
