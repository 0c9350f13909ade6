"""Pure functions of sampled signals: resampling, and stretches without gaps."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy.signal import firwin, resample_poly

MAINS = (50.0, 60.0)  # Hz
UNEVEN = 0.2  # of the steps of time; more, and there is no one rate


def resample(trace: Float[np.ndarray, " time"], rate: float, new_rate: float) -> Float[np.ndarray, " new_time"]:
    """Brings a trace to another sampling rate (Hz), with an anti-aliasing filter, without extrapolating its end.

    The ratio of the rates is replaced by the nearest fraction with a denominator up to 10,000, which is off by at most
    5e-5 (3 ms over 64 s) and by less than 1e-6 for the rates of CASCADE. Brought from 7.8 to 500 Hz down to 7.5 Hz, a
    sine below 0.8 times the new Nyquist frequency keeps its values within 0.3 % of its amplitude, and one above 1.2
    times is lowered 500-fold; the first and last ten samples are less exact, because what was before and after is
    unknown.
    """
    ratio = Fraction(new_rate / rate).limit_denominator(10_000)
    up, down = ratio.numerator, ratio.denominator
    if up == down:
        return trace
    exact = trace.astype(np.float64, copy=False)
    resampled = resample_poly(exact, up, down, window=_lowpass(max(up, down)), padtype="line")
    return resampled[: (len(trace) - 1) * up // down + 1]


@lru_cache(maxsize=64)
def _lowpass(factor: int) -> Float[np.ndarray, " tap"]:
    """Kaiser-windowed low-pass at the lower of the two Nyquist frequencies, ten of its periods to either side."""
    return firwin(20 * factor + 1, 1 / factor, window=("kaiser", 5.0))


def without_hum(trace: Float[np.ndarray, " time"], rate: float, least: float) -> Float[np.ndarray, " time"]:
    """Returns a noisy trace less the sines of 50 and of 60 Hz that fit it best, where they are large.

    Large is more than `least`, and than what a step leaves in such a fit: at most its height over pi times the periods
    in the trace. A trace that seldom changes from sample to sample, a command, stays as it is.
    """
    if np.count_nonzero(np.diff(trace)) < len(trace) / 20 or not np.isfinite(trace).all():
        return trace
    height = np.ptp(np.quantile(trace, (0.01, 0.99)))
    for frequency in MAINS:
        waves = np.exp(2j * np.pi * frequency / rate * np.arange(len(trace)))
        hum = 2 * np.mean((trace - np.median(trace)) * waves.conj())
        if abs(hum) > max(least, 2 * height / (np.pi * frequency * len(trace) / rate)):
            trace = trace - (hum * waves).real
    return trace


def split_at_gaps(
    time: Float[np.ndarray, " time"], trace: Float[np.ndarray, " time"], *, even: bool = True
) -> tuple[tuple[Float[np.ndarray, " _"], ...], float]:
    """Returns the uninterrupted stretches of a trace with time stamps (s), and their mean sampling rate (Hz).

    A stretch ends where an interval differs by more than half from the median interval; single samples are left out.
    The mean, and not the median, gives the rate, because stamps are often rounded to milliseconds.

    Args:
        even: raises where there are many gaps.

    Raises:
        ValueError: when stamps are not finite, most of them do not rise, or they are of no one rate.
    """
    interval = np.diff(time)
    typical = np.median(interval) if len(interval) else np.nan
    if len(wrong := np.flatnonzero(~np.isfinite(time))):
        raise ValueError(f"{len(wrong)} of its time stamps are no finite numbers, the first is number {wrong[0]}")
    if typical <= 0:
        raise ValueError(f"its time stamps do not rise (the first are {time[:4].tolist()} s)")
    ends = np.flatnonzero(~(np.abs(interval - typical) <= typical / 2)) + 1
    if even and len(ends) > 1 + UNEVEN * len(interval):
        raise ValueError(
            f"{len(ends)} of {len(interval)} steps of its time stamps differ by more than half from the median; "
            "expected samples at one rate, with few gaps: were the stamps rounded, or do they begin anew in each trial?"
        )
    pieces = [p for p in np.split(np.arange(len(time)), ends) if len(p) > 1]
    if not pieces:
        return (), np.nan
    rate = sum(len(p) - 1 for p in pieces) / sum(time[p[-1]] - time[p[0]] for p in pieces)
    return tuple(trace[p] for p in pieces), float(rate)
