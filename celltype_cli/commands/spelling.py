"""What a shell or Hydra's grammar makes of a line: blanks, commas, odd characters, and how to quote them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from celltype_cli.commands import known
from celltype_cli.core import configs
from celltype_cli.core.files import config_options
from celltype_cli.core.nearly import TYPESET

ID = r"[\w.+-]+"  # part of the name of a run or of a bundle
OF_PATHS = ("input", "out", "dataset.path")  # which take one
BLANKS = 9  # that a path may have


def bare(command: str, text: str, before: str) -> str:
    """Says what a word without = may be: the rest after a blank, a file, an option."""
    if text in ("help", "version"):
        return (
            f"{text!r} is no setting: type celltype {command} --help" if text == "help" else f"type celltype --{text}"
        )
    if (plain := text.translate(TYPESET)) != text and plain.startswith("-"):
        return f"{text} begins with a dash as PDF files have it: type {plain}"
    if (pair := re.fullmatch(r"([\w.]+):(?!//|\\)(.+)", text)) and _is_setting(command, pair[1]):
        return f"{text!r} has a colon: type {quoted(pair[1], pair[2])}"
    if before.endswith(","):
        joined = f"{before}{text}"
        return f"{text!r} stands after a blank: type {joined}"
    if "input" in known.own_settings(command) and (Path(text).exists() or reader(text)):
        own = Path(text).is_dir() and any((Path(text) / file).is_file() for file in ("bundle.yaml", "run.json"))
        return f"{text!r} is no setting: type {quoted('model' if own else 'input', text)}"
    if found := reader(text):
        return f"{text!r} is no setting: type {found}"
    if Path(text).exists():
        readers = ", ".join(f"dataset={name} ({what})" for name, what in known.of_folders().items())
        return f"{text!r} is no setting: type {quoted('dataset.path', text)} with what reads it, of {readers}"
    taken = known.groups(command) or known.GROUPS
    groups = [group for group in known.GROUPS if group in taken and text in config_options(group)]
    keys = [key for key in ("run", "bundle") if key in known.own_settings(command)] if re.fullmatch(ID, text) else []
    if "runs" in known.own_settings(command) and re.fullmatch(ID, text):
        return f"{text!r} is no setting: type 'runs=[{text},...]'"
    if keys and not groups:
        return f"{text!r} is no setting: type {'model' if keys == ['bundle'] else keys[0]}={text}"
    if groups:
        return f"{text!r} is no setting: type {' or '.join(f'{group}={text}' for group in groups)}"
    return f"{text!r} is no setting: expected setting=value"


def broken(words: Sequence[str]) -> tuple[str, int]:
    """Says what to type for a path that a shell broke at its blanks, and of how many of the words; 0 where none is.

    Args:
        words: a setting of a line, and all that follows it.
    """
    key, _, value = words[0].partition("=")
    if not value:
        return "", 0
    for n in range(min(len(words), BLANKS + 1), 1, -1):
        if there(path := " ".join([value, *words[1:n]])):
            return f"{' '.join(words[1:n])!r} stands after a blank: type {quoted(key, path)}", n
    last = next((k for k, one in enumerate(words[1:]) if "=" in one), len(words) - 1)
    rest = " ".join(words[1 : last + 1])
    if key not in OF_PATHS or not last or value.endswith(",") or any(map(there, (value, *words[1 : last + 1]))):
        return "", 0
    typed = quoted(key, f"{value} {rest}")
    return f"{rest!r} stands after a blank: one path is typed {typed}, but is not there", last + 1


def there(path: str) -> bool:
    """Says whether a file or folder of this name exists."""
    try:
        return Path(path).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # too long a name, no such home, a null byte
        return False


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
    tidy, plain = f"{key.strip()}={value.strip()}", text.translate(TYPESET)
    of_pdf = "holds dashes, quotes or blanks as PDF files have them"
    for likely, why in ((plain, of_pdf), (tidy, "has blanks around its =")):
        if likely != text and _is_read(likely):
            return f"{text} {why}: type {shlex.quote(likely)}"
    if value.endswith(","):
        return f"{text} ends in a comma: type the values without blanks between them, {key}=a,b"
    return (
        f"{text} cannot be read ({reason}): expected setting=value; a list is typed as 'model.layers=[rnn]', "
        f"a text with odd characters as {quoted(key, value)}"
    )


def apart(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Finds settings with blanks around their =, as in `model = forest`; returns what is said of them, and the rest."""
    said, rest, k = [], [], 0
    while k < len(words):
        here, after = words[k], [*words[k + 1 : k + 3], "", ""]
        key = re.fullmatch(r"([+~]*[\w./@]+)(=?)", here)
        value, n = (after[0], 2) if after[0] != "=" else (f"={after[1]}", 3)
        if key and (("=" not in value and value) if key[2] else value.startswith("=") and len(value) > 1):
            joined = f"{here}{value}"
            said.append(f"{' '.join(words[k : k + n])} has blanks around its =: type {shlex.quote(joined)}")
            k += n
        else:
            rest.append(here)
            k += 1
    return said, rest


def _is_read(text: str) -> bool:
    try:
        OverridesParser.create().parse_override(text)
    except HydraException:
        return False
    return True


def _is_setting(command: str, key: str) -> bool:
    name = key.partition(".")[0]
    return name == "model" or name in known.own_settings(command) | known.groups(command)


def several(command: str, override: Override) -> str:
    """Says what several values of a single run may mean: jobs, a decimal comma, paths, a list or a text."""
    if known.is_group(override.key_or_group):
        each = f"celltype {command} -m {override.input_line}"
        return f"{override.input_line} is several options, one for each of several jobs: {each} runs each"
    key, _, value = override.input_line.partition("=")
    key = key.removeprefix("+dataset.").removeprefix("+prepare.")  # as a bundle's settings are typed
    if re.fullmatch(r"[+-]?\d+,\d+", value):
        new = configs.renamed().get(key, key)
        return (
            f"{key}={value} is two values, 2 jobs with -m; a decimal point is a point: "
            f"{new}={value.replace(',', '.')}; a list has brackets: '{new}=[{value}]'"
        )
    if known.takes_list(command, key):
        return f"{key}={value} is a list, which has brackets: '{key}=[{value}]'"
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
