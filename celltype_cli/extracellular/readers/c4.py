"""The HDF5 layout of the C4 database of cerebellar units (Beau et al. 2025, Cell, doi 10.1016/j.cell.2025.01.041).

A group for each unit, /<laboratory>_neuron_<number>, and the same object once more under /datasets/<dataset>/<unit>; a
unit counts once. Of its fields are read: dataset_id (the recording, our group), lab_id (source), sampling_rate (Hz),
spike_indices (samples), mean_waveform_preprocessed ([channel, time], or the other way round, or of one channel),
ground_truth_label and expert_label, phyllum_layer and human_layer, amplitudes, and which spikes count:
    sane_spikes             mask of the spikes outside stimulation; in its place sane_periods ([start, stop] s), or of
                            neither the spikes up to 10 s before the first of optostims ([on, off] s)
    fn_fp_filtered_spikes   mask of the spikes in stretches where few are false and few missing, which make
                            `Recording.good`
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from celltype_cli.core.messages import UserError, check_choice, few
from celltype_cli.core.text import as_text
from celltype_cli.extracellular.readers.found import NO_LABEL, Found, How
from celltype_cli.extracellular.recording import LAYERS

UNIT = re.compile(r".+_neuron_\d+")
TRUTH, EXPERT = "ground_truth_label", "expert_label"
LABELS = (TRUTH, EXPERT)
BEFORE_LIGHT = 10.0  # s
NO_TYPE = (*NO_LABEL, "", "0")


def is_database(file: h5py.File) -> bool:
    return any(True for _ in _places(file))


def read(file: h5py.File, path: Path, how: How, below: str = "") -> Found:
    """Reads all units; one that cannot be used stops no other.

    Args:
        below: name of the file among others, which tells its units from theirs; empty for one alone.

    Raises:
        UserError: when `how.label` is no field of labels.
    """
    if how.label is not None:
        check_choice("dataset.label", how.label, LABELS)
    found, said, seen = Found(), Counter(), 0
    for name, group in _units(file):
        seen += 1
        cell = f"{below}/{name}" if below else name
        try:
            label, field = _label(group, how.label)
            said[field] += bool(label)
            _take(found, cell, label, group, path, how)
        except UserError as error:
            found.lost.append(f"cell {cell}: {error}")
        except Exception as error:  # noqa: BLE001 - h5py raises many types for a damaged part; other units may be whole
            found.lost.append(f"cell {cell}: cannot be read ({type(error).__name__}: {str(error)[:200]})")
    listed = ", ".join(f"{field} of {count}" for field, count in said.items() if count)
    found.notes.append(f"{path.name} is laid out as the C4 database; labels are {listed or 'missing'}, of {seen} units")
    return found.only(how.units, str(path))


def _places(file: h5py.File) -> Iterator[str]:
    """Yields where units lie: in the root, then below /datasets."""
    yield from (name for name in file if UNIT.fullmatch(name) and isinstance(file.get(name), h5py.Group))
    datasets = file.get("datasets")
    for dataset in datasets if isinstance(datasets, h5py.Group) else ():
        if isinstance(units := datasets.get(dataset), h5py.Group):
            yield from (f"datasets/{dataset}/{unit}" for unit in units if isinstance(units.get(unit), h5py.Group)
                        and "spike_indices" in units[unit])  # fmt: skip


def _units(file: h5py.File) -> Iterator[tuple[str, h5py.Group]]:
    """Yields each unit once, whether its second place is a link to the first or a copy of it."""
    objects, names = set(), set()
    for place in _places(file):
        group = file[place]
        info = h5py.h5o.get_info(group.id)
        own = _text(group, "neuron_id").strip("/")
        name = own if UNIT.fullmatch(own) else place
        if (info.fileno, info.addr) in objects or name in names:
            continue
        objects.add((info.fileno, info.addr))
        names.add(name)
        yield name.removeprefix("datasets/"), group


def _take(found: Found, cell: str, label: str, group: h5py.Group, path: Path, how: How) -> None:
    rate = how.sampling_rate or _number(group, "sampling_rate")
    if rate is None or not 0 < rate < np.inf:
        what = "no sampling_rate" if rate is None else f"a sampling_rate of {rate:g}"
        raise UserError(f"has {what}; expected Hz, above 0, or set dataset.sampling_rate")
    samples = _array(group, "spike_indices")
    spikes, notes = samples.astype(np.float64) / rate, []
    sane = _sane(group, spikes)
    amplitudes = _array(group, "amplitudes") if "amplitudes" in group else None
    if amplitudes is not None and len(amplitudes) != len(spikes):
        notes.append("their amplitudes are not as many as their spikes, and left out")
        amplitudes = None
    filtered, good = _mask(group, "fn_fp_filtered_spikes", len(spikes)), None
    if filtered is not None:
        good = _stretches(spikes, filtered)
    if not sane.any():
        raise UserError(f"has no spikes outside stimulation, of {len(spikes)}")
    words = [_text(group, name) for name in ("phyllum_layer", "human_layer")]
    found.take(
        cell,
        label=label,
        group=_text(group, "dataset_id"),
        source=_text(group, "lab_id"),
        layer=next((word for word in words if word in LAYERS[1:]), ""),
        waveform=_waveform(group),
        waveform_rate=float(rate),
        spikes=spikes[sane],
        amplitudes=None if amplitudes is None else amplitudes[sane],
        good=good,
        file=path.name,
        notes=notes,
    )


def _label(group: h5py.Group, field: str | None) -> tuple[str, str]:
    """Returns the label of a unit, empty where it has none, and the field that says it."""
    for name in LABELS if field is None else (field,):
        if (text := _text(group, name)).lower() not in NO_TYPE:
            return text, name
    return "", field or TRUTH


def _sane(group: h5py.Group, spikes: np.ndarray) -> np.ndarray:
    if (mask := _mask(group, "sane_spikes", len(spikes))) is not None:
        return mask
    if "sane_periods" in group and (periods := group["sane_periods"]).dtype.kind in "fiu":  # else the word "all"
        spans = np.asarray(periods[()], dtype=np.float64).reshape(-1, 2)
        return ((spikes >= spans[:, :1]) & (spikes <= spans[:, 1:])).any(axis=0)
    if "sane_periods" not in group and "optostims" in group and group["optostims"].size:
        return spikes < np.asarray(group["optostims"][()], dtype=np.float64).min() - BEFORE_LIGHT
    return np.ones(len(spikes), dtype=bool)


def _stretches(spikes: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Returns from which spike to which, in s, a mask holds without a break."""
    edges = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    return np.stack([spikes[np.flatnonzero(edges == 1)], spikes[np.flatnonzero(edges == -1) - 1]], axis=1)


