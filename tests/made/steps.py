"""Commanded currents of rectangular pulses, and noise, at any sampling rate."""

import numpy as np

RATES = (4000.0, 10_000.0, 50_000.0, 200_000.0)
RATE = 4000.0
TIME = np.arange(8000) / RATE  # s, of two seconds


def trace(rate, *pulses, seconds=2.0, baseline=0.0):
    """A commanded current of (from s, to s, pA) pulses on a baseline."""
    current = np.full(round(seconds * rate), baseline)
    for start, stop, amplitude in pulses:
        current[round(start * rate) : round(stop * rate)] += amplitude
    return current


def noise(rate, sd, seconds=2.0, seed=0):
    return sd * np.random.default_rng(seed).normal(size=round(seconds * rate))


def voltage(rate, *spikes, seconds=2.0, rest=-70.0, peak=30.0):
    """A flat voltage with spikes at these times (s): up in half a millisecond, down in one."""
    values = np.full(round(seconds * rate), rest, np.float32)
    up, down = round(0.0005 * rate), round(0.001 * rate)
    shape = np.r_[np.linspace(rest, peak, up + 1), np.linspace(peak, rest, down + 1)[1:]]
    for time in spikes:
        first = round(time * rate) - up
        values[first : first + len(shape)] = shape
    return values
