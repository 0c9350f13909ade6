"""Where spikes peak in a voltage trace, and how steeply they rise.

IPFX (`spike_detector.py`) asks for a slope of 20 mV/ms. Late in strong steps, when sodium channels are inactivated, the
spikes of some cells rise more slowly than that and are large still. They are found by the criteria of eFEL (a peak
above -20 mV, a slope of 10 mV/ms: its defaults `Threshold` and `DerivativeThreshold`) if they stand out by 20 mV over
10 ms on either side. Those two are our own: the smallest of 21 such spikes, in recordings of three cells, stood out by
31 mV.

IPFX asks for 2 mV that a spike stands out by, which noise of 1 mV does where the membrane is above -30 mV. Where such
noise is large, a spike has to stand out by ten times its standard deviation, 10 mV at most, for steps of noise are told
from those of fast firing by their number alone. That changes nothing below 0.2 mV, as in 177 recorded sweeps of six
sources; of the seventh it is 0.8 mV.
"""

from __future__ import annotations

import warnings
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.signal import bessel, find_peaks, peak_prominences, sosfiltfilt

SLOPE = 20.0  # mV/ms; this and the next four: IPFX
LOWEST_PEAK = -30.0  # mV
SMALLEST_SPIKE = 2.0  # mV
REACH = 10.0  # standard deviations that noise reaches from trough to peak
LARGEST_NOISE = 10.0  # mV from trough to peak
LONGEST_RISE_S = 0.005
LOWPASS = 10_000.0  # Hz
SLOW_SLOPE = 10.0  # mV/ms; this and the next: eFEL
LOWEST_SLOW_PEAK = -20.0  # mV
SMALLEST_SLOW_SPIKE = 20.0  # mV
SLOW_WITHIN_S = 0.01


def spike_peaks(voltage: Float[np.ndarray, " time"], sampling_rate: float) -> Int[np.ndarray, " spike"]:
    """Returns the samples at which spikes peak.

    A spike is a peak of -30 mV or more, 2 mV (or ten sd of the noise, at most 10 mV) above what surrounds it, with a
    slope of 20 mV/ms within the 5 ms before it and since the last peak; or with one of 10 mV/ms, if it lies above
    -20 mV and 20 mV above what is within 10 ms.
    Above 20 kHz the voltage is low-pass filtered at 10 kHz first (Bessel, 4th order, forwards and backwards), as noise
    from sample to sample is steep.
    """
    return _spikes(voltage, sampling_rate)[0]


def slope_of_all(voltage: Float[np.ndarray, " time"], sampling_rate: float) -> float:
    """Returns the slope (mV/ms) that every spike of a trace reaches: 20, or 10 where some rise slowly."""
    return SLOPE if _spikes(voltage, sampling_rate)[1].all() else SLOW_SLOPE


def noisy_mV(voltage: Float[np.ndarray, " time"], sampling_rate: float) -> float | None:
    """Returns by how much (mV) a spike has to stand out where that is more than usual because of noise, else None."""
    smallest = _smallest(_lowpassed(voltage.astype(np.float64), sampling_rate))
    return smallest if smallest > SMALLEST_SPIKE else None


def _spikes(
    voltage: Float[np.ndarray, " time"], sampling_rate: float
) -> tuple[Int[np.ndarray, " spike"], Bool[np.ndarray, " spike"]]:
    """Returns where spikes peak, and which of them rise steeply."""
    voltage = _lowpassed(voltage.astype(np.float64), sampling_rate)
    peaks, _ = find_peaks(voltage, height=LOWEST_PEAK, prominence=_smallest(voltage))
    since = np.maximum(np.r_[0, peaks[:-1]], peaks - round(LONGEST_RISE_S * sampling_rate))
    slope = np.diff(voltage) * sampling_rate / 1e3

    reached = (np.r_[0, np.cumsum(slope >= by)] for by in (SLOPE, SLOW_SLOPE))  # how often before each sample
    steep, slow = (often[peaks] > often[since] for often in reached)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of 0, on a plateau wider than the window
        near = peak_prominences(voltage, peaks, wlen=2 * round(SLOW_WITHIN_S * sampling_rate) + 1)[0]
    large = (voltage[peaks] > LOWEST_SLOW_PEAK) & (near >= SMALLEST_SLOW_SPIKE)
    spikes = steep | (large & slow)
    return peaks[spikes], steep[spikes]


def _smallest(voltage: Float[np.ndarray, " time"]) -> float:
    """Returns by how much (mV) a spike stands out at least; four fifths of the steps of noise are below 1.28 sd."""
    steps = np.diff(voltage)
    noise = np.quantile(np.abs(steps - np.median(steps)), 0.8) / 1.2816 / np.sqrt(2) if len(steps) else 0.0
    return float(np.clip(REACH * noise, SMALLEST_SPIKE, LARGEST_NOISE))


def _lowpassed(voltage: Float[np.ndarray, " time"], sampling_rate: float) -> Float[np.ndarray, " time"]:
    if sampling_rate <= 2 * LOWPASS:
        return voltage
    padding = min(len(voltage) - 1, round(LONGEST_RISE_S * sampling_rate))
    return sosfiltfilt(_sections(sampling_rate), voltage, padlen=padding)


@lru_cache(maxsize=16)
def _sections(sampling_rate: float) -> Float[np.ndarray, "section 6"]:
    return bessel(4, LOWPASS, fs=sampling_rate, output="sos")
