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
