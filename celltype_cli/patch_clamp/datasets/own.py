"""The user's own current-clamp recordings: a folder of NWB 1, NWB 2, ABF, Igor and npz files.

`celltype_cli.patch_clamp.readers.files` says what the files may look like. A file is a cell; where it holds several,
`channel` says which. A file that cannot be used stops no other: a line says which and why, and a note beside every
score says how many.

Labels stand in a csv with the columns
    file or cell_id   the file, with or without its folder and ending; files specimen_<id>/ephys.nwb, as allensdk's
                      CellTypesCache lays them, go by that id as well. Where there are both columns, `file` is looked
                      up and `cell_id` names the cell; otherwise its file does. Files with one cell_id are joined.
    channel           name or number of the channel or electrode that is the cell (optional); such cells are named
                      file/channel, and a file may have a row for each
    label             cell type; empty where it is unknown
    group             donor animal (optional); where it is empty, the cell is a group of its own
    source            laboratory, dataset or method (optional)
Recordings without a row, or without any csv, are cells without label: they are never tested, and can be predicted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from celltype_cli.cells import dated
from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings
from celltype_cli.cells.labels import read_labels, with_labels
from celltype_cli.core.messages import UserError, few, raise_faults
from celltype_cli.patch_clamp.readers.files import find
from celltype_cli.patch_clamp.readers.names import name_of
from celltype_cli.patch_clamp.recording import Entry, Recording, joined

ARRAYS = ("voltage", "current")  # of a cell, beside its sampling_rate, as in an npz file [sweep, time]


def load(
    *, path: str | Path, channel: str | int | None, labels: str | Path | None, classes: Sequence[str] | None
) -> Recordings:
    """Names all recordings of a folder and below, with what the csv says of them; they are read when prepared.

    Args:
        path: the folder, or one file.
        channel: name or number of the channel or electrode that is the cell, in files of several; "all" for a cell of
            each, named file/channel; None where there is one in each file.
        labels: the csv described above; None for cells without label.
        classes: labels that may occur, in the order of the probabilities; None for those that do.

    Raises:
        UserError: when there is no file, or the csv is broken, names unknown labels, or joins files that differ.
    """
    path = Path(path).expanduser()
    read = None if labels is None else read_labels(Path(labels).expanduser(), classes, name_of)
    asked = None if read is None else read.channels
    entries, notes = find(path, None if channel is None else str(channel), asked)
    if read is not None:
        labelled, more = with_labels(entries, read)
        entries, together = _joined(entries, labelled)
        notes += [*more, *together]
    notes += dated.notes(entries, "donor")
    about = About(f"sweeps {path.absolute().name}", notes=tuple(notes), group="donor")
    return Recordings(entries, about, tuple(classes) if classes else None)


def _joined(entries: Sequence[Entry], labelled: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """Joins recordings that the csv gave one cell_id, in the order of their files; and says which."""
    by_id = defaultdict(list)
    for before, entry in zip(entries, labelled):
        by_id[entry.cell_id].append((before.cell_id, entry))
    found, notes, faults = [], [], []
    for cell_id, pairs in by_id.items():
        parts = [entry for _, entry in pairs]
        if len(parts) == 1 or {name for name, _ in pairs} == {cell_id}:  # files of one name are a fault, told later
            found += parts
            continue
        files = [entry.file for entry in parts]
        for what in ("label", "group", "source"):
            if len(values := {getattr(entry, what) for entry in parts}) > 1:
                faults.append(f"cell {cell_id} ({', '.join(few(files))}) has several values of {what}: "
                              f"{', '.join(sorted(values) or ['none'])}")  # fmt: skip
        one = partial(_read_all, tuple(entry.read for entry in parts))
        found.append(replace(parts[0], file=" + ".join(files), read=one, made_of=[entry.made_of for entry in parts]))
        notes.append(f"{cell_id} ({', '.join(few(files))})")
    raise_faults("recordings that dataset.labels gives one cell_id", faults, "cannot be joined")
    return found, [f"{len(notes)} cells are joined of several files: {'; '.join(few(notes))}"] if notes else []


def _read_all(reads: Sequence[Callable[[], Recording]]) -> Recording:
    """Reads and joins the recordings of a cell; one that cannot be read is noted, unless none can."""
    found, errors = [], []
    for read in reads:
        try:
            found.append(read())
        except UserError as error:
            errors.append(error)
    if not found or any(isinstance(error.__cause__, ImportError) for error in errors):
        raise errors[0]
    lost = tuple(f"one of its files was left out: {str(error).splitlines()[0]}" for error in errors)
    whole = joined(found)
    return replace(whole, notes=(*whole.notes, *lost))
