"""Simple features of calcium traces, the input `features`; nothing here is fitted to data."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

LAGS = (1, 2, 4, 8, 16, 32)
TRACE_FEATURES = (
    "mean", "sd", "skewness", "kurtosis",
    "minimum", "q05", "q25", "q50", "q75", "q95", "maximum",
    "noise", "noise_to_sd", "drift_to_sd",
    "step_to_sd", "step_skewness", "step_kurtosis", "step_q01", "step_q99",
    *(f"autocorrelation_{lag}" for lag in LAGS),
    "active_fraction", "event_rate", "burstiness",
)  # fmt: skip


def trace_features(trace: Float[np.ndarray, "row 1 time"]) -> Float[np.ndarray, "row feature"]:
    """Describes each trace by the numbers named in `TRACE_FEATURES`; they are finite for every finite trace.

    Times are in samples and rates per sample; what a feature is of stands beside its formula.
    """
    chunk = max(1, 2_000_000 // trace.shape[-1])  # rows at a time, so that memory stays small
    blocks = [_features(trace[start : start + chunk, 0].astype(np.float64)) for start in range(0, len(trace), chunk)]
    return np.concatenate(blocks) if blocks else np.empty((0, len(TRACE_FEATURES)))


def _features(trace: Float[np.ndarray, "row time"]) -> Float[np.ndarray, "row feature"]:
    z, mean, sd = _standardised(trace)
    quantiles = np.quantile(trace, [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1], axis=1)
    # Steps from sample to sample: an indicator rises faster than it decays, which makes them skewed.
    step = np.diff(trace, axis=1) if trace.shape[1] > 1 else np.zeros_like(trace)
    step_z, _, step_sd = _standardised(step)
    noise = _noise(trace)
    unit = np.where(sd > 0, sd, 1.0)
    columns = [mean, sd, *_shape(z), *quantiles, noise, noise / unit, _drift(z)]
    columns += [step_sd / unit, *_shape(step_z), *np.quantile(step_z, [0.01, 0.99], axis=1)]
    columns += [(z[:, lag:] * z[:, :-lag]).sum(axis=1) / z.shape[1] for lag in LAGS]
    columns += _events(trace, quantiles[3], sd)
    return np.stack(columns, axis=1)


def _noise(trace: Float[np.ndarray, "row time"]) -> Float[np.ndarray, " row"]:
    """The median absolute step of white noise of sd s is 0.6745 * sqrt(2) * s; activity hardly changes it."""
    step = np.diff(trace, axis=1) if trace.shape[1] > 1 else np.zeros_like(trace)
    return np.median(np.abs(step), axis=1) / 0.954


def _standardised(trace: Float[np.ndarray, "row time"]) -> tuple[Float[np.ndarray, "row ..."], ...]:
    """Returns z-scores of each row, its mean and its sd; all zero where nothing varies, in spite of rounding."""
    mean = trace.mean(axis=1)
    centred = np.where(np.ptp(trace, axis=1)[:, None] == 0, 0.0, trace - mean[:, None])
    sd = np.sqrt((centred**2).mean(axis=1))
    return centred / np.where(sd > 0, sd, 1.0)[:, None], mean, sd


def _shape(z: Float[np.ndarray, "row time"]) -> tuple[Float[np.ndarray, " row"], ...]:
    """Returns skewness and kurtosis (3 for a normal distribution) of z-scores."""
    square = z * z
    return (square * z).mean(axis=1), (square * square).mean(axis=1)


def _drift(z: Float[np.ndarray, "row time"]) -> Float[np.ndarray, " row"]:
    """Returns the sd of the means of eight equal parts, in units of the trace's sd."""
    edges = np.linspace(0, z.shape[1], min(8, z.shape[1]) + 1).astype(int)
    return (np.add.reduceat(z, edges[:-1], axis=1) / np.diff(edges)).std(axis=1)


def _events(trace, median, sd) -> list[Float[np.ndarray, " row"]]:
    """Returns the time spent above a threshold, upward crossings of it per sample, and their burstiness.

    The threshold is three robust sd (1.4826 times the median absolute deviation) above the median; burstiness is
    (s - m) / (s + m) of the sd s and mean m of the intervals between events (Goh and Barabasi 2008, EPL 81:48002),
    0 where there are fewer than two intervals.
    """
    spread = 1.4826 * np.median(np.abs(trace - median[:, None]), axis=1)
    above = trace > (median + 3 * np.where(spread > 0, spread, sd))[:, None]
    row, time = np.nonzero(above[:, 1:] & ~above[:, :-1])
    same = row[1:] == row[:-1]
    interval_row, interval = row[1:][same], np.diff(time)[same].astype(np.float64)
    count = np.bincount(interval_row, minlength=len(trace))
    at_least_one = np.maximum(count, 1)
    mean = np.bincount(interval_row, interval, minlength=len(trace)) / at_least_one
    deviation = (interval - mean[interval_row]) ** 2
    s = np.sqrt(np.bincount(interval_row, deviation, minlength=len(trace)) / at_least_one)
    burstiness = np.where(count > 1, (s - mean) / np.where(s + mean > 0, s + mean, 1.0), 0.0)
    return [above.mean(axis=1), np.bincount(row, minlength=len(trace)) / trace.shape[1], burstiness]
