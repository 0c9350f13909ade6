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
from hydra._internal.config_repository import CachingConfigRepository
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.runs.folder import RunFolder
from celltype_cli.runs.identity import run_identity
from celltype_cli.runs.settings import Settings
from celltype_cli.studies.papers.forked import shared
from celltype_cli.studies.papers.jobs import Job


def folders(jobs: Sequence[Job], meanwhile: Callable[[], Any] = lambda: None) -> dict[Job, RunFolder]:
    """Composes every job and names the folder of its run, which holds the run if this code and data have made it.

    It is called inside a Hydra application, whose search path it uses.

    Args:
        meanwhile: called once a second process composes as well, where there is one.

    Raises:
        UserError: when a job's config does not fit.
    """
    loader = GlobalHydra.instance().hydra.config_loader
    repository = loader.repository
    parse = cache(OverridesParser.create().parse_override)
    is_choice = cache(lambda line: repository.group_exists(parse(line).key_or_group))
    named = {job.overrides: job for job in jobs}
    by_choices: dict[tuple[str, ...], list[Job]] = {}
    for job in named.values():
        by_choices.setdefault(tuple(filter(is_choice, job.overrides)), []).append(job)

    def located(chosen: tuple[str, ...]) -> list[RunFolder]:
        """Composes what is shared once (30 ms), and applies settings of values to copies, as Hydra does it."""
        shared_cfg = compose("train", overrides=list(chosen), return_hydra_config=True)
        choices = dict(shared_cfg.hydra.runtime.choices)  # all that were made, the defaults too
        with open_dict(shared_cfg):
            del shared_cfg["hydra"]
        found = []
        for job in by_choices[chosen]:
            cfg = deepcopy(shared_cfg)
            ConfigLoaderImpl._apply_overrides_to_config([parse(o) for o in job.overrides if o not in chosen], cfg)
            OmegaConf.set_struct(cfg, False)
            identity = run_identity(OmegaConf.to_container(cfg, resolve=True))
            folder = RunFolder.named(Path(str(cfg.outputs)), choices, cfg.seed, identity)
            if not folder.finished:  # a finished run was checked when it ran
                try:
                    configs.check(cfg, Settings)
                except UserError as error:
                    raise UserError(f"{job.table}, row {job.row.name}: {error}") from error
            found.append(folder)
        return found

    loader.repository = _ParsedOnce(repository)
    try:
        found = shared(located, list(by_choices), meanwhile)
    finally:
        loader.repository = repository
    folder_of = {job.overrides: folder for of, each in zip(by_choices.values(), found) for job, folder in zip(of, each)}
    return {job: folder_of[job.overrides] for job in jobs}


class _ParsedOnce(CachingConfigRepository):
    """Keeps what it has read of config files when Hydra copies it, as it does before each composition."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _ParsedOnce:
        return self


def launch(jobs: Sequence[Job], function: Callable[[DictConfig], Any], hydra_overrides: Sequence[str]) -> None:
    """Hands the jobs to the launcher that `hydra_overrides` choose, each as one `celltype train`."""
    hydra = GlobalHydra.instance().hydra
    config = hydra.compose_config("train", overrides=list(hydra_overrides), run_mode=RunMode.MULTIRUN, from_shell=False)
    context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(config))
    launcher = Plugins.instance().instantiate_launcher(hydra_context=context, task_function=function, config=config)
    unique = list(dict.fromkeys(tuple(job.overrides) for job in jobs))
    launcher.launch([list(overrides) for overrides in unique], initial_job_idx=0)
