"""Where spikes peak in a voltage trace."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int
from scipy.signal import bessel, find_peaks, sosfiltfilt

SLOPE = 20.0  # mV/ms; this and the next four: IPFX, `spike_detector.py`

LOWEST_PEAK = -30.0  # mV

SMALLEST_SPIKE = 2.0  # mV

LONGEST_RISE_S = 0.005

LOWPASS = 10_000.0  # Hz


def spike_peaks(voltage: Float[np.ndarray, " time"], sampling_rate: float) -> Int[np.ndarray, " spike"]:
    """Returns the samples at which spikes peak.

    By the criteria of IPFX: a peak of -30 mV or more, 2 mV above what surrounds it, with a slope of 20 mV/ms within the
    5 ms before it and since the last peak. Above 20 kHz the voltage is low-pass filtered at 10 kHz first (Bessel, 4th
    order, forwards and backwards), as noise from sample to sample is steep.
    """
    voltage = _lowpassed(voltage.astype(np.float64), sampling_rate)
    slope = np.diff(voltage) * sampling_rate / 1e3
    steep = np.r_[0, np.cumsum(slope >= SLOPE)]  # how often before each sample
    peaks, _ = find_peaks(voltage, height=LOWEST_PEAK, prominence=SMALLEST_SPIKE)
    since = np.maximum(np.r_[0, peaks[:-1]], peaks - round(LONGEST_RISE_S * sampling_rate))
    return peaks[steep[peaks] > steep[since]]


def _lowpassed(voltage: Float[np.ndarray, " time"], sampling_rate: float) -> Float[np.ndarray, " time"]:
    if sampling_rate <= 2 * LOWPASS:
        return voltage
    padding = min(len(voltage) - 1, round(LONGEST_RISE_S * sampling_rate))
    return sosfiltfilt(_sections(sampling_rate), voltage, padlen=padding)


@lru_cache(maxsize=16)
def _sections(sampling_rate: float) -> Float[np.ndarray, "section 6"]:
    return bessel(4, LOWPASS, fs=sampling_rate, output="sos")
