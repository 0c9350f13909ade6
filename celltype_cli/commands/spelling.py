"""What a shell or Hydra's grammar makes of a line: blanks, commas, odd characters, and how to quote them."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from celltype_cli.commands import known
from celltype_cli.core.files import config_options

OF_PATHS = ("input", "out", "dataset.path")  # which take one


def bare(command: str, text: str, before: str) -> str:
    """Says what a word without = may be: the rest after a blank, a file, an option."""
    if before.endswith(","):
        joined = f"{before}{text}"
        return f"{text!r} stands after a blank: type {joined}"
    if before and Path(f"{before.partition('=')[2]} {text}").exists():
        key, _, value = before.partition("=")
        return f"{text!r} stands after a blank: type {quoted(key, f'{value} {text}')}"
    if "input" in known.own_settings(command) and (Path(text).exists() or reader(text)):
        own = Path(text).is_dir() and any((Path(text) / file).is_file() for file in ("bundle.yaml", "run.json"))
        return f"{text!r} is no setting: type {quoted('model' if own else 'input', text)}"
    if (found := reader(text)) or Path(text).exists():
        return f"{text!r} is no setting: type {found or 'dataset=... '}{'' if found else quoted('dataset.path', text)}"
    groups = [g for g in ("dataset", "model", "split", "trainer", "prepare", "paper") if text in config_options(g)]
    if groups:
        return f"{text!r} is no setting: type {' or '.join(f'{group}={text}' for group in groups)}"
    return f"{text!r} is no setting: expected setting=value"


def reader(path: str) -> str:
    """Returns the settings that read a file, or nothing where its ending says nothing."""
    name = known.endings().get(Path(path).suffix.lstrip(".").lower())
    return f"dataset={name} {quoted('dataset.path', path)}" if name else ""


def quoted(key: str, value: str) -> str:
    """Returns `key=value` as it is typed in a shell, so that Hydra takes the value as it stands."""
    return shlex.quote(word(key, value))


def word(key: str, value: object) -> str:
    """Returns `key=value` as Hydra reads it, to be a word of `typed.line`: in quotes of Hydra's own where it has to."""
    value = str(value)
    with suppress(HydraException):  # where the grammar does not take it as it stands
        plain = OverridesParser.create().parse_override(f"{key}={value}")
        if plain.value() == value and not plain.is_sweep_override() and "${" not in value:
            return f"{key}={value}"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")
    return f'{key}="{escaped}"'


def unreadable(text: str, error: HydraException) -> str:
    """Says why the grammar does not take an override, and how lists and odd characters are typed."""
    reason = str(error).strip().splitlines()[0]
    key, _, value = text.partition("=")
    if value.endswith(","):
        return f"{text} ends in a comma: type the values without blanks between them, {key}=a,b"
    return (
        f"{text} cannot be read ({reason}): expected setting=value; a list is typed as 'model.layers=[rnn]', "
        f"a text with odd characters as {quoted(key, value)}"
    )


def several(override: Override) -> str:
    """Says what several values of a single run may mean: jobs, a decimal comma, paths, a list or a text."""
    key, _, value = override.input_line.partition("=")
    key = key.removeprefix("+dataset.").removeprefix("+prepare.")  # as a bundle's settings are typed
    if re.fullmatch(r"[+-]?\d+,\d+", value):
        point = f"{key}={value.replace(',', '.')}"
        return (
            f"{key}={value} is two values, 2 jobs with -m; a decimal point is a point: {point}; "
            f"a list has brackets: '{key}=[{value}]'"
        )
    if key in OF_PATHS:
        return f"{key}={value} is several paths: give the folder that holds them, or {quoted(key, value)} if it is one"
    return (
        f"{key}={value} is several values: add -m to run each, type '{key}=[{value}]' for a list, or "
        f"{quoted(key, value)} for a text with commas"
    )


def foreign(command: str, override: Override) -> str:
    """Says that a command takes no option of a config group; nothing where it does, or the key is no group's."""
    group = override.key_or_group.partition(".")[0]
    if override.is_add() or not known.is_group(group) or group in known.groups(command) | known.own_settings(command):
        return ""
    having = ", ".join(known.commands_with(group))
    return f"celltype {command} takes no {group}: leave {override.input_line} out; {having} take one"
