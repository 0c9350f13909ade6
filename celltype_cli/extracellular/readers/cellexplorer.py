"""CellExplorer's MATLAB files (Petersen et al. 2021, Neuron 109:3594), *.cell_metrics.cellinfo.mat.

Of the struct cell_metrics are read, with an entry for each unit: waveforms.filt, or waveforms.raw where there is none
(uV, on the largest channel), and waveforms.time (ms), which says their rate; spikes.times (s), or those of the file of
spikes beside, by UID; where there are none, acg.wide (lags of -1 to 1 s in bins of 1 ms), acg.log10 (rates) and
isi.log10 (densities) in logarithmic bins; groundTruthClassification, or where that is empty putativeCellType (or
`How.label`); animal, the group; sessionName and UID. A file *.spikes.cellinfo.mat alone gives units without label.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from celltype_cli.core.messages import UserError, check_choice, counted, few
from celltype_cli.core.text import as_text
from celltype_cli.extracellular import counts
from celltype_cli.extracellular.readers import matlab
from celltype_cli.extracellular.readers.found import NO_LABEL, OTHERS, Found, How
from celltype_cli.extracellular.readers.matlab import Units, field

STRUCTS = ("cell_metrics", "spikes")  # of which the first counts that a file has
METRICS, SPIKES = ".cell_metrics.cellinfo.mat", ".spikes.cellinfo.mat"
FIELDS = ("groundTruthClassification", "putativeCellType")  # of labels, the first that says any counts
WAVEFORMS = ("waveforms.filt", "waveforms.raw", "filtWaveform", "rawWaveform")  # of cell_metrics, then of spikes


def read(path: Path, how: How, below: str = "") -> Found:
    """Reads the units of a file of MATLAB 5 to 7, in a process of its own (`core.isolated`).

    Args:
        below: as of `units`.

    Raises:
        UserError: when the file is broken, or holds neither struct.
    """
    return units(matlab.structs(path, STRUCTS), path, how, below)


def units(held: Any, path: Path, how: How, below: str = "") -> Found:
    """Reads the units of the structs that a file holds.

    Args:
        held: by name; of MATLAB 7.3 the file itself.
        below: name of the file among others, whose folders tell its units from theirs where it says no session.

    Raises:
        UserError: when there is neither struct, or fields do not fit together.
    """
    struct = next((held[name] for name in STRUCTS if name in held and matlab.names(held[name])), None)
    if struct is None:
        raise UserError(
            f"{path}: is a MATLAB file without a struct {' or '.join(STRUCTS)}, as CellExplorer has them; {OTHERS}, "
            "for instance of Wave_clus, whose times are in ms"
        )
    if (uid := field(struct, "UID")) is None:
        raise UserError(f"{path}: its struct has no UID, the numbers of its units, as CellExplorer's have; {OTHERS}")
    found, base = Found(), path.name.removesuffix(METRICS).removesuffix(SPIKES).removesuffix(".mat")
    base = f"{folder}/{base}" if (folder := below.rpartition("/")[0]) else base
    numbers = [as_text(float(number)) for number in uid.ravel()]
    of = Units(struct, len(numbers), path)
    trains = of.arrays("spikes.times") or of.arrays("times") or _beside(path, numbers)
    waves = next(filter(None, map(of.arrays, WAVEFORMS)), [None] * len(numbers))
    rates, histograms = _rates(of, how), _histograms(of)
    (labels, said), animals, sessions = _labels(of, how, found.notes), of.texts("animal"), of.texts("sessionName")
    bad = _tagged(of) if how.quality == "good" and how.units is None else set()
    if bad:
        found.notes.append(f"{path.name}: {len(bad)} units are tagged Bad and left out; dataset.quality=all takes them")
    for k, number in enumerate(numbers):
        if k in bad:
            continue
        if not number:
            found.lost.append(f"{path.name}: the UID of its unit {k + 1} is no number")
            continue
        wave = np.zeros((0, 0)) if waves[k] is None else np.atleast_2d(waves[k].squeeze())
        found.take(
            f"{sessions[k] or base}/{number}",
            label=labels[k],
            group=animals[k] or sessions[k] or base,
            waveform=wave.astype(np.float32),
            waveform_rate=rates[k],
            in_uv=True,
            spikes=None if trains is None else np.empty(0) if trains[k] is None else trains[k],
            counts=histograms[k],
            file=path.name,
        )
    if any(labels):
        found.notes.append(f"{path.name}: its field {said} says cell types")
    if trains is None:
        found.notes.append(f"{path.name} holds no spike times, but histograms of them, and "
                           f"{path.name.replace(METRICS, SPIKES)} does not lie beside it")  # fmt: skip
    return found.only(how.units, str(path))


def _tagged(of: Units) -> set[int]:
    """Returns the places, from 0, of the units that are tagged as bad."""
    places = field(of.struct, "tags.Bad")
    return {int(place) - 1 for place in places.ravel()} if isinstance(places, np.ndarray) else set()


def _rates(of: Units, how: How) -> list[float]:
    """Returns Hz, of the waveforms of each unit.

    Raises:
        UserError: when nothing says it.
    """
    if how.sampling_rate is not None:
        return [how.sampling_rate] * of.n
    for name in ("waveforms.time", "timeWaveform"):
        value = field(of.struct, name)
        times = of.arrays(name) if isinstance(value, list) else None if value is None else [value] * of.n
        if times:
            return [np.nan if t is None or t.size < 2 else 1000 / float(np.median(np.diff(t.ravel()))) for t in times]
    if (rate := field(of.struct, "sr")) is not None and rate.size == 1:
        return [float(rate.item())] * of.n
    if not any(field(of.struct, name) is not None for name in WAVEFORMS):
        return [np.nan] * of.n
    raise UserError(f"{of.path}: has no waveforms.time, which says the rate of its waveforms; set "
                    "dataset.sampling_rate (Hz)")  # fmt: skip


def _histograms(of: Units) -> list[dict[str, np.ndarray]]:
    """Returns the histograms of each unit, in the bins of `extracellular.counts`, as far as the struct has them."""
    wide, rates, isi = (of.arrays(name) or [None] * of.n for name in ("acg.wide", "acg.log10", "isi.log10"))
    found = []
    for lags, rate, density in zip(wide, map(_in_log_bins, rates), map(_in_log_bins, isi)):
        one = {"correlogram": _right(lags), "log_correlogram": rate}
        if density is not None:
            one |= {"isi": counts.of_log10(density), "log_isi": counts.of_density(density).astype(np.float32)}
        found.append({what: rows for what, rows in one.items() if rows is not None})
    return found


def _beside(path: Path, numbers: list[str]) -> list[np.ndarray | None] | None:
    """Returns the spikes of units, from the file of spikes beside theirs; None where there is none.

    Raises:
        UserError: when it lacks a unit.
    """
    file = path.with_name(path.name.replace(METRICS, SPIKES))
    if file == path or not file.is_file():
        return None
    with open_structs(file) as held:
        spikes = held.get("spikes")
        uid, times = field(spikes, "UID"), field(spikes, "times")
        if uid is None or not isinstance(times, list) or len(times) != uid.size:
            raise UserError(f"{file}: its struct spikes lacks UID or times, or they have different numbers of entries")
        by_number = dict(zip((as_text(float(number)) for number in uid.ravel()), times))
    if lacking := [number for number in numbers if number not in by_number]:
        raise UserError(f"{file}: lacks unit {', '.join(few(lacking))} of {path.name}")
    return [by_number[number] for number in numbers]


@contextmanager
def open_structs(path: Path) -> Iterator[Any]:
    """Yields the structs of a file of either version, by name."""
    if h5py.is_hdf5(path):
        with h5py.File(path, "r") as file:
            yield file
    else:
        yield matlab.structs(path, STRUCTS)


def _labels(of: Units, how: How, notes: list[str]) -> tuple[list[str], str]:
    """Returns the cell types of units and the field that says them: that asked for, or else the first that has any.

    A unit of several types gets none, with a note.
    """
    if how.label is not None:
        check_choice("dataset.label", how.label, FIELDS)
    asked = FIELDS if how.label is None else [how.label]
    types, said = next((found for name in asked if any((found := (_said(of, name), name))[0])), ([[]] * of.n, ""))
    if several := [" and ".join(one) for one in types if len(one) > 1]:
        units = counted(len(several), "unit")
        notes.append(f"{of.path.name}: {said} gives {units} several types, of which none is taken "
                     f"({', '.join(few([*dict.fromkeys(several)]))})")  # fmt: skip
    return [one[0] if len(one) == 1 else "" for one in types], said


def _said(of: Units, name: str) -> list[list[str]]:
    """Returns what a field says of each unit: texts, or a struct, in which each type lists the places of its units."""
    types = of.words(name)
    for group in matlab.names(matlab.inside(of.struct, name)):
        places = field(of.struct, f"{name}.{group}")
        for place in places.ravel() if isinstance(places, np.ndarray) else ():
            if not 1 <= place <= of.n:
                raise UserError(f"{of.path}: {name}.{group} lists unit {place:g} of {of.n}")
            types[int(place) - 1].append(group)  # places count from 1
    return [[*dict.fromkeys(text for text in one if text.lower() not in NO_LABEL)] for one in types]


def _right(rates: np.ndarray | None) -> np.ndarray | None:
    """Returns lags of 1 to 100 ms of a correlogram of both sides, in bins of 1 ms."""
    if rates is None or rates.size <= 2 * counts.BINS or rates.size % 2 == 0:
        return None
    middle = rates.size // 2
    return rates.ravel()[middle + 1 : middle + 1 + counts.BINS].astype(np.float32)


def _in_log_bins(values: np.ndarray | None) -> np.ndarray | None:
    return values.ravel().astype(np.float32) if values is not None and values.size == counts.LOG_BINS else None
