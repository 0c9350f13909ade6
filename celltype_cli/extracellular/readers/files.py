"""What files of sorted units may look like, and what each holds. The content of a file says what it is, not its name.

A Kilosort 2 to 4 or Phy folder, found by its spike_times.npy: see `phy`. Neither the raw recording nor metadata of the
probe are needed; units are named <folder>/<cluster>, and those of a folder are of one recording, the group.

An npz or HDF5 file of plain arrays (in its root) with a row for each unit (see `npz`):
    waveform        [unit, time] or [unit, channel, time], on any scale; waveform_uV, likewise in uV
    sampling_rate   Hz, of the waveform: one number, or one a unit
    spike_times     [unit, spike] s from the start of the recording, filled up with NaN; or [spike], those of the first
                    unit first; with
    spike_offsets   [unit + 1] where the spikes of each unit begin, and the last end; not needed for one unit
    correlogram     [unit, 100] counts of the autocorrelogram in bins of 1 ms, lags 1 to 100 ms; or [unit, 2 n + 1],
                    lags -n to n ms, n at least 100; in place of spikes, or beside them
    isi             [unit, 100] counts of intervals between spikes in bins of 1 ms, from 0; likewise
    log_correlogram [unit, 100] rates at lags in bins that are even on a log scale, 1 ms to 10 s, as CellExplorer's
    log_isi         [unit, 100] counts of intervals in such bins; likewise, and both optional
    duration        s, of the recording: one number, or one a unit (optional)
    label, cell_id, group (recording or animal), source, layer (unknown, GCL, PCL, ML): [unit], each optional
Arrays may have other names: `How.arrays` says which is which.
NWB 2 (see `nwb`): the table of units. HDF5 of the C4 database: see `c4`.
CellExplorer's *.cell_metrics.cellinfo.mat and *.spikes.cellinfo.mat: see `cellexplorer`.
Folders and zarr stores in which SpikeInterface saved a sorting or an analyzer, and these objects: see `spikeinterface`.
A folder of such, at any depth, is read as a whole: files of plain arrays name the source of their units where they do
not say it.
A unit that is listed twice counts once.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from celltype_cli.core.files import find_files, why_unreadable
from celltype_cli.core.isolated import isolated
from celltype_cli.core.messages import UserError, nearest_file
from celltype_cli.extracellular.readers import cellexplorer, hdf5, matlab, npz, phy, sortings, spikeinterface
from celltype_cli.extracellular.readers.found import OTHERS, Found, How

EXPECTED = (
    "expected a Kilosort or Phy folder (spike_times.npy, templates.npy), one of SpikeInterface, an npz, HDF5, NWB or "
    f"CellExplorer file of units, or a folder of such; {OTHERS}"
)
ENDINGS = (".npz", ".h5", ".hdf5", ".nwb", cellexplorer.METRICS, cellexplorer.SPIKES)
HDF5 = (b"\x89HDF\r\n\x1a\n", b"MATLAB 7.3 MAT-file")


def read(path: Path | Any, how: How) -> Found:
    """Reads all units of a file, or of a folder and below; a file that cannot be used stops no other.

    Args:
        path: or a Sorting or SortingAnalyzer of SpikeInterface.

    Raises:
        UserError: when the path is missing or nothing in it can be used.
    """
    found = _read(path, how) if isinstance(path, Path) else spikeinterface.of_object(path, how)
    found.once()
    return found


def holds(path: Path) -> bool:
    """Says whether a file or folder holds units that can be read."""
    return bool(read(path, How(quality="all")).recordings)


def _read(path: Path, how: How) -> Found:
    if path.is_file():
        if phy.is_folder(path.parent) and not path.name.lower().endswith(ENDINGS):
            return phy.read(phy.Folder(path.parent, path.parent.resolve().name), how)
        return _read_file(path, how)
    if not path.is_dir():
        raise UserError(f"dataset.path={path} does not exist; {EXPECTED}{nearest_file(path)}")
    sorted_units = phy.folders(path)
    saved = sortings.folders(path)
    inside = {one.resolve() for one in (*saved, *(one.folder for one in sorted_units))}
    files, passed = _files(path)
    files = [file for file in files if not inside & set(file.resolve().parents)]
    if not sorted_units and not saved and not files:
        raise UserError(f"dataset.path={path} holds no sorted units; {EXPECTED}")
    reads = [(str(one.folder), partial(phy.read, one, how)) for one in sorted_units]
    for folder in saved:
        name = path.resolve().name if folder == path else folder.relative_to(path).as_posix()
        reads.append((str(folder), partial(spikeinterface.read, folder, how, name)))
    for file in files:
        below = file.relative_to(path).with_suffix("").as_posix() if len(files) > 1 else ""
        reads.append((str(file), partial(_read_file, file, how, below)))
    found, errors = Found(notes=[] if inside else passed), []  # sorters write a dozen more
    for where, make in reads:
        try:
            found.add(make())
        except UserError as error:
            errors.append(error)
            found.lost.append(f"{where}: {str(error).splitlines()[0].removeprefix(f'{where}: ')}")
    if not found.recordings and errors:
        raise errors[0]
    return found


def _read_file(path: Path, how: How, below: str = "") -> Found:
    """Reads a file by its first bytes; HDF5 in a process of its own."""
    try:
        with path.open("rb") as file:
            first = file.read(20)
    except OSError as error:
        raise UserError(f"{path}: {why_unreadable(path, error) or f'cannot be read ({error})'}") from error
    if first[:2] == b"PK":
        return npz.read(path, how, below)
    if first.startswith(matlab.HEAD):
        return isolated(cellexplorer.read, path, how, below)
    if first.startswith(HDF5):
        return isolated(hdf5.read, path, how, below)
    raise UserError(f"{path}: {why_unreadable(path) or f'is no file that is known; {EXPECTED}'}")


def _files(path: Path) -> tuple[list[Path], list[str]]:
    """Returns the files of a folder, and lines on those passed over."""
    try:
        files, passed = find_files(path, ENDINGS)
    except UserError:  # there is none
        return [], []
    metrics = (file for file in files if file.name.endswith(cellexplorer.METRICS))
    read_with = {file.with_name(file.name.replace(cellexplorer.METRICS, cellexplorer.SPIKES)) for file in metrics}
    return [file for file in files if file not in read_with], passed
