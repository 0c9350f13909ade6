"""`celltype <command> --help`: what it does, its settings and their comments, as the YAML files have them.

Nothing is composed, so that the answer is there at once.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from celltype_cli.commands import known
from celltype_cli.commands.commented import Setting, read
from celltype_cli.core.files import config_options
from celltype_cli.core.messages import UserError, nearest

WIDTH = 80
LEFT = 26  # columns of a setting with its value
VALUE = 40  # characters of a value that are shown
LINES = 60  # of a page, two screens
ORDER = ("search", "dataset", "split", "model", "paper", "prepare", "trainer", "logger")  # earlier ones choose later
HYDRA = (
    "Hydra's own: -m runs every combination of values, --cfg job shows what is composed, --config-dir takes your own "
    "files."
)


def page(command: str, arguments: Sequence[str]) -> str:
    """Returns the help of a command: with the settings of options where a group is named or an option is typed.

    Raises:
        UserError: when a group or an option is named that is not there.
    """
    root = read(_file("", command))
    typed = dict(a.split("=", 1) for a in arguments if re.fullmatch(r"\w+=\w+", a) and config_options(a.split("=")[0]))
    settings, choices = _root(command, {**_usual(command, typed), **typed})
    named = [a for a in arguments if re.fullmatch(r"\w+", a)]
    for name in named:
        if name != "all" and name not in choices:
            there = ["all", *choices]
            raise UserError(f"--help {name}: no group of this command{nearest(name, there)}; known: {', '.join(there)}")
    explained = [*choices] if "all" in named else [group for group in choices if group in (*named, *typed)]

    def written(*, names: bool) -> str:
        parts = [_filled(f"celltype {command}: {root.about}"), _examples(root.examples)]
        if not named or "all" in named:
            parts += [_settings("Settings", settings.values()), _groups(command, choices, names=names)]
        for group in explained:
            parts += [_option_list(group)] if group in named or "all" in named else []
            parts += [_settings(f"Settings of {group}={choices[group]}", _of_option(group, choices[group]).values())]
        return "\n\n".join([*filter(None, parts), _filled(HYDRA)]) + "\n"

    whole = written(names=True)
    is_long = not named and not explained and whole.count("\n") > LINES
    return written(names=False) if is_long else whole


def _usual(command: str, typed: dict[str, str]) -> dict[str, str]:
    """Returns the model that `commands.as_typed` adds where a dataset is typed and no model."""
    model = known.usual_models().get(typed.get("dataset", "")) if command in ("train", "explain") else None
    return {"model": model} if model else {}


def _root(command: str, typed: dict[str, str]) -> tuple[dict[str, Setting], dict[str, str]]:
    """Returns the settings of a command's own file, then of those that it builds on, and the options it chooses."""
    settings: dict[str, Setting] = {}
    choices: dict[str, str] = {}

    def walk(name: str) -> None:
        file = read(_file("", name))
        for key, one in file.settings.items():
            shown = "model" if key == "bundle" == known.OF_BUNDLES.get(command) else key
            settings.setdefault(key, Setting(shown, one.value, one.comment))
        for entry in file.defaults:
            if isinstance(entry, str) and entry != "_self_":
                walk(entry)
            for group, option in entry.items() if isinstance(entry, dict) else ():
                if match := re.fullmatch(r"override /?(\w+)", group):
                    choices[match[1]] = str(option)
                elif "/" not in group:
                    choices.setdefault(group, str(option))

    walk(command)
    choices = {group: choices[group] for group in ORDER if group in choices}
    decided = {*typed}
    for group in choices:
        choices[group] = typed.get(group, choices[group])
        for other, option in _chosen_by(group, choices[group]):
            if other in choices and other not in decided:
                choices[other] = option
    inner = ("dataset", "prepare") if "dataset" in settings else ()  # open there: the bundle knows their settings
    return {key: one for key, one in settings.items() if key.split(".")[0] not in inner}, choices


