"""The pulses of a current trace: whatever leaves the level at which it begins, in commanded and in recorded ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import median_filter

EDGE_S = 0.01  # a block of a noisy trace; the level of the first 10 ms is the baseline
SMALLEST_PA = 1.0  # below it nothing counts as a pulse
DEVIATIONS = 6.0  # sd of the noise of a block at which a pulse begins; the baseline itself is known to about one sd


@dataclass(frozen=True)
class Pulses:
    """The pulses of a trace, and the levels that they were found by.

    Attributes:
        ends: of each pulse its first sample, and the first one after it.
        lengths_s: how long each lasts.
        levels: the trace in pA, in blocks where it is noisy.
        block: samples in a block.
        tolerance: pA from the baseline, from which on there is a pulse.
    """

    ends: Int[np.ndarray, "pulse 2"]
    lengths_s: Float[np.ndarray, " pulse"]
    levels: Float[np.ndarray, " block"]
    block: int
    tolerance: float


def pulses_of(current: Float[np.ndarray, " time"], sampling_rate: float) -> Pulses:
    """Finds the pulses of a trace (pA), whatever they are."""
    edge = max(1, round(EDGE_S * sampling_rate))
    levels, block, tolerance = _levels(current, edge)
    ends = block * _runs(np.abs(levels - np.median(current[:edge])) > tolerance)
    return Pulses(ends, np.diff(ends, axis=1).ravel() / sampling_rate, levels, block, tolerance)


def _levels(current: Float[np.ndarray, " time"], edge: int) -> tuple[Float[np.ndarray, " block"], int, float]:
    """Returns the trace, in blocks where noisy, samples in a block, and how far from the baseline a pulse begins (pA).

    A commanded trace seldom changes from sample to sample and is left as it is. Of a recorded one, means of blocks
    remove noise, and a running median over five blocks the spikes that amplifiers let through, and whatever lasts 20 ms
    or less. The noise is the median step from block to block, over 0.954; a few pulses do not change it.
    """
    if len(current) < 10 * edge or np.count_nonzero(np.diff(current)) < len(current) / 20:
        return current, 1, SMALLEST_PA
    means = current[: len(current) // edge * edge].reshape(-1, edge).mean(axis=1)
    noise = float(np.median(np.abs(np.diff(means)))) / 0.954
    return median_filter(means, 5), edge, max(SMALLEST_PA, DEVIATIONS * noise)


def _runs(mask: Bool[np.ndarray, " time"]) -> Int[np.ndarray, "run 2"]:
    """Returns the first sample of each run of True, and the first one after it."""
    return np.flatnonzero(np.diff(mask, prepend=False, append=False)).reshape(-1, 2)


def robust_sd(values: Float[np.ndarray, " _"]) -> float:
    """Returns the robust sd: 1.4826 times the median absolute deviation."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))
