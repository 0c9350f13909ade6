"""What was typed: options of config groups, overrides, and lines to type next."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import OmegaConf

from celltype_cli.core import files


def option(group: str) -> str:
    """Returns the chosen option of a config group."""
    return str(HydraConfig.get().runtime.choices.get(group))


def labels(*more: str) -> dict[str, str]:
    """Returns the options that name a run, those of `more` groups, the command, and the multirun whose job it is."""
    chosen = {group: option(group) for group in ("dataset", "model", "split", "trainer", *more)}
    job = {"multirun": Path(HydraConfig.get().sweep.dir).name} if multirun() else {}
    return {**chosen, "command": HydraConfig.get().job.config_name, **job}


def overrides() -> list[str]:
    """Returns the overrides of settings as they were typed; those of Hydra itself are not among them."""
    return OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)


def first_name(override: str) -> str:
    """Returns the group or setting that an override is about: of `+model.depth=3` it is `model`."""
    return re.match(r"[+~]*([^.@=]*)", override)[1]


def less(overrides: Iterable[str], *names: str) -> list[str]:
    """Leaves out the overrides of some groups or settings."""
    return [override for override in overrides if first_name(override) not in names]


def line(command: str, *words: str) -> str:
    """Writes a command line that a shell reads as it is meant, with the user's own config folder."""
    own = [word for folder in files.own_configs for word in ("--config-dir", str(folder))]
    return shlex.join(["celltype", command, *own, *words])


def here(command: str) -> str:
    """Writes the start of a command line on the same outputs folder, where one was typed."""
    return line(command, *(override for override in overrides() if first_name(override) == "outputs"))


def multirun() -> bool:
    """Says whether this is one job of several, whose results stand in one table at the end."""
    return HydraConfig.get().mode == RunMode.MULTIRUN
