"""What a setting that a config does not have may mean: an old name, one to be added, another option's, or a typo."""

from __future__ import annotations

import difflib
import inspect
import shlex
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.types import Override
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from celltype_cli.commands import known, spelling
from celltype_cli.core import configs
from celltype_cli.core.files import config_options
from celltype_cli.core.ranges import annotations


def unknown(key: str, override: Override, cfg: DictConfig) -> str:
    """Says what may be meant by an override of a setting that a config does not have, and what to type."""
    value = "..." if override.is_delete() else override.input_line.partition("=")[2]
    if (new := configs.renamed().get(key)) and (known.has(cfg, new) or not known.has(cfg, new.partition(".")[0])):
        return f"{key} is now {new}: type {shlex.quote(f'{new}={value}')}"
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(cfg, parent, throw_on_missing=False) if parent else cfg
    here = [str(option) for option in node if option not in configs.SPECIAL] if isinstance(node, DictConfig) else []
    if parent and _is_open(cfg, parent) and not difflib.get_close_matches(name, here, cutoff=0.6):
        return f"{key} is not there yet{_there(parent, here)}; to add it: +{key}={value}"
    if _target_takes(node, name):
        return f"{key} has no value here, but may be given: +{key}={value}"
    if (group := parent) and (others := known.options_with(parent, name)):
        first = f"type {named}; or " if key == "dataset.path" and (named := spelling.reader(value)) else ""
        having = f"{group}={', '.join(others)} {'has' if len(others) == 1 else 'have'} it"
        return f"{key} is no setting of this {group}: {first}{having}"
    open_node = cfg.get("dataset") == {}  # takes what the reader of a bundle has
    there = [*known.settings(cfg), *(f"dataset.{name}" for name in known.of_readers() if open_node)]
    meant = _meant(key, value, there, parent)
    return f"{key} is no setting{meant}{'' if 'meant' in meant else _there(parent, here)}"


def _there(parent: str, here: Sequence[str]) -> str:
    prefix = f"{parent}." if parent else ""
    return f"; known here: {', '.join(prefix + name for name in here)}" if here else ""


def _meant(key: str, value: str, there: Sequence[str], parent: str) -> str:
    """Returns the setting that is meant: of the same last name, by what people call it, or with the nearest letters.

    Args:
        there: dotted names of all settings.
        parent: of `key`; its settings are preferred.
    """
    name = key.rpartition(".")[2].lower()
    same = [setting for setting in there if setting.rpartition(".")[2].lower() == name and setting.count(".") < 3]
    if same and "." not in key:
        value = value.lower() if value.lower() in config_options(same[0]) else value
        return f"; meant: {' or '.join(f'{setting}={value}' for setting in same[:3])}"
    called = [t for t, words in known.words().items() if {key.lower(), name} & {*words} and _is_there(t, there)]
    if called:
        return f"; meant: {' or '.join(t if '=' in t else f'{t}={value}' for t in called[:2])}"
    for target in (t for t, words in known.words().items() if {key.lower(), name} & {*words} and "=" not in t):
        group, _, setting = target.partition(".")
        if having := " or ".join(known.options_with(group, setting)):
            found = spelling.reader(value) if target == "dataset.path" else ""
            return f"; meant: {found or f'{target}={value}, which needs {group}={having}'}"
    of_parent = {s.rpartition(".")[2]: s for s in there if s.rpartition(".")[0] == parent}
    everywhere = {s.rpartition(".")[2]: s for s in there if s.count(".") < 3}
    by_word = {w: t for t, words in known.words().items() if _is_there(t, there) for w in words if len(w) > 2}
    for names in (of_parent | {w: t for w, t in by_word.items() if t.startswith(f"{parent}.")}, everywhere | by_word):
        if close := difflib.get_close_matches(name, names, n=1, cutoff=0.6):
            target = names[close[0]]
            own = target in (f"{parent}.{close[0]}", close[0])
            return f"; nearest: {close[0]}" + ("" if own else f", which is {target}")
    return ""


def _is_there(target: str, there: Sequence[str]) -> bool:
    group, _, option = target.partition("=")
    return option in config_options(group) or group.startswith("hydra/") if option else target in there


def _is_open(cfg: DictConfig, key: str) -> bool:
    """Says whether a setting is a mapping with names of the user's own, as the signature that takes it says."""
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(cfg, parent, throw_on_missing=False) if parent else None
    if not isinstance(node, DictConfig) or "_target_" not in node or "_target_" in (node.get(name) or {}):
        return False
    hint = annotations(get_object(node._target_)).get(name)
    return any(typing.get_origin(option) is Mapping for option in (hint, *typing.get_args(hint)))


def _target_takes(node: Any, name: str) -> bool:
    """Says whether what a node builds takes a setting of this name, though the config gives it no value.

    Of the package's own, configs give each a value; a library has others.
    """
    if not isinstance(node, DictConfig) or str(node.get("_target_", "celltype_cli")).startswith("celltype_cli"):
        return False
    try:
        parameters = inspect.signature(get_object(node._target_)).parameters
    except (ImportError, TypeError, ValueError):  # which is said when the config is checked
        return False
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
