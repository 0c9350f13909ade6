"""YAML files of settings, read with the comments behind the lines: what each setting means, and its unit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

LINE = re.compile(r"""(?P<indent>\s*)(?P<key>"?[\w-]+"?):(?:\s+(?P<value>[^#\s].*?))?(?:\s+\#\s?(?P<comment>.*))?$""")


@dataclass
class Setting:
    """A setting by its dotted name, with its value as it is written and the comment behind it."""

    name: str
    value: str
    comment: str = ""


@dataclass
class File:
    """What a YAML file says of itself: its head, examples in it, defaults, and settings by dotted name."""

    about: str = ""
    examples: list[tuple[str, str]] = field(default_factory=list)
    defaults: list[Any] = field(default_factory=list)
    settings: dict[str, Setting] = field(default_factory=dict)


def read(path: Path) -> File:
    """Reads a YAML file of ours, comments and all."""
    file, place, last, opened, skipped = File(), [], None, 0, None
    text = path.read_text(encoding="utf-8")
    file.defaults = (yaml.safe_load(text) or {}).get("defaults", [])
    for line in text.splitlines():
        bare = line.strip()
        if bare.startswith("# @") or not bare:
            continue
        if bare.startswith("#"):
            _take_comment(bare.removeprefix("#"), file, last)
            continue
        indent = len(line) - len(line.lstrip())
        if skipped is not None and (indent > skipped or bare.startswith("- ")):
            continue
        skipped = indent if bare.startswith("- ") else None
        match = None if opened or skipped is not None else LINE.fullmatch(line)
        if match:
            place = [(at, key) for at, key in place if at < indent] + [(indent, match["key"].strip('"'))]
            name = ".".join(key for _, key in place)
            last = Setting(name, match["value"] or "", match["comment"] or "")
            if place[0][1] in ("defaults", "hydra") or name.split(".")[-1] in ("_target_", "_partial_", "_args_"):
                continue
            if match["value"]:
                file.settings[name] = last
        elif opened and last:
            value, _, comment = line.strip().partition("  # ")
            last.value += f" {value}"
            last.comment += comment
        opened = _unclosed(last.value) if last else 0
    file.about = file.about.strip().removeprefix(f"celltype {path.stem}: ")
    return file


def _take_comment(said: str, file: File, last: Setting | None) -> None:
    """Adds a line of comment to the setting that it follows, or before the first to the examples or the head."""
    if last is not None:
        last.comment += f" {said.strip()}"
    elif said.startswith("   celltype "):
        shown, _, words = said.strip().partition("   ")
        file.examples.append((shown, words.strip()))
    else:
        file.about += f" {said.strip()}"


def _unclosed(value: str) -> int:
    """Returns how many brackets of a value are closed in a later line."""
    return sum(map(value.count, "{[")) - sum(map(value.count, "}]"))
