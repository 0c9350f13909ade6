"""Named quantities of a unit: of its waveform, its spikes and the histograms of these; NaN where not measurable."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from celltype_cli.extracellular.waveforms import RATE

PERCENTILES = (5, 25, 50, 75, 95)
OF_WAVEFORM = ("trough to peak (ms)", "half-width (ms)", "peak to trough", "peak before to trough", "end to trough")
OF_SPIKES = ("rate (Hz)", "CV", "CV2", "LV")
OF_COUNTS = (
    *(f"interval at {p} % of those to 100 ms (ms)" for p in PERCENTILES),
    "most frequent interval (ms)",
    "most frequent lag (ms)",
    "refractory period (ms)",
    "share of lags to 10 ms",
)
FEATURES = (*OF_WAVEFORM, *OF_SPIKES, *OF_COUNTS)
MS = 1000 / RATE


def of_unit(
    waveform: Float[np.ndarray, " 90"] | None,
    spikes: Float[np.ndarray, " spike"] | None,
    correlogram: Float[np.ndarray, " 100"] | None,
    isi: Float[np.ndarray, " 100"] | None,
) -> Float[np.ndarray, " feature"]:
    """Returns `FEATURES` of one unit, NaN for each that its recording does not hold.

    Args:
        waveform: as `waveforms.normalised` gives it.
        spikes: s, ascending.
        correlogram: as `counts.correlogram`.
        isi: as `counts.intervals`.
    """
    return np.concatenate([of_waveform(waveform), of_spikes(spikes), of_counts(correlogram, isi)])


def of_waveform(waveform: Float[np.ndarray, " 90"] | None) -> Float[np.ndarray, " 5"]:
    """Returns the time from trough to the peak after it, the width at half the trough, and heights over the trough's.

    The trough is the negative peak.
    """
    if waveform is None:
        return np.full(len(OF_WAVEFORM), np.nan)
    trough = int(waveform.argmin())
    after = waveform[trough:]
    peak = int(after.argmax())
    before = waveform[: trough + 1].max()
    half = float(waveform[trough]) / 2
    left, right = _crossing(waveform[trough::-1], half), _crossing(after, half)
    return np.array([peak * MS, (left + right) * MS, after[peak], before, after[-1]]) / [1, 1, *[-waveform[trough]] * 3]


def _crossing(side: Float[np.ndarray, " time"], level: float) -> float:
    """Returns after how many samples a trough is left, interpolated; NaN where it is not."""
    above = np.flatnonzero(side > level)
    if not len(above):
        return np.nan
    k = above[0]
    return k - 1 + (level - side[k - 1]) / (side[k] - side[k - 1])


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


def of_counts(
    correlogram: Float[np.ndarray, " 100"] | None, isi: Float[np.ndarray, " 100"] | None
) -> Float[np.ndarray, " 9"]:
    """Returns what the histograms say, which files that hold no spikes say as well.

    The refractory period is the first lag at which the correlogram reaches half its maximum.
    """
    values = np.full(len(OF_COUNTS), np.nan)
    if isi is not None:
        share = np.concatenate([[0.0], np.cumsum(isi, dtype=float)])
        values[:5] = np.interp(np.array(PERCENTILES) / 100 * share[-1], share, np.arange(len(share)))
        values[5] = isi.argmax() + 0.5
    if correlogram is not None:
        half = np.argmax(correlogram >= correlogram.max() / 2)
        values[6:] = correlogram.argmax() + 1, half + 1, correlogram[:10].sum() / correlogram.sum()
    return values
