"""Sorted units of npz files, numpy arrays without pickled objects; `files` describes the layout.

Arrays go by their own names, or by those of files that are passed around: the mouse units of the Hull laboratory and
the macaque units of the Lisberger laboratory (Beau et al. 2025, Cell), and optotagged units with their spike trains
(CellExplorer; Petersen et al. 2021, Neuron).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from celltype_cli.core.arrays import read_arrays
from celltype_cli.core.messages import UserError, raise_faults
from celltype_cli.core.text import as_text
from celltype_cli.extracellular.readers.found import Found, How
from celltype_cli.extracellular.recording import Recording

# By the name of an array: its rate in Hz, where the name says it, and whether it is in uV. The first there is counts.
WAVEFORMS = {
    "waveform": (None, False),
    "waveform_uV": (None, True),
    "waveform_norm90": (30000.0, False),
    "waveform_uV100_40kHz": (40000.0, True),
    "waveform_uV_8ch": (None, True),
}
RATES = ("sampling_rate", "waveform_fs")
COUNTS = {"correlogram": ("correlogram", "acg_counts"), "isi": ("isi", "isi_counts100")}
TEXTS = {
    "label": ("label",),
    "cell_id": ("cell_id", "neuron"),
    "group": ("group", "recording", "animal"),
    "source": ("source",),
    "layer": ("layer",),
}
SPIKES = ("spike_times", "spike_offsets", "spike_tick_delta", "tick_hz", "duration")
KNOWN = {*WAVEFORMS, *RATES, *SPIKES, *(name for names in (*COUNTS.values(), *TEXTS.values()) for name in names)}
BINS = 100  # of 1 ms, of a finished histogram
NO_LABEL = ("unlabeled", "unlabelled", "unknown")


def read(path: Path, how: How, below: str = "") -> Found:
    """Reads the units of a file.

    Args:
        below: name of the file among others, which tells its units and groups from theirs; empty for one alone.

    Raises:
        UserError: when the file is broken, lacks an array, or one has another shape.
    """
    arrays, names = read_arrays(path, KNOWN.__contains__, "spike trains")
    name = next((name for name in WAVEFORMS if name in arrays), None)
    if name is None:
        raise UserError(f"{path}: has no array waveform; found {', '.join(names) or 'none'}")
    waveform, (rate, in_uv) = arrays[name], WAVEFORMS[name]
    if waveform.dtype.kind not in "fiu" or waveform.ndim not in (2, 3) or not waveform.size:
        raise UserError(
            f"{path}: {name} is {waveform.dtype} of shape {waveform.shape}; expected numbers [unit, time] or [unit, "
            "channel, time]"
        )
    n = len(waveform)
    waveform = waveform.reshape(n, -1, waveform.shape[-1]).astype(np.float32)
    rates = _per_unit(path, arrays, RATES, n, how.sampling_rate or rate)
    if rates is None:
        raise UserError(f"{path}: has no sampling_rate (Hz, of {name}); add it, or set dataset.sampling_rate")
    if not ((rates > 0) & np.isfinite(rates)).all():
        raise UserError(f"{path}: sampling_rate holds {rates[:3].tolist()}; expected Hz, above 0")
    text = {role: _texts(path, arrays, _name(arrays, role), n) for role in TEXTS}
    text["label"] = ["" if label.lower() in NO_LABEL else label for label in text["label"]]
    ids = [cell or str(k) for k, cell in enumerate(text["cell_id"])]
    text["cell_id"] = [f"{path.stem}/{cell}" if cell.isdigit() and not below else cell for cell in ids]
    text["group"] = [f"{_name(arrays, 'group')} {group}" if group.isdigit() else group for group in text["group"]]
    if below:
        for role in ("cell_id", "group"):
            text[role] = [value and f"{below}/{value}" for value in text[role]]
        text["source"] = [value or below for value in text["source"]]
    trains, counts = _trains(path, arrays, n), _counts(path, arrays, n)
    duration, notes = _durations(path, arrays, trains, text["group"])
    if trains is None:
        held = f"histograms of them ({', '.join(counts)})" if counts else "waveforms alone"
        notes.append(f"{path.name} holds no spike times, but {held}")
    recordings = [
        Recording(
            **{role: values[k] for role, values in text.items()},
            waveform=waveform[k],
            waveform_rate=float(rates[k]),
            spikes=None if trains is None else trains[k],
            duration=float(duration[k]),
            file=path.name,
            in_uv=in_uv,
            counts={what: rows[k] for what, rows in counts.items()},
        )
        for k in range(n)
    ]
    return Found(recordings, notes=notes)


def _name(arrays: dict[str, np.ndarray], role: str) -> str | None:
    """Returns the name of the array that has a role, or None where there is none."""
    return next((name for name in TEXTS[role] if name in arrays), None)


def _texts(path: Path, arrays: dict[str, np.ndarray], name: str | None, n: int) -> list[str]:
    """Returns one text a unit; empty ones where there is no such array."""
    if name is None:
        return [""] * n
    values = arrays[name].ravel()
    if len(values) not in (1, n):
        raise UserError(f"{path}: {name} holds {len(values)} values of {n} units; expected one each")
    try:
        return [as_text(value) for value in np.broadcast_to(values, n)]
    except UserError as error:
        raise UserError(f"{path}: {name}: {error}") from error


def _per_unit(
    path: Path, arrays: dict[str, np.ndarray], names: tuple[str, ...], n: int, given: float | None = None
) -> np.ndarray | None:
    """Returns one number a unit: the given one, or those of the first array that is there, or None."""
    name = next((name for name in names if name in arrays), None)
    if given is not None or name is None:
        return None if given is None else np.full(n, float(given))
    values = arrays[name].ravel()
    if values.dtype.kind not in "fiu" or len(values) not in (1, n):
        raise UserError(f"{path}: {name} holds {len(values)} values ({values.dtype}) of {n} units; expected one "
                        "number, or one each")  # fmt: skip
    return np.broadcast_to(values.astype(np.float64), n)


def _trains(path: Path, arrays: dict[str, np.ndarray], n: int) -> list[np.ndarray] | None:
    """Returns the spikes of each unit, s; None where there are none."""
    deltas = "spike_tick_delta" in arrays
    name = "spike_tick_delta" if deltas else "spike_times"
    if name not in arrays:
        return None
    values = arrays[name].ravel()
    offsets = arrays.get("spike_offsets", np.array([0, len(values)])).ravel()
    faults = []
    if values.dtype.kind not in "fiu" or not np.isfinite(values).all():
        faults.append(f"{name} holds what is no number ({values.dtype})")
    if offsets.dtype.kind not in "iu" or len(offsets) != n + 1:
        faults.append(f"spike_offsets holds {len(offsets)} values ({offsets.dtype}); expected {n + 1} whole numbers, "
                      f"where the spikes of each of {n} units begin, and the last end")  # fmt: skip
    elif offsets[0] != 0 or offsets[-1] != len(values) or (np.diff(offsets.astype(np.int64)) < 0).any():
        faults.append(f"spike_offsets runs from {offsets[0]} to {offsets[-1]}; expected 0 to {len(values)}, ascending")
    ticks = arrays.get("tick_hz", np.empty(0))
    if deltas and not (ticks.size == 1 and ticks.item() > 0):
        faults.append("tick_hz is missing or no rate; expected the ticks in a second of spike_tick_delta")
    raise_faults(str(path), faults)
    parts = np.split(values, offsets[1:-1].astype(np.int64))
    if deltas:
        return [np.cumsum(part, dtype=np.int64) / float(ticks.item()) for part in parts]
    return [part.astype(np.float64) for part in parts]


def _counts(path: Path, arrays: dict[str, np.ndarray], n: int) -> dict[str, np.ndarray]:
    """Returns finished histograms [unit, bin] of 1 ms by name; of both sides of a correlogram the right one."""
    found, faults = {}, []
    for what, names in COUNTS.items():
        name = next((name for name in names if name in arrays), None)
        if name is None:
            continue
        rows, both = arrays[name], 2 * BINS + 1 if what == "correlogram" else BINS
        if rows.dtype.kind not in "fiu" or rows.shape not in ((n, BINS), (n, both)):
            faults.append(f"{name} is {rows.dtype} of shape {rows.shape}; expected counts of shape ({n}, {BINS})")
            continue
        found[what] = rows[:, -BINS:].astype(np.float32)
    raise_faults(str(path), faults)
    return found


def _durations(
    path: Path, arrays: dict[str, np.ndarray], trains: list[np.ndarray] | None, groups: list[str]
) -> tuple[np.ndarray, list[str]]:
    """Returns the length of each unit's recording, s: as the file says, or else until the last spike of its group."""
    n = len(groups)
    if (given := _per_unit(path, arrays, ("duration",), n)) is not None or trains is None:
        return np.full(n, np.nan) if given is None else given, []
    ends = np.array([train[-1] if len(train) else 0.0 for train in trains])
    keys = np.array([group or f"\0{k}" for k, group in enumerate(groups)])
    last = np.array([ends[keys == key].max() for key in keys])
    return last, [f"{path.name} says no duration: recordings are taken to end with the last spike of their units"]
