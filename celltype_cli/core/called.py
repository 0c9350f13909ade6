"""What people call the arrays and columns that readers know by one name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from celltype_cli.core.files import config_folders
from celltype_cli.core.messages import few, nearest
from celltype_cli.core.yaml_files import read_mapping


@cache
def _words() -> dict[str, str]:
    """Reads conf/called.yaml: by a name, the words that people use for it."""
    return {name: str(words) for name, words in read_mapping(config_folders()[-1] / "called.yaml").items()}


def meant(name: str, found: Iterable[str]) -> str:
    """Returns "; nearest: x", the name there by which people call what is missing, else the one most like it."""
    found = [*map(str, found)]
    other = next((one for one in found if _is_called(one, name)), None)
    return f"; nearest: {other}" if other else nearest(name, found, like=0.6)  # label is not like voltage or latency


def called(names: Iterable[str], missing: Iterable[str]) -> str:
    """Says which of some names may be meant for one that is missing, as "; animal may be ...", or nothing."""
    names, missing = [*map(str, names)], {*missing}
    pairs = [(one, role) for role in _words() if role in missing for one in names if _is_called(one, role)]
    return "".join(f"; {one} may be what is called {role} here: rename it" for one, role in pairs)


def unread(where: str, found: Iterable[str], known: Iterable[str]) -> list[str]:
    """Returns a note on the names that are not read, and which of them may be meant for one that is not there."""
    found, known = [*map(str, found)], {*known}
    if not (names := [name for name in found if name not in known]):
        return []
    said = called(names, known - {*found})
    return [f"{where}: not read: {', '.join(few(name[:40] for name in names))}{said}"]


def _is_called(name: str, role: str) -> bool:
    words = (_plain(role), *_words().get(role, "").split())
    return _plain(name) in words or _plain(re.sub(r"[(\[{].*", "", name)) in words  # without its unit: time [ms]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
