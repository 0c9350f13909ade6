"""Mean waveforms brought to one shape: 90 samples at 30 kHz, the peak at one place and -1."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32

from celltype_cli.core import signals

RATE = 30_000.0  # Hz
SAMPLES = 90
BEFORE = 1.0  # ms before the peak
SHORTEST = 0.5  # ms; a spike lasts as long
HIGH = 0.75  # of the largest deflection: the first that is as high is the peak


def is_finished(waveform: Float[np.ndarray, "channel time"], rate: float) -> bool:
    """Tells a waveform that is in its final shape: 90 samples at 30 kHz, one channel, and no value below its -1."""
    if waveform.shape != (1, SAMPLES) or abs(rate / RATE - 1) > 1e-6:
        return False
    return bool(abs(waveform.min() + 1) < 1e-5 and waveform.max() <= 1 + 1e-5)


def peak_of_finished(waveform: Float[np.ndarray, "channel time"]) -> float:
    """Returns how many ms before its peak a finished waveform begins."""
    return float(waveform[0].argmin() / RATE * 1000)


def measured(waveform: Float[np.ndarray, "channel time"]) -> Float[np.ndarray, "some less"]:
    """Returns a waveform without channels and samples that are NaN throughout, which fill up files of unequal units."""
    there = ~np.isnan(waveform)
    return waveform[there.any(axis=1)][:, there.any(axis=0)]


def normalised(
    waveform: Float[np.ndarray, "channel time"], rate: float, before: float = BEFORE
) -> Float32[np.ndarray, " 90"]:
    """Returns the waveform of the largest channel as Beau et al. 2025 (doi 10.1016/j.cell.2025.01.041) bring it in.

    Resampled to 30 kHz; cut about the first peak of at least 75 % of the largest; turned so that the peak is
    negative; without the median of the first millisecond; the peak at -1. What a short waveform lacks at an end is
    filled with its last value; channels and samples that are NaN throughout do not count. A waveform that is finished
    (`is_finished`) passes unchanged.

    Args:
        rate: Hz.
        before: ms that are kept before the peak; 1 as published.

    Raises:
        ValueError: when values are not finite, or nothing varies, or there are too few samples.
    """
    if np.isnan(waveform).all() and waveform.size:
        raise ValueError(f"all {waveform.size} values of its waveform are NaN")
    waveform = measured(waveform)
    if waveform.size == 0:
        raise ValueError(
            "its file holds no waveform (waveform_mean of NWB, the extension templates of an analyzer); "
            "prepare.inputs without waveform takes what is made of spikes"
        )
    if waveform.shape[1] < 8:
        raise ValueError(f"its waveform has {waveform.shape[-1]} samples; expected 8 or more")
    if not np.isfinite(waveform).all():
        raise ValueError(f"{int((~np.isfinite(waveform)).sum())} values of its waveform are NaN or infinite")
    if not 0 < rate < np.inf:
        raise ValueError(f"the sampling rate of its waveform is {rate:g}; expected a positive number of Hz")
    if (lasts := 1000 * waveform.shape[1] / rate) < SHORTEST:
        turned = f" of {len(waveform)} channels: is it [unit, time, channel]?" * (len(waveform) > waveform.shape[1])
        raise ValueError(f"its waveform lasts {lasts:.2g} ms{turned}; expected {SHORTEST:g} ms or more")
    if is_finished(waveform, rate):
        return waveform[0].astype(np.float32)
    trace = waveform[np.ptp(waveform, axis=1).argmax()].astype(float)
    if np.ptp(trace) == 0:
        raise ValueError("its waveform is constant")
    trace = signals.resample(trace, rate, RATE)
    trace = trace - np.median(trace)
    peak = _peak(trace)
    start = peak - round(before * RATE / 1000)
    cut = trace[np.clip(np.arange(start, start + SAMPLES), 0, len(trace) - 1)]
    cut = -cut if trace[peak] > 0 else cut
    cut = cut - np.median(cut[: round(RATE / 1000)])
    height = -cut[peak - start]
    if not height > 0:
        raise ValueError("its waveform has no peak above its baseline")
    return (cut / height).astype(np.float32)


def _peak(trace: Float[np.ndarray, " time"]) -> int:
    size = np.abs(trace)
    first = int(np.argmax(size >= HIGH * size.max()))
    while first + 1 < len(size) and size[first + 1] > size[first]:
        first += 1
    return first
