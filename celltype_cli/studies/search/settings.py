"""Settings of a config: with other values, without one of them, and as overrides that can be typed: `model.depth=3`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from omegaconf import DictConfig, OmegaConf

from celltype_cli.runs.identity import ELSEWHERE

# What Hydra reads as text without quotes, and what it would read as something else.
BARE = re.compile(r"(?!(?i:null|true|false|nan|inf)$)[A-Za-z_/][\w./-]*")


def put(cfg: DictConfig, values: Mapping[str, Any]) -> DictConfig:
    """Returns a copy of a config with other values."""
    copy = OmegaConf.create(OmegaConf.to_container(cfg, resolve=True))
    for key, value in values.items():
        OmegaConf.update(copy, key, value, force_add=True)
    return copy


def without(config: dict[str, Any], key: str) -> dict[str, Any]:
    """Returns a nested config without one key."""
    first, _, rest = key.partition(".")
    if not rest or first not in config:
        return {name: value for name, value in config.items() if name != first}
    return {**config, first: without(config[first], rest)}


def text(value: Any) -> str:
    """Writes a value so that Hydra reads the same value back."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{text(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(text, value)) + "]"
    if isinstance(value, str):
        return value if BARE.fullmatch(value) else QuotedString(value, Quote.single).with_quotes()
    return "null" if value is None else str(value).lower()


def value(written: str) -> Any:
    """Reads what `text` wrote, as Hydra does."""
    return OverridesParser.create().parse_override(f"key={written}").value()


def difference(base: DictConfig, wanted: DictConfig) -> list[str]:
    """Returns the overrides that make `wanted` of `base`, less where and how fast a run computes; deletions last."""
    changes = _changes(*(OmegaConf.to_container(cfg, resolve=True) for cfg in (base, wanted)), "")
    return sorted(changes, key=lambda override: override.startswith("~"))


def _changes(before: dict[str, Any], after: dict[str, Any], prefix: str) -> Iterator[str]:
    for name in {**after, **before}:
        key, old, new = f"{prefix}{name}", before.get(name), after.get(name)
        if name in ELSEWHERE:
            continue
        if name not in after:
            if old is not None:  # Hydra deletes no null, so nobody can have deleted one
                yield f"~{key}"
        elif isinstance(new, dict) and (isinstance(old, dict) or (new and name not in before)):
            yield from _changes(old or {}, new, f"{key}.")
        elif name not in before:
            yield f"+{key}={text(new)}"
        elif (old, type(old)) != (new, type(new)):
            yield f"{key}={text(new)}"
