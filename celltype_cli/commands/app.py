"""Runs a command's function under Hydra, alone or once per job of a multirun."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.hydra import Hydra
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from celltype_cli.commands import asked, hints, own_configs
from celltype_cli.commands.as_typed import for_hydra
from celltype_cli.commands.multirun import Multirun
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError

Command = Callable[[DictConfig], Any]
MULTIRUN = {"-m", "--multirun"}
RUNS = ("train", "demo")  # whose jobs are runs
LOOK = {"--cfg", "-c", "--info", "-i"}  # at the config, not to run


def run(command: str, function: Command, arguments: list[str]) -> int:
    """Composes the config of `command` and calls `function` with it, once or for every job; returns the exit code.

    Raises:
        UserError: when the config cannot be composed.
        Exception: whatever `function` raised in a single run.
    """
    arguments = own_configs.take(arguments)
    asked.refuse_flags(command, arguments)
    arguments = for_hydra(command, arguments)
    multirun = None
    if LOOK & set(arguments):
        arguments = [argument for argument in arguments if argument not in MULTIRUN]
    if MULTIRUN & set(arguments):
        typed = [argument for argument in arguments if argument.startswith("outputs=")][-1:]
        outputs = [argument.partition("=")[2].strip("'\"") for argument in typed]
        place = Path([os.environ.get("CELLTYPE_OUTPUTS", "outputs"), *outputs][-1])
        multirun = Multirun(place, typed, runs=command in RUNS)
        settings = [argument for argument in arguments if argument not in MULTIRUN]
        arguments = ["--multirun", *settings, multirun.override]  # Hydra takes the flag before the settings alone
    elif not LOOK & set(arguments):
        hints.refuse_unused(command, arguments)
    raised: list[Exception] = []
    found: dict[str, Any] = {}

    def single(cfg: DictConfig) -> None:
        try:
            found.update(function(cfg) or {})
        except Exception as error:  # noqa: BLE001 - raised below, where Hydra cannot add to it
            raised.append(error)

    hints.refuse_empty(command, arguments)
    hints.refuse_lists(command, arguments)
    try:
        _call_hydra(command, multirun.job(function) if multirun else single, arguments)
    except Exception as error:  # of Hydra alone: what a command raises is kept
        if multirun:
            multirun.forget()
        if isinstance(error, (UserError, OSError)) and not isinstance(error, HydraException):
            raise
        raise UserError(hints.wording(command, arguments, error)) from error
    finally:
        code = multirun.report() if multirun else 0
    if raised and isinstance(raised[0], (HydraException, OmegaConfBaseException)):
        raise UserError(hints.wording(command, arguments, raised[0])) from raised[0]
    if raised:
        raise raised[0]
    return code or found.get("code", 0)


def complete(command: str, arguments: list[str]) -> int:
    """Answers the shell's question for completions, or prints the script that asks it."""
    _call_hydra(command, print, own_configs.take(arguments))
    return 0


def _call_hydra(command: str, function: Command, arguments: list[str]) -> None:
    own_configs.register()
    from celltype_cli.commands import sweeper  # after Hydra has looked for plugins, which makes them anew

    sweeper.take_the_place_of_hydras_own()
    Hydra.get_mode = lambda *_, **__: None  # the flag says it; Hydra composes all configs to ask them (its issue 3440)
    sys.argv = [sys.argv[0], *(sweeper.held(arguments) if MULTIRUN & set(arguments) else arguments)]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # hand errors to us instead of printing them and exiting
    hydra.main(version_base="1.3", config_path=str(configs.folder()), config_name=command)(function)()
