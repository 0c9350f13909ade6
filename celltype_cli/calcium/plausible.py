"""Rates and scales that calcium imaging does not have, and what they look like instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from celltype_cli.calcium.recording import SIGNALS, Recording
from celltype_cli.cells.assemble import named

# Hz. Whole brains of larval zebrafish take 1.25 s (Ahrens et al. 2013, Nat Methods 10:413: 0.8 Hz); fast line and
# projection scanning reach 1 kHz (Kazemipour et al. 2019, Nat Methods 16:778). CASCADE has 7.8 to 500 Hz.
SLOWEST, FASTEST = 0.5, 1000.0
USUAL = (1.0, 200.0)  # Hz, into which a rate that was mistaken should fall
MISTAKEN = {
    "the seconds between frames": lambda rate: 1 / rate,
    "time in milliseconds": lambda rate: rate * 1e3,
    "time in microseconds": lambda rate: rate * 1e6,
    "time in nanoseconds": lambda rate: rate * 1e9,
    "time in minutes": lambda rate: rate / 60,
}
INSIST = "set prepare.implausible=keep if it is right"
PERCENTILES = (5, 50, 95)
# dF/F. Of the 309 mouse neurons of CASCADE with a cell type, in 28 datasets, the noise from frame to frame is 0.015 to
# 0.77, the 5th percentile -0.55 to 0.1, and the peak above the median exceeds 28 in one cell (90).
NOISE, PEAK, LEVEL, RATIO, GAP = 1.3, 80.0, 5.0, 30.0, 8.0
NOISY = 0.6  # of dF/F; cells of two scales differ, and the larger ones are as noisy as the noisiest of CASCADE
ABOVE = 0.5  # of dF/F; a 5th percentile above it is that of F / F0
# of dF/F, by which peaks of most cells exceed their median; one spike of GCaMP6f gives some 0.2 (Chen et al. 2013,
# Nature 499:295)
SMALLEST = 0.01
Z_OFF = 0.003  # by which mean and standard deviation of z-scores may be off, with n or n - 1
MOST = 200_000  # samples of a cell that are looked at
SOME = 0.25  # of the cells, whose values all are those of raw fluorescence


def is_rate(rate: float) -> bool:
    return SLOWEST <= rate <= FASTEST


def judged(recordings: Sequence[Recording], signal: str) -> tuple[list[str], list[str]]:
    """Returns what is wrong with rates, with what files say, or else with the values, and notes on the values.

    Args:
        signal: `prepare.signal`; only values that it calls dF/F are looked at.
    """
    found = [*_rate_faults(recordings), *_signal_faults(recordings, signal)]
    of = [r for r in recordings if sum(map(len, r.segments)) > 1]
    if found or signal not in ("dff", "percent") or not of:
        return found, []
    if signal == "percent":
        small = float(np.median([_peak(r) - np.median(_values(r)) for r in of])) / 100
        return [], [_tiny(small)] if small < SMALLEST else []
    scale = np.array([0.01 if r.signal == "percent" else 1.0 for r in of])
    low, middle, high = np.array([_percentiles(r) for r in of]).T * scale
    note = (
        f"most values of most cells lie above {np.median(low):.2g}: that is rather F / F0, whose baseline is 1, "
        "than dF/F, whose baseline is 0"
    )
    notes = [note] if ABOVE < np.median(low) <= LEVEL else []
    if len(of) > 1 and all(map(_is_z_score, of)):
        notes.append("the values of each cell have mean 0 and standard deviation 1: z-scores, and no dF/F")
    small = float(np.median(np.array([_peak(r) for r in of]) * scale - middle))
    return [*_scale_faults(of, low, middle, high, scale)], [*notes, *[_tiny(small)] * (small < SMALLEST)]


def _tiny(peak: float) -> str:
    return f"the peaks of most cells lie {peak:.2g} above their median, which is little for dF/F: divided by 100 twice?"


def _is_z_score(recording: Recording) -> bool:
    values = np.concatenate(recording.segments)
    with np.errstate(invalid="ignore"):  # infinite values are refused elsewhere
        return bool(abs(values.mean()) < Z_OFF and abs(values.std() - 1) < Z_OFF)


def _rate_faults(recordings: Sequence[Recording]) -> Iterator[str]:
    """Yields one line for each rate that calcium imaging does not have."""
    for rate in sorted({r.sampling_rate for r in recordings if r.sampling_rate > 0 and not is_rate(r.sampling_rate)}):
        of = [r for r in recordings if r.sampling_rate == rate]
        likely = {what: turn(rate) for what, turn in MISTAKEN.items() if USUAL[0] <= turn(rate) <= USUAL[1]}
        looks = " or ".join(f"{what} ({hz:.3g} Hz)" for what, hz in likely.items())
        others = f" and {len(of) - 1} more" if len(of) > 1 else ""
        yield (
            f"{named(of[0])}{others}: {rate:.3g} Hz is no rate of calcium imaging ({SLOWEST:g} to {FASTEST:g} Hz)"
            + (f"; it looks like {looks}" if looks else "")
            + f"; correct it, or {INSIST}"
        )


def _signal_faults(recordings: Sequence[Recording], signal: str) -> Iterator[str]:
    """Yields one line for each unit that a file names and `signal` contradicts."""
    wrong = {"raw": ("dff", "percent"), "dff": ("percent", "raw", "raw_to_dff"), "percent": ("raw", "raw_to_dff")}
    instead = {"raw": "raw_to_dff", "dff": "dff", "percent": "percent"}
    for said in SIGNALS:
        of = [r for r in recordings if r.signal == said]
        if of and signal in wrong[said]:
            yield (
                f"{named(of[0])}{f' and {len(of) - 1} more' if len(of) > 1 else ''}: the file says that its values are "
                f"{SIGNALS[said]}; set prepare.signal={instead[said]} (it is {signal}); {INSIST}"
            )


def _scale_faults(of: list[Recording], low, middle, high, scale) -> Iterator[str]:
    """Yields what values that are called dF/F look like instead: raw fluorescence, percent, or two scales at once.

    Args:
        low, middle, high: percentiles of each cell's values, see PERCENTILES.
        scale: what the values are multiplied by.
    """
    noise = np.array([_noise(r) for r in of]) * scale
    peak = np.array([_peak(r) for r in of]) * scale - middle
    raw = (low > LEVEL) & (low > (high - low) / 2) & (np.array([_least(r) for r in of]) > 0)
    if raw.sum() >= max(1, SOME * len(of)):
        k = int(np.argmax(raw))
        yield (
            f"{named(of[k])}{_more(raw)}: all values are positive, the median is {middle[k]:.3g}: that is no dF/F; it "
            "looks like raw fluorescence (set prepare.signal=raw_to_dff) or dF/F in percent (prepare.signal=percent)"
            + (f"; the {len(of) - raw.sum()} other cells do not: bring all to one unit" if not raw.all() else "")
            + f"; {INSIST}"
        )
    elif two := [*_two_scales(of, noise)]:
        yield from two
    elif np.median(noise) > NOISE or np.median(peak) > PEAK:
        yield (
            f"{named(of[0])}{_more(np.full(len(of), True))}: the values change by {np.median(noise):.3g} from frame to "
            f"frame and reach {np.median(peak):.3g} (medians of {len(of)} cells), which as dF/F is no indicator's; it "
            f"looks like dF/F in percent (set prepare.signal=percent) or raw fluorescence (prepare.signal=raw_to_dff); "
            f"{INSIST}"
        )


def _two_scales(of: list[Recording], noise: np.ndarray) -> Iterator[str]:
    order = [k for k in np.argsort(noise) if noise[k] > 0]
    steps = np.diff(np.log(noise[order]))
    if not len(steps) or steps.max() < np.log(GAP):
        return
    at = int(np.argmax(steps)) + 1
    small, large = order[:at], order[at:]
    ratio = np.median(noise[large]) / np.median(noise[small])
    if ratio < RATIO or np.median(noise[large]) < NOISY:  # smooth or silent cells have next to no noise
        return
    yield (
        f"the values of {len(large)} cells (the first {named(of[min(large)])}) are {ratio:.0f} times as large as those "
        f"of {len(small)} others (the first {named(of[min(small)])}): dF/F in percent, or raw fluorescence, in some? "
        f"bring all to one unit; {INSIST}"
    )


def _more(which: np.ndarray) -> str:
    return f" and {which.sum() - 1} more" if which.sum() > 1 else ""


def _percentiles(recording: Recording) -> np.ndarray:
    return np.percentile(_values(recording), PERCENTILES)


def _values(recording: Recording) -> np.ndarray:
    values = np.concatenate([s[:MOST] for s in recording.segments])
    return values[:: 1 + len(values) // MOST]


def _least(recording: Recording) -> float:
    return float(min(segment.min() for segment in recording.segments if len(segment)))


def _peak(recording: Recording) -> float:
    return float(max(segment.max() for segment in recording.segments if len(segment)))


def _noise(recording: Recording) -> float:
    """Returns the sd of the noise between neighbouring samples, from the median of their differences."""
    steps = np.concatenate([np.abs(np.diff(segment[:MOST])) for segment in recording.segments])
    return float(1.4826 * np.median(steps) / np.sqrt(2)) if len(steps) else 0.0
