"""Words what Hydra objects to: all that is wrong with a line at once, each with what is meant or what to type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from celltype_cli.commands import known, meant, spelling
from celltype_cli.core import configs
from celltype_cli.core.files import config_options
from celltype_cli.core.messages import UserError, nearest

LAUNCHERS = "pip install 'celltype[parallel]' brings joblib and submitit, or leave hydra/launcher out"


def wording(command: str, arguments: Sequence[str], error: Exception) -> str:
    """Says in a few lines what is wrong with the arguments of a command that Hydra has refused."""
    args, _ = get_args_parser().parse_known_args(list(arguments))
    try:
        found = [*faults(command, args.overrides, bool(args.multirun))]
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


def refuse_lists(command: str, arguments: Sequence[str]) -> None:
    """Raises a UserError for a list of options, as `model=[cnn1d,rnn]`: Hydra would merge them into one."""
    for argument in arguments:
        found = re.fullmatch(r"(\w+)=\s*\[([\w\s]+(?:,[\w\s]+)+)\]\s*", argument)
        if found and found[1] in known.groups(command) - known.own_settings(command):
            each = f"{found[1]}={','.join(found[2].replace(',', ' ').split())}"
            raise UserError(f"{argument} is a list, and one is taken at a time: celltype {command} -m {each} runs each")


def refuse_unused(command: str, arguments: Sequence[str]) -> None:
    """Raises a UserError for a way to start jobs, typed without -m: Hydra would pass over it."""
    for argument in arguments:
        if re.match(r"\+*hydra[/.](launcher|sweeper)\b", argument):
            example = shlex.join(["celltype", command, "-m", "seed=0,1", argument])
            raise UserError(f"{argument} is for several jobs, of which there is one: {example}")


def faults(command: str, overrides: Sequence[str], multirun: bool) -> Iterator[str]:
    """Yields what is wrong with each override: words first, then options of groups, then settings."""
    parsed: list[Override] = []
    said, rest = spelling.apart(overrides)
    yield from said
    before = ""
    while rest:
        said, taken = spelling.broken(rest)
        text = rest[0]
        if said:
            yield said
        elif re.fullmatch(r"[^=~]+", text):
            yield spelling.bare(command, text, before)
        else:
            try:
                parsed.append(OverridesParser.create().parse_override(text))
            except HydraException as error:
                yield spelling.unreadable(text, error)
        before, rest = text, rest[max(taken, 1) :]
    foreign = {id(o): said for o in parsed if (said := spelling.foreign(command, o))}
    yield from foreign.values()
    parsed = [o for o in parsed if id(o) not in foreign]
    chosen = [o for o in parsed if known.is_group(o.key_or_group)]
    yield from (said for o in chosen for said in _option_faults(o))
    if not multirun:
        yield from (spelling.several(command, o) for o in parsed if o.is_sweep_override())
    cfgs = _compose(command, [o.input_line for o in chosen if not [*_option_faults(o)]])
    if cfgs:
        for override in parsed:
            told = not multirun and override.is_sweep_override() and override.key_or_group in configs.renamed()
            if override not in chosen and not told and not override.key_or_group.startswith("hydra"):
                yield from _setting_faults(override, cfgs)


def _compose(command: str, overrides: Sequence[str]) -> list[DictConfig]:
    """Returns what the options of a line compose, once for each combination; nothing where they do not."""
    try:
        return known.composed(command, overrides)
    except (HydraException, OmegaConfBaseException, UserError, ValueError):  # then Hydra's own words have to do
        return []


def _option_faults(override: Override) -> Iterator[str]:
    """Yields what is wrong with the choice of an option, or of several for a multirun."""
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
    """Says that a group has no such option, and which is meant or what it is called now."""
    options = [*options]
    if new := configs.renamed().get(f"{group}={option}"):
        return f"{group}={option} is now {new}"
    if group == "dataset" and (found := spelling.reader(option)):
        return f"dataset={option} is a file: type {found}"
    if group == "hydra/launcher":
        return f"{group}={option} is not installed: {LAUNCHERS}"
    called = [target for target, words in known.words().items() if option.lower() in words and f"{group}=" in target]
    close = f"; meant: {called[0]}" if called else nearest(option, options)
    return f"{group}={option} is not there{close}; {group} can be {', '.join(options)}"


def _setting_faults(override: Override, cfgs: Sequence[DictConfig]) -> Iterator[str]:
    """Yields what is wrong with an override of a setting, where no job of the line has it, or as another kind."""
    key, value = override.key_or_group, None if override.is_delete() else override.value()
    if override.is_add() or override.is_force_add():
        return
    having = [cfg for cfg in cfgs if known.has(cfg, key)]
    if not having:
        said = [meant.unknown(key, override, cfg) for cfg in cfgs]  # some options may have what is meant, others not
        yield next((line for line in said if "; meant: " in line or "; nearest: " in line), said[0])
        return
    node = OmegaConf.select(having[0], key, throw_on_missing=False)
    if isinstance(node, DictConfig) and isinstance(value, list):
        yield f"{override.input_line} is a list, expected a mapping: '{key}={{name: value}}'"
    elif isinstance(node, ListConfig) and isinstance(value, dict):
        yield f"{override.input_line} is a mapping, expected a list: '{key}=[value, value]'"
