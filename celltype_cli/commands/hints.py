"""Words what Hydra objects to: all that is wrong with a line at once, each with what is meant or what to type."""

from __future__ import annotations

import difflib
import inspect
import re
import shlex
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException
from hydra.utils import get_object
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from celltype_cli.commands import known, spelling
from celltype_cli.core import configs
from celltype_cli.core.files import config_options
from celltype_cli.core.messages import UserError, nearest
from celltype_cli.core.ranges import annotations

LAUNCHERS = "pip install celltype[parallel] brings joblib and submitit, or leave hydra/launcher out"


def wording(command: str, arguments: Sequence[str], error: Exception) -> str:
    """Says in a few lines what is wrong with the arguments of a command that Hydra has refused."""
    args, _ = get_args_parser().parse_known_args(list(arguments))
    try:
        found = [*_faults(command, args.overrides, bool(args.multirun))]
    except (HydraException, OmegaConfBaseException, ImportError):  # what is looked at here may be what is wrong
        found = []
    if found:
        return "\n  ".join(["this line cannot be read:", *found]) if len(found) > 1 else found[0]
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, option = error.missing_cfg_file.rpartition("/")
        if not group:
            return f"there is no config {option}: leave --config-name out, each command has its own"
        return _no_option(group, option, error.options or config_options(group))
    if isinstance(error, (HydraException, ValueError)) and str(error).strip():
        text = str(error).strip().splitlines()[0].rstrip(".")
        having = [t for t, words in known.words().items() if any("." in word and word in text for word in words)]
        cause = f": {str(error.__cause__).splitlines()[0]}" if error.__cause__ and str(error.__cause__) else ""
        return text + (f"; {having[0]} has it" if having else cause if cause not in text else "")
    return f"the config cannot be put together: {type(error).__name__}: {str(error).splitlines()[0]}"


def refuse_empty(command: str, arguments: Sequence[str]) -> None:
    """Raises a UserError for `setting={}` where that would change nothing, since mappings are merged."""
    empty = [a for a in arguments if re.fullmatch(r"[\w.]+=\s*\{\s*\}\s*", a)]
    if not empty:
        return
    cfg = _compose(command, get_args_parser().parse_known_args(list(arguments))[0].overrides)
    for argument in empty:
        key = argument.partition("=")[0]
        node = OmegaConf.select(cfg[0], key, throw_on_missing=False) if cfg else None
        if isinstance(node, DictConfig) and len(node):
            names = ", ".join(f"~{key}.{name}" for name in node)
            raise UserError(
                f"{key}={{}} changes nothing, since mappings are merged: take out what is there with {names}"
            )


def refuse_unused(command: str, arguments: Sequence[str]) -> None:
    """Raises a UserError for a way to start jobs, typed without -m: Hydra would pass over it."""
    for argument in arguments:
        if re.match(r"\+*hydra[/.](launcher|sweeper)\b", argument):
            example = shlex.join(["celltype", command, "-m", "seed=0,1", argument])
            raise UserError(f"{argument} is for several jobs, of which there is one: {example}")


def _faults(command: str, overrides: Sequence[str], multirun: bool) -> Iterator[str]:
    parsed: list[Override] = []
    before = ""
    for text in overrides:
        if re.fullmatch(r"[^=~]+", text):
            yield spelling.bare(command, text, before)
        else:
            try:
                parsed.append(OverridesParser.create().parse_override(text))
            except Exception as error:  # noqa: BLE001 - the grammar has several
                yield spelling.unreadable(text, error)
        before = text
    foreign = {id(o): said for o in parsed if (said := spelling.foreign(command, o))}
    yield from foreign.values()
    parsed = [o for o in parsed if id(o) not in foreign]
    chosen = [o for o in parsed if known.is_group(o.key_or_group)]
    yield from (said for o in chosen for said in _option_faults(o))
    if not multirun:
        yield from (spelling.several(o) for o in parsed if o.is_sweep_override())
    cfgs = _compose(command, [o.input_line for o in chosen if not [*_option_faults(o)]])
    if cfgs:
        for override in parsed:
            if override not in chosen and not override.key_or_group.startswith("hydra"):
                yield from _setting_faults(override, cfgs)


def _compose(command: str, overrides: Sequence[str]) -> list[DictConfig]:
    try:
        return known.composed(command, overrides)
    except Exception:  # noqa: BLE001 - then Hydra's own words have to do
        return []


def _option_faults(override: Override) -> Iterator[str]:
    group, value = override.key_or_group, override.value()
    if override.is_discrete_sweep():
        names = [str(name).strip("'\"") for name in override.sweep_string_iterator()]
    else:
        names = [] if override.is_delete() or isinstance(value, (dict, list)) or value is None else [str(value)]
    if value is None and not override.is_delete():
        yield f"{group}=null leaves nothing to work with; {group} can be {', '.join(config_options(group))}"
    for name in names:
        if name not in config_options(group):
            yield _no_option(group, name, config_options(group))


def _no_option(group: str, option: str, options: Iterable[str]) -> str:
    options = [*options]
    if new := configs.renamed().get(f"{group}={option}"):
        return f"{group}={option} is now {new}"
    if group == "dataset" and (found := spelling.reader(option)):
        return f"dataset={option} is a file: type {found}"
    if group == "hydra/launcher":
        return f"{group}={option} is not installed: {LAUNCHERS}"
    meant = [target for target, words in known.words().items() if option.lower() in words and f"{group}=" in target]
    close = f"; meant: {meant[0]}" if meant else nearest(option, options)
    return f"{group}={option} is not there{close}; {group} can be {', '.join(options)}"


def _setting_faults(override: Override, cfgs: Sequence[DictConfig]) -> Iterator[str]:
    """Yields what is wrong with an override of a setting, where no job of the line has it, or as another kind."""
    key, value = override.key_or_group, None if override.is_delete() else override.value()
    if override.is_add() or override.is_force_add():
        return
    having = [cfg for cfg in cfgs if known.has(cfg, key)]
    if not having:
        yield _unknown(key, override, cfgs[0])
        return
    node = OmegaConf.select(having[0], key, throw_on_missing=False)
    if isinstance(node, DictConfig) and isinstance(value, list):
        yield f"{override.input_line} is a list, expected a mapping: '{key}={{name: value}}'"
    elif isinstance(node, ListConfig) and isinstance(value, dict):
        yield f"{override.input_line} is a mapping, expected a list: '{key}=[value, value]'"


def _unknown(key: str, override: Override, cfg: DictConfig) -> str:
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
    """Returns the setting that is meant: of the same last name, by what people call it, or with the nearest letters."""
    name = key.rpartition(".")[2].lower()
    same = [setting for setting in there if setting.rpartition(".")[2].lower() == name and setting.count(".") < 3]
    if same and "." not in key:
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
    except Exception:  # noqa: BLE001 - said when the config is checked
        return False
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
