"""Pure functions of traces: windows and dF/F; nothing here is fitted to data."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.ndimage import percentile_filter


def windows(trace: Float[np.ndarray, " time"], timesteps: int) -> Float[np.ndarray, "window timesteps"]:
    """Cuts a trace into windows that follow each other without overlap; the rest at the end is left out."""
    count = len(trace) // timesteps
    return trace[: count * timesteps].reshape(count, timesteps)


def dff(
    trace: Float[np.ndarray, " time"], sampling_rate: float, *, percentile: float = 8.0, window: float = 60.0
) -> Float[np.ndarray, " time"]:
    """Turns raw fluorescence F into (F - F0) / F0 with the running percentile of F as baseline F0.

    The 8th percentile follows Dombeck et al. 2007 (Neuron 56:43); the window (s) is longer than theirs, because a
    short one takes the sustained activity of interneurons for baseline.

    Raises:
        ValueError: when the baseline is not positive, so that its quotient means nothing.
    """
    size = max(1, min(round(window * sampling_rate), len(trace)))
    baseline = percentile_filter(trace, percentile, size=size, mode="nearest")
    if not baseline.min() > 0:
        raise ValueError(f"its baseline goes down to {baseline.min():g}")
    return (trace - baseline) / baseline
