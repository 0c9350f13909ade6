"""Spells what is typed as Hydra wants it, where `model=` and the like do not choose an option of a config group."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

OF_BUNDLES = {"predict": "bundle", "evaluate": "bundle", "compare": "models"}  # what `model` is called in their YAML
OPEN = ("dataset", "prepare")  # nodes that take whatever settings the bundle knows
# own settings of `celltype runs`
OF_RUNS = ("show", "interval", "sort", "close_dead", "logger", "outputs", "where", "hydra")


def for_hydra(command: str, arguments: Sequence[str]) -> list[str]:
    """Returns the arguments of a command as Hydra takes them."""
    if command in OF_BUNDLES:
        return [_of_bundle(argument, OF_BUNDLES[command]) for argument in arguments]
    return _of_runs(arguments) if command == "runs" else [*arguments]


def _of_bundle(argument: str, key: str) -> str:
    """Makes `model` the bundle or bundles; settings of reader and preparation are added to nodes empty in the YAML."""
    name = re.match(r"[^.=]*", argument)[0]
    if "=" not in argument:
        return argument
    return argument.replace("model", key, 1) if name == "model" else f"+{argument}" if name in OPEN else argument


def _of_runs(arguments: Sequence[str]) -> list[str]:
    """Gathers what is no own setting of the list, such as `model=forest`, in one list of conditions."""
    of_runs = [a for a in arguments if (m := re.match(r"(\w+)[\w.]*=", a)) and m[1] not in OF_RUNS]
    if not of_runs:
        return [*arguments]
    conditions = json.dumps(of_runs, ensure_ascii=False)  # quotes and backslashes as Hydra's grammar has them
    return [*(argument for argument in arguments if argument not in of_runs), f"where={conditions}"]
