"""Config values as overrides that can be typed: `model.depth=3`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf

from celltype_cli.runs.identity import ELSEWHERE

# What Hydra reads as text without quotes, and what it would read as something else.
BARE = re.compile(r"[A-Za-z_/][\w./-]*")
OTHER = re.compile(r"null|true|false|nan|inf", re.IGNORECASE)


def text(value: Any) -> str:
    """Writes a value so that Hydra reads the same value back."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{text(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(text, value)) + "]"
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    if isinstance(value, str) and not (BARE.fullmatch(value) and not OTHER.fullmatch(value)):
        return "'" + re.sub(r"\\*(?='|$)", lambda slashes: 2 * slashes[0], value).replace("'", "\\'") + "'"
    return str(value)


def difference(base: DictConfig, wanted: DictConfig) -> list[str]:
    """Returns the overrides that make `wanted` of `base`, less where and how fast a run computes."""
    before, after = (OmegaConf.to_container(cfg, resolve=True) for cfg in (base, wanted))
    return [*_changes(before, after, ""), *_deletions(before, after, "")]


def _changes(before: dict[str, Any], after: dict[str, Any], prefix: str) -> Iterator[str]:
    for name, value in after.items():
        key, old = f"{prefix}{name}", before.get(name)
        if name in ELSEWHERE:
            continue
        if isinstance(value, dict) and value and (name not in before or isinstance(old, dict)):
            yield from _changes(old or {}, value, f"{key}.")
        elif name not in before:
            yield f"+{key}={text(value)}"
        elif (old, type(old)) != (value, type(value)) and not (isinstance(value, dict) and isinstance(old, dict)):
            yield f"{key}={text(value)}"


def _deletions(before: dict[str, Any], after: dict[str, Any], prefix: str) -> Iterator[str]:
    for name, old in before.items():
        if name in ELSEWHERE:
            continue
        if name not in after and old is not None:  # Hydra deletes no null, so nobody can have deleted one
            yield f"~{prefix}{name}"
        elif isinstance(old, dict) and isinstance(after.get(name), dict):
            yield from _deletions(old, after[name], f"{prefix}{name}.")
