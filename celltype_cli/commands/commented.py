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
            said = bare.removeprefix("#")
            if last is not None:
                last.comment += f" {said.strip()}"
            elif said.startswith("   celltype "):
                shown, _, words = said.strip().partition("   ")
                file.examples.append((shown, words.strip()))
            elif not place:
                file.about += f" {said.strip()}"
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
        opened = sum(map((last.value if last else "").count, "{[")) - sum(map((last.value if last else "").count, "}]"))
    file.about = file.about.strip().removeprefix(f"celltype {path.stem}: ")
    return file
