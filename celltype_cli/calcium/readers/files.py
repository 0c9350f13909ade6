"""Files and folders of calcium traces: what they are, and what they hold.

Common to all: `label` is the cell type, empty where it is unknown (such cells are never tested). `group` is the animal;
left out or empty, each cell is a group of its own. `source` (optional) is the laboratory or method; where it gives the
label away, every score says so. `sampling_rate` is in Hz. Values are dF/F or raw fluorescence (`prepare.signal`); NaN
stands for a frame that is missing, and no window crosses it; at the end it fills up a shorter trace. ROIs that a
pipeline has flagged as no cells (iscell, accepted, rejected, valid_roi ...; see `found`) are left out.

HDF5 (.h5, .hdf5), the layout of CASCADE's neurons as one file; the only one for traces in several segments:
    /neurons/<cell_id>/dff              [time]
    /neurons/<cell_id>/segment_start    [segment] index of the first sample of each segment, from 0 (optional)
    /neurons/<cell_id>                  attributes cell_type (label), frame_rate_hz, animal_id (group, optional),
                                        dataset (source, optional), a flag (optional)
or the results of CaImAn, see `caiman`.
npz (.npz), numpy arrays without pickled objects:
    trace [cell, time], label [cell], cell_id [cell], sampling_rate [cell] or one number, group [cell], source [cell]
    and a flag [cell] (optional)
Wide table (.csv, .parquet), one row per cell:
    cell_id, label, sampling_rate, group, source and a flag (optional), and one column per sample, named by numbers with
    or without letters before them: 0, 1, 2 ... or t0, t1, t2 ...; numbers left out are missing frames; of parquet
    also one column trace, with a list of samples in each row
Long table (.csv, .parquet), one row per sample; a gap in time ends a segment:
    cell_id, label, value, and time_s (seconds, or a clock: 12:00:01.250, 2021-06-05T12:00:01) or else frame (a count)
    and sampling_rate; group, source and a flag (optional)
NWB 2 (.nwb): the ROIs of one series, see `nwb`. MATLAB (.mat): a neuron of CASCADE's ground truth, see `cascade`. Both
say no label: they are read where none is asked for, and of a folder where it holds no other of these files.
Tables (.tsv too) may be separated by commas, semicolons, tabs, bars or blanks, with decimal points or commas.
A folder: the output of suite2p (F.npy, see `suite2p`), or several of the files above, each with its cells.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from celltype_cli.calcium.readers import cascade, hdf5, npz, nwb, suite2p, tables
from celltype_cli.calcium.readers.found import Found, How
from celltype_cli.calcium.readers.nwb_labels import Labels
from celltype_cli.core.files import find_files
from celltype_cli.core.isolated import isolated
from celltype_cli.core.messages import UserError, nearest_file

ENDINGS = (".h5", ".hdf5", ".npz", ".csv", ".tsv", ".parquet")
ALONE = (".nwb",), (".mat",)  # are read of a folder that holds none of those, where they may be raw data beside
INSTEAD = {
    ".mat": "; files of CASCADE: dataset=cascade, with the folder; of suite2p (Fall.mat): the folder that holds F.npy; "
    "others: save the traces as npz or csv",
    ".txt": "; a table of text: name it .csv or .tsv",
    ".nwb": "; it is NWB: dataset=nwb_ophys",
    ".npy": "; of suite2p give the folder that holds F.npy",
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "; save the sheet as CSV UTF-8"),
    **dict.fromkeys((".gz", ".zip", ".7z", ".bz2", ".xz"), "; unpack it"),
    ".hdf": "; HDF5: name it .h5",
    ".nc": "; of minian save C or YrA as npz: trace [cell, time], cell_id, sampling_rate",
    **dict.fromkeys((".feather", ".pkl", ".pickle"), "; save the table as parquet or csv (pandas: to_parquet)"),
    **dict.fromkeys((".tif", ".tiff", ".avi", ".isxd"), "; find cells and their traces first (suite2p, CaImAn ...)"),
}


def read(path: Path, how: How, passed_over: Path | None = None) -> Found:
    """Reads all recordings of a file or folder; a file of a folder that cannot be used stops no other.

    Args:
        passed_over: a table of labels in the folder, which holds no traces.

    Raises:
        UserError: when the path is missing, or a single file is broken or not in its layout.
    """
    if not path.is_dir():
        if not path.exists():
            raise UserError(f"dataset.path={path} does not exist{nearest_file(path)}")
        return read_file(path, how)
    planes, found = suite2p.planes(path), Found()
    inside = {plane.folder for plane in planes}
    files, passed = _found(path, not planes, how)
    found.notes = [] if planes else passed  # suite2p writes a dozen more
    files = [file for file in files if passed_over is None or not file.samefile(passed_over)]
    for plane in planes:
        _add(found, lambda plane=plane: suite2p.read(plane, how), plane.name)
    files = [file.relative_to(path) for file in files if file.parent not in inside]
    names = Counter(file.stem for file in files)
    for file in files:
        apart = file.stem if names[file.stem] > 1 else ""
        _add(found, lambda file=file, apart=apart: _named(read_file(path / file, how), file, apart), str(path / file))
    return found


def holds(path: Path) -> bool:
    """Says whether a file or folder holds traces that can be read, with a label or without."""
    return bool(read(path, How(labelled=False)).recordings)


def _found(path: Path, needed: bool, how: How) -> tuple[list[Path], list[str]]:
    """Returns the files of a folder, and lines on those passed over; where none is needed, there may be none."""
    try:
        return find_files(path, ENDINGS)
    except UserError as error:
        for endings in ALONE if needed and not how.labelled else ():
            with suppress(UserError):
                return find_files(path, endings)
        if not needed:
            return [], []
        raise UserError(f"{error}; or the output of suite2p (F.npy)") from error


def read_file(path: Path, how: How) -> Found:
    """Reads a file; its ending says what it is, and HDF5 is opened in a process of its own."""
    ending = path.suffix.lower()
    if ending not in (*ENDINGS, *(() if how.labelled else (".nwb", ".mat"))):
        raise UserError(
            f"dataset.path={path} ends in {path.suffix or 'nothing'}; expected a file that ends in "
            f"{', '.join(ENDINGS)}, or a folder{INSTEAD.get(ending, '')}"
        )
    if not path.is_file():
        raise UserError(f"dataset.path={path} is no file that can be read")
    if ending in (".h5", ".hdf5"):
        return isolated(hdf5.read, path, how)
    if ending == ".nwb":
        return _nwb(path, how)
    if ending == ".mat":
        return isolated(cascade.read, path, how)
    readers = {".npz": npz.read, ".parquet": tables.read_parquet}
    return readers.get(ending, tables.read_csv)(path, how)


def _nwb(path: Path, how: How) -> Found:
    nowhere = Labels(column=None, path=None, genotype=None, rename=None)
    found = isolated(nwb.read, path, path.name, nowhere, how.series, None, how.keep_rejected)
    if not found.rois:
        raise UserError(f"{path.name}: holds no RoiResponseSeries, the traces of ROIs")
    if how.frame_rate is not None:
        found.recordings = [replace(recording, sampling_rate=how.frame_rate) for recording in found.recordings]
    return found


def _named(found: Found, file: Path, apart: str) -> Found:
    """Gives recordings the name of their file below the folder.

    Args:
        apart: the file's own name, where others have it too; cells and animals that go by it are then told apart by
            their folders.
    """
    for k, recording in enumerate(found.recordings):
        new = {"file": file.as_posix()}
        if apart and recording.cell_id.startswith(f"{apart}/"):
            new["cell_id"] = (file.parent / recording.cell_id).as_posix()
            new["group"] = (file.parent / apart).as_posix() if recording.group == apart else recording.group
        found.recordings[k] = replace(recording, **new)
    return found


def _add(found: Found, reading, where: str) -> None:
    try:
        found.add(reading())
    except UserError as error:
        said = str(error).removeprefix("dataset.path=")
        said = said.replace(f"{where} ", f"{where}: ", 1) if said.startswith(where) else said
        found.faults.append(said if where in said else f"{where}: {said}")
    except MemoryError:
        found.faults.append(f"{where}: needs more memory than there is")
