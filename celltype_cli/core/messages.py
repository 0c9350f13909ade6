"""Messages for people: the one exception shown without a traceback, the nearest valid name, the first few faults."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHOWN = 5


class UserError(Exception):
    """Tells the user what was found, where, what was expected and what to do; the command exits with code 2."""


def nearest(name: str, names: Iterable[str]) -> str:
    """Returns "; nearest: x" for the most similar of the names, or nothing where none is similar."""
    by_lower = {str(n).lower(): str(n) for n in names}
    found = difflib.get_close_matches(str(name).lower(), by_lower, n=1, cutoff=0.5)
    return f"; nearest: {by_lower[found[0]]}" if found else ""


def check_choice(key: str, value: str, choices: Iterable[str]) -> None:
    if value not in choices:
        raise UserError(f"{key}={value} is none of {', '.join(choices)}{nearest(value, choices)}")


def raise_faults(
    where: str, faults: Iterable[str], fails: str = "cannot be used", kind: type[UserError] = UserError
) -> None:
    """Raises one message with the first few faults and the count of the rest, or nothing when there are none."""
    if shown := few(faults):
        raise kind("\n  ".join([f"{where} {fails}:", *shown]))


def few(items: Iterable[str]) -> list[str]:
    """Returns the first five items and the number of the others; up to six as they are."""
    items = list(items)
    return items if len(items) <= SHOWN + 1 else [*items[:SHOWN], f"and {len(items) - SHOWN} more"]
