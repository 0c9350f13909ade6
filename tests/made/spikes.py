"""Voltages with spikes made of straight lines."""

import numpy as np

from celltype_cli.patch_clamp.recording import Sweep
from made.steps import trace

REST = -70.0  # mV
SPIKE_MS = (0.0, 0.4, 1.2, 11.2, 12.0)  # up, down, on to the slow trough, back
SPIKE_MV = (-50.0, 30.0, -60.0, -65.0, -50.0)


def spiking(time, begin, end, *thresholds_s):
    """Rises from rest at `begin` to each spike at -50 mV, and is back at rest at `end`; times in s."""
    knots = np.r_[begin, np.add.outer(thresholds_s, np.array(SPIKE_MS) / 1e3).ravel(), end]
    return np.interp(time, knots, np.r_[REST, np.tile(SPIKE_MV, len(thresholds_s)), REST])


def ramp(*thresholds_s, slope=25.0, onset=1.02, seconds=4.0, rate=50_000.0, number=1, baseline=0.0):
    """A ramp of `slope` pA/s to the end of a sweep, test pulse before; spikes at times (s) from its onset."""
    time = np.arange(round(seconds * rate)) / rate
    current = trace(rate, (0.02, 0.12, -20.0), seconds=seconds, baseline=baseline)
    current += slope * np.clip(time - onset, 0, None) * (time < seconds - 0.2)
    voltage = spiking(time, onset, seconds, *(onset + t for t in thresholds_s))
    return Sweep(voltage.astype(np.float32), current.astype(np.float32), rate, number)


def short_square(*thresholds_s, amplitude=400.0, onset=1.02, rate=50_000.0, number=1):
    """A pulse of 3 ms; the voltage rises in a line to spikes at times (s) from its onset, and by 15 mV without."""
    time = np.arange(round(2.2 * rate)) / rate
    current = trace(rate, (0.02, 0.12, -20.0), (onset, onset + 0.003, amplitude), seconds=2.2)
    voltage = spiking(time, onset, onset + 1.0, *(onset + t for t in thresholds_s))
    if not thresholds_s:
        voltage = REST + 15 * np.interp(time, [onset, onset + 0.003, onset + 0.06], [0, 1, 0])
    return Sweep(voltage.astype(np.float32), current.astype(np.float32), rate, number)
