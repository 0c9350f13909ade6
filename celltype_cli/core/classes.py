"""What is known of cell types, from conf/classes: their order, their colours, and other names for the same type."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from celltype_cli.core.files import config_folders
from celltype_cli.core.messages import UserError
from celltype_cli.core.yaml_files import read_mapping


def in_order(names: Iterable[str]) -> list[str]:
    """Sorts names of classes: those that go by their first name in the files in that order, then the others by name."""
    names, order = set(names), [*vocabulary()]
    return [name for name in order if name in names] + sorted(names - {*order})


def colour_of(name: str) -> str | None:
    """Returns the colour of a class under any of its names, or None where it has none."""
    return next((entry.get("colour") for first, entry in vocabulary().items() if name in _names(first, entry)), None)


def same_as(name: str) -> frozenset[str]:
    """Returns all names of a class, the given one among them."""
    found = (_names(first, entry) for first, entry in vocabulary().items())
    return frozenset(next((names for names in found if name in names), {name}))


def synonyms(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Returns the names that the files call one class (Pvalb, PV), in any case, as groups."""
    folded = [{one.casefold() for one in _names(first, entry)} for first, entry in vocabulary().items()]
    groups = [tuple(sorted(name for name in {*names} if name.casefold() in known)) for known in folded]
    return sorted(group for group in groups if len(group) > 1)


def _names(first: str, entry: dict) -> set[str]:
    return {first, *entry.get("synonyms", ())}


@cache
def vocabulary() -> dict[str, dict]:
    """Reads the files of the user's own config folder, then the shipped ones; the first to name a class wins.

    Raises:
        UserError: when a file holds something else.
    """
    found: dict[str, dict] = {}
    for file in (file for folder in config_folders() for file in sorted((folder / "classes").glob("*.yaml"))):
        content = read_mapping(file)
        if not all(isinstance(entry or {}, dict) for entry in content.values()):
            raise UserError(f"{file}: expected lines NAME: {{colour: ..., synonyms: [...]}}")
        for name, entry in content.items():
            found.setdefault(str(name), entry or {})
    return found
