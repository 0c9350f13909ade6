"""Files are written whole or not at all, and found in one way; and where the shipped configs lie."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from celltype_cli.core.messages import UserError, few, nearest_file

ZARR = "write it as HDF5, NWB or npz, which are read"
OURS = "celltype_files.txt"  # lists answers, as sha256sum does
OF_THE_SYSTEM = (".DS_Store", "Thumbs.db", "desktop.ini")
# Folders in which systems keep halves and copies of files: archives of macOS, bins of Windows, disks of a network
COPIES = ("__macosx", "$recycle.bin", "system volume information", "lost+found", "@eadir", "#recycle", "#snapshot",
          "@recycle", "@recently-snapshot", "__pycache__")  # fmt: skip
OWN = {"a bundle": ("bundle.yaml", "checksums.txt"), "a run": ("run.json", "environment.json")}  # and files that say so
POINTERS = {
    b"version https://git-lfs": "is a pointer of git-lfs, not the file itself: git lfs pull fetches it",
    b"/annex/objects": "is a pointer of git-annex, not the file itself: git annex get (or datalad get) fetches it",
    b"../.git/annex": "is a pointer of git-annex, not the file itself: git annex get (or datalad get) fetches it",
    b"<!doctype html": "is a web page, not the file itself: was a log-in asked for? download it again",
    **dict.fromkeys(
        (b"<table", b"<?xml"), "is a table in HTML or XML, as Excel takes it: open it there, save it as CSV"
    ),
    b"<html": "is a web page, not the file itself: was a log-in asked for? download it again",
}
KINDS = {  # what files begin with, what they are, and the endings that say so
    b"\x89HDF\r\n\x1a\n": ("HDF5", (".h5", ".hdf5", ".nwb", ".mat", ".hdf")),
    b"PK\x03\x04": ("a zip archive, as npz and Excel files are", (".npz", ".zip", ".xlsx")),
    b"\xd0\xcf\x11\xe0": ("an old Excel file", (".xls",)),
    b"PAR1": ("parquet", (".parquet",)),
    b"\x93NUMPY": ("an npy file of numpy", (".npy",)),
    b"\x1f\x8b": ("compressed with gzip", (".gz",)),
    b"MATLAB 5": ("of MATLAB 5 to 7", (".mat",)),
    b"MATLAB 7.3": ("of MATLAB 7.3, which is HDF5", (".mat",)),
    b"ABF": ("ABF", (".abf",)),
    b"%PDF": ("a PDF", (".pdf",)),
}

own_configs: list[Path] = []  # the folder of --config-dir, where one was given


def config_folders() -> list[Path]:
    """Returns the user's own config folder, where one was given, and that of the shipped configs, which is the last.

    The shipped ones lie in the installed package, or beside it in the repository.
    """
    package = Path(__file__).parents[1]
    shipped = package / "conf" if (package / "conf").is_dir() else package.parent / "conf"
    return [*own_configs, shipped]


def config_options(group: str) -> list[str]:
    """Returns the options of a config group, the user's own too; none where there is no such group."""
    return sorted({file.stem for folder in config_folders() for file in (folder / group).glob("*.yaml")})


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary path beside `path` that takes its place when the block succeeds and vanishes when it fails.

    The temporary name ends in the same suffix, because some writers choose the format by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a text file, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def name_of(path: Path) -> str:
    """Returns the name of a file or folder as it is typed: that of "." is the folder's, that of a link its own."""
    return path.name if path.name not in ("", "..") else path.resolve().name


def digest(file: Path) -> str:
    """Returns the SHA-256 of a file, as sha256sum writes it."""
    found = hashlib.sha256()
    with file.open("rb") as content:
        while block := content.read(2**20):
            found.update(block)
    return found.hexdigest()


