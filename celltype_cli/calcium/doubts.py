"""What makes it doubtful that values are recorded dF/F: other quantities, traces cut off, inverted, without noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from celltype_cli.calcium import scales
from celltype_cli.calcium.recording import Recording
from celltype_cli.cells.assemble import named
from celltype_cli.core.messages import few

ABOVE = 0.5  # of dF/F; a 5th percentile above it is that of F / F0
# of dF/F, by which peaks of most cells exceed their median; one spike of GCaMP6f gives some 0.2 (Chen et al. 2013,
# Nature 499:295)
SMALLEST = 0.01
PLACEHOLDER = 1.0  # Hz, of samples that nobody gave a rate
# Hz, above which imaging is rare; a rate there that is whole once divided by 60 may count the frames of a minute
RARE, MINUTE = 200.0, 60.0
CLIPPED, FEW = 0.01, 100  # share of a trace at its largest value; samples of a trace of which that is told
UPSIDE_DOWN = -0.3  # skewness of most cells; that of the 28 datasets of CASCADE is -0.015 or more
LOWEST = -1.0  # of dF/F, (F - F0) / F0
REPEATED = 0.3  # share of values of most cells that are exactly the one before
SILENT = 0.5  # share of the values of most cells that are exactly 0
TURNS = 0.3  # share of samples at which a trace turns: noise 0.67 of them, those of the 28 datasets of CASCADE 0.54
Z_OFF = 0.003  # by which mean and standard deviation of z-scores may be off, with n or n - 1
ALL_OFF = 3e-4  # the same of all cells together, which are many values
MEASURES = ("the standard deviation", "the median deviation from the median", "the noise from frame to frame")
# Median over at least so many cells, and sd of the logarithm among them, of a measure of spread that was brought to 1.
# In datasets of CASCADE with 8 cells or more the latter is 0.21 or more for each measure, and the former 0.81 or less.
ONE, MANY, ALIKE = (0.85, 1.25), 8, 0.2


def notes(of: Sequence[Recording], found: np.ndarray) -> Iterator[str]:
    """Yields notes on values that are called dF/F.

    Args:
        found: of `scales.measured`.
    """
    low, middle, small = (float(np.median(found[name])) for name in ("low", "middle", "peak"))
    if all(r.sampling_rate == PLACEHOLDER for r in of):
        yield f"the rate of all cells is exactly {PLACEHOLDER:g} Hz: was it measured, or does it count frames?"
    if ABOVE < low <= scales.LEVEL:
        yield (
            f"most values of most cells lie above {low:.2g}: that is rather F / F0, whose baseline is 1, than dF/F, "
            "whose baseline is 0"
        )
    if middle < LOWEST:
        yield (
            f"most values of most cells lie below {LOWEST:g}, which dF/F cannot, as fluorescence is positive: they are "
            "of another kind, or a baseline was subtracted twice?"
        )
    if len(of) > 1 and all(map(_is_z_score, of)):
        yield "the values of each cell have mean 0 and standard deviation 1: z-scores, and no dF/F"
    elif said := _on_one_scale(of):
        yield f"{said}: scores, and no dF/F?"
    if len(of) > 1 and all(map(_is_scaled, of)):
        yield "the largest value of each cell is exactly 1: values scaled by their peak or range, and no dF/F"
    yield from _shapes(of)
    if small < SMALLEST:
        yield (
            f"the peaks of most cells lie {small:.2g} above their median, which is little for dF/F: divided by 100 "
            "twice?"
        )


def of_minutes(rates: Sequence[float]) -> Iterator[str]:
    """Yields a note on rates (Hz) of cells that may be frames a minute, 600 where 10 Hz are meant."""
    turned = np.array(rates, dtype=np.float64) / MINUTE
    if n := int((odd := (turned > RARE / MINUTE) & (np.abs(turned - np.round(turned)) < 1e-6)).sum()):
        first = turned[odd][0]
        yield (
            f"{n} cells are said to be recorded at {MINUTE * first:g} Hz or so: are they frames a minute, and "
            f"{first:g} Hz meant? then correct it (dataset=traces has dataset.frame_rate={first:g})"
        )


def _shapes(of: Sequence[Recording]) -> Iterator[str]:
    """Yields notes on traces that are cut off, upside down, or of another kind: events, or without noise."""
    values = [np.concatenate(r.segments) for r in of]
    yield from clipped(of)
    if (zero := float(np.median([*map(silent, of)]))) > SILENT:
        yield f"{zero:.0%} of the values of most cells are exactly 0: deconvolved events (spks, S), and no dF/F?"
    elif float(np.median([(v == v.min()).mean() for v in values if len(v) >= FEW] or [0])) > CLIPPED:
        yield "the smallest value of most cells recurs again and again: cut off below, and no recorded dF/F?"
    elif np.median([(np.diff(v) == 0).mean() if len(v) > 1 else 0.0 for v in values]) > REPEATED:
        yield "many values of most cells repeat the one before: were frames doubled, or rounded?"
    elif np.median([_turns(v) for v in values]) < TURNS:
        yield "most traces hardly turn from frame to frame: denoised (CaImAn's C) or smoothed, and no recorded dF/F?"
    if len(of) > 1 and np.median([_skewness(v) for v in values]) < UPSIDE_DOWN:
        yield "most traces fall further from their median than they rise: is the sign of dF/F inverted?"


def clipped(of: Sequence[Recording]) -> Iterator[str]:
    """Yields a note on traces, of any unit, that are cut off at their largest value."""
    values = [np.concatenate(r.segments) for r in of]
    cut = [named(r) for r, v in zip(of, values) if len(v) >= FEW and (v == v.max()).mean() > CLIPPED]
    if cut and not all(np.median(np.abs(np.diff(v))) == 0 for v in values):
        yield f"{len(cut)} cells hold their largest value again and again, cut off there: {', '.join(few(cut))}"


def silent(recording: Recording) -> float:
    """Returns the share of values that are exactly 0."""
    return float((np.concatenate(recording.segments) == 0).mean())


def _turns(values: np.ndarray) -> float:
    """Returns the share of changes after which a trace goes the other way."""
    steps = np.diff(values)
    turns = np.diff(np.sign(steps[steps != 0])) != 0
    return float(turns.mean()) if turns.size else 1.0


def _is_scaled(recording: Recording) -> bool:
    return bool(abs(max(segment.max() for segment in recording.segments) - 1) < 1e-9)


def _skewness(values: np.ndarray) -> float:
    """Returns how much further a trace rises above its median than it falls below it (99.5 and 0.5 %), -1 to 1."""
    low, middle, high = np.percentile(values, (0.5, 50, 99.5))
    return float((high + low - 2 * middle) / (high - low)) if high > low else 0.0


def _on_one_scale(of: Sequence[Recording]) -> str:
    """Says which measure of spread was brought to 1, in each cell or in all together, or nothing."""
    values = [np.concatenate(r.segments)[: scales.MOST].astype(np.float64) for r in of]
    sizes = np.array([_spreads(v) for v in values])
    with np.errstate(divide="ignore", invalid="ignore"):  # infinite values are refused elsewhere
        spread, middle = np.std(np.log(sizes), axis=0), np.median(sizes, axis=0)
    fits = (ONE[0] < middle) & (middle < ONE[1]) & (spread < ALIKE)
    if len(of) >= MANY and fits.any():
        return f"{MEASURES[int(np.argmin(np.where(fits, spread, np.inf)))]} of each cell is about 1"
    pooled = np.concatenate(values)
    if len(of) > 1 and abs(pooled.mean()) < ALL_OFF and abs(pooled.std() - 1) < ALL_OFF:
        return "the values of all cells together have mean 0 and standard deviation 1"
    return ""


def _spreads(values: np.ndarray) -> tuple[float, float, float]:
    """Returns what `MEASURES` names; the second and third are sd of normal values."""
    mad, step = (np.median(np.abs(v)) for v in (values - np.median(values), np.diff(values)))
    return float(values.std()), 1.4826 * float(mad), 1.4826 * float(step) / np.sqrt(2)


def _is_z_score(recording: Recording) -> bool:
    values = np.concatenate(recording.segments)
    with np.errstate(invalid="ignore"):  # infinite values are refused elsewhere
        return bool(abs(values.mean()) < Z_OFF and abs(values.std() - 1) < Z_OFF)
