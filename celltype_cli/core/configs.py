"""Checks a composed config before anything is loaded: every name, value and range, against the signatures."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import yaml
from hydra.utils import get_object
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import InterpolationToMissingValueError, OmegaConfBaseException

from celltype_cli.core.files import config_folders, config_options
from celltype_cli.core.messages import UserError, nearest
from celltype_cli.core.ranges import annotations, arguments, faults, kind

SPECIAL = ("_target_", "_partial_", "_args_", "_convert_", "_recursive_")
Whole = Annotated[Mapping[str, Any], "an object"]  # a setting whose `_target_` the config builds as it stands
Partial = Annotated[Mapping[str, Any], "a function"]  # one to which the code adds arguments of its own
PARTS = (Whole, Partial)


def folder() -> Path:
    """Returns the folder of the shipped configs."""
    return config_folders()[-1]


@cache
def renamed() -> dict[str, str]:
    """Returns what settings and options were called before, and what they are called now."""
    return yaml.safe_load((folder() / "renamed.yaml").read_text(encoding="utf-8"))


def check(cfg: DictConfig, command: Callable[..., Any], typed: Mapping[str, str] | None = None) -> None:
    """Raises a UserError that names every unknown, missing or ill-typed setting of `command` and of all `_target_`s.

    A `_partial_` target may lack arguments, since code adds the rest. Values that are configs themselves, and
    annotations that `core.ranges` does not know, are left to the constructors. Whole numbers that stand where text is
    expected become text. `typed` says what people type for a key of another name.
    """
    found = [*_unresolved(cfg, "")] or [*_call_faults(command, cfg, ""), *_target_faults(cfg, "")]
    for key, name in (typed or {}).items():
        found = [re.sub(rf"(?<!\w){key}(?=[= ])", name, fault) for fault in found]
    if found:
        raise UserError("\n  ".join(["the config does not fit:", *found]) if len(found) > 1 else found[0])


def build(node: DictConfig) -> Any:
    """Builds what a config node describes, from plain lists and dicts.

    Raises:
        UserError: when the settings do not go together; other errors of what is built come out as they are.
    """
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    try:
        return instantiate(node, _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__ or error
        if isinstance(cause, (ValueError, TypeError, OmegaConfBaseException)):
            raise UserError(f"{_place(node)} cannot be made from its settings: {cause}") from cause
        raise cause from None


def _place(node: DictConfig) -> str:
    return str(node._get_full_key(None) or node.get("_target_"))


def _unresolved(node: Any, where: str) -> Iterator[str]:
    """Yields the values that refer to what is not there, such as ${oc.env:NAME} where NAME is not set."""
    keys = [*node] if isinstance(node, DictConfig) else range(len(node)) if isinstance(node, ListConfig) else ()
    for key in keys:
        name = f"{where}[{key}]" if isinstance(node, ListConfig) else f"{where}.{key}" if where else str(key)
        try:
            child = None if OmegaConf.is_missing(node, key) else node[key]
        except InterpolationToMissingValueError:
            continue  # the value that is missing is named where it stands
        except (OmegaConfBaseException, RecursionError, ValueError) as error:
            text = OmegaConf.to_container(node, resolve=False)[key]
            reason = "it refers to itself" if isinstance(error, RecursionError) else str(error).splitlines()[0]
            if unset := re.search(r"Environment variable '(.*)' not found", reason):
                reason = f"the environment variable {unset[1]} is not set"
            yield f"{name}={text} cannot be worked out: {reason}"
        else:
            if not OmegaConf.is_interpolation(node, key):
                yield from _unresolved(child, name)


def _target_faults(node: Any, where: str) -> Iterator[str]:
    if isinstance(node, ListConfig):
        for position in range(len(node)):
            if not OmegaConf.is_missing(node, position):
                yield from _target_faults(node[position], f"{where}[{position}]")
    if not isinstance(node, DictConfig):
        return
    if "_target_" in node:
        target = _target(node)
        if isinstance(target, str):
            yield f"{where}._target_={node._target_} {target}"
            return
        yield from _call_faults(target, node, f"{where}.")
    for key in node:
        if not OmegaConf.is_missing(node, key):
            yield from _target_faults(node[key], f"{where}.{key}" if where else str(key))


def _target(node: DictConfig) -> Callable[..., Any] | str:
    """Returns what a `_target_` names, or what is wrong with it."""
    try:
        target = get_object(node._target_)
    except Exception as error:  # noqa: BLE001 - whatever an import raises, the user's line is at fault
        return f"cannot be imported: {error}"
    try:
        inspect.signature(target)
    except (TypeError, ValueError):
        return "is no function or class that takes settings by name"
    return target


def _call_faults(target: Callable[..., Any], node: DictConfig, prefix: str) -> Iterator[str]:
    parameters, hints = arguments(target), annotations(target)
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for key in node:
        if key in SPECIAL:
            continue
        name = f"{prefix}{key}"
        if key not in parameters:
            valid = [p for p in parameters if p not in ("self", "shapes", "n_classes", "cells", "recordings")]
            new = renamed().get(name)
            close = f"; it is now {new}" if new else nearest(key, valid)
            here = f"; known here: {', '.join(valid)}" if valid else f": {target.__name__} takes none"
            yield f"{name} is no setting{close}{here}"
        elif OmegaConf.is_missing(node, key):
            yield f"{name} is needed: add {name}=..."
        else:
            hint = hints.get(key, Any)
            found = [*(_part_faults(name, node[key], hint) if hint in PARTS else faults(name, node[key], hint))]
            yield from found
            if not found:
                _number_to_text(node, key, hint)
    if not node.get("_partial_"):
        for name, p in parameters.items():
            needed = p.default is p.empty and (p.kind is p.KEYWORD_ONLY or is_dataclass(target))
            if needed and name not in [*node]:
                yield f"{prefix}{name} is needed: {_how_to_give(prefix, name)}"


def _how_to_give(prefix: str, name: str) -> str:
    options = [] if prefix else config_options(name)
    return f"choose one of {name}={', '.join(options)}" if options else f"add +{prefix}{name}=..."


def _part_faults(name: str, value: Any, annotation: Any) -> Iterator[str]:
    """Yields what keeps a part of a run from being built: no `_target_`, or one that is called too early or never."""
    if not isinstance(value, DictConfig):
        yield f"{name}={'null' if value is None else value} is {kind(value)}: {_how_to_give('', name)}"
    elif not value.get("_target_"):
        yield f"{name}._target_ is needed: {_how_to_give('', name)}"
    elif bool(value.get("_partial_")) is not (annotation is Partial):
        wanted = "true: the run adds arguments of its own" if annotation is Partial else "none"
        yield f"{name}._partial_={value.get('_partial_')}, expected {wanted}"


def _number_to_text(node: DictConfig, key: str, annotation: Any) -> None:
    """Makes text of whole numbers, alone or in a list, where text is expected: names of classes may be numbers."""
    options = [annotation, *get_args(annotation)]
    value = node[key]
    if type(value) is int and int not in options and (str in options or Path in options):
        node[key] = str(value)
    elif isinstance(value, ListConfig) and any(get_args(o) == (str,) for o in options if get_origin(o)):
        node[key] = [str(entry) for entry in value]
