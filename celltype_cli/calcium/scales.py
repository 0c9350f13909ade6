"""Whether values can be dF/F: raw fluorescence and percent, in all cells, in some, or in a part of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from celltype_cli.calcium.recording import Recording
from celltype_cli.cells.assemble import named

PERCENTILES = (5, 50, 95)
# dF/F. Of the 309 mouse neurons of CASCADE with a cell type, in 28 datasets, the noise from frame to frame is 0.015 to
# 0.77, the 5th percentile -0.55 to 0.1, and the peak above the median exceeds 28 in one cell (90).
NOISE, PEAK, LEVEL, GAP = 1.3, 80.0, 5.0, 8.0
NOISY = 0.6  # of dF/F; cells of two scales differ, and the larger ones are as noisy as the noisiest of CASCADE
RATIO, LEAST_RATIO = 30.0, 8.0  # of two scales; the second where the larger one is noisier than any of CASCADE
FRACTION, FRACTION_PEAK = (0.01, 0.8), 30.0  # noise and peak that percent do not have, and fractions do
MOST = 200_000  # samples of a cell that are looked at
SOME = 0.25  # of the cells; fewer on another scale than the others are left out, more put all in doubt
FEWEST = 20  # samples of a segment whose noise can be told
MEASURES = ("low", "middle", "high", "least", "peak", "noise", "unit")


def measured(of: Sequence[Recording], signal: str) -> np.ndarray:
    """Returns what tells the scale of each cell, once brought to dF/F, as a structured array with `MEASURES`.

    `low`, `middle` and `high` are percentiles, `least` is the smallest value, `peak` the largest less the median,
    `noise` the sd from frame to frame; `unit` is 0.01 of values that are called percent, else 1.
    """
    found = np.empty(len(of), dtype=[(name, float) for name in MEASURES])
    for k, recording in enumerate(of):
        unit = 0.01 if signal == "percent" or recording.signal == "percent" else 1.0
        values = np.concatenate([segment[:MOST] for segment in recording.segments])
        low, middle, high = np.percentile(values[:: 1 + len(values) // MOST], PERCENTILES)
        least = min(segment.min() for segment in recording.segments if len(segment))
        peak = max(segment.max() for segment in recording.segments if len(segment)) - middle
        noise = _noise(recording.segments)
        found[k] = (*(unit * value for value in (low, middle, high, least, peak, noise)), unit)
    return found


def judged(of: Sequence[Recording], found: np.ndarray, insist: str) -> tuple[list[str], list[str]]:
    """Returns what is wrong with single cells ("" where nothing is), as long as these are few; else what with all.

    Args:
        found: of `measured`.
        insist: what to type where the values are right.
    """
    faults = [*_of_all(of, found, insist)]
    if faults:
        return [""] * len(of), faults
    lines = [f"{named(r)}: {said}; {insist}" if (said := _of_parts(r.segments)) else "" for r in of]
    for which, says in ((_raw(found), _raw_words), (_loud(found), _loud_words), (_small(found), _small_words)):
        for k in np.flatnonzero(which):
            lines[k] = lines[k] or f"{named(of[k])}: {says(found[k])}, unlike the others; {insist}"
    return lines, []


def _of_all(of: Sequence[Recording], found: np.ndarray, insist: str) -> Iterator[str]:
    """Yields what the values of all, or of too many cells, look like instead of dF/F."""
    raw, large, small = _raw(found), _larger(found["noise"]), _small(found)
    much = np.median(found["noise"]) > NOISE or np.median(found["peak"]) > PEAK
    loud = much & ((found["noise"] > NOISE) | (found["peak"] > PEAK))
    for which, words in ((raw, _raw_words), (large, None), (small, _small_words), (loud, _loud_words)):
        if which.sum() < max(1, SOME * len(of)):
            continue
        names, n = [named(of[int(np.argmax(one))]) for one in (which, ~which)], int(which.sum())
        if words is None:
            ratio = np.median(found["noise"][which]) / np.median(found["noise"][~which])
            yield (
                f"the values of {n} cells (the first {names[0]}) are {ratio:.0f} times as large as those of "
                f"{len(of) - n} others (the first {names[1]}): dF/F in percent, or raw fluorescence, in some? bring "
                f"all to one unit; {insist}"
            )
        else:
            more, others = f" and {n - 1} more" if n > 1 else "", len(of) - n
            mixed = f"; the {others} other cells do not: bring all to one unit" if others else ""
            yield f"{names[0]}{more}: {words(found[int(np.argmax(which))])}{mixed}; {insist}"
        return


def _raw(found: np.ndarray) -> np.ndarray:
    spread = (found["high"] - found["low"]) / 2
    return (found["low"] > LEVEL) & (found["low"] > spread) & (found["least"] > 0)


def _raw_words(cell: np.void) -> str:
    return (
        f"all values are positive, the median is {cell['middle']:.3g}: that is no dF/F; it looks like raw fluorescence "
        "(set prepare.signal=raw_to_dff) or dF/F in percent (prepare.signal=percent)"
    )


def _small(found: np.ndarray) -> np.ndarray:
    """Tells values that are called percent, and are fractions."""
    low, high = FRACTION
    noise, peak = found["noise"] / found["unit"], found["peak"] / found["unit"]
    return (found["unit"] < 1) & (low < noise) & (noise < high) & (peak < FRACTION_PEAK)


def _small_words(cell: np.void) -> str:
    noise, peak = (cell[name] / cell["unit"] for name in ("noise", "peak"))
    return (
        f"the values change by {noise:.2g} from frame to frame and reach {peak:.2g}, which is little for percent; it "
        "looks like dF/F as a fraction (set prepare.signal=dff, or correct the unit in the file)"
    )


def _loud(found: np.ndarray) -> np.ndarray:
    """Tells cells on a larger scale than the others."""
    large = _larger(found["noise"])
    return large if large.sum() < SOME * len(large) else np.full(len(large), False)


def _loud_words(cell: np.void) -> str:
    return (
        f"the values change by {cell['noise']:.3g} from frame to frame and reach {cell['peak']:.3g}, which as dF/F is "
        "no indicator's; it looks like dF/F in percent (set prepare.signal=percent) or raw fluorescence "
        "(prepare.signal=raw_to_dff)"
    )


def _larger(noise: np.ndarray) -> np.ndarray:
    """Tells the cells whose noise is that of a scale some 100 times as large as that of the others."""
    order = [k for k in np.argsort(noise) if noise[k] > 0]
    steps = np.diff(np.log(noise[order]))
    large, ratio = noise > NOISE, LEAST_RATIO
    if not large.any() and len(steps) and steps.max() >= np.log(GAP):
        large[order[int(np.argmax(steps)) + 1 :]], ratio = True, RATIO
    small = (noise > 0) & ~large
    if not large.any() or not small.any():
        return np.full(len(noise), False)
    of_large, of_small = np.median(noise[large]), np.median(noise[small])
    two = of_large >= ratio * of_small and of_large >= NOISY  # smooth or silent cells have next to no noise
    return large & two & (noise >= LEAST_RATIO * of_small)


def _of_parts(segments: Sequence[np.ndarray]) -> str:
    noise = [_noise([segment]) for segment in segments if len(segment) >= FEWEST]
    low, high = (min(noise), max(noise)) if len(noise) > 1 else (0.0, 0.0)
    if not 0 < RATIO * low <= high or high < NOISY:
        return ""
    return f"its parts are of two scales, {high / low:.0f} times apart: dF/F in percent in one of them?"


def _noise(segments: Sequence[np.ndarray]) -> float:
    """Returns the sd of the noise between neighbouring samples, from the median of their differences."""
    steps = np.concatenate([np.abs(np.diff(segment[:MOST])) for segment in segments])
    return float(1.4826 * np.median(steps) / np.sqrt(2)) if len(steps) else 0.0
