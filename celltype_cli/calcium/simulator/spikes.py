"""Simulated spike trains: a rate that changes in time, and spikes with clusters, bursts and a refractory period.

Every random quantity has a generator of its own and is drawn in order of time, so that a short recording is the
beginning of a long one with the same seed.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.signal import lfilter

CHUNK = 256  # draws at a time; fixed, so that what is drawn does not depend on the length asked for


def spike_train(
    running: Float[np.ndarray, " time"],
    seed: np.random.SeedSequence,
    *,
    dt: float,
    running_share: float,
    rate_hz: float,
    running_gain: float,
    cluster_hz: float,
    cluster_s: float,
    cluster_share: float,
    slow_sd: float,
    slow_s: float,
    regularity: float,
    burst_probability: float,
    burst_s: float,
    refractory_s: float,
) -> Float[np.ndarray, " spike"]:
    """Returns the spike times of one cell in seconds.

    Args:
        running: which part of each sample the animal runs; the same for all cells of a session.
        seed: of this cell's spikes.
        dt: length of a sample in seconds.
        running_share: which part of the time an animal runs, over a long time.
        rate_hz: rate over a long time, if no spike were lost to the refractory period.
        running_gain: rate while running over rate at rest.
        cluster_hz: rate within a cluster of spikes.
        cluster_s: mean duration of a cluster in seconds.
        cluster_share: which part of the spikes lies in clusters; it and the rates say how often clusters come.
        slow_sd: standard deviation of the logarithm of a slow modulation.
        slow_s: its correlation time in seconds.
        regularity: shape of the gamma distribution of intervals; 1 is Poisson, more is more regular.
        burst_probability: that a spike is followed by another one of the same burst.
        burst_s: mean interval in a burst in seconds.
        refractory_s: shortest interval between two spikes in seconds.
    """
    streams = [np.random.default_rng(child) for child in seed.spawn(5)]
    share_on = min(rate_hz * cluster_share / cluster_hz, 0.9)
    on = episodes(streams[0], len(running), dt, on_s=cluster_s, off_s=cluster_s * (1 - share_on) / share_on)
    clusters = on * cluster_share / share_on + (1 - on) * (1 - cluster_share) / (1 - share_on)
    locomotion = (1 + (running_gain - 1) * running) / (1 + (running_gain - 1) * running_share)
    slow = np.exp(slow_sd * slow_noise(streams[1], len(running), dt, tau_s=slow_s) - slow_sd**2 / 2)
    rate = rate_hz * clusters * locomotion * slow
    events = renewal(streams[2], rate * (1 - burst_probability), dt, regularity=regularity)
    spikes = with_bursts(streams[3], streams[4], events, probability=burst_probability, interval_s=burst_s)
    return refract(spikes[spikes < len(running) * dt], refractory_s)


def episodes(
    rng: np.random.Generator, n_samples: int, dt: float, *, on_s: float, off_s: float
) -> Float[np.ndarray, " time"]:
    """Returns which part of each sample of `dt` seconds lies in an episode.

    Episodes and the gaps between them last exponentially long, `on_s` and `off_s` seconds on average.
    """
    starts_on = rng.random() < on_s / (on_s + off_s)
    means = np.array([on_s, off_s] if starts_on else [off_s, on_s])
    lengths = np.empty(0)
    while lengths.sum() <= n_samples * dt:
        lengths = np.append(lengths, rng.standard_exponential((CHUNK, 2)) * means)
    edges = np.concatenate([[0.0], np.cumsum(lengths)])
    is_on = np.arange(len(lengths)) % 2 == (0 if starts_on else 1)
    time_on = np.concatenate([[0.0], np.cumsum(lengths * is_on)])
    return np.diff(np.interp(np.arange(n_samples + 1) * dt, edges, time_on)) / dt


def slow_noise(rng: np.random.Generator, n_samples: int, dt: float, *, tau_s: float) -> Float[np.ndarray, " time"]:
    """Returns an Ornstein-Uhlenbeck process in its steady state: variance 1, correlation time `tau_s` seconds."""
    keep = np.exp(-dt / tau_s)
    draws = rng.standard_normal(n_samples)
    draws[1:] *= np.sqrt(1 - keep**2)
    return lfilter([1.0], [1.0, -keep], draws)


def renewal(
    rng: np.random.Generator, rate: Float[np.ndarray, " time"], dt: float, *, regularity: float
) -> Float[np.ndarray, " event"]:
    """Returns the times in seconds of a gamma renewal process with the given rate in Hz at each sample.

    Intervals have mean 1 in the time that the rate makes, and are carried to real time by the inverse of the summed
    rate (time rescaling: Brown et al., Neural Comput 14:325, 2002).
    """
    summed = np.concatenate([[0.0], np.cumsum(rate) * dt])
    events = np.cumsum(rng.gamma(regularity, 1 / regularity, CHUNK))
    while events[-1] <= summed[-1]:
        events = np.append(events, events[-1] + np.cumsum(rng.gamma(regularity, 1 / regularity, CHUNK)))
    return np.interp(events[events < summed[-1]], summed, np.arange(len(summed)) * dt)


def with_bursts(
    sizes: np.random.Generator,
    intervals: np.random.Generator,
    events: Float[np.ndarray, " event"],
    *,
    probability: float,
    interval_s: float,
) -> Float[np.ndarray, " spike"]:
    """Lets each event be followed by a geometric number of spikes, one about every `interval_s` seconds; sorted."""
    extra = sizes.geometric(1 - probability, len(events)) - 1
    summed = np.concatenate([[0.0], np.cumsum(intervals.gamma(16.0, interval_s / 16.0, extra.sum()))])
    since_event = summed[1:] - np.repeat(summed[np.cumsum(extra) - extra], extra)
    return np.sort(np.concatenate([events, np.repeat(events, extra) + since_event]))


def refract(spikes: Float[np.ndarray, " spike"], refractory_s: float) -> Float[np.ndarray, " kept"]:
    """Leaves out every spike less than `refractory_s` seconds after the last one kept; `spikes` are sorted."""
    while True:
        close = np.diff(spikes, prepend=-np.inf) < refractory_s
        if not close.any():
            return spikes
        close[1:] &= ~close[:-1]  # the spike before may go itself: such spikes are judged again
        spikes = spikes[~close]
