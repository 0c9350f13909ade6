"""Sortings and analyzers of SpikeInterface: as folders and zarr stores that it saves, and its objects.

Read are the spikes, sampling rate and properties of units, and of an analyzer its extensions templates (the average)
and spike_amplitudes. A sorting alone has no waveforms. Segments follow one another.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from celltype_cli.core.messages import UserError, raise_faults
from celltype_cli.core.text import as_text
from celltype_cli.extracellular.readers.clusters import chosen_by_words
from celltype_cli.extracellular.readers.found import NO_LABEL, Found, How
from celltype_cli.extracellular.readers.sortings import Sorted, load
from celltype_cli.extracellular.readers.templates import largest


def read(path: Path, how: How, name: str) -> Found:
    """Reads the units of a folder (`sortings.folders`) that `how` chooses.

    Args:
        name: of the folder, in ids.

    Raises:
        UserError: when it is broken, or no unit is chosen.
    """
    found = units(load(path), how, name, str(path))
    if _curated(path):
        found.notes.append(
            f"{name}: was curated in the GUI of SpikeInterface, which is not applied here (merges, what was removed or "
            "labelled): save what its apply_curation returns, and read that"
        )
    return found


def _curated(path: Path) -> bool:
    """Says whether the GUI of SpikeInterface left a curation in a folder or a zarr store."""
    place = path / "spikeinterface_gui"
    files = [place / name for name in ("curation_data.json", ".zattrs", "zarr.json")]
    return any("unit_ids" in file.read_text(encoding="utf-8", errors="replace") for file in files if file.is_file())


def is_object(value: Any) -> bool:
    """Tells a Sorting or SortingAnalyzer."""
    return hasattr(getattr(value, "sorting", value), "to_spike_vector")


def of_object(value: Any, how: How) -> Found:
    """Reads the units of a Sorting or SortingAnalyzer that `how` chooses; they are named sorting/<unit>.

    Raises:
        UserError: when it is something else, or no unit is chosen.
    """
    if not is_object(value):
        what = f"{type(value).__name__} is no path, and no Sorting or SortingAnalyzer of SpikeInterface"
        raise UserError(f"dataset.path: {what}")
    sorting, analyzer = getattr(value, "sorting", value), value if hasattr(value, "get_extension") else None
    spikes = sorting.to_spike_vector()
    templates = analyzer.get_extension("templates") if analyzer else None
    amplitudes = analyzer.get_extension("spike_amplitudes") if analyzer else None
    held = Sorted(
        float(sorting.get_sampling_frequency()),
        [str(one) for one in sorting.unit_ids],
        tuple(np.asarray(spikes[name]) for name in ("sample_index", "unit_index", "segment_index")),
        [analyzer.get_num_samples(k) for k in range(sorting.get_num_segments())] if analyzer else None,
        {name: np.asarray(sorting.get_property(name)) for name in sorting.get_property_keys()},
        None if templates is None else templates.data.get("average"),
        None if amplitudes is None else amplitudes.data.get("amplitudes"),
        in_uv=bool(analyzer and analyzer.return_in_uV),
    )
    return units(held, how, "sorting", type(value).__name__)


def units(held: Sorted, how: How, name: str, where: str) -> Found:
    """Makes units of what was read.

    Raises:
        UserError: when no unit is chosen, or a setting names what there is not.
    """
    raise_faults(where, held.faults())
    found = Found()
    rate = how.sampling_rate or held.rate
    if not 0 < rate < np.inf:
        raise UserError(f"{where}: its sampling_frequency is {rate:g}; set dataset.sampling_rate (Hz)")
    labels = _labels(held, how, found.notes, name, where)
    words = {one: [*values] for one, values in held.properties.items() if np.asarray(values).dtype.kind in "UO"}
    take = chosen_by_words(held.properties, held.ids, how, Path(name), found.notes, words)
    sample, unit, segment = held.spikes
    times = (sample + _starts(held, found.notes, name)[segment]) / rate
    amplitudes = np.asarray([] if held.amplitudes is None else held.amplitudes).ravel()
    if len(amplitudes) not in (0, len(times)):
        found.notes.append(f"{name}: has {len(amplitudes)} amplitudes of {len(times)} spikes, which are left out")
    order = np.argsort(unit, kind="stable")
    bounds = np.searchsorted(unit[order], np.arange(len(held.ids) + 1))
    if held.templates is None:
        found.notes.append(f"{name}: has no waveforms; those of an analyzer are its extension templates")
    for k in take:
        mine = order[bounds[k] : bounds[k + 1]]
        found.take(
            f"{name}/{held.ids[k]}",
            label=labels[k],
            group=name,
            waveform=np.zeros((0, 0), np.float32)
            if held.templates is None
            else largest(np.asarray(held.templates[k]).T),
            waveform_rate=float(rate),
            spikes=times[mine],
            amplitudes=amplitudes[mine] if len(amplitudes) == len(times) else None,
            in_uv=held.in_uv,
            file=name,
        )
    return found


def _starts(held: Sorted, notes: list[str], name: str) -> np.ndarray:
    """Returns at which sample each segment begins, when they are set one after the other."""
    sample, _, segment = held.spikes
    n = int(segment.max()) + 1 if len(segment) else 1
    ends = [int(sample[segment == k].max(initial=0)) + 1 for k in range(n)]
    lengths = list(held.lengths or ends)
    if shorter := [k for k in range(n) if len(sample) and lengths[k] < ends[k]]:
        k = shorter[0]
        notes.append(
            f"{name}: its recording has {lengths[k]} samples in segment {k}, and spikes until sample {ends[k] - 1}: it "
            "is taken to end with its last spike"
        )
        lengths = [max(pair) for pair in zip(lengths, ends)]
    if n > 1:
        taken = "" if held.lengths else ", each taken to end with its last spike"
        notes.append(f"{name}: its {n} segments follow one another{taken}")
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _labels(held: Sorted, how: How, notes: list[str], name: str, where: str) -> list[str]:
    key = how.column(held.properties, where, name, notes)
    if key is None:
        return [""] * len(held.ids)
    return ["" if (text := as_text(value)).lower() in NO_LABEL else text for value in held.properties[key]]
