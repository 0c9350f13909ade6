"""What a bundle may call: the `prepare` and the reader of a kind of recording, and nothing else."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from celltype_cli.core.messages import UserError, nearest
from celltype_cli.core.ranges import annotations, faults

CALLED = re.compile(r"celltype_cli\.\w+\.(prepare|datasets\.own)\.[a-z]\w*")  # of a config node's _target_
NAMED_OTHERWISE = ("path",)  # of a reader: input=


def call(node: Mapping[str, Any], *args: Any, **settings: Any) -> Any:
    """Calls the function of a config node: a `prepare` or a reader, and nothing else.

    Raises:
        UserError: when it is something else, or takes other settings.
    """
    function = function_of(node)
    name = "prepare" if node["_target_"].rpartition(".")[0].endswith(".prepare") else "dataset"
    if unknown := [*_unknown({name: node}, {name: settings})]:
        raise UserError("\n  ".join(unknown))
    try:
        return function(*args, **{**_known(node), **settings})
    except TypeError as error:
        said = f"{node['_target_']} takes other settings than this bundle holds ({error})"
        raise UserError(f"{said}: another version made it; export its run again, or use that version") from error


def check(nodes: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises a UserError that names every setting which a function does not take, or not with such a value.

    Args:
        nodes: by the name that its settings are typed with, the config node of a function.
        settings: by the same names, those that were typed; `path` is none, commands name it otherwise.
    """
    found = [*_unknown(nodes, settings)]
    for name, given in settings.items():
        hints = annotations(function_of(nodes[name]))
        found += [said for key, value in given.items() if key in _known(nodes[name]) and key not in NAMED_OTHERWISE
                  for said in faults(f"{name}.{key}", value, hints.get(key, Any))]  # fmt: skip
        found += [f"{name}.{key} is no setting here: input= names the recordings" for key in NAMED_OTHERWISE
                  if key in given]  # fmt: skip
    if found:
        raise UserError("\n  ".join(["these settings do not fit the model:", *found]) if len(found) > 1 else found[0])


def _unknown(nodes: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, key in ((name, key) for name, given in settings.items() for key in given):
        known = [one for one in _known(nodes[name]) if one not in NAMED_OTHERWISE]
        others = [f"{other}.{key}" for other in nodes if other != name and key in _known(nodes[other])]
        if key not in (*known, *NAMED_OTHERWISE):
            close = f"; meant: {others[0]}" if others else nearest(key, known)
            there = ", ".join(f"{name}.{one}" for one in known)
            yield f"{name}.{key} is no setting of these recordings{close}; known here: {there}"


def _known(node: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in node.items() if name not in ("_target_", "_partial_")}


def function_of(node: Mapping[str, Any]) -> Callable[..., Any]:
    """Returns the function of a config node.

    Raises:
        UserError: when it is neither a `prepare` nor a reader, or not in this version.
    """
    target = str(node.get("_target_", "")) if isinstance(node, Mapping) else ""
    if not CALLED.fullmatch(target):
        raise UserError(f"{target or node} is neither the `prepare` nor the reader of a kind of recording: not called")
    module, _, name = target.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UserError(f"{target} is not in this version of celltype ({error})") from error
