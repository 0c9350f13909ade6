"""What a table beside traces says of cells: of each cell, or of all cells of a file or folder.

Columns: cell_id (or roi_id: the whole id, or what stands after its last /), file (with or without folder and ending; of
suite2p the folder of the recording), or both; label, group and source, each optional. A row with file alone is for all
cells of it; of a file with one cell, cell_id then is its name. What a row leaves empty stays as the file says.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from celltype_cli.calcium.readers import numbered
from celltype_cli.calcium.readers.files import ENDINGS
from celltype_cli.calcium.recording import Recording
from celltype_cli.cells.labels import contradicted, like, named, other_names
from celltype_cli.core.called import meant
from celltype_cli.core.messages import UserError, few, nearest, raise_faults
from celltype_cli.core.tables import read_table

SAYS = ("label", "group", "source")


def with_labels(
    recordings: Sequence[Recording], path: Path, counted: Mapping[str, int]
) -> tuple[list[Recording], list[str]]:
    """Returns recordings with what a table says of them, and notes on what does not fit together.

    Args:
        counted: see `found.Found`.

    Raises:
        UserError: when it is broken, names something twice, several cells in one row, or nothing that was read, or
            counts ROIs from 1.
    """
    table = read_table("dataset.labels", path)
    rows = table.rows.rename(columns={"roi_id": "cell_id"} if "cell_id" not in table.rows else {})
    keys = [name for name in ("file", "cell_id") if name in rows]
    if not keys or not [name for name in SAYS if name in rows]:
        raise UserError(
            f"{path}: found {', '.join([*rows][:8])}; expected columns cell_id or file, and label (group and source "
            f"are optional){'' if keys else meant('cell_id', rows)}{'' if 'label' in rows else meant('label', rows)}"
        )
    rows, unnamed = named(path, rows, keys)
    names = [(_bare(row.get("file", "")), row.get("cell_id", "")) for row in rows.to_dict("records")]
    times = Counter(names)
    raise_faults(str(path), [f"line {line}: {' '.join(filter(None, name))}: occurs {times[name]} times"
                             for line, name in zip(rows.index, names) if times[name] > 1])  # fmt: skip
    said = dict(zip(names, rows[[name for name in SAYS if name in rows]].to_dict("records"), strict=True))
    of_file, by_file = Counter(r.file for r in recordings), {name[0]: name for name in names if name[0]}
    of_rows = _by_recording(names, recordings, counted)
    other = numbered.notes(of_rows, [r.cell_id for r in recordings], counted, path)
    seen, found, lost = defaultdict(list), [], []
    for recording in recordings:
        files = [f for f in _files(recording) if "file" in rows] + [""]
        cells = [recording.cell_id, recording.cell_id.rpartition("/")[2], ""]
        key = next(((f, c) for f in files for c in cells if (f, c) in said and (f or c)), None)
        new = {}
        if key is None and of_file[recording.file] == 1:  # the row of its file gives it another name
            key = next((by_file[file] for file in files if file in by_file), None)
            new = {"cell_id": key[1]} if key and key[1] else {}
        if key is None:
            lost.append(recording.cell_id)
        else:
            seen[key].append(recording.cell_id)
            new |= {name: text for name, text in said[key].items() if text}
        found.append(replace(recording, **new))
    several = {cell: ids for (_, cell), ids in seen.items() if cell and len({*ids}) > 1}
    raise_faults(str(path), (f"row {cell} fits {' and '.join(few(ids))}; give the whole id, or the file"
                             for cell, ids in several.items()))  # fmt: skip
    notes = [*table.notes, *unnamed, *other, *other_names(path, table.rows), *contradicted(recordings, found, path)]
    return found, _notes(path, recordings, names, seen, lost, notes)


def _by_recording(
    names: Sequence[tuple[str, str]], recordings: Sequence[Recording], counted: Mapping[str, int]
) -> dict[str, list[str]]:
    """Returns the cells that rows (file, cell) name, by recording; those without a file are of the only one."""
    of_file = {file: r.cell_id.rpartition("/")[0] for r in recordings for file in _files(r)} if counted else {}
    of_file[""] = next(iter(counted)) if len(counted) == 1 else ""
    by = defaultdict(list)
    for file, cell in names:
        above = cell.rpartition("/")[0]
        by[above if above in counted else of_file.get(file, "")].append(cell)
    return by


def _bare(file: str) -> str:
    """Returns a file's name with its folders and without its ending; of a folder, its name."""
    place = PurePosixPath(file.replace("\\", "/"))
    return str(place.with_suffix("") if place.suffix.lower() in ENDINGS else place) if file else ""


def _files(recording: Recording) -> list[str]:
    """Returns the names that a recording's file, or the folder of suite2p, goes by; the longest first."""
    bare = _bare(recording.file)
    if recording.file.endswith("/F.npy"):
        folder = recording.file.removesuffix("/F.npy")
        above = folder.rpartition("/")[0] if "/" in folder else folder
        return [*dict.fromkeys([folder, above, above.rpartition("/")[2]])]
    return [*dict.fromkeys([bare, bare.rpartition("/")[2]])]


def _notes(
    path: Path, recordings: Sequence[Recording], names: list, seen: Collection, lost: list[str], notes: list[str]
) -> list[str]:
    unread = [" ".join(filter(None, name)) for name in names if name not in seen]
    if recordings and not seen:
        first = recordings[0].cell_id
        close = like(unread, lost) or nearest(first, unread)
        raise UserError(
            f"{path}: none of its {len(names)} rows names a cell that was read; the first row is for {unread[0]}, the "
            f"first of {len(recordings)} cells is {first} ({recordings[0].file}){close}"
        )
    if lost:
        said = ", ".join(few(lost)) + like(unread, lost)
        notes.append(f"{len(lost)} of {len(recordings)} cells are without a row in {path.name}: {said}")
    if unread:
        notes.append(f"{len(unread)} of {len(names)} rows of {path.name} name no cell: {', '.join(few(unread))}")
    return notes
