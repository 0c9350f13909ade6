"""Units of NWB 2 files, read with h5py as they are stored: no schema and no extension is needed.

The table of units lies in /units, or in a processing module. Of its columns are read: spike_times (s), waveform_mean
([unit, time], [unit, time, electrode], or, as the Allen Institute and DANDI have it with an index, [electrode, time] of
each unit), spike_amplitudes, what says which units are good (`clusters.QUALITY`, or else `SCORES`), and what says cell
types (`How.column`). The rate of waveforms is an attribute of waveform_mean or of waveforms, or stands in a column
sampling_rate, or with the probes (Allen); it is never guessed. Subjects are the groups, and files where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from celltype_cli.core.messages import UserError, few
from celltype_cli.core.text import as_text
from celltype_cli.extracellular.readers.clusters import QUALITY, SCORES, chosen_by_words
from celltype_cli.extracellular.readers.found import NO_LABEL, Found, How
from celltype_cli.extracellular.readers.templates import largest
from celltype_cli.extracellular.recording import LAYERS

ASKED = "has no sampling rate of its waveforms; set dataset.sampling_rate (Hz)"
PART = 0.9  # of the recording
HOLDS = {  # by the type of an object: what the file is instead
    "RoiResponseSeries": "traces of calcium imaging: dataset=nwb_ophys, or a bundle of traces",
    "CurrentClampSeries": "sweeps of patch clamp: dataset=sweeps, or a bundle of sweeps",
}


def read(file: h5py.File, path: Path, how: How, below: str = "") -> Found:
    """Reads the units that `how` chooses; one that cannot be used stops no other.

    Args:
        below: name of the file among others, which tells its units from theirs; empty for one alone.

    Raises:
        UserError: when there is no table of units, it lacks a column, or no unit is chosen.
    """
    if "nwb_version" in file:
        raise UserError(f"{path}: is NWB 1, which is not read here; save it as NWB 2")
    table = _table(file, path)
    ids = np.asarray(table["id"][()]).astype(np.int64)
    found, name = Found(), below or path.stem
    if twice := sorted({int(one) for one in ids if (ids == one).sum() > 1}):
        raise UserError(f"{path}: its table of units lists {', '.join(few(map(str, twice)))} more than once")
    if "spike_times" not in table:
        raise UserError(f"{path}: its table of units has no column spike_times; found {', '.join(sorted(table))}")
    rates = _rates(file, table, how, len(ids), found.notes, path)
    columns = {column: _texts(table, column, len(ids)) for column in (*QUALITY, *SCORES) if column in table}
    others = (
        {}
        if {*QUALITY} & {*columns}
        else {name: _texts(table, name, len(ids)) for name in table if _is_text(table[name])}
    )
    take = chosen_by_words(columns, list(map(str, ids)), how, path, found.notes, others)
    found.notes += _observed(table, take, path)
    labels, subject, lab = _labels(table, len(ids), how, found.notes, path), _subject(file), _lab(file)
    layers = [word if word in LAYERS else "" for word in _texts(table, "layer", len(ids))]
    for k in take:
        try:
            amplitudes = _part(table, "spike_amplitudes", k) if "spike_amplitudes" in table else None
            waveform = _waveform(file, table, k)
            spikes = _part(table, "spike_times", k)
        except (OSError, ValueError, IndexError, TypeError, UserError) as error:
            found.lost.append(f"cell {name}/{ids[k]}: cannot be read ({error})")
            continue
        found.take(
            f"{name}/{ids[k]}",
            label=labels[k],
            group=subject or name,
            source=lab,
            waveform=waveform,
            waveform_rate=float(rates[k]),
            spikes=spikes,
            amplitudes=amplitudes,
            file=path.name,
            layer=layers[k],
        )
    return found


def _table(file: h5py.File, path: Path) -> h5py.Group:
    for place in ("units", *(f"processing/{one}" for one in file.get("processing", ()))):
        group = file.get(place)
        for one in (group, *(group.values() if place != "units" and isinstance(group, h5py.Group) else ())):
            if isinstance(one, h5py.Group) and _type(one) == "Units" and "id" in one:
                return one
    kinds = {kind for kind in map(_type, _groups(file)) if kind in HOLDS}
    instead = "".join(f"; it holds {HOLDS[kind]}" for kind in sorted(kinds))
    raise UserError(f"{path}: is NWB without a table of units{instead}")


def _groups(group: h5py.Group, depth: int = 5) -> Iterator[h5py.Group]:
    for name in ("acquisition", "processing") if group.name == "/" else group:
        if depth and isinstance(one := group.get(name), h5py.Group):
            yield one
            yield from _groups(one, depth - 1)


def _type(group: h5py.Group) -> str:
    return as_text(group.attrs.get("neurodata_type", ""))


def _part(table: h5py.Group, column: str, k: int) -> np.ndarray:
    """Returns the entry of a row; of a column with an index all that it holds."""
    values, index = table[column], table.get(f"{column}_index")
    if index is None:
        return np.asarray(values[k])
    first, last = (int(index[k - 1]) if k else 0), int(index[k])
    if int(index[-1]) != len(values) or last < first:
        raise UserError(
            f"{column}_index ends at {int(index[-1])} of {len(values)} entries, and does not say which are its"
        )
    if (second := table.get(f"{column}_index_index")) is not None:
        raise UserError(f"{column} has an index of an index ({second.name})")
    return np.asarray(values[first:last])


def _waveform(file: h5py.File, table: h5py.Group, k: int) -> np.ndarray:
    """Returns [channel, time] of the largest channels; [0, 0] where there is none.

    Without an index rows are [time, electrode], as the schema has it, unless the other side is as many as there are
    electrodes, of the unit or in all.
    """
    if "waveform_mean" not in table:
        return np.zeros((0, 0), np.float32)
    values = _part(table, "waveform_mean", k).astype(np.float32)
    if values.ndim == 2 and "waveform_mean_index" not in table:
        electrodes = file.get("general/extracellular_ephys/electrodes/id", ())
        counts = {len(electrodes), *([_part(table, "electrodes", k).size] if "electrodes" in table else [])}
        turned = values.shape[0] in counts and values.shape[1] not in counts
        values = values if turned else values.T
    values = np.atleast_2d(values)
    if values.ndim != 2 or not values.size:
        raise UserError(f"its waveform_mean is of shape {values.shape}; expected [time] or [time, electrode]")
    return largest(values)


def _rates(file: h5py.File, table: h5py.Group, how: How, n: int, notes: list[str], path: Path) -> np.ndarray:
    """Returns Hz, of the waveforms of each unit.

    Raises:
        UserError: when nothing says it.
    """
    if "waveform_mean" not in table:
        notes.append(f"{path.name}: its table of units has no column waveform_mean")
        return np.full(n, np.nan)
    if how.sampling_rate is not None:
        return np.full(n, how.sampling_rate)
    for column in ("waveform_mean", "waveforms", "waveform_sd"):
        rate = table[column].attrs.get("sampling_rate") if column in table else None
        if rate is not None and 0 < float(rate) < np.inf:
            return np.full(n, float(rate))
    if "sampling_rate" in table and len(values := np.asarray(table["sampling_rate"][()], dtype=float)) == n:
        return values
    devices = file.get("general/devices", {})
    said = {name: float(one.attrs["sampling_rate"]) for name, one in devices.items() if "sampling_rate" in one.attrs}
    if len({*said.values()}) == 1 and (rate := next(iter(said.values()))) > 0:
        notes.append(f"{path.name}: the rate of waveforms is that of its probes ({rate:g} Hz)")
        return np.full(n, rate)
    several = f"; its probes have {', '.join(f'{name} {rate:g} Hz' for name, rate in said.items())}" if said else ""
    raise UserError(f"{path}: {ASKED}{several}")


def _labels(table: h5py.Group, n: int, how: How, notes: list[str], path: Path) -> list[str]:
    columns = [name for name in table if isinstance(table[name], h5py.Dataset) and not name.endswith("_index")]
    column = how.column(columns, str(path), path.name, notes)
    if column is None:
        return [""] * n
    return ["" if word.lower() in NO_LABEL else word for word in _texts(table, column, n)]


def _texts(table: h5py.Group, column: str, n: int) -> list[str]:
    if column not in table:
        return [""] * n
    values = table[column]
    values = values.asstr()[()] if h5py.check_string_dtype(values.dtype) else values[()]
    if len(values) != n:
        raise UserError(f"its table of units has {len(values)} entries of {column} for {n} units")
    return [as_text(value) for value in values]


def _is_text(column: Any) -> bool:
    return isinstance(column, h5py.Dataset) and column.ndim == 1 and bool(h5py.check_string_dtype(column.dtype))


def _observed(table: h5py.Group, take: Sequence[int], path: Path) -> list[str]:
    """Returns a note on units that were observed in a part of the recording only."""
    if "obs_intervals" not in table:
        return []
    try:
        spans = [_part(table, "obs_intervals", k).reshape(-1, 2) for k in take]
        lengths = [float(np.nansum(np.diff(span, axis=1))) for span in spans]
        ends = [float(np.max(span, initial=0)) for span in (*spans, *(_part(table, "spike_times", k) for k in take))]
    except (OSError, ValueError, IndexError, TypeError, UserError):
        return [f"{path.name}: its obs_intervals cannot be read, and are passed over"]
    part = sum(length < PART * max(ends) for length in lengths)
    said = f"{path.name}: {part} of {len(take)} units were observed in a part of the recording (obs_intervals): "
    return [said + "their spikes are taken as if in all of it"] if part else []


def _subject(file: h5py.File) -> str:
    subject = file.get("general/subject", {})
    return _text(subject, "subject_id")


def _lab(file: h5py.File) -> str:
    general = file.get("general", {})
    return _text(general, "lab") or _text(general, "institution")


def _text(group: Any, name: str) -> str:
    return as_text(group[name][()]) if name in group and isinstance(group[name], h5py.Dataset) else ""
