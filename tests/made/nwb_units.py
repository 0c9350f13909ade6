"""NWB files of sorted units, written with pynwb; tests that import this are skipped where it is not installed."""

import warnings
from datetime import datetime, timezone

import h5py
import numpy as np
import pytest

from made.units import CHANNELS, RATE, trains, waveforms

pynwb = pytest.importorskip("pynwb", reason="extra nwb is not installed")


def nwb(path, n=4, *, columns=None, rate=RATE, peak=False, subject="m1", ids=None, spikes=None, amplitudes=False,
        waveform=True):  # fmt: skip
    """Writes units as the schema has them.

    Args:
        columns: by name, what each unit has in a column of the user.
        peak: waveforms of the largest channel [time] in place of [time, electrode].
        spikes: by unit, s in place of the usual.
    """
    file = pynwb.NWBFile("made", "made", datetime(2020, 1, 1, tzinfo=timezone.utc), lab="Made Lab")
    if subject:
        file.subject = pynwb.file.Subject(subject_id=subject, species="Mus musculus")
    device = file.create_device("probe")
    group = file.create_electrode_group("shank", description="made", location="CB", device=device)
    for _ in range(CHANNELS):
        file.add_electrode(group=group, location="CB")
    for name in columns or {}:
        file.add_unit_column(name, name)
    if amplitudes:
        file.add_unit_column("spike_amplitudes", "size", index=True)
    for k in range(n):
        at = (spikes or {}).get(k, trains()[k] / RATE)
        shape = waveforms()[k]
        given = {name: values[k] for name, values in (columns or {}).items()}
        if waveform:
            given |= {"waveform_mean": shape[:, 2 * k + 2] if peak else shape}
        if amplitudes:
            given |= {"spike_amplitudes": np.linspace(1, 2, len(at))}
        file.add_unit(spike_times=at, electrodes=list(range(CHANNELS)), id=(ids or range(n))[k], **given)
    file.units.waveform_rate = rate
    path.parent.mkdir(parents=True, exist_ok=True)
    with pynwb.NWBHDF5IO(str(path), "w") as io, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        io.write(file)
    return path


def allen(path, rate=RATE):
    """The same as the Allen Institute stores it: [electrode, time], a unit below the other, and rates of probes."""
    nwb(path, rate=None, columns={"quality": ["good", "good", "noise", "good"]}, subject="699733573", amplitudes=True)
    shapes = waveforms().transpose(0, 2, 1)
    with h5py.File(path, "a") as file:
        units = file["units"]
        del units["waveform_mean"], units["electrodes"], units["electrodes_index"]
        units["waveform_mean"] = shapes.reshape(-1, shapes.shape[-1])
        units["waveform_mean_index"] = np.arange(1, len(shapes) + 1) * CHANNELS
        if rate is not None:
            file["general/devices/probe"].attrs["sampling_rate"] = rate
    return path
