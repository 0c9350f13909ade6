"""Spike times of simulated units: gamma intervals after a dead time, a slowly wandering rate, bursts and pauses."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64
from scipy.signal import lfilter


def spike_train(
    rng: np.random.Generator,
    duration_s: float,
    *,
    rate_hz: float,
    dead_s: float,
    shape: float,
    slow_sd: float,
    slow_spikes: float,
    burst_share: float,
    burst_spikes: float,
    burst_s: float,
) -> Float64[np.ndarray, " spike"]:
    """Returns times of spikes in s, ascending.

    Args:
        duration_s: s, of the recording.
        rate_hz: mean rate.
        dead_s: s, the shortest interval outside bursts; at most 0.7 of the mean interval is used.
        shape: of the gamma distribution of what an interval has above the dead time; 1 is exponential.
        slow_sd: sd of the logarithm of the interval, which wanders (first-order autoregressive).
        slow_spikes: over how many spikes it wanders.
        burst_share: of all intervals those within bursts, from 0 to below 1.
        burst_spikes: intervals in a burst, on average.
        burst_s: s, mean interval within a burst.
    """
    n = int(duration_s * rate_hz * 1.5) + 50
    keep = np.exp(-1 / slow_spikes)
    wander = lfilter([np.sqrt(1 - keep**2)], [1, -keep], rng.standard_normal(n)) * slow_sd
    above = rng.gamma(shape, 1 / shape, n) * np.exp(wander)
    mean = (1 / rate_hz - burst_share * burst_s) / (1 - burst_share)
    dead = min(dead_s, 0.7 * mean)
    interval = dead + above / above.mean() * (mean - dead)
    n_bursts = rng.poisson(n * burst_share / burst_spikes)
    starts, lengths = rng.integers(0, n, n_bursts), rng.geometric(1 / burst_spikes, n_bursts)
    edges = np.zeros(n + 1)
    np.add.at(edges, starts, 1)
    np.add.at(edges, np.minimum(starts + lengths, n), -1)
    within = np.cumsum(edges)[:-1] > 0
    interval[within] = burst_s * np.exp(0.25 * rng.standard_normal(within.sum()))
    times = np.cumsum(interval)
    return times[times < duration_s]


def paused(
    simple: Float64[np.ndarray, " spike"], complex_spikes: Float64[np.ndarray, " other"], pause_s: float
) -> Float64[np.ndarray, " kept"]:
    """Returns the simple spikes that do not fall within `pause_s` after a complex spike of the same Purkinje cell."""
    if not len(complex_spikes):
        return simple
    last = np.searchsorted(complex_spikes, simple, side="right") - 1
    return simple[(last < 0) | (simple - complex_spikes[last] >= pause_s)]
