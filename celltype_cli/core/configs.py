"""Checks a composed config before anything is loaded: every name and every plain value, against the signatures."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union

import yaml
from hydra.utils import get_object
from omegaconf import DictConfig, ListConfig, OmegaConf

from celltype_cli.core.files import config_folders
from celltype_cli.core.messages import UserError, nearest

SPECIAL = ("_target_", "_partial_", "_args_", "_convert_", "_recursive_")
PLAIN = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    Path: "a path (in quotes where it is a number)",
    type(None): "null",
}


def folder() -> Path:
    """Returns the folder of the shipped configs."""
    return config_folders()[-1]


@cache
def renamed() -> dict[str, str]:
    """Returns what settings and options were called before, and what they are called now."""
    return yaml.safe_load((folder() / "renamed.yaml").read_text(encoding="utf-8"))


def check(cfg: DictConfig, command: Callable[..., Any]) -> None:
    """Raises a UserError that names every unknown, missing or ill-typed setting of `command` and of all `_target_`s.

    A `_partial_` target may lack arguments, since code adds the rest. Values that are configs themselves, and
    annotations beyond plain types, Literal, unions, sequences and mappings, are left to the constructors.
    """
    faults = [*_call_faults(command, cfg, ""), *_target_faults(cfg, "")]
    if faults:
        raise UserError("\n  ".join(["the config does not fit:", *faults]) if len(faults) > 1 else faults[0])


def build(node: DictConfig) -> Any:
    """Builds what a config node describes, from plain lists and dicts; errors in it come out as they are."""
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    try:
        return instantiate(node, _convert_="all")
    except InstantiationException as error:
        raise error.__cause__ or error from None


def _target_faults(node: Any, where: str) -> Iterator[str]:
    if isinstance(node, ListConfig):
        for position, child in enumerate(node):
            yield from _target_faults(child, f"{where}[{position}]")
    if not isinstance(node, DictConfig):
        return
    if "_target_" in node:
        try:
            target = get_object(node._target_)
        except Exception as error:  # noqa: BLE001 - whatever an import raises, the user's line is at fault
            yield f"{where}._target_={node._target_} cannot be imported: {error}"
            return
        yield from _call_faults(target, node, f"{where}.")
    for key in node:
        if not OmegaConf.is_missing(node, key):
            yield from _target_faults(node[key], f"{where}.{key}" if where else str(key))


def _call_faults(target: Callable[..., Any], node: DictConfig, prefix: str) -> Iterator[str]:
    parameters = inspect.signature(target).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for key in node:
        if key in SPECIAL:
            continue
        if key not in parameters:
            valid = [p for p in parameters if p not in ("self", "shapes", "n_classes", "cells")]
            yield f"{prefix}{key} is no setting{nearest(key, valid)}; known here: {', '.join(valid)}"
        elif OmegaConf.is_missing(node, key):
            yield f"{prefix}{key} is needed: add {prefix}{key}=..."
        else:
            value, wanted = node[key], _annotation(target, parameters[key])
            if not _fits(value, wanted):
                yield f"{prefix}{key}={value} is {_kind(value)}, expected {_wording(wanted)}"
    if not node.get("_partial_"):
        needed = [p.name for p in parameters.values() if p.default is p.empty and p.kind is p.KEYWORD_ONLY]
        for name in needed:
            if name not in list(node):
                yield f"{prefix}{name} is needed: add +{prefix}{name}=..."


def _annotation(target: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    # The fields of a dataclass are read where each was written, which may be another module than the class's own.
    owner = target.__init__ if inspect.isclass(target) and not is_dataclass(target) else target
    try:
        return typing.get_type_hints(owner).get(parameter.name, Any)
    except Exception:  # noqa: BLE001 - annotations that need imports under TYPE_CHECKING, or that cannot be evaluated
        return Any


def _fits(value: Any, annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    if origin in (Union, types.UnionType):
        return any(_fits(value, option) for option in typing.get_args(annotation))
    if origin is Literal:
        return value in typing.get_args(annotation)
    if origin in (list, tuple, Sequence):
        return isinstance(value, ListConfig)
    if origin in (dict, Mapping):
        return isinstance(value, DictConfig)
    if annotation not in PLAIN:
        return True
    kinds = {float: (int, float), Path: str}.get(annotation, annotation)
    return isinstance(value, kinds) and (annotation is bool or not isinstance(value, bool))


def _kind(value: Any) -> str:
    if isinstance(value, (DictConfig, ListConfig)):
        return "a mapping" if isinstance(value, DictConfig) else "a list"
    return PLAIN.get(type(value), type(value).__name__)


def _wording(annotation: Any) -> str:
    origin = typing.get_origin(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(_wording(option) for option in typing.get_args(annotation))
    if origin is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(annotation)))
    if origin in (list, tuple, Sequence):
        return "a list [..., ...]"
    if origin in (dict, Mapping):
        return "a mapping {name: value, ...}"
    return PLAIN.get(annotation, getattr(annotation, "__name__", str(annotation)))
