"""Sorted units in plain arrays, of npz files without pickled objects and of HDF5; `files` describes the layout.

Arrays go by their own names, by those that the user says (`How.arrays`), or by those of files that are passed around:
the mouse units of the Hull laboratory and the macaque units of the Lisberger laboratory (Beau et al. 2025, Cell), and
optotagged units (CellExplorer; Petersen et al. 2021, Neuron), with histograms or with their spike trains.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from celltype_cli.core.arrays import read_arrays
from celltype_cli.core.called import called, meant
from celltype_cli.core.messages import UserError
from celltype_cli.extracellular.readers.arrays import Arrays, wanted
from celltype_cli.extracellular.readers.found import NO_LABEL, Found, How

COARSE_S = 2e-4  # less than a spike lasts
TEXTS = ("label", "cell_id", "group", "source", "layer")


def read(path: Path, how: How, below: str = "") -> Found:
    """Reads the units of a file.

    Args:
        below: name of the file among others, which tells its units and groups from theirs; empty for one alone.

    Raises:
        UserError: when the file is broken, lacks an array, or one has another shape.
    """
    held, names = read_arrays(path, wanted(how), "spike trains")
    return units(Arrays(path, held, names, how.named), how, below)


def units(arrays: Arrays, how: How, below: str = "") -> Found:
    """Reads the units that arrays hold.

    Args:
        below: as in `read`.

    Raises:
        UserError: when an array is missing, or has another shape.
    """
    path = arrays.path
    waveform, name, rate, in_uv = arrays.waveform
    n = len(arrays)
    given = how.sampling_rate or rate
    rates = np.full(n, given) if given else arrays.per_unit("sampling_rate")
    if rates is None:
        raise UserError(
            f"{path}: has no sampling_rate (Hz, of {name}){meant('sampling_rate', arrays.others)}; add it, or set "
            "dataset.sampling_rate"
        )
    if not ((rates > 0) & np.isfinite(rates)).any():  # one that is none stops no other unit
        raise UserError(f"{path}: sampling_rate holds {rates[:3].tolist()}; expected Hz, above 0")
    text = _named(arrays, below)
    trains, counts = arrays.trains(), arrays.counts()
    duration, notes = _durations(arrays, trains, text["group"])
    if trains is None:
        held = f"histograms of them ({', '.join(counts)})" if counts else "waveforms alone"
        notes.append(f"{path.name} holds no spike times, but {held}")
    notes += _coarse(arrays)
    if not arrays.name("group") and (other := called(arrays.others, ("group",))):
        notes.append(f"{path.name}: no group{other}")
    found = Found(notes=notes)
    for k in range(n):
        found.take(
            **{role: values[k] for role, values in text.items()},
            waveform=waveform[k],
            waveform_rate=float(rates[k]),
            spikes=None if trains is None else trains[k],
            duration=float(duration[k]),
            file=path.name,
            in_uv=in_uv,
            counts={what: rows[k] for what, rows in counts.items()},
        )
    return found.only(how.units, str(path))


def _named(arrays: Arrays, below: str) -> dict[str, list[str]]:
    """Returns the texts of units, with ids and groups that tell them from those of other files."""
    text = {role: arrays.texts(role) for role in TEXTS}
    text["label"] = ["" if label.lower() in NO_LABEL else label for label in text["label"]]
    ids = [cell or str(k) for k, cell in enumerate(text["cell_id"])]
    if arrays.name("cell_id") == "uid":  # which is one of its session
        ids = [f"{session}/{cell}" if session else cell for session, cell in zip(arrays.texts("session"), ids)]
    text["cell_id"] = [f"{arrays.path.stem}/{cell}" if cell.isdigit() and not below else cell for cell in ids]
    text["group"] = [f"{arrays.name('group')} {group}" if group.isdigit() else group for group in text["group"]]
    if below:
        for role in ("cell_id", "group"):
            text[role] = [value and f"{below}/{value}" for value in text[role]]
        text["source"] = [value or below for value in text["source"]]
    return text


def _durations(arrays: Arrays, trains: list[np.ndarray] | None, groups: list[str]) -> tuple[np.ndarray, list[str]]:
    """Returns the length of each unit's recording, s: as the file says, or else until the last spike of its group."""
    n = len(groups)
    if (given := arrays.per_unit("duration")) is not None or trains is None:
        return np.full(n, np.nan) if given is None else given, []
    ends = np.array([train.max() if len(train) else 0.0 for train in trains])
    keys = np.array([group or f"\0{k}" for k, group in enumerate(groups)])
    last = np.array([ends[keys == key].max() for key in keys])
    return last, [
        f"{arrays.path.name} says no duration: recordings are taken to end with the last spike of their units"
    ]


def _coarse(arrays: Arrays) -> list[str]:
    """Returns a note where the numbers of spike times are too short for them."""
    name = arrays.name("spike_times")
    times = arrays.held[name] if name else np.empty(0)
    if (
        times.dtype.kind != "f"
        or np.isnan(times).all()
        or (step := float(np.spacing(np.nanmax(np.abs(times))))) < COARSE_S
    ):
        return []
    held = f"{arrays.path.name}: {name} are {times.dtype}"
    return [f"{held}, which at their end is {1e3 * step:.2g} ms coarse: save float64"]
