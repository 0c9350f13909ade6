"""What there is to set: options of groups, settings that the chosen ones have, and words that people type for them."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from itertools import islice, product, takewhile
from pathlib import Path
from typing import Any

import hydra
import yaml
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from celltype_cli.core import configs
from celltype_cli.core.files import config_folders, config_options
from celltype_cli.core.ranges import annotations

OF_BUNDLES = {"predict": "bundle", "evaluate": "bundle", "compare": "models"}  # what `model` is called in their YAML
GROUPS = ("dataset", "model", "split", "trainer", "prepare", "paper")  # whose options people type alone
COMBINATIONS = 16  # of options of a multirun that are composed to see what settings there are


@cache
def words() -> dict[str, list[str]]:
    """Returns for each setting or option what people type for it."""
    return _hints()["words"]


@cache
def endings() -> dict[str, str]:
    """Returns by the ending of a file the dataset that reads it, where it is there."""
    return {ending: name for ending, name in _hints()["files"].items() if name in config_options("dataset")}


@cache
def of_folders() -> dict[str, str]:
    """Returns the datasets that read a folder of the user's own, where they are there, with what they read."""
    return {name: what for name, what in _hints()["folders"].items() if name in config_options("dataset")}


@cache
def usual_models() -> dict[str, str]:
    """Returns by dataset the model that it is trained with where none is typed, if that of train.yaml does not suit."""
    models, datasets = config_options("model"), config_options("dataset")
    return {name: model for name, model in _hints()["models"].items() if name in datasets and model in models}


@cache
def commands_called() -> dict[str, list[str]]:
    """Returns for each command, and for --version and --help, what other tools call it."""
    return _hints()["commands"]


def _hints() -> dict[str, dict[str, Any]]:
    return yaml.safe_load((configs.folder() / "hints.yaml").read_text(encoding="utf-8"))


def is_group(name: str) -> bool:
    return bool(name) and bool(config_options(name))


def options_with(group: str, key: str) -> list[str]:
    """Returns the options of a group whose own file has a setting."""
    return [option for option in config_options(group) if key in _own(group, option)]


def own_settings(command: str) -> set[str]:
    """Returns the settings of a command's own file and of those that it builds on."""
    return set().union(*_files(command))


def takes_list(command: str, key: str) -> bool:
    """Says whether a command takes a list of text or of formats for a setting of its own."""
    settings = getattr(import_module(f"celltype_cli.commands.{command}"), "Settings", None)
    hint = annotations(settings).get(key) if settings else None
    return any(typing.get_origin(one) is Sequence for one in (hint, *typing.get_args(hint)))


def groups(command: str) -> set[str]:
    """Returns the config groups of which a command takes an option."""
    entries = (entry for content in _files(command) for entry in content.get("defaults", ()))
    return {group for entry in entries if isinstance(entry, dict) for group in entry if group.isidentifier()}


def commands_with(group: str) -> list[str]:
    """Returns the commands that take an option of a group."""
    return sorted(file.stem for file in configs.folder().glob("*.yaml") if group in groups(file.stem))


def _files(command: str) -> Iterator[dict[str, Any]]:
    """Yields what a command's own file says, and those that it builds on."""
    content = yaml.safe_load((configs.folder() / f"{command}.yaml").read_text(encoding="utf-8"))
    yield content
    for name in content.get("defaults", ()):
        if isinstance(name, str) and name != "_self_":
            yield from _files(name)


def of_bundles(key: str) -> str:
    """Returns the node of a setting that a bundle may take: `dataset`, where a reader of the user's files has it, or
    `prepare`; empty where none has."""
    if key in of_readers():
        return "dataset"
    return "prepare" if options_with("prepare", key) else ""


def of_readers() -> set[str]:
    """Returns the settings of all readers of the user's own files."""
    nodes = (_own("dataset", option) for option in config_options("dataset"))
    own = {key for node in nodes if ".datasets.own." in str(node.get("_target_")) for key in node}
    return own - {*configs.SPECIAL, "defaults"}


def file_of(group: str, option: str) -> Path | None:
    """Returns the file of an option, the user's own before a shipped one; None where there is none."""
    return next((path for at in config_folders() if (path := at / group / f"{option}.yaml").is_file()), None)


def _own(group: str, option: str) -> dict[str, Any]:
    """Returns what the file of an option says; nothing where it cannot be read, which is said when it is chosen."""
    try:
        content = yaml.safe_load(file_of(group, option).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return {}
    own = content.get(group, content) if isinstance(content, dict) else {}
    return own if isinstance(own, dict) else {}


def head(group: str, option: str) -> str:
    """Returns the comment on top of an option's file, which says what it is and where its data come from."""
    lines = file_of(group, option).read_text(encoding="utf-8").splitlines()
    comment = takewhile(lambda line: line.startswith("#"), (line for line in lines if not line.startswith("# @")))
    return "\n  ".join(line.removeprefix("#").strip() for line in comment)


def composed(command: str, overrides: Sequence[str]) -> list[DictConfig]:
    """Composes the command's config with the chosen options alone: once, or for each combination of a multirun.

    Raises:
        HydraException, OmegaConfBaseException, ValueError: where they do not compose.
        UserError: where a file of the user's is broken.
    """
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(version_base="1.3", config_dir=str(configs.folder())):
        sweeps = [_choices(parsed) for parsed in _parsed(overrides) if is_group(parsed.key_or_group)]
        combinations = islice(product(*sweeps), COMBINATIONS)
        return [hydra.compose(command, overrides=list(chosen)) for chosen in combinations]


def _parsed(overrides: Sequence[str]) -> Iterator[Override]:
    parser = OverridesParser.create()
    for override in overrides:
        try:
            yield parser.parse_override(override)
        except HydraException:  # which is said elsewhere
            continue


def _choices(override: Override) -> list[str]:
    key = override.get_key_element()
    if override.is_discrete_sweep():
        return [f"{key}={value}" for value in override.sweep_string_iterator()]
    return [f"{key}={override.get_value_element_as_str()}" if not override.is_delete() else override.input_line]


def has(cfg: DictConfig, key: str) -> bool:
    """Says whether a config has a setting, though it may be null or missing."""
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(cfg, parent, throw_on_missing=False) if parent else cfg
    return isinstance(node, DictConfig) and name in [*map(str, node)]


def settings(cfg: Any, prefix: str = "") -> Iterator[str]:
    """Yields the names of all settings in a config, those that hold others too."""
    if isinstance(cfg, DictConfig) and not cfg._is_none():
        for key in cfg:
            if key not in configs.SPECIAL:
                yield f"{prefix}{key}"
                if not OmegaConf.is_missing(cfg, key) and not OmegaConf.is_interpolation(cfg, key):
                    yield from settings(cfg[key], f"{prefix}{key}.")
