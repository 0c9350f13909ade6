"""Rates at which traces vary faster than an indicator does: frames a minute that are taken for frames a second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from celltype_cli.calcium.doubts import MINUTE

# s; values that from the first to the second lag keep less than KEPT of the autocorrelation of neighbours vary too fast
# for an indicator: in each of the 28 datasets of CASCADE most cells keep half of it for 0.19 s or longer
LOST_S, REGAINED_S, KEPT = 0.03, 0.1, 0.4
LOOKED_AT, SAMPLES = 50, 50_000  # cells and samples that are looked at
# Of what is more than noise: share of the variance that neighbours have in common, and skewness
COMMON, SKEWED = 0.2, 0.1


def notes(traces: Sequence[tuple[float, np.ndarray]]) -> Iterator[str]:
    """Yields a note where most cells vary too fast for their rate, and that may be one of frames a minute: 467 Hz where
    7.8 Hz are meant. Whole numbers of Hz, such as 600 for 10, are told by `doubts.of_minutes`.

    Args:
        traces: rate (Hz) and longest stretch of each cell.
    """
    fast = [(rate, trace) for rate, trace in traces if MINUTE <= rate < np.inf]
    known = [lost for rate, trace in fast[:LOOKED_AT] if (lost := _lost(trace[:SAMPLES], rate)) is not None]
    first = fast[0][0] if fast else 0.0
    if known and np.isfinite(lost := float(np.median(known))) and abs(first / MINUTE - round(first / MINUTE)) > 1e-6:
        yield (
            f"{len(fast)} cells are said to be recorded at {first:.4g} Hz or so, where most lose half of their "
            f"autocorrelation within {1e3 * lost:.0f} ms, which no indicator does: are they frames a minute, and "
            f"{first / MINUTE:.3g} Hz meant? then correct it (dataset=traces has dataset.frame_rate="
            f"{first / MINUTE:.3g})"
        )


def _lost(values: np.ndarray, rate: float) -> float | None:
    """Returns after how many seconds half of the autocorrelation between neighbours is lost, infinity where that is no
    sign of a wrong rate, and None where neighbours have little in common, or values are missing."""
    first, last = max(2, round(LOST_S * rate)), round(REGAINED_S * rate)
    if len(values) < 4 * last or not np.isfinite(values).all():
        return None
    values = values.astype(np.float64) - values.mean()
    low, middle, high = np.percentile(values, (0.5, 50, 99.5))
    if not high > low or (high + low - 2 * middle) / (high - low) < SKEWED:
        return None
    kept = np.array([values[lag:] @ values[:-lag] for lag in range(1, last + 1)])
    if not kept[0] > COMMON * (values @ values):
        return None
    return np.inf if kept[first - 1 :].max() > KEPT * kept[0] else (1 + int(np.argmax(kept < kept[0] / 2))) / rate
