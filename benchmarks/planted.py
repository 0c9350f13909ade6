"""Cells as they are and with planted shifts: simulated ones, and recorded ones where there are any.

Recorded cells are those of CASCADE (as one HDF5 file), of the STS tables and of Beau et al. 2025 (npz). A set gives
its cells, and by name those that a recording which is not of their kind would hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hydra import compose, initialize_config_dir

from celltype_cli.cells.assemble import Recordings
from celltype_cli.cells.cells import Cells
from celltype_cli.core import configs
from celltype_cli.core.signals import resample

Shifts = dict[str, Cells]


def built(*overrides: str, change: Callable[[Any], Any] | None = None, **prepare: Any) -> Cells:
    """Builds a dataset of the shipped configs, and changes its recordings one by one."""
    with initialize_config_dir(version_base="1.3", config_dir=str(configs.folder())):
        cfg = compose("data", overrides=list(overrides))
    recordings = configs.build(cfg.dataset)
    if change and isinstance(recordings, Recordings):
        recordings = replace(recordings, entries=[change(entry) for entry in recordings.entries])
    return configs.build(cfg.prepare)(recordings, **prepare)


def on_traces(change: Callable[[np.ndarray, Any], np.ndarray], rate: float = 1.0) -> Callable[[Any], Any]:
    """Makes a change of traces one of recordings of calcium."""

    def changed(of: Any) -> Any:
        segments = tuple(change(segment, of).astype(np.float32) for segment in of.segments)
        return replace(of, segments=segments, sampling_rate=of.sampling_rate * rate)

    return changed


def noisier(trace: np.ndarray, of: Any, times: float = 3.0) -> np.ndarray:
    """Adds white noise, so that there is so many times as much from sample to sample."""
    sd = np.median(np.abs(np.diff(trace))) / 0.954 if len(trace) > 1 else 0.0
    rng = np.random.default_rng(len(trace) + len(of.cell_id))
    return trace + rng.normal(0, sd * np.sqrt(times**2 - 1), len(trace))


def slower(trace: np.ndarray, of: Any) -> np.ndarray:
    return resample(trace, of.sampling_rate, of.sampling_rate / 2)


CALCIUM = {
    "percent": on_traces(lambda trace, of: 100 * trace),
    "half the rate": on_traces(slower, 0.5),
    "half the rate, called the whole": on_traces(slower),
    "noise x 3": on_traces(noisier),
}
SLOW = {"PY": 1.2, "PV": 3.0, "SOM": 2.7, "VIP": 3.0}  # s, decay of an indicator three times as slow
SENSITIVE = {"PY": 3.0, "PV": 18.0, "SOM": 8.0, "VIP": 10.0}  # half_spikes, three times as sensitive


def where(cells: Cells, *sources: str) -> Cells:
    """Takes the cells of sources by the beginning of their names."""
    return cells[np.flatnonzero([str(source).startswith(sources) for source in cells.source])]


def calcium_sim(_: Path) -> tuple[Cells, Shifts]:
    cells = ("dataset=calcium_sim", "dataset.animals=16", "dataset.cells_per_class=64", "prepare=windows")
    other = [f"dataset.classes.{name}.decay_s={s}" for name, s in SLOW.items()]
    other += [f"dataset.classes.{name}.half_spikes={n}" for name, n in SENSITIVE.items()]
    new = {"sampling_rate": 30.0, "implausible": "keep"}
    shifts = {name: built(*cells, change=change, **new) for name, change in CALCIUM.items()}
    return built(*cells), {**shifts, "another indicator": built(*cells, *other)}


CASCADE = {
    "GCaMP8, another laboratory (DS30 to DS32)": ("DS30", "DS31", "DS32"),
    "OGB-1, another laboratory (DS01)": ("DS01",),
    "GCaMP6f, another laboratory (DS10, DS11)": ("DS10", "DS11"),
    "GCaMP6f in slices, another laboratory (DS24 to DS26)": ("DS24", "DS25", "DS26"),
}


def _cascade(data: Path, name: str) -> tuple[Cells, Shifts]:
    """One of `CASCADE`, whose shifts are planted; the others are other indicators and laboratories."""
    file = ("dataset=traces", f"dataset.path={data / 'calcium/cascade_celltypes.h5'}", "prepare=windows_64s")
    own, whole = CASCADE[name], built(*file)
    shifts = {n: where(built(*file, change=c, implausible="keep"), *own) for n, c in CALCIUM.items()}
    others = {n: where(whole, *sources) for n, sources in CASCADE.items() if n != name}
    return where(whole, *own), shifts | others


def recorded_calcium(data: Path) -> tuple[Cells, Shifts]:
    return _cascade(data, "GCaMP8, another laboratory (DS30 to DS32)")


def recorded_slices(data: Path) -> tuple[Cells, Shifts]:
    return _cascade(data, "GCaMP6f in slices, another laboratory (DS24 to DS26)")


def patch_sim(_: Path) -> tuple[Cells, Shifts]:
    with TemporaryDirectory() as cache:
        cells = ("dataset=patch_sim", "dataset.donors=16", "dataset.cells_per_class=24", "prepare.inputs=[features]")
        cells += (f"outputs={cache}",)
        half = built(*cells, "dataset.sampling_rate=30000")
        return built(*cells), {
            "30 instead of 50 kHz": half,
            "steps of 0.5 s": built(*cells, change=shortened, duration_s=0.5),
            "25 % off in gain": built(*cells, change=amplified),
        }


def on_sweeps(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def changed(entry: Any) -> Any:
        def read() -> Any:
            recording = entry.read()
            return replace(recording, sweeps=tuple(map(change, recording.sweeps)))

        return replace(entry, read=read, made_of=[entry.made_of, change.__name__])

    return changed


@on_sweeps
def amplified(sweep: Any) -> Any:
    return replace(sweep, voltage=sweep.voltage * np.float32(1.25))


@on_sweeps
def shortened(sweep: Any) -> Any:
    """Ends the step after half of its time; the potential is at rest from then on."""
    on = np.flatnonzero(sweep.current)
    if not len(on):
        return sweep
    end = on[0] + (on[-1] + 1 - on[0]) // 2
    after = np.arange(len(sweep.current)) >= end
    return replace(
        sweep,
        current=np.where(after, 0, sweep.current).astype(np.float32),
        voltage=np.where(after, np.median(sweep.voltage[: on[0]]), sweep.voltage).astype(np.float32),
    )


def sts(data: Path) -> tuple[Cells, Shifts]:
    """Donors of the Allen Cell Types Database with three cells or more; Patch-seq is another laboratory's way."""
    whole = built("dataset=sts_features", f"dataset.path={data / 'patch_clamp/sts'}")
    return where(whole, "Clamp"), {"Patch-seq": where(whole, "Seq")}


def units_sim(_: Path) -> tuple[Cells, Shifts]:
    cells = ("dataset=units_sim", "dataset.laboratories=1", "dataset.animals=16", "dataset.units_per_class=48")
    return built(*cells), {
        "noise x 10": built(*cells, "dataset.probe.noise_uv=10"),
        "15 instead of 30 kHz": built(*cells, "dataset.probe.waveform_rate=15000"),
        "a tenth of the time": built(*cells, "dataset.duration_s=60"),
    }


def recorded_units(data: Path) -> tuple[Cells, Shifts]:
    """Units of the mouse cerebellum (hull); those of macaques are of another laboratory."""
    hull, macaque = (
        built("dataset=units", f"dataset.path={data / 'extracellular/c4_cerebellum' / name}.npz")
        for name in ("hull", "lisberger_macaque")
    )
    return hull, {"macaques, another laboratory": macaque}


SETS = {
    f.__name__: f for f in (calcium_sim, recorded_calcium, recorded_slices, patch_sim, sts, units_sim, recorded_units)
}
