"""What a bundle may call: the `prepare` and the reader of a kind of recording, and nothing else."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from celltype_cli.core.messages import UserError

CALLED = re.compile(r"celltype_cli\.\w+\.(prepare|datasets\.own)\.[a-z]\w*")  # of a config node's _target_


def call(node: Mapping[str, Any], *args: Any, **settings: Any) -> Any:
    """Calls the function of a config node: a `prepare` or a reader, and nothing else.

    Raises:
        UserError: when it is something else, or takes other settings.
    """
    function = function_of(node)
    known = {name: value for name, value in node.items() if name not in ("_target_", "_partial_")}
    if unknown := [name for name in settings if name not in known]:
        raise UserError(f"{', '.join(unknown)} is no setting here; known: {', '.join(known)}")
    try:
        return function(*args, **{**known, **settings})
    except TypeError as error:
        said = f"{node['_target_']} takes other settings than this bundle holds ({error})"
        raise UserError(f"{said}: another version made it; export its run again, or use that version") from error


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
