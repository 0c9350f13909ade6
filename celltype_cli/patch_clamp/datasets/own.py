"""The user's own current-clamp recordings: a folder of NWB 1, NWB 2, ABF and npz files, one cell in each.

`celltype_cli.patch_clamp.readers.files` says what the files may look like. A file that cannot be used stops no other: a
line says which and why, and a note beside every score says how many.

Labels stand in a csv with the columns
    file or cell_id   the file, with or without its folder and ending; files specimen_<id>/ephys.nwb, as allensdk's
                      CellTypesCache lays them, go by that id as well. Where there are both columns, `file` is looked
                      up and `cell_id` names the cell; otherwise its file does.
    label             cell type; empty where it is unknown
    group             donor animal (optional); where it is empty, the cell is a group of its own
    source            laboratory, dataset or method (optional)
Recordings without a row, or without any csv, are cells without label: they are never tested, and can be predicted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from celltype_cli.cells.assemble import Recordings
from celltype_cli.cells.cells import About
from celltype_cli.cells.labels import read_labels, with_labels
from celltype_cli.patch_clamp.readers.files import find, name_of


def load(*, path: str | Path, labels: str | Path | None, classes: Sequence[str] | None) -> Recordings:
    """Names all recordings of a folder and below, with what the csv says of them; they are read when prepared.

    Args:
        path: the folder, or one file.
        labels: the csv described above; None for cells without label.
        classes: labels that may occur, in the order of the probabilities; None for those that do.

    Raises:
        UserError: when there is no file, or the csv is broken or names unknown labels.
    """
    path = Path(path).expanduser()
    labels = None if labels is None else Path(labels).expanduser()
    rows = None if labels is None else read_labels(labels, classes, name_of)
    entries, notes = find(path), []
    if rows is not None:
        entries, notes = with_labels(entries, labels, rows)
    about = About(f"sweeps {path.name}", notes=tuple(notes), group="donor")
    return Recordings(entries, about, tuple(classes) if classes else None)