def _waveform(group: h5py.Group) -> np.ndarray:
    """Returns the waveform [channel, time]."""
    values = np.atleast_2d(_array(group, "mean_waveform_preprocessed", flat=False).astype(np.float32))
    channels = group["channel_ids"].size if "channel_ids" in group else 0
    if values.ndim != 2:
        raise UserError(f"has a mean_waveform_preprocessed of shape {values.shape}; expected [channel, time]")
    turned = values.shape[0] > values.shape[1]
    if channels in values.shape and values.shape[0] != values.shape[1]:
        turned = values.shape[1] == channels
    return np.ascontiguousarray(values.T if turned else values)


def _array(group: h5py.Group, name: str, flat: bool = True) -> np.ndarray:
    dataset = group.get(name)
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiub":
        raise UserError(f"has no numbers {name}; found {', '.join(few(sorted(group))) or 'nothing'}")
    values = np.asarray(dataset[()])
    return values.ravel() if flat else values


def _mask(group: h5py.Group, name: str, n: int) -> np.ndarray | None:
    if name not in group:
        return None
    values = _array(group, name)
    if len(values) != n:
        raise UserError(f"has {len(values)} {name} for {n} spike_indices; expected one each")
    return values.astype(bool)


def _number(group: h5py.Group, name: str) -> float | None:
    values = _array(group, name) if name in group else np.empty(0)
    return float(values[0]) if len(values) else None


def _text(group: h5py.Group, name: str) -> str:
    value: Any = group[name][()] if isinstance(group.get(name), h5py.Dataset) else None
    return as_text(value)
