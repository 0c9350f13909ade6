"""Named quantities of a unit: of its waveform, its spikes and the histograms of these; NaN where not measurable.

Chosen so that laboratories agree on them: heights are over the trough's, what is measured of a waveform lies within
1.3 ms of its trough, and of sparse histograms nothing is measured in single bins.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import gaussian_filter1d

from celltype_cli.extracellular.waveforms import RATE

PERCENTILES = (2, 5, 25, 50, 75, 95)
BANDS = ((1, 3), (4, 6), (7, 12), (13, 25), (26, 50))  # ms, of lags
MANY = 1000  # intervals, of which half as many would tell nearly as much
OF_WAVEFORM = (
    "trough to peak (ms)",
    "half-width (ms)",
    "width at 25 % (ms)",
    "width at 75 % (ms)",
    "onset to trough (ms)",
    "trough to recovery (ms)",
    "peak to trough",
    "peak before to trough",
    "peaks after less before to trough",
    "height 0.3 to 0.5 ms after",
    "height 0.8 to 1.2 ms after",
)
OF_SPIKES = ("rate (Hz)", "CV", "CV2", "LV")
OF_COUNTS = (
    *(f"interval at {p} % of those to 100 ms (ms)" for p in PERCENTILES),
    "interval at 75 % over that at 25 %",
    "interval at 95 % over that at 50 %",
    "interval at 5 % over that at 50 %",
    "most frequent interval (ms)",
    "refractory period (ms)",
    "refractory period over the interval at 50 %",
    *(f"lags of {first} to {last} ms over the mean" for first, last in BANDS),
    "lags to 10 ms over those from 51 ms",
    "highest lag over the mean",
)
OF_NUMBERS = ("pairs to 100 ms for each interval", f"intervals to 100 ms, n / (n + {MANY})")
FIRING = (*OF_SPIKES, *OF_COUNTS, *OF_NUMBERS)
FEATURES = (*OF_WAVEFORM, *FIRING)
MS = 1000 / RATE
AFTER, BEFORE = round(1.33 / MS), round(0.67 / MS)  # samples about the trough
SMOOTH = 2.0  # ms, sd
Histogram = Float[np.ndarray, " 100"] | Int[np.ndarray, " 100"]


def of_waveform(waveform: Float[np.ndarray, " 90"] | None) -> Float[np.ndarray, " 11"]:
    """Returns `OF_WAVEFORM`: widths at shares of the trough's depth, and heights over it, within 1.3 ms after it.

    The trough is the negative peak; onset and recovery are where a tenth of its depth is crossed.

    Args:
        waveform: as `waveforms.normalised` gives it.
    """
    if waveform is None:
        return np.full(len(OF_WAVEFORM), np.nan)
    trough = int(waveform.argmin())
    wave = waveform.astype(float) / -waveform[trough]
    before, after = wave[trough::-1][: BEFORE + 1], wave[trough:][:AFTER]
    peak = int(after.argmax())
    width = [_crossing(before, -level) + _crossing(after, -level) for level in (0.5, 0.25, 0.75)]
    sides = [_crossing(before, -0.1), _crossing(after, -0.1)]
    high, earlier = after[peak], before.max()
    late = [_mean(after[round(start / MS) : round(stop / MS)]) for start, stop in ((0.27, 0.47), (0.83, 1.17))]
    return np.array([*(np.array([peak, *width, *sides]) * MS), high, earlier, high - earlier, *late])


def _mean(values: Float[np.ndarray, " time"]) -> float:
    return float(values.mean()) if len(values) else np.nan


def _crossing(side: Float[np.ndarray, " time"], level: float) -> float:
    """Returns after how many samples a trough is left, interpolated; all there are where it is not."""
    above = np.flatnonzero(side > level)
    if not len(above):
        return float(len(side) - 1)
    k = above[0]
    return k - 1 + (level - side[k - 1]) / (side[k] - side[k - 1])


def of_firing(
    spikes: Float[np.ndarray, " spike"] | None, correlogram: Histogram | None, isi: Histogram | None
) -> Float[np.ndarray, " feature"]:
    """Returns `FIRING`, NaN for each that a recording does not hold.

    Args:
        spikes: s, ascending.
        correlogram: pairs of spikes at lags of 1 to 100 ms, as `counts.pairs`, or on another scale.
        isi: intervals from 0 to 100 ms in bins of 1 ms, as `counts.gaps`, or on another scale.
    """
    return np.concatenate([of_spikes(spikes), of_counts(correlogram, isi), of_numbers(correlogram, isi)])


def of_spikes(spikes: Float[np.ndarray, " spike"] | None) -> Float[np.ndarray, " 4"]:
    """Returns rate from first to last spike, and how intervals vary: in all (CV) and from one to the next (CV2, LV).

    CV2: Holt et al. 1996 (J Neurophysiol 75:1806); LV: Shinomoto et al. 2003 (Neural Comput 15:2823).
    """
    interval = np.diff(spikes) if spikes is not None else np.empty(0)
    interval = interval[interval > 0]
    if len(interval) < 2:
        return np.full(len(OF_SPIKES), np.nan)
    change = (interval[1:] - interval[:-1]) / (interval[1:] + interval[:-1])
    cv = interval.std() / interval.mean()
    return np.array([1 / interval.mean(), cv, 2 * np.abs(change).mean(), 3 * (change**2).mean()])


def of_counts(correlogram: Histogram | None, isi: Histogram | None) -> Float[np.ndarray, " 19"]:
    """Returns `OF_COUNTS`: what the shapes of both histograms say, on whatever scale they are.

    Ratios of intervals have 0.3 ms added above and below. The refractory period is where the correlogram, smoothed
    (Gaussian, sd 2 ms), first reaches half its highest value.
    """
    quantile, mode = np.full(len(PERCENTILES), np.nan), np.nan
    if isi is not None:
        share = np.concatenate([[0.0], np.cumsum(isi, dtype=float)])
        quantile = np.interp(np.array(PERCENTILES) / 100 * share[-1], share, np.arange(len(share)))
        mode = gaussian_filter1d(isi.astype(float), SMOOTH).argmax() + 0.5
    q = dict(zip(PERCENTILES, quantile + 0.3))
    silent, bands, burst, top = np.nan, [np.nan] * len(BANDS), np.nan, np.nan
    if correlogram is not None:
        lag = correlogram / correlogram.mean()
        smooth = gaussian_filter1d(lag, SMOOTH)
        rising = np.maximum.accumulate(smooth) + 1e-9 * np.arange(len(smooth))
        top, silent = smooth.max(), np.interp(smooth.max() / 2, rising, np.arange(1, len(lag) + 1))
        bands = [lag[first - 1 : last].mean() for first, last in BANDS]
        burst = lag[:10].mean() / (0.05 + smooth[50:].mean())
    ratios = [q[75] / q[25], q[95] / q[50], q[5] / q[50]]
    return np.array([*quantile, *ratios, mode, silent, silent / q[50], *bands, burst, top])


def of_numbers(correlogram: Histogram | None, isi: Histogram | None) -> Float[np.ndarray, " 2"]:
    """Returns `OF_NUMBERS`, where both histograms are counts: how many later spikes follow a spike within 100 ms, for
    each that is the next one, which grows with the firing rate; and how much of the data the intervals are, which
    tells histograms of few spikes from others and hardly depends on the length of a recording where there are many.
    """
    if correlogram is None or isi is None or not all(_counted(values) for values in (correlogram, isi)):
        return np.full(len(OF_NUMBERS), np.nan)
    n = float(isi.sum())
    return np.array([(correlogram.sum() + 1) / (n + 1), n / (n + MANY)])


def _counted(values: Histogram) -> bool:
    return bool((values == np.round(values)).all())
