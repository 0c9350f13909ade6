"""Messages for people: the one exception shown without a traceback, the nearest valid name, the first few faults."""

from __future__ import annotations

import difflib
import errno
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

SHOWN = 5
CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


class UserError(Exception):
    """Tells the user what was found, where, what was expected and what to do; the command exits with code 2."""


def printable(text: object) -> str:
    """Returns text without the codes that move a terminal's cursor or colour it; they are written out."""
    return str(text).translate(CONTROL)


def of_machine(error: OSError | MemoryError) -> UserError:
    """Words what the machine refuses: a place that cannot be read or written, a full disk, too little memory."""
    if isinstance(error, MemoryError):
        return UserError("the memory is not enough for this: choose fewer or shorter recordings, or fewer jobs at once")
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(f"{where}the disk is full: make room, then type the same command again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ELOOP):
        reason = (error.strerror or str(error)).lower()
        return UserError(f"{where}{reason}: choose another place, for results with outputs= or CELLTYPE_OUTPUTS")
    if error.errno == errno.EFBIG:
        return UserError(f"{where}a file would grow beyond what this account may write: see ulimit -f")
    if error.errno == errno.ENOENT and not where and not _is_somewhere():
        return UserError("the folder in which this terminal stands was removed or replaced: cd to it anew")
    return UserError(f"{where}{error.strerror or error}")


def _is_somewhere() -> bool:
    try:
        return bool(Path.cwd())
    except OSError:
        return False


def nearest(name: str, names: Iterable[str], like: float = 0.5) -> str:
    """Returns "; nearest: x" for the most similar of the names, or nothing where none is as similar as `like`."""
    by_lower = {str(n).lower(): str(n) for n in names}
    found = difflib.get_close_matches(str(name).lower(), by_lower, n=1, cutoff=like)
    return f"; nearest: {by_lower[found[0]]}" if found else ""


def nearest_file(path: Path) -> str:
    """Returns what may be meant by a path that is not there: a name like its own beside it, its ending apart from
    others; the folder on the way that is missing; the same path below another folder; or a link that leads nowhere."""
    if path.is_symlink() and not path.exists():
        return "; it is a link that leads nowhere"
    if other := _no_path_here(path):
        return other
    missing = next((place for place in (*reversed(path.parents), path) if not place.exists()), None)
    if missing is None:
        return ""
    found = _most_alike(missing.name, [p.name for p in missing.parent.iterdir()] if _listed(missing) else [])
    if missing != path:
        other = missing.parent / found / path.relative_to(missing)
        near = other if found and other.exists() else _elsewhere(path) or found
        return f"; there is no folder {missing}" + (f"; nearest: {near}" if near else "")
    near = found or _elsewhere(path)
    return f"; nearest: {near}" if near else ""


def _no_path_here(path: Path) -> str:
    """Says that a text is an address, a path of Windows, a pattern, or holds a variable that no shell has replaced."""
    text = str(path)
    if re.match(r"(https?|ftp|s3|gs|smb|file):/", text):
        return "; it is an address: download it, and name the file"
    if os.name != "nt" and re.match(r"[A-Za-z]:[\\/]|\\\\", text):
        return "; it is a path of Windows, and this is another system"
    if "$" in text and not path.exists():
        return f"; no shell has replaced its variable, as within '...': type {os.path.expandvars(text)}"
    if {*path.name} & {*"*?"} and path.parent.is_dir() and any(path.parent.glob(path.name)):
        return "; a pattern is not taken: name the folder that holds the files"
    return ""


def _elsewhere(path: Path) -> str:
    """Returns the place of a relative path's file in the current folder, or of the path below one of those above it."""
    if path.is_absolute() or path.name in ("", ".."):
        return ""
    places = (path.name, *("../" * up + str(path) for up in (1, 2, 3)))
    return next((place for place in places if Path(place).exists()), "")


def _most_alike(name: str, others: Iterable[str]) -> str:
    """Returns the name that is most like another: first of those with its ending, then of those that differ in the
    ending alone, then of all; nothing where none is like it."""
    own, stem = Path(name).suffix.lower(), Path(name).stem.lower()
    shown = (one for one in sorted(others, reverse=True) if name.startswith(".") or not one.startswith("."))
    there = {one.lower(): one for one in shown}
    same = [one for one in there if Path(one).suffix == own]
    for these, cutoff in ((same, 0.8), ([one for one in there if Path(one).stem == stem], 0.0), (there, 0.8)):
        if found := difflib.get_close_matches(name.lower(), these, n=1, cutoff=cutoff):
            return there[found[0]]
    return ""


def _listed(path: Path) -> bool:
    return path.parent.is_dir() and os.access(path.parent, os.R_OK)


def check_choice(key: str, value: str, choices: Iterable[str]) -> None:
    if value not in choices:
        raise UserError(f"{key}={value} is none of {', '.join(choices)}{nearest(value, choices)}")


def raise_faults(
    where: str, faults: Iterable[str], fails: str = "cannot be used", kind: type[UserError] = UserError
) -> None:
    """Raises one message with the first few faults and the count of the rest, or nothing when there are none."""
    if shown := few(_joined(faults)):
        raise kind("\n  ".join([f"{where} {fails}:", *shown]))


def _joined(faults: Iterable[str]) -> list[str]:
    """Says once what is said of three names or more, as in `name: fault`, with the first few; the same is counted."""
    names: dict[str, list[str]] = {}
    for fault in faults:
        name, colon, said = fault.partition(": ")
        names.setdefault(said if colon else "", []).append(name)
    alone = names.pop("", [])
    counted = [f"{fault} ({n} times)" if n > 1 else fault for fault, n in Counter(alone).items()]
    for said, of in names.items():
        counted += [f"{name}: {said}" for name in ([", ".join(few(dict.fromkeys(of)))] if len(of) > 2 else of)]
    return counted


def counted(n: int, word: str) -> str:
    """Returns so many of something: "1 cell", "4,472 cells"."""
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def few(items: Iterable[str]) -> list[str]:
    """Returns the first five items and the number of the others; up to six as they are."""
    items = list(items)
    return items if len(items) <= SHOWN + 1 else [*items[:SHOWN], f"and {len(items) - SHOWN} more"]


def grouped(faults: Sequence[str]) -> list[str]:
    """Makes one line of faults that differ in the cell or file only: "cell c1 (x.npz) and 7 more: ...".

    Args:
        faults: lines "<where>: <what is wrong>".
    """
    places = defaultdict(list)
    for fault in faults:
        where, _, what = fault.partition(": ")
        places[what].append(where)
    more = {what: f" and {len(where) - 1} more" if len(where) > 1 else "" for what, where in places.items()}
    return [f"{where[0]}{more[what]}: {what}" if what else where[0] for what, where in places.items()]