def _chosen_by(group: str, option: str) -> Iterator[tuple[str, str]]:
    for entry in read(_file(group, option)).defaults:
        for key, value in entry.items() if isinstance(entry, dict) else ():
            if match := re.match(r"override /(\w+)", key):
                yield match[1], str(value)
        if isinstance(entry, str) and re.fullmatch(r"(?!_self_)\w+", entry):
            yield from _chosen_by(group, entry)


def _of_option(group: str, option: str) -> dict[str, Setting]:
    """Returns the settings of an option by dotted name, those of the options that it builds on before its own."""
    file, settings = read(_file(group, option)), {}
    for entry in file.defaults:
        if isinstance(entry, str) and re.fullmatch(r"(?!_self_)\w+", entry):
            settings |= _of_option(group, entry)
    whole = "@package _global_" in _file(group, option).read_text(encoding="utf-8")
    for key, one in file.settings.items():
        name = key if whole else f"{group}.{key}"
        before = settings.get(name)
        settings[name] = Setting(name, one.value, one.comment or (before.comment if before else ""))
    return settings


def _file(group: str, option: str) -> Path:
    if (path := known.file_of(group, option)) is None:
        options = config_options(group)
        raise UserError(f"{group}={option} is not there{nearest(option, options)}; {group} can be {', '.join(options)}")
    return path


def _examples(examples: Sequence[tuple[str, str]]) -> str:
    widest = max((len(line) for line, _ in examples), default=0)
    if all(widest + len(words) + 4 <= WIDTH for _, words in examples):
        return "\n".join(f"  {line:<{widest}}  {words}".rstrip() for line, words in examples)
    return "\n".join(f"  {line}" + (f"\n      {words}" if words else "") for line, words in examples)


def _settings(title: str, settings: Iterable[Setting]) -> str:
    lines = [title]
    for one in settings:
        value = {"???": "..."}.get(one.value, one.value)
        value = value if len(value) <= VALUE else f"{value[: VALUE - 3]}..."
        value = re.sub(r"\$\{oc\.env:\w+,(\w+)\}", r"\1", value)
        comment = f"needed: {one.comment}".rstrip(": ") if one.value == "???" else one.comment
        left = f"{one.name}={value}"
        if len(left) <= LEFT:
            lines.append(_filled(comment, f"  {left:<{LEFT}}  ") if comment else f"  {left}")
        else:
            lines += [f"  {left}", *([_filled(comment, " " * (LEFT + 4), "")] if comment else [])]
    return "\n".join(lines) if len(lines) > 1 else ""


def _groups(command: str, choices: dict[str, str], *, names: bool) -> str:
    """Lists the options of each group, and the names of the settings that those chosen have."""
    if not choices:
        return ""
    lines = [_filled(f"Groups, each with options and settings; celltype {command} --help <group> explains them")]
    for group, option in choices.items():
        others = ", ".join(name for name in config_options(group) if name != option)
        lines.append(_filled(f"{group}={option}" + (f"   or {others}" if others else ""), "  "))
        own = (key for key in _of_option(group, option) if key.startswith(f"{group}."))
        own = dict.fromkeys(key.split(".")[1] for key in own)
        if own and names and group != "paper":  # a paper's file says what was published
            lines.append(_filled(f"{group}.  {' '.join(own)}", "      "))
    return "\n".join(lines)


def _option_list(group: str) -> str:
    """Lists the options of a group, each with the first sentence of its file."""
    abouts = {option: read(_file(group, option)).about for option in config_options(group)}
    heads = {option: re.split(r"\.? (?=Get )|\. (?=[A-Z])", about)[0] for option, about in abouts.items()}
    heads = {option: textwrap.shorten(head, 2 * WIDTH, placeholder=" ...") for option, head in heads.items()}
    return "\n".join([f"Options of {group}", *(_filled(f"{option}: {head}", "  ") for option, head in heads.items())])


def _filled(text: str, start: str = "", further: str = "    ") -> str:
    """Breaks text into lines, those after the first `further` to the right, or as far as the words of the first."""
    rest = " " * len(start) + (further if start and not start.strip() else "")
    return textwrap.fill(text, WIDTH, initial_indent=start, subsequent_indent=rest, break_long_words=False,
                         break_on_hyphens=False)  # fmt: skip
