"""What is known of cell types, from conf/classes: their order, their colours, and other names for the same type."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import yaml

from celltype_cli.core.files import config_folders


def in_order(names: Iterable[str]) -> list[str]:
    """Sorts names of classes: those that go by their first name in the files in that order, then the others by name."""
    names, order = set(names), [*_entries()]
    return [name for name in order if name in names] + sorted(names - {*order})


def colour_of(name: str) -> str | None:
    """Returns the colour of a class under any of its names, or None where it has none."""
    return next((entry["colour"] for first, entry in _entries().items() if name in _names(first, entry)), None)


def same_as(name: str) -> frozenset[str]:
    """Returns all names of a class, the given one among them."""
    found = (_names(first, entry) for first, entry in _entries().items())
    return frozenset(next((names for names in found if name in names), {name}))


def _names(first: str, entry: dict) -> set[str]:
    return {first, *entry.get("synonyms", ())}


@cache
def _entries() -> dict[str, dict]:
    """Reads the files of the user's own config folder, then the shipped ones; the first to name a class wins."""
    found: dict[str, dict] = {}
    for file in (file for folder in config_folders() for file in sorted((folder / "classes").glob("*.yaml"))):
        for name, entry in yaml.safe_load(file.read_text(encoding="utf-8")).items():
            found.setdefault(str(name), entry)
    return found
