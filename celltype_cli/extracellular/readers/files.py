"""What files of sorted units may look like, and what each holds.

A Kilosort 2 to 4 or Phy folder, found by its spike_times.npy: see `phy`. Neither the raw recording nor metadata of the
probe are needed; units are named <folder>/<cluster>, and those of a folder are of one recording, the group.

An npz file of plain arrays with a row for each unit (see `npz`):
    waveform        [unit, time] or [unit, channel, time], on any scale; waveform_uV, likewise in uV
    sampling_rate   Hz, of the waveform: one number, or one a unit
    spike_times     [spike] s from the start of the recording, those of the first unit first; with
    spike_offsets   [unit + 1] where the spikes of each unit begin, and the last end; not needed for one unit
    correlogram     [unit, 100] counts of the autocorrelogram in bins of 1 ms, lags 1 to 100 ms; or [unit, 201], lags
                    -100 to 100 ms; in place of spikes, or beside them
    isi             [unit, 100] counts of intervals between spikes in bins of 1 ms, from 0; likewise
    duration        s, of the recording: one number, or one a unit (optional)
    label, cell_id, group (recording or animal), source, layer (unknown, GCL, PCL, ML): [unit], each optional
A folder of such, at any depth, is read as a whole: its files name the source of their units where they do not say it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from celltype_cli.core.files import find_files
from celltype_cli.core.messages import UserError, nearest_file
from celltype_cli.extracellular.readers import npz, phy
from celltype_cli.extracellular.readers.found import Found, How

EXPECTED = (
    "expected a Kilosort or Phy folder (spike_times.npy, templates.npy), an npz file of units, or a folder of such"
)


def read(path: Path, how: How) -> Found:
    """Reads all units of a file, or of a folder and below; a file that cannot be used stops no other.

    Raises:
        UserError: when the path is missing or nothing in it can be used.
    """
    if path.is_file():
        if phy.is_folder(path.parent):
            return phy.read(phy.folders(path.parent)[0], how)
        if path.suffix.lower() != ".npz":
            raise UserError(f"dataset.path={path} is no file that is known; {EXPECTED}")
        return npz.read(path, how)
    if not path.is_dir():
        raise UserError(f"dataset.path={path} does not exist; {EXPECTED}{nearest_file(path)}")
    sorted_units = phy.folders(path)
    inside = {one.folder.resolve() for one in sorted_units}
    files = [file for file in _npz_files(path) if not inside & set(file.resolve().parents)]
    if not sorted_units and not files:
        raise UserError(f"dataset.path={path} holds no sorted units; {EXPECTED}")
    reads = [(str(one.folder), partial(phy.read, one, how)) for one in sorted_units]
    for file in files:
        below = file.relative_to(path).with_suffix("").as_posix() if len(files) > 1 else ""
        reads.append((str(file), partial(npz.read, file, how, below)))
    found, errors = Found(), []
    for where, make in reads:
        try:
            found.add(make())
        except UserError as error:
            errors.append(error)
            found.lost.append(f"{where}: {str(error).splitlines()[0].removeprefix(f'{where}: ')}")
    if not found.recordings and errors:
        raise errors[0]
    return found


def _npz_files(path: Path) -> list[Path]:
    try:
        return find_files(path, (".npz",))[0]
    except UserError:  # there is none
        return []
