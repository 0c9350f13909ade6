"""Mean waveforms of simulated units on the channels of a probe: a trough, a peak after it, and their decay in space."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

SD_OF_HALF_WIDTH = 2 * np.sqrt(2 * np.log(2))  # full width at half maximum of a Gaussian, in sd
BEFORE_MS, AFTER_MS = 1.0, 2.0


def waveforms(
    rng: np.random.Generator,
    *,
    waveform_rate: float,
    channels: int,
    pitch_um: float,
    noise_uv: float,
    trough_to_peak_ms: float,
    half_width_ms: float,
    peak_to_trough: float,
    amplitude_uv: float,
    decay_um: float,
) -> Float32[np.ndarray, "channel time"]:
    """Returns the mean waveform in uV on each channel of one column, from 1 ms before to 2 ms after the trough.

    Args:
        waveform_rate: Hz.
        channels: how many there are, the largest in the middle.
        pitch_um: um between neighbours.
        noise_uv: sd of what the mean over spikes leaves of the noise.
        trough_to_peak_ms: ms.
        half_width_ms: ms, of the trough.
        peak_to_trough: height of the peak over depth of the trough.
        amplitude_uv: depth of the trough on the largest channel.
        decay_um: um over which the amplitude falls to 1/e.
    """
    t = np.arange(round((BEFORE_MS + AFTER_MS) * waveform_rate / 1000)) * 1000 / waveform_rate - BEFORE_MS
    trough = np.exp(-0.5 * (t / (half_width_ms / SD_OF_HALF_WIDTH)) ** 2)
    late = t - trough_to_peak_ms
    width = np.where(late < 0, trough_to_peak_ms / 3, trough_to_peak_ms)
    shape = peak_to_trough * np.exp(-0.5 * (late / width) ** 2) - trough
    distance = np.abs(np.arange(channels) - channels // 2) * pitch_um
    clean = amplitude_uv * np.exp(-distance / decay_um)[:, None] * shape
    return (clean + noise_uv * rng.standard_normal(clean.shape)).astype(np.float32)
