"""Plain histograms of spikes, from spike trains or as a file holds them finished: in one shape and on one scale."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32, Int

from celltype_cli.extracellular.compiled import compiled

BINS = 100  # of 1 ms


def correlogram(spikes: Float[np.ndarray, " spike"]) -> Float32[np.ndarray, " 100"]:
    """Returns the autocorrelogram at lags of 1 to 100 ms (bins of 1 ms about each), with a sum of 1.

    Args:
        spikes: s, ascending.

    Raises:
        ValueError: when no pair of spikes is that close.
    """
    return scaled(_pairs(np.asarray(spikes, dtype=np.float64) * 1000), "correlogram")


def intervals(spikes: Float[np.ndarray, " spike"]) -> Float32[np.ndarray, " 100"]:
    """Returns the histogram of intervals from 0 to 100 ms, in bins of 1 ms, with a sum of 1.

    Args:
        spikes: s, ascending.

    Raises:
        ValueError: when no interval is that short.
    """
    return scaled(np.histogram(np.diff(spikes) * 1000, bins=BINS, range=(0, BINS))[0], "isi")


def scaled(histogram: Float[np.ndarray, " bin"] | Int[np.ndarray, " bin"], name: str) -> Float32[np.ndarray, " 100"]:
    """Returns the first 100 bins of counts, probabilities or rates with a sum of 1.

    Args:
        name: "correlogram" (the first bin is a lag of 1 ms) or "isi" (the first bin is 0 to 1 ms), for messages.

    Raises:
        ValueError: when there are fewer bins, or values that no histogram holds, or nothing was counted.
    """
    histogram = np.asarray(histogram, dtype=np.float64)
    if histogram.ndim != 1 or len(histogram) < BINS:
        raise ValueError(f"its {name} has shape {histogram.shape}; expected {BINS} bins of 1 ms")
    histogram = histogram[:BINS]
    if not np.isfinite(histogram).all() or (histogram < 0).any():
        raise ValueError(f"its {name} holds values that are negative or not finite")
    if not histogram.sum() > 0:
        raise ValueError(f"its {name} is empty: nothing was counted up to {BINS} ms")
    return (histogram / histogram.sum()).astype(np.float32)


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
