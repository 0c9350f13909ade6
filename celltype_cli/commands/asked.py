"""What is typed where a command or a flag stands: words of other tools, settings with dashes, words out of order."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Collection, Sequence

from hydra._internal.utils import get_args_parser

from celltype_cli.commands import hints, known, spelling
from celltype_cli.core.messages import UserError, nearest

SETTINGS = "settings are typed as name=value, without dashes"


def no_command(arguments: Sequence[str], commands: Collection[str]) -> str:
    """Says that the first word of a line is no command, and which is meant."""
    word, rest = arguments[0], [*arguments[1:]]
    said, low = f"{word!r} is no command", word.lower()
    if low in commands:
        return f"{said}: type {shlex.join(['celltype', low, *rest])}"
    if first := [one for one in rest if one in commands][:1]:
        rest.remove(first[0])
        return f"{said}, which stands first: type {shlex.join(['celltype', *first, word, *rest])}"
    if "=" in word:
        return f"{said} but a setting, and a command stands first: {shlex.join(['celltype', 'train', *arguments])}"
    called = [command for command, words in known.commands_called().items() if low in words or word in words]
    close = f"; meant: celltype {called[0]}" if called else nearest(word, commands)
    return f"{said}{close}; commands: {', '.join(commands)}"


def refuse_flags(command: str, arguments: Sequence[str]) -> None:
    """Raises a UserError for a flag that is none (`--model forest`), one that lacks its word, and Hydra's mode."""
    if mode := [one for one in arguments if one.lstrip("+~").startswith("hydra.mode")]:
        raise UserError(f"{mode[0]}: leave it out; -m runs every combination of values, and without it one job runs")
    parser = get_args_parser()

    def error(message: str) -> None:
        raise UserError(f"{message.removeprefix('argument ')}; {SETTINGS}: celltype {command} --help lists them")

    parser.error = error
    flags = [one for one in parser.parse_known_args(list(arguments))[1] if one.startswith("-")]
    if flags:
        there = [*parser._option_string_actions]
        raise UserError("\n  ".join(_no_flag(command, flag, arguments, there) for flag in flags))


def _no_flag(command: str, flag: str, arguments: Sequence[str], flags: Sequence[str]) -> str:
    name, _, value = flag.lstrip("-").partition("=")
    key = name.replace("-", "_")
    after = [*arguments, ""][[*arguments].index(flag) + 1]
    value = value or (after if after and "=" not in after and not after.startswith("-") else "...")
    typed = f"{key}={value}" if re.fullmatch(r"[\w.+-]+", value) else spelling.quoted(key, value)
    if key == "model" or key in known.own_settings(command) | known.groups(command):
        return f"{flag} is no flag: {SETTINGS}: {typed}"
    if close := difflib.get_close_matches(flag.lower().replace("_", "-"), flags, n=1, cutoff=0.75):
        return f"{flag} is no flag; nearest: {close[0]}"
    if meant := [said for said in hints.faults(command, [typed], multirun=False) if "; meant: " in said]:
        return f"{flag} is no flag: {SETTINGS}: {meant[0]}"
    return f"{flag} is no flag; {SETTINGS}: celltype {command} --help lists them"
