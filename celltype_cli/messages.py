"""Wording shared by messages for people: the nearest valid name, and many faults in one message."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from celltype_cli.errors import UserError

SHOWN = 5


def nearest(name: str, names: Iterable[str]) -> str:
    """Returns "; nearest: x" for the most similar of the names, or nothing where none is similar."""
    by_lower = {str(n).lower(): str(n) for n in names}
    found = difflib.get_close_matches(str(name).lower(), by_lower, n=1, cutoff=0.5)
    return f"; nearest: {by_lower[found[0]]}" if found else ""


def check_choice(key: str, value: str, choices: Iterable[str]) -> None:
    if value not in choices:
        raise UserError(f"{key}={value} is none of {', '.join(choices)}{nearest(value, choices)}")


def raise_faults(where: str, faults: Iterable[str]) -> None:
    """Raises one message with the first few faults and the count of the rest, or nothing when there are none."""
    faults = list(faults)
    if faults:
        rest = [f"... and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
        raise UserError("\n  ".join([f"{where} cannot be used:", *faults[:SHOWN], *rest]))
