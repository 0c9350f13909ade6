"""Runs a command's function under Hydra, alone or once per job of a multirun, and words what Hydra objects to."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from celltype_cli.commands.multirun import Multirun
from celltype_cli.core import configs, files
from celltype_cli.core.messages import UserError, nearest

Command = Callable[[DictConfig], Any]
MULTIRUN = {"-m", "--multirun"}


class UserConfigs(SearchPathPlugin):
    """Puts the folder given by --config-dir before the shipped configs, so that it may shadow them."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        for folder in files.own_configs:
            search_path.prepend(provider="user", path=f"file://{folder}")


def run(command: str, function: Command, arguments: list[str]) -> int:
    """Composes the config of `command` and calls `function` with it, once or for every job; returns the exit code.

    Raises:
        UserError: when the config cannot be composed.
        Exception: whatever `function` raised in a single run.
    """
    arguments = _take_config_dir(arguments)
    multirun = None
    if {"--cfg", "-c", "--info", "-i"} & set(arguments):  # to look, not to run
        arguments = [argument for argument in arguments if argument not in MULTIRUN]
    if MULTIRUN & set(arguments):
        outputs = [a.partition("=")[2].strip("'\"") for a in arguments if a.startswith("outputs=")]
        multirun = Multirun(Path([os.environ.get("CELLTYPE_OUTPUTS", "outputs"), *outputs][-1]))
        arguments = [*arguments, multirun.override]
    raised: list[Exception] = []

    def single(cfg: DictConfig) -> None:
        try:
            function(cfg)
        except Exception as error:  # noqa: BLE001 - raised below, where Hydra cannot add to it
            raised.append(error)

    try:
        _call_hydra(command, multirun.job(function) if multirun else single, arguments)
    except (HydraException, OmegaConfBaseException) as error:
        if multirun:
            multirun.forget()
        raise UserError(_wording(command, arguments, error)) from error
    finally:
        code = multirun.report() if multirun else 0
    if raised:
        raise raised[0]
    return code


def complete(command: str, arguments: list[str]) -> int:
    """Answers the shell's question for completions, or prints the script that asks it."""
    _call_hydra(command, print, _take_config_dir(arguments))
    return 0


def _call_hydra(command: str, function: Command, arguments: list[str]) -> None:
    Plugins.instance().register(UserConfigs)
    sys.argv = [sys.argv[0], *arguments]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # hand errors to us instead of printing them and exiting
    hydra.main(version_base="1.3", config_path=str(configs.folder()), config_name=command)(function)()


def _take_config_dir(arguments: list[str]) -> list[str]:
    """Takes --config-dir (or -cd) out of the arguments and keeps it for `UserConfigs` and the names of classes."""
    files.own_configs.clear()
    kept, rest = [], iter(arguments)
    for argument in rest:
        flag, _, value = argument.partition("=")
        if flag not in ("--config-dir", "-cd"):
            kept.append(argument)
            continue
        folder = Path(value or next(rest, "")).absolute()
        if not folder.is_dir():
            raise UserError(f"--config-dir {folder}: no such folder")
        files.own_configs[:] = [folder]
    return kept


def _wording(command: str, arguments: list[str], error: Exception) -> str:
    """Says in one or two lines what is wrong with the overrides, with the nearest valid name."""
    if isinstance(error, OverrideParseException):
        reason = error.message.splitlines()[0]
        return f"{error.override} cannot be read ({reason}): expected setting=value, lists quoted: 'model.layers=[rnn]'"
    text = str(error).strip()
    unknown = re.match(r"Could not override '([^']+)'", text)
    if unknown:
        return _unknown_key(command, arguments, unknown[1])
    if isinstance(error, MissingConfigException) and error.options is not None and error.missing_cfg_file:
        group, _, option = error.missing_cfg_file.rpartition("/")
        if new := configs.renamed().get(f"{group}={option}"):
            return f"{group}={option} is now {new}"
        return (
            f"{group}={option} is not there{nearest(option, error.options)}; {group} can be {', '.join(error.options)}"
        )
    return text


def _unknown_key(command: str, arguments: list[str], key: str) -> str:
    if (new := configs.renamed().get(key)) and _is_there(command, arguments, new):
        values = [a.partition("=")[2] for a in arguments if a.partition("=")[0].lstrip("+~") == key]
        return f"{key} is now {new}: type {new}={values[0] if values else '...'}"
    parent, _, name = key.rpartition(".")
    try:
        node = OmegaConf.select(_composed(command, arguments), parent)
        known = [str(option) for option in node if option not in configs.SPECIAL]
    except (HydraException, OmegaConfBaseException, TypeError):
        known = []
    prefix = f"{parent}." if parent else ""
    there = f"; known here: {', '.join(prefix + option for option in known)}" if known else ""
    close = nearest(name, known)
    add = f". Where it takes others: +{key}=..." if parent and not close else ""
    return f"{key} is no setting{close}{there}{add}"


def _is_there(command: str, arguments: list[str], key: str) -> bool:
    """Says whether the chosen groups have a setting; where they do not compose, they may."""
    parent, _, name = key.rpartition(".")
    try:
        return name in (OmegaConf.select(_composed(command, arguments), parent) or {})
    except (HydraException, OmegaConfBaseException, TypeError):
        return True


def _composed(command: str, arguments: list[str]) -> DictConfig:
    """Composes the command's config with the chosen groups alone, the first of each where a multirun names several."""
    chosen = [re.sub(r",.*", "", a) for a in arguments if re.fullmatch(r"[\w/@]+=[\w,/-]+", a)]
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(version_base="1.3", config_dir=str(configs.folder())):
        groups = [a for a in chosen if (configs.folder() / a.partition("=")[0]).is_dir() or files.own_configs]
        return hydra.compose(command, overrides=groups)
