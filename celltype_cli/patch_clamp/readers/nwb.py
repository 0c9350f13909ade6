"""Current-clamp sweeps of NWB files, read with h5py as they are stored: no schema and no extension is needed.

NWB 1 is read in `nwb_allen`. NWB 2: files with CurrentClampSeries, such as those of MIES (DANDI 000020). A row of the
table of intracellular recordings says which stimulus and response belong together, or else their sweep number, or the
time at which they start. Each electrode is a cell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from celltype_cli.core.files import cannot_read
from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.readers import nwb_allen
from celltype_cli.patch_clamp.readers.channels import WITHOUT, chosen_channel
from celltype_cli.patch_clamp.readers.nwb_series import (
    BROKEN,
    NO_RESPONSE,
    NO_STIMULUS,
    TOGETHER,
    LeftOut,
    at_once,
    electrode_of,
    groups,
    matched,
    scalar,
    sweep,
    type_of,
)
from celltype_cli.patch_clamp.recording import Remark

OTHER_CLAMPS = {"VoltageClampSeries": nwb_allen.VOLTAGE_CLAMP, "IZeroClampSeries": "recorded without current (I = 0)"}
NO_NUMBER = -1
NO_LINK = "nothing says which stimulus it had (no sweep_number, and no row of intracellular_recordings)"


def stored(path: Path, channel: str | None = None) -> Iterator[tuple | str | Remark]:
    """Yields each sweep as number, voltage (mV), current (pA) and sampling rate (Hz), or the reason to leave it out.

    Args:
        channel: name of the electrode, or its place among the names in their order; None for the only one.

    Raises:
        UserError: when the file is locked, broken or of another layout, or has several electrodes and none is named.
    """
    with _opened(path) as file:
        try:
            if "nwb_version" in file:
                yield from [Remark(WITHOUT)] if channel else []
                yield from nwb_allen.sweeps(file, path.with_name("ephys_sweeps.json"))
            elif "nwb_version" in file.attrs:
                yield from _nwb2(file, channel)
            else:
                raise UserError(f"{path}: is HDF5, but no NWB file: it has no nwb_version")
        except (*BROKEN, LeftOut) as error:
            raise UserError(f"{path}: cannot be read as NWB, it is truncated or of another layout ({error})") from error


def channels(path: Path) -> list[str]:
    """Returns the names of the electrodes of current clamp in a file; none for NWB 1.

    Raises:
        UserError: when the file cannot be read.
    """
    with _opened(path) as file:
        try:
            return [] if "nwb_version" in file else _electrodes(_current_clamp(file))
        except BROKEN as error:
            raise UserError(f"{path}: cannot be read as NWB, it is damaged ({error})") from error


def _opened(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise cannot_read(path, "NWB", error) from error


def _nwb2(file: h5py.File, channel: str | None) -> Iterator[tuple | str | Remark]:
    series = [one for _, one in groups(file, "acquisition") if type_of(one) in ("CurrentClampSeries", *OTHER_CLAMPS)]
    names = _electrodes(_current_clamp(file))
    place = chosen_channel(file.filename, dict(enumerate(names)), channel, "electrodes in current clamp")
    electrode = names[place] if place is not None else ""
    mine = [one for one in series if len(names) < 2 or electrode_of(one) == electrode]
    in_rows = set()
    for number, response, part, stimulus, stimulus_part in _rows(file):
        in_rows |= {response, stimulus}
        if response is None:
            yield NO_RESPONSE
        elif len(names) > 1 and electrode_of(response) != electrode:
            continue
        elif type_of(response) in OTHER_CLAMPS:
            yield OTHER_CLAMPS[type_of(response)]
        elif stimulus is None:
            yield NO_STIMULUS
        else:
            yield from sweep(number, response, stimulus, part=part, stimulus_part=stimulus_part)
    responses, stimuli, loose = defaultdict(list), defaultdict(list), []
    for response in (one for one in mine if one not in in_rows):
        if type_of(response) in OTHER_CLAMPS:
            yield OTHER_CLAMPS[type_of(response)]
        elif "sweep_number" not in response.attrs:
            loose.append(response)
        else:
            responses[_sweep_number(response)].append(response)
    for _, stimulus in groups(file, "stimulus/presentation"):
        others = len(names) > 1 and electrode_of(stimulus) not in ("", electrode)
        if type_of(stimulus) == "CurrentClampStimulusSeries" and stimulus not in in_rows and not others:
            stimuli[_sweep_number(stimulus)].append(stimulus)
    pairs = at_once(loose, stimuli[NO_NUMBER]) if loose else []
    yield from [TOGETHER] if pairs else [NO_LINK] * len(loose)
    for number, (response, stimulus) in enumerate(pairs):
        yield from sweep(number, response, stimulus)
    if loose:  # their stimuli are of no response that has a number
        del stimuli[NO_NUMBER]
    for response in responses.pop(NO_NUMBER, []):
        yield f"{response.name.rpartition('/')[2]} has no sweep number"
    yield from matched(responses, stimuli)


def _sweep_number(series: h5py.Group) -> int:
    try:
        return int(scalar(series.attrs.get("sweep_number", NO_NUMBER), "sweep_number"))
    except LeftOut:  # an array, or nothing
        return NO_NUMBER


def _current_clamp(file: h5py.File) -> list[h5py.Group]:
    return [one for _, one in groups(file, "acquisition") if type_of(one) == "CurrentClampSeries"]


def _electrodes(series: list[h5py.Group]) -> list[str]:
    return sorted({electrode_of(one) for one in series} - {""})


def _rows(file: h5py.File) -> Iterator[tuple[int, h5py.Group | None, slice, h5py.Group | None, slice]]:
    """Yields number, response, its part, stimulus and its part, from the table of intracellular recordings.

    A series is None where the row names none, or one that is not there; a table without these columns has no row.
    """
    if (table := file.get("general/intracellular_ephys/intracellular_recordings")) is None:
        return
    columns = [table.get(name) for name in ("id", "responses/response", "stimuli/stimulus")]
    for row, response, stimulus in zip(*(column[()] for column in columns), strict=True) if all(columns) else ():
        series, given = _series(file, response), _series(file, stimulus)
        numbered = _sweep_number(series) if series is not None and "sweep_number" in series.attrs else int(row)
        yield numbered, series, _part(response), given, _part(stimulus)


def _series(file: h5py.File, reference: np.void) -> h5py.Group | None:
    if reference["count"] <= 0 or not reference["timeseries"]:  # -1 where there is none
        return None
    try:
        return file[reference["timeseries"]]
    except (ValueError, KeyError):  # what it pointed to was removed
        return None


def _part(reference: np.void) -> slice:
    return slice(int(reference["idx_start"]), int(reference["idx_start"] + reference["count"]))
