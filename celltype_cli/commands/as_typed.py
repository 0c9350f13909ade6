"""Spells what is typed as Hydra wants it, where `model=` and the like do not choose an option of a config group."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from celltype_cli.commands import known, spelling
from celltype_cli.core.messages import UserError

OPEN = ("dataset", "prepare")  # nodes that take whatever settings the bundle knows
NAMED_OTHERWISE = ("path",)  # of a reader: the command has another name for it, `input`
NEW = ("out", "outputs")  # paths of what may not be there yet


def for_hydra(command: str, arguments: Sequence[str]) -> list[str]:
    """Returns the arguments of a command as Hydra takes them."""
    if not {"-m", "--multirun"} & {*arguments}:
        arguments = [_as_text(argument) for argument in arguments]
    if command == "explain" and any(map(_means_a_cell, arguments)):
        return [_of_cell(argument) for argument in arguments]
    if command in known.OF_BUNDLES:
        own = known.own_settings(command)
        return [_of_bundle(argument, known.OF_BUNDLES[command], own) for argument in arguments]
    if command in ("train", "explain"):
        return _with_model(arguments)
    return _of_runs(arguments) if command == "runs" else [*arguments]


def _as_text(argument: str) -> str:
    """Puts in Hydra's quotes a path of what is there or will be, where it has odd characters, and the id of a cell."""
    key, _, value = argument.partition("=")
    if key == "cell" and value not in ("", "null") and value[0] + value[-1] not in ('""', "''"):
        return spelling.word(key, value)
    odd = not re.fullmatch(r"[\w./:+-]*", value, re.ASCII) and not value.startswith(("[", "{", '"', "'"))
    new = key in NEW and "${" not in value  # which Hydra works out
    here = value.startswith("~/") or spelling.there(value)
    return spelling.word(key, value) if odd and (new or here) else argument


def _with_model(arguments: Sequence[str]) -> list[str]:
    """Adds the usual model of the dataset, where none is typed and it is another than that of the root file.

    It stands behind the dataset, since what is no option of Hydra has to stand together.
    """
    names = [argument.partition("=")[0].lstrip("+~") for argument in arguments]
    if "dataset" not in names or {"model", "run"} & {*names}:
        return [*arguments]
    last = len(names) - names[::-1].index("dataset")
    usual = {known.usual_models().get(one) for one in arguments[last - 1].partition("=")[2].split(",")}
    model = usual.pop() if len(usual) == 1 else None
    return [*arguments[:last], *([f"model={model}"] if model else []), *arguments[last:]]


def _of_bundle(argument: str, key: str, own: set[str]) -> str:
    """Makes `model` the bundle or bundles; settings of reader and preparation are added to nodes empty in the YAML.

    Those may be typed without their node: what is no setting of the command, and one of some reader of the user's files
    or of some preparation, is taken as such.
    """
    if "=" not in argument:
        return argument
    name = re.match(r"[^.=]*", argument)[0]
    if name == "model":
        return argument.replace("model", key, 1)
    if name in OPEN and re.match(rf"{name}=(?!\s*{{)", argument):
        raise UserError(
            f"{argument}: the model says how recordings are prepared, and files say what they are; leave it out, or "
            f"type single settings: {name}.<setting>=..."
        )
    if name in OPEN:
        return f"+{argument}"
    if name in own:
        return argument
    node = known.of_bundles(name) if name.isidentifier() and name not in NAMED_OTHERWISE else ""
    return f"+{node}.{argument}" if node else argument


def _means_a_cell(argument: str) -> bool:
    name, _, value = argument.partition("=")
    return name in ("input", "cell") or name == "model" and (Path(value).expanduser() / "bundle.yaml").is_file()


def _of_cell(argument: str) -> str:
    """Spells settings of `celltype explain cell=...`, whose YAML is that of a run too, so that groups are taken."""
    found = _of_bundle(argument, "bundle", known.own_settings("explain") | {*OPEN})
    return found.replace("+", "++recording.", 1) if found.startswith("+") else found


def _of_runs(arguments: Sequence[str]) -> list[str]:
    """Gathers what is no own setting of the list, such as `model=forest`, in one list of conditions."""
    own = known.own_settings("runs") | known.groups("runs")
    of_runs = [a for a in arguments if (m := re.match(r"(\w+)[\w.]*=", a)) and m[1] not in own]
    if not of_runs:
        return [*arguments]
    conditions = json.dumps(of_runs, ensure_ascii=False)  # quotes and backslashes as Hydra's grammar has them
    first = arguments.index(of_runs[0])  # there, since what is no option of Hydra has to stand together
    after = [argument for argument in arguments[first:] if argument not in of_runs]
    return [*arguments[:first], f"where={conditions}", *after]
