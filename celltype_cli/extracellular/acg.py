"""The three-dimensional autocorrelogram: how a unit fires after its own spikes, at each of ten firing rates."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from celltype_cli.cells.about import Axis
from celltype_cli.extracellular.compiled import compiled

LEVELS = 10  # of firing rate
LAGS = 100  # spread evenly on a log scale, 1 to REACH ms
REACH = 1000  # ms
SMOOTH = 250  # ms, boxcar over the firing rate
CLOSE = 1e-9  # of the highest rate: what rounding may decide
SHORTEST = 2 * REACH + 2  # ms, of a recording in which any spike has a whole window about it
AXES = (Axis("firing rate, tenth", "", 1, LEVELS), Axis("log10 of the lag in ms", "", 0, float(np.log10(REACH))))


def lag_axis() -> Float[np.ndarray, " lag"]:
    """Returns the lags in ms, 0 first."""
    return np.concatenate([[0.0], np.geomspace(1, REACH, LAGS)])


def acg_3d(spikes: Float[np.ndarray, " spike"]) -> Float32[np.ndarray, "level lag"]:
    """Returns the right half of the autocorrelogram by firing rate; 1 stands for 100 Hz.

    As Beau et al. 2025 (doi 10.1016/j.cell.2025.01.041) take it: bins of 1 ms; the rate is the inverse interval around
    a spike, smoothed with a boxcar of 250 ms; its levels are cut at the quantiles 1/11 to 10/11 over spikes, and the
    highest holds the last 2/11; spikes within 1 s of either end are left out; lags are interpolated on a log scale and
    smoothed over neighbouring ones (Gaussian, sd of one lag).

    Args:
        spikes: s, ascending.

    Raises:
        ValueError: when the spikes reach over less than a window of 2 s.
    """
    at = np.floor(np.asarray(spikes, dtype=float) * 1000 + 1e-6).astype(np.int64)
    if len(at) < 3 or at[-1] + 1 < SHORTEST:
        raise ValueError(f"its {len(at)} spikes reach over less than {SHORTEST / 1000:g} s, which no window fits in")
    level = levels(at)
    train = np.zeros(at[-1] + 1, dtype=np.bool_)
    train[at] = True
    counts, times = _count_pairs(at, level, train)
    chance = counts / np.maximum(times, 1)[:, None]
    return _on_log_lags(chance * 10).astype(np.float32)


def levels(at: Int[np.ndarray, " spike"]) -> Int[np.ndarray, " spike"]:
    """Returns the level of firing rate, 0 to 9, that each spike falls in; `at` in ms, whole numbers.

    The rate is constant between the middles of intervals, so that its mean over a window is known in closed form.
    Where rounding decides, at an edge between levels, the mean is taken of the milliseconds one by one, as defined.
    """
    middles = np.unique(at[:-1] + np.diff(at) // 2)
    counted = np.arange(len(middles))  # spikes, before each of them
    first, last = np.maximum(at - SMOOTH // 2, 0), np.minimum(at + SMOOTH // 2, at[-1] + 1)
    rate = (np.interp(last, middles, counted) - np.interp(first, middles, counted)) / (last - first) * 1000
    edges = _edges(rate)
    for i in np.flatnonzero((np.abs(rate[:, None] - edges) < CLOSE * rate.max()).any(axis=1)):
        rate[i] = _mean_rate(middles, first[i], last[i], SMOOTH <= at[i] < at[-1] + 1 - SMOOTH)
    return np.minimum(np.searchsorted(_edges(rate), rate, side="left"), LEVELS - 1)


def _edges(rate: Float[np.ndarray, " spike"]) -> Float[np.ndarray, " 10"]:
    return np.quantile(rate, np.linspace(0, 1, LEVELS + 2)[1:-1])


def _mean_rate(middles: Int[np.ndarray, " middle"], first: np.int64, last: np.int64, whole: np.bool_) -> float:
    """Returns Hz, the mean over the milliseconds of a window: a boxcar's where it is whole, else that of what there is.

    In each ms the rate is one spike from the middle of the interval before it to the middle of the one after.
    """
    k = np.searchsorted(middles, np.arange(first, last), side="right")
    inside = np.clip(k, 1, len(middles) - 1)
    rate = np.where(k == inside, 1.0 / ((middles[inside] - middles[inside - 1]) * 0.001), 0.0)
    return float(np.dot(rate, np.ones(SMOOTH) / SMOOTH) if whole else rate.mean())


@compiled
def _count_pairs(
    at: Int[np.ndarray, " spike"], level: Int[np.ndarray, " spike"], train: Bool[np.ndarray, " ms"]
) -> tuple[Int[np.ndarray, "level lag"], Int[np.ndarray, " level"]]:
    """Counts the bins of 1 ms that hold a spike, 1 to 1,000 ms after each spike; and the spikes of each level."""
    counts = np.zeros((LEVELS, REACH), dtype=np.int64)
    times = np.zeros(LEVELS, dtype=np.int64)
    held = np.flatnonzero(train)
    first = 0
    for i in range(len(at)):
        if at[i] < REACH or at[i] + REACH + 1 >= len(train):
            continue
        times[level[i]] += 1
        while held[first] <= at[i]:
            first += 1
        for k in range(first, len(held)):
            lag = held[k] - at[i]
            if lag > REACH:
                break
            counts[level[i], lag - 1] += 1
    return counts, times


def _on_log_lags(right: Float[np.ndarray, "level ms"]) -> Float[np.ndarray, "level lag"]:
    lag = np.arange(1, REACH + 1)
    wanted = lag_axis()[1:]
    rows = np.stack([np.interp(wanted, lag, row) for row in right])
    kernel = np.exp(-0.5 * np.arange(-4, 5) ** 2)
    padded = np.pad(rows, ((0, 0), (4, 4)), mode="symmetric")
    smooth = np.stack([np.convolve(row, kernel / kernel.sum(), mode="valid") for row in padded])
    return np.concatenate([np.zeros((len(rows), 1)), smooth], axis=1)
