"""Files in which the program keeps its own state: read so that a damaged one is said, and spoils nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from celltype_cli.core.code import digest
from celltype_cli.core.files import write_text
from celltype_cli.core.messages import UserError

State = TypeVar("State")
SEALS = "seals.json"
MEND = "delete it; the same command makes it anew"


class DamagedState(UserError):
    """Tells which file cannot be read, why, and that it can be made anew."""


def read_state(path: Path, parse: Callable[[Path], State], mend: str = MEND) -> State:
    """Returns what `parse` makes of a file.

    Raises:
        DamagedState: whatever `parse` raises; foreign bytes make libraries raise anything.
    """
    try:
        return parse(path)
    except FileNotFoundError as error:
        raise DamagedState(f"{path} is missing: {re.sub('^delete it(;|, and) ', '', mend)}") from error
    except DamagedState:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        raise DamagedState(f"{path} cannot be read ({_reason(error)}): {mend}") from error


def read_json(path: Path, expected: Mapping[str, type] | None = None) -> dict[str, Any]:
    """Returns the object of a JSON file.

    Args:
        expected: keys that it must have, inner ones after a dot ("dataset.title"), and the types of their values.

    Raises:
        DamagedState: when it cannot be read, or lacks one.
    """
    return read_state(path, lambda file: fitting(json.loads(file.read_text(encoding="utf-8")), expected or {}))


def fitting(value: Any, expected: Mapping[str, type]) -> dict[str, Any]:
    """Returns a dict that has the expected keys, as in `read_json`.

    Raises:
        ValueError: when it is none, or one is missing or of another type.
    """
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, found {type(value).__name__}")
    for key, kind in expected.items():
        inner = value
        for name in key.split("."):
            inner = inner.get(name) if isinstance(inner, dict) else None
        if not isinstance(inner, (int, float) if kind is float else kind):
            raise ValueError(f"{key} is {type(inner).__name__}, expected {kind.__name__}")
    return value


def seal(folder: Path, names: Iterable[str]) -> None:
    """Writes a digest of each file beside them, last of all, by which `sealed` finds later damage."""
    write_text(folder / SEALS, json.dumps({name: digest(folder / name) for name in names}, indent=2) + "\n")


def sealed(folder: Path) -> bool:
    """Says whether the files that were sealed in a folder are there and are as they were."""
    try:
        kept = read_json(folder / SEALS)
        return bool(kept) and all(digest(folder / name) == value for name, value in kept.items())
    except (OSError, DamagedState):
        return False


def check_seal(path: Path) -> None:
    """Raises a ValueError when a file is not as it was when it was sealed; one that never was is not looked at."""
    seals = path.parent / SEALS
    kept = read_json(seals) if seals.exists() else {}
    if path.name in kept and kept[path.name] != digest(path):
        raise ValueError("it was cut or changed after it was written")


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
