"""Current-clamp sweeps of NWB files, read with h5py as they are stored: no schema and no extension is needed.

NWB 1: the Allen Cell Types Database, as allensdk's CellTypesCache stores it (specimen_<id>/ephys.nwb). The number in
their names says which stimulus and response belong together; a response in amperes is of voltage clamp. Sweeps that
failed quality control are known from ephys_sweeps.json beside the file.

NWB 2: files with CurrentClampSeries, such as those of MIES (DANDI 000020). A row of the table of intracellular
recordings says which stimulus and response belong together, or else their sweep number.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from jaxtyping import Float

from celltype_cli.core.messages import UserError

VOLTAGE_CLAMP, FAILED = "voltage clamp", "failed quality control"
NO_STIMULUS, NO_RESPONSE = "its stimulus is missing", "its response is missing"
OTHER_CLAMPS = {"VoltageClampSeries": VOLTAGE_CLAMP, "IZeroClampSeries": "recorded without current (I = 0)"}
FACTORS = {  # to mV and to pA, by the lower-case unit of the file
    "mV": {"v": 1e3, "volt": 1e3, "volts": 1e3, "mv": 1.0, "millivolt": 1.0, "millivolts": 1.0},
    "pA": {"a": 1e12, "amp": 1e12, "amps": 1e12, "ampere": 1e12, "amperes": 1e12, "na": 1e3, "pa": 1.0},
}
ALL = slice(None)
Numbered = dict[int, list[h5py.Group]]


def stored(path: Path) -> Iterator[tuple | str]:
    """Yields each sweep as number, voltage (mV), current (pA) and sampling rate (Hz), or the reason to leave it out.

    Raises:
        UserError: when the file is broken, of another layout or in other units, or holds several cells.
    """
    try:
        with h5py.File(path, "r") as file:
            if "nwb_version" in file:
                yield from _nwb1(file, _failed(path.with_name("ephys_sweeps.json")))
            elif "nwb_version" in file.attrs:
                yield from _nwb2(file)
            else:
                raise UserError(f"{path}: is HDF5, but no NWB file: it has no nwb_version")
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as NWB, it is truncated or of another layout ({error})") from error


def _nwb1(file: h5py.File, failed: set[int]) -> Iterator[tuple | str]:
    responses, stimuli = defaultdict(list), defaultdict(list)
    for name, response in _groups(file, "acquisition/timeseries"):
        number = int(re.search(r"\d+|$", name)[0] or -1)
        if _unit(response) in FACTORS["pA"]:
            yield VOLTAGE_CLAMP
        elif number in failed:
            yield FAILED
        else:
            responses[number].append(response)
    for name, stimulus in _groups(file, "stimulus/presentation"):
        number = int(re.search(r"\d+|$", name)[0] or -1)
        if _unit(stimulus) not in FACTORS["mV"] and number not in failed:
            stimuli[number].append(stimulus)
    yield from _matched(responses, stimuli, scaled=_is_scaled(file))


def _nwb2(file: h5py.File) -> Iterator[tuple | str]:
    series = [one for _, one in _groups(file, "acquisition") if _type(one) in ("CurrentClampSeries", *OTHER_CLAMPS)]
    _check_one_electrode(file, [one for one in series if _type(one) not in OTHER_CLAMPS])
    in_rows = set()
    for number, response, part, stimulus, stimulus_part in _rows(file):
        in_rows |= {response, stimulus}
        if _type(response) in OTHER_CLAMPS:
            yield OTHER_CLAMPS[_type(response)]
        elif stimulus is None:
            yield NO_STIMULUS
        else:
            yield _sweep(number, response, stimulus, part=part, stimulus_part=stimulus_part)
    responses, stimuli = defaultdict(list), defaultdict(list)
    for response in (one for one in series if one not in in_rows):
        if _type(response) in OTHER_CLAMPS:
            yield OTHER_CLAMPS[_type(response)]
        elif "sweep_number" not in response.attrs:
            yield NO_STIMULUS
        else:
            responses[int(response.attrs["sweep_number"])].append(response)
    for _, stimulus in _groups(file, "stimulus/presentation"):
        if _type(stimulus) == "CurrentClampStimulusSeries" and stimulus not in in_rows:
            stimuli[int(stimulus.attrs.get("sweep_number", -1))].append(stimulus)
    yield from _matched(responses, stimuli)


def _rows(file: h5py.File) -> Iterator[tuple[int, h5py.Group, slice, h5py.Group | None, slice]]:
    """Yields number, response, its part, stimulus and its part, from the table of intracellular recordings."""
    if (table := file.get("general/intracellular_ephys/intracellular_recordings")) is None:
        return
    columns = table["id"][()], table["responses/response"][()], table["stimuli/stimulus"][()]
    for row, response, stimulus in zip(*columns, strict=True):
        series = file[response["timeseries"]]
        number = int(series.attrs.get("sweep_number", row))
        given = file[stimulus["timeseries"]] if stimulus["count"] > 0 else None  # -1 where there is none
        yield number, series, _part(response), given, _part(stimulus)


def _part(reference: np.void) -> slice:
    return slice(int(reference["idx_start"]), int(reference["idx_start"] + reference["count"]))


def _check_one_electrode(file: h5py.File, series: list[h5py.Group]) -> None:
    electrodes = {one["electrode"] for one in series if "electrode" in one}
    if len(electrodes) > 1:
        links = (one.get("electrode", getlink=True) for one in series if "electrode" in one)
        names = sorted({link.path.rpartition("/")[2] for link in links if isinstance(link, h5py.SoftLink)})
        raise UserError(
            f"{file.filename}: was recorded in current clamp with {len(electrodes)} electrodes ({', '.join(names)}); "
            "expected one cell in a file: write one file for each electrode"
        )


def _matched(responses: Numbered, stimuli: Numbered, *, scaled: bool = True) -> Iterator[tuple | str]:
    for number in sorted(responses.keys() | stimuli.keys()):
        response, stimulus = responses.get(number, []), stimuli.get(number, [])
        if len(response) == len(stimulus) == 1:
            yield _sweep(number, response[0], stimulus[0], scaled=scaled)
        elif not response or not stimulus:
            yield from [NO_STIMULUS if response else NO_RESPONSE] * max(len(response), len(stimulus))
        else:
            yield from ["several responses or stimuli have its number"] * len(response)


def _sweep(number, response, stimulus, *, part=ALL, stimulus_part=ALL, scaled: bool = True) -> tuple | str:
    """Returns what is stored of a sweep; of a stimulus and a response of unequal length, what both have."""
    rate = _rate(response)
    if not np.isclose(rate, _rate(stimulus), rtol=1e-4):
        return "no one sampling rate for response and stimulus"
    voltage = _values(response, number, "mV", scaled)[part]
    current = _values(stimulus, number, "pA", scaled)[stimulus_part]
    samples = min(len(voltage), len(current))
    return number, voltage[:samples], current[:samples], rate


def _values(series: h5py.Group, number: int, unit: str, scaled: bool) -> Float[np.ndarray, " time"]:
    data, place = series["data"], f"{series.file.filename}: sweep {number}: {series.name}"
    if _unit(series) not in FACTORS[unit]:
        raise UserError(
            f"{place} is in {_unit(series) or 'no unit'}; expected {'volts' if unit == 'mV' else 'amperes'}"
        )
    if data.ndim != 1 or data.dtype.kind not in "fiu":
        raise UserError(f"{place} is {data.dtype} of shape {data.shape}; expected numbers [time]")
    conversion, offset = (float(data.attrs.get(name, default)) for name, default in (("conversion", 1), ("offset", 0)))
    factor = FACTORS[unit][_unit(series)]
    values = data[()].astype(np.float64)
    return values * (conversion * factor) + offset * factor if scaled else values * factor


def _rate(series: h5py.Group) -> float:
    """Returns the sampling rate (Hz), or NaN where time stamps are uneven; NaN equals no other rate."""
    if "starting_time" in series:
        return float(series["starting_time"].attrs["rate"])
    interval = np.diff(series["timestamps"][()])
    even = len(interval) and np.abs(interval - interval.mean()).max() < 0.1 * interval.mean()
    return float(1 / interval.mean()) if even else float("nan")


def _is_scaled(file: h5py.File) -> bool:
    """Tells whether `conversion` is to be applied: files up to pipeline version 1.0 hold SI units and wrong factors.

    From allensdk, `NwbDataSet.get_sweep`.
    """
    notes = np.ravel(file["general/generated_by"][()]) if "general/generated_by" in file else []
    notes = [note.decode() if isinstance(note, bytes) else str(note) for note in notes]
    version = notes[notes.index("version") + 1] if "version" in notes[:-1] else "0.0"
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2]) > (1, 0)


def _failed(path: Path) -> set[int]:
    """Returns the numbers of the sweeps that did not pass quality control, as far as the file beside says so."""
    if not path.is_file():
        return set()
    try:
        sweeps = json.loads(path.read_text(encoding="utf-8"))
        return {int(s["sweep_number"]) for s in sweeps if str(s.get("workflow_state")).endswith("_failed")}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{path}: is no list of sweeps as allensdk writes it ({error}); delete it, or fetch it again"
        ) from error


def _groups(file: h5py.File, place: str) -> Iterator[tuple[str, h5py.Group]]:
    """Yields the groups of a group by name; the target of a link may be missing."""
    return ((name, one) for name, one in file[place].items() if isinstance(one, h5py.Group))


def _type(series: h5py.Group) -> str:
    return str(series.attrs.get("neurodata_type", ""))


def _unit(series: h5py.Group) -> str:
    unit = series["data"].attrs.get("unit", "")
    return (unit.decode() if isinstance(unit, bytes) else str(unit)).lower()
