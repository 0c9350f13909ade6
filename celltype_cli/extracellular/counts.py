"""Plain histograms of spikes, from spike trains or as a file holds them finished: in one shape and on one scale."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32, Int

from celltype_cli.extracellular.compiled import compiled

BINS = 100  # of 1 ms
LOG_BINS, LOG_WIDTH = 100, 0.04  # of CellExplorer's logarithmic histograms
LOG_EDGES = 10.0 ** (np.arange(LOG_BINS + 1) * LOG_WIDTH)  # ms, 1 to 10,000


def correlogram(spikes: Float[np.ndarray, " spike"]) -> Float32[np.ndarray, " 100"]:
    """Returns the autocorrelogram at lags of 1 to 100 ms (bins of 1 ms about each), with a sum of 1.

    Args:
        spikes: s, ascending.

    Raises:
        ValueError: when no pair of spikes is that close.
    """
    return scaled(pairs(spikes), "correlogram")


def intervals(spikes: Float[np.ndarray, " spike"]) -> Float32[np.ndarray, " 100"]:
    """Returns the histogram of intervals from 0 to 100 ms, in bins of 1 ms, with a sum of 1.

    Args:
        spikes: s, ascending.

    Raises:
        ValueError: when no interval is that short.
    """
    return scaled(gaps(spikes), "isi")


def pairs(spikes: Float[np.ndarray, " spike"]) -> Int[np.ndarray, " 100"]:
    """Counts the pairs of spikes at lags of 1 to 100 ms, in bins of 1 ms about each; `spikes` in s, ascending."""
    return _pairs(np.asarray(spikes, dtype=np.float64) * 1000)


def gaps(spikes: Float[np.ndarray, " spike"]) -> Int[np.ndarray, " 100"]:
    """Counts the intervals from 0 to 100 ms in bins of 1 ms; `spikes` in s, ascending."""
    return np.histogram(np.diff(spikes) * 1000, bins=BINS, range=(0, BINS))[0]


def scaled(histogram: Float[np.ndarray, " bin"] | Int[np.ndarray, " bin"], name: str) -> Float32[np.ndarray, " 100"]:
    """Returns the first 100 bins of counts, probabilities or rates with a sum of 1.

    Args:
        name: of the histogram, for messages.

    Raises:
        ValueError: when there are fewer bins, or values that no histogram holds, or nothing was counted.
    """
    histogram = np.asarray(histogram, dtype=np.float64)
    if histogram.ndim != 1 or len(histogram) < BINS:
        raise ValueError(f"its {name} has shape {histogram.shape}; expected {BINS} bins")
    histogram = histogram[:BINS]
    if not np.isfinite(histogram).all() or (histogram < 0).any():
        raise ValueError(f"its {name} holds values that are negative or not finite")
    if not histogram.sum() > 0:
        reach = "10 s" if name.startswith("log_") else f"{BINS} ms"
        raise ValueError(f"its {name} is empty: nothing was counted up to {reach}; are its spike times in seconds?")
    return (histogram / histogram.sum()).astype(np.float32)


def of_log10(density: Float[np.ndarray, " 100"]) -> Float32[np.ndarray, " 100"]:
    """Returns intervals in bins of 1 ms, from CellExplorer's histogram of their logarithms.

    Its bins are 0.04 wide from 1 ms to 10 s (log10), and it counts spikes over the width of each in seconds (its
    calc_logISIs), so that values are densities, on any scale. Within a bin they are taken to be even.
    """
    share = np.concatenate([[0.0], np.cumsum(of_density(density), dtype=np.float64)])
    return np.diff(np.interp(np.arange(BINS + 1), LOG_EDGES, share)).astype(np.float32)


def of_density(density: Float[np.ndarray, " 100"]) -> Float[np.ndarray, " 100"]:
    """Returns how many intervals are in each of CellExplorer's logarithmic bins, on any scale, of their densities."""
    return np.asarray(density, dtype=np.float64) * np.diff(LOG_EDGES)


def log_pairs(spikes: Float[np.ndarray, " spike"]) -> Float[np.ndarray, " 100"]:
    """Returns the pairs of spikes in bins of lag that are even on a log scale, 1 ms to 10 s, over the width of each.

    Where no spike tells of another, all bins are alike.
    """
    return _log_pairs(np.asarray(spikes, dtype=np.float64) * 1000, LOG_EDGES) / np.diff(LOG_EDGES)


def log_gaps(spikes: Float[np.ndarray, " spike"]) -> Int[np.ndarray, " 100"]:
    """Counts the intervals in bins that are even on a log scale, 1 ms to 10 s; `spikes` in s, ascending."""
    return np.histogram(np.diff(spikes) * 1000, bins=LOG_EDGES)[0]


@compiled
def _pairs(at: Float[np.ndarray, " spike"]) -> Int[np.ndarray, " 100"]:
    counts = np.zeros(BINS, dtype=np.int64)
    for i in range(len(at)):
        for k in range(i + 1, len(at)):
            lag = int(np.floor(at[k] - at[i] + 0.5))
            if lag > BINS:
                break
            if lag > 0:
                counts[lag - 1] += 1
    return counts


@compiled
def _log_pairs(at: Float[np.ndarray, " spike"], edges: Float[np.ndarray, " edge"]) -> Int[np.ndarray, " bin"]:
    counts = np.zeros(len(edges) - 1, dtype=np.int64)
    for i in range(len(at)):
        of = 0  # lags ascend, and the bin with them
        for k in range(i + 1, len(at)):
            lag = at[k] - at[i]
            if lag >= edges[-1]:
                break
            if lag >= edges[0]:
                while lag >= edges[of + 1]:
                    of += 1
                counts[of] += 1
    return counts