def ours(folder: Path) -> dict[str, str]:
    """Returns the files of a folder that celltype has written as answers, with their SHA-256 as they were written."""
    try:
        lines = (folder / OURS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    return {name: value for value, _, name in (line.partition("  ") for line in lines)}


def why_unreadable(path: Path, error: BaseException | None = None) -> str:
    """Returns what stands in the way of reading a file, so that it is not called damaged; "" where nothing is known.

    Args:
        error: what the library that reads it raised.
    """
    if isinstance(error, PermissionError):
        return "may not be read (no permission); change its permissions, or copy it"
    if isinstance(error, BlockingIOError) or "lock file" in str(error):
        return "is locked by a program that writes to it; close it there, or wait until it is written"
    try:
        with path.open("rb") as file:
            head = file.read(200)
    except OSError:
        return ""
    if not head:
        return "is empty (0 bytes): copy it again from where it comes"
    if pointer := next((said for start, said in POINTERS.items() if head.lstrip().lower().startswith(start)), ""):
        return pointer
    ending, is_text = path.suffix.lower(), head.isascii() and b"\0" not in head  # which may begin with a word of KINDS
    found = (kind for start, kind in KINDS.items() if head.startswith(start) and not (is_text and start.isalnum()))
    what, endings = next(found, ("", (ending,)))
    return "" if ending in endings else f"is {what} by its content: give it its right ending, or convert it"


def cannot_read(path: Path, kind: str, error: BaseException, name: str | os.PathLike = "") -> UserError:
    """Returns the words for a file that a library gave up on: what stands in the way, else that it is damaged.

    Args:
        kind: what it was read as: HDF5, parquet.
        error: what the library raised; for a damaged file most raise half a dozen unrelated types.
        name: the file goes by, for the message; its path where that is empty.
    """
    said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    damaged = f"cannot be read as {kind}, it is truncated or in another format ({said})"
    return UserError(f"{name or path}: {why_unreadable(path, error) or damaged}")


def find_files(
    folder: Path, endings: Sequence[str], *, key: str = "dataset.path", named: str | None = None
) -> tuple[list[Path], list[str]]:
    """Finds the files of a folder and below, in the order of their names; every reader of folders uses it.

    Linked folders and files are followed (a folder once, however many links lead to it), endings count in any case.
    Hidden files and folders (.DS_Store, the ._x of macOS) are passed over, and so are bins and archives of systems,
    answers of `celltype predict`, bundles, runs, and what is no file to read (a pipe).

    Args:
        endings: ".nwb", ".abf"; "" takes any.
        key: the setting that names the folder, for messages.
        named: pattern that the whole name fits, in any case ("CAttached*.mat").

    Returns:
        the files, and lines that say what was passed over.

    Raises:
        UserError: when the folder does not exist, cannot be read, or holds no such file.
    """
    if not folder.is_dir():
        what = "is a file" if folder.is_file() else "does not exist"
        raise UserError(f"{key}={folder} {what}; expected a folder{nearest_file(folder)}")
    if kept := _own(folder):
        raise UserError(f"{key}={folder} is {kept} of celltype, and holds no recordings: expected a folder of these")
    taken, passed, seen = [], defaultdict(list), set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=partial(_unreadable, passed)):
        here = os.path.realpath(place)
        if here in seen:  # a link that leads back, or a second link to one folder
            folders.clear()
            passed["linked twice"].append(Path(place).relative_to(folder).as_posix())
            continue
        seen.add(here)
        for name in (one for one in folders if one.casefold() in COPIES):
            passed["of the system"].append(Path(place, name).relative_to(folder).as_posix())
        own = {one: what for one in folders if (what := _own(Path(place, one)))}
        for name, what in own.items():
            passed[f"{what} of celltype"].append(Path(place, name).relative_to(folder).as_posix())
        left_out = {*own, *(one for one in folders if one.startswith(".") or one.casefold() in COPIES)}
        folders[:] = sorted({*folders} - left_out)
        answers = {OURS, *ours(Path(place))}
        for path in (Path(place, name) for name in sorted(names) if name not in OF_THE_SYSTEM):
            why = "written by celltype" if path.name in answers else _passed_over(path, endings, named)
            if why:
                passed[why].append(path.relative_to(folder).as_posix())
            else:
                taken.append(path)
    over = "; ".join(f"{len(names)} {why} ({', '.join(few(sorted(names)))})" for why, names in passed.items())
    if not taken:
        hidden = {Path(name).name for name in passed["hidden"]}
        instead = f"; it is a store of zarr: {ZARR}" if hidden & {".zarray", ".zgroup", ".zattrs"} else ""
        raise UserError(
            f"{key}={folder} holds no file {_wanted(endings, named)}" + (f"; it holds {over}" if over else "") + instead
        )
    return sorted(taken), [f"files of {name_of(folder)} passed over: {over}"] if over else []


def _own(folder: Path) -> str:
    """Returns what celltype keeps in a folder; nothing where it holds something else."""
    return next((what for what, files in OWN.items() if all((folder / file).is_file() for file in files)), "")


def _passed_over(path: Path, endings: Sequence[str], named: str | None) -> str:
    if path.name.startswith("."):
        return "in iCloud, not on this disk" if path.suffix == ".icloud" else "hidden"
    name = path.name.lower()
    if not name.endswith(tuple(ending.lower() for ending in endings)) or (
        named and not fnmatchcase(name, named.lower())
    ):
        return f"not {_wanted(endings, named)}"
    if path.is_symlink() and not path.exists():
        return "a link that leads nowhere"
    return "" if path.is_file() else "not to be read as a file"


def _wanted(endings: Sequence[str], named: str | None) -> str:
    return f"named {named}" if named else f"ending in {', '.join(endings)}"


def _unreadable(passed: dict[str, list[str]], error: OSError) -> None:
    passed[f"not readable ({error.strerror})"].append(str(error.filename))
