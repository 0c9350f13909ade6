"""Writes an answer: into a folder of its own or beside the recordings, and never over a file of the user."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from celltype_cli.bundles.bundle import ABOUT, Bundle
from celltype_cli.core.files import OURS, OWN, digest, ours, replacing
from celltype_cli.core.messages import UserError, few

File = tuple[Path, Callable[[Path], None]]  # its place, and what writes it to a path


def for_tools(bundle: Bundle, path: Path, cells: pd.DataFrame, out: Path | None) -> list[File]:
    """Returns the files that the tools read from which the recordings come; none where the kind of recording has none.

    Args:
        path: the file or folder that was labelled.
        cells: of an answer.
        out: folder for them; None for beside the recordings.
    """
    writers = bundle.of_kind("writers.files")
    if writers is None:
        return []
    root = path if path.is_dir() else path.parent
    files = list(writers.beside(path, cells, bundle.classes))
    return files if out is None else [(out / place.relative_to(root), write) for place, write in files]


def images(figure: Any, stem: Path, formats: Sequence[str]) -> list[File]:
    """Returns the files of a picture: `stem` with each of the formats ("png") as ending.

    Args:
        figure: of matplotlib; None where there is none, which has no files.
    """
    if figure is None:
        return []
    from celltype_cli.core import plots

    return [
        (stem.with_name(f"{stem.name}.{of}"), partial(Path.write_bytes, data=plots.drawn(figure, of))) for of in formats
    ]


def check_free(places: Sequence[Path], overwrite: bool) -> None:
    """Raises a UserError that names what is there already, unless celltype wrote it and it may be replaced; or a bundle
    or run whose folder it would be."""
    closed = dict.fromkeys(said for place in places if (said := _closed(place)))
    faults = [f"{said}, where nothing else belongs: choose another out=" for said in closed]
    for place in places:
        if not place.exists():
            continue
        if place.is_dir() or ours(place.parent).get(place.name) != digest(place):
            faults.append(f"{place} was not written by celltype, or was changed since: move it, or choose another out=")
        elif not overwrite:
            faults.append(f"{place} is an answer of before: choose another out=, or type overwrite=true")
    if faults:
        raise UserError("\n  ".join(["nothing is written over what is there:", *few(faults)]))


def _closed(place: Path) -> str:
    """Says that a place lies in a bundle, all of whose files are known, or in the folder of a run."""
    folder = place.absolute().parent
    if all((folder / file).is_file() for file in OWN["a run"]):
        return f"{place.parent} is the folder of a run"
    inside = any((at / ABOUT).is_file() for at in (folder, *folder.parents))
    return f"{place.parent} is the folder of a bundle, or in one" if inside else ""


def check_places(places: Mapping[str, Path]) -> None:
    """Raises a UserError where a folder is none, or cannot be made or written to: before hours of labelling, not after.

    Args:
        places: folders by the setting that names them.
    """
    for setting, folder in places.items():
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        if not there.is_dir():
            raise UserError(f"{setting}={folder}: {there} is a file; name a folder")
        if not os.access(there, os.W_OK | os.X_OK):
            raise UserError(f"{setting}={folder}: {there} may not be written to (no permission, or read-only)")


def write_files(files: Sequence[File], overwrite: bool, stale: Sequence[Path] = ()) -> None:
    """Writes files, all of them whole or none, and lists them in `OURS` beside them.

    Args:
        stale: places where an answer of before may have left a file that this one has not: it is removed.

    Raises:
        UserError: as `check_free`, before anything is written.
    """
    check_free([*(place for place, _ in files), *stale], overwrite)
    gone = [place for place in stale if place.exists()]
    listed = {place.parent: ours(place.parent) for place in (*(place for place, _ in files), *gone)}
    for place in gone:
        listed[place.parent].pop(place.name, None)
    with ExitStack() as places:  # each takes its place when all are written
        for place, write in files:
            temporary = places.enter_context(replacing(place))
            write(temporary)
            listed[place.parent][place.name] = digest(temporary)
        for folder, names in listed.items():
            text = "".join(f"{value}  {name}\n" for name, value in sorted(names.items()))
            places.enter_context(replacing(folder / OURS)).write_text(text, encoding="utf-8")
    for place in gone:
        place.unlink(missing_ok=True)
