"""Scalograms that keep the shape of spikes, which tells cell types apart as much as their times do.

The published scalogram (`scalograms.py`) ends at 199 Hz and reads two of the 20 columns behind a pixel, so that a spike
of 1 ms is seen by chance. Here rows go up to 1,600 Hz in equal ratios, a pixel holds the largest coefficient of its
time, and coefficients are logarithms, because high frequencies are weak. Not in the paper: docs/scalograms.md says what
it is worth.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pywt
from jaxtyping import Float, Float32

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.scalograms import WAVELET


def frequencies(rows: int, low: float = 20.0, high: float = 1600.0) -> Float[np.ndarray, " row"]:
    """Returns the frequencies (Hz) of the rows: from `low` to `high` in equal ratios."""
    return np.geomspace(low, high, rows)


def scalogram(
    window: Float[np.ndarray, "sweep timesteps"], *, size: Sequence[int], sampling_rate: float = 4000.0
) -> Float32[np.ndarray, "sweep row column"]:
    """Transforms windows into images: row 0 is the lowest frequency, column 0 the start of the window.

    Args:
        window: mV, near zero at both ends, as `scalograms.stimulus_window` returns it.
        size: rows and columns.
        sampling_rate: of the window, Hz.

    Returns:
        log(1 + c), where c is the largest absolute coefficient of PyWavelets within a pixel's time, in mV times the
        square root of a sample.

    Raises:
        UserError: when there are more columns than samples.
    """
    if size[1] > window.shape[-1]:
        raise UserError(f"a scalogram of {size[1]} columns needs as many samples, the window has {window.shape[-1]}")
    scales = pywt.frequency2scale(WAVELET, frequencies(size[0]) / sampling_rate)
    magnitude = np.abs(pywt.cwt(window, scales, WAVELET, method="fft")[0])  # [row, sweep, timesteps]
    starts = np.arange(size[1]) * window.shape[-1] // size[1]
    largest = np.maximum.reduceat(magnitude, starts, axis=-1)
    return np.ascontiguousarray(np.log1p(np.moveaxis(largest, 0, 1)), dtype=np.float32)
