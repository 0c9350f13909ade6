"""Rates and scales that calcium imaging does not have, and what they look like instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from celltype_cli.calcium import scales
from celltype_cli.calcium.filled import without_filled
from celltype_cli.calcium.recording import SIGNALS, Recording
from celltype_cli.cells.assemble import named
from celltype_cli.core.messages import few

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
ABOVE = 0.5  # of dF/F; a 5th percentile above it is that of F / F0
# of dF/F, by which peaks of most cells exceed their median; one spike of GCaMP6f gives some 0.2 (Chen et al. 2013,
# Nature 499:295)
SMALLEST = 0.01
CLIPPED, FEW = 0.01, 100  # share of a trace at its largest value; samples of a trace of which that is told
UPSIDE_DOWN = -0.3  # skewness of most cells; that of the 28 datasets of CASCADE is -0.015 or more
SILENT = 0.5  # share of the values of most cells that are exactly 0
TURNS = 0.3  # share of samples at which a trace turns: noise 0.67 of them, those of the 28 datasets of CASCADE 0.54
Z_OFF = 0.003  # by which mean and standard deviation of z-scores may be off, with n or n - 1


def is_rate(rate: float) -> bool:
    return SLOWEST <= rate <= FASTEST


def usable(
    recordings: Sequence[Recording], signal: str, keep: bool
) -> tuple[list[Recording], list[str], list[str], list[str]]:
    """Returns the recordings that can be used, what is wrong with the others, what with all, and notes on the values.

    Args:
        keep: takes what is implausible, see `judged`.
    """
    lost = [_fault(r) for r in recordings]
    entries, lost = [r for r, line in zip(recordings, lost, strict=True) if not line], [*filter(None, lost)]
    if keep:
        return entries, lost, [], []
    entries = [without_filled(r) for r in entries]
    wrong, faults, notes = judged(entries, signal)
    entries = [r for r, line in zip(entries, wrong, strict=True) if not line]
    return entries, [*lost, *filter(None, wrong)], faults, notes


def judged(recordings: Sequence[Recording], signal: str) -> tuple[list[str], list[str], list[str]]:
    """Returns what is wrong with each recording ("" where nothing is), what is wrong with all, and notes on the values.

    Args:
        signal: `prepare.signal`; only values that it calls dF/F, or percent of it, are looked at.
    """
    wrong = [_rate_fault(r) for r in recordings]
    faults = [*_signal_faults(recordings, signal)]
    at = [k for k, r in enumerate(recordings) if not wrong[k] and sum(map(len, r.segments)) > 1]
    if faults or signal not in ("dff", "percent") or not at:
        return wrong, faults, [] if faults else [*_clipped([recordings[k] for k in at])]
    of = [recordings[k] for k in at]
    found = scales.measured(of, signal)
    odd, faults = scales.judged(of, found, INSIST)
    for k, line in zip(at, odd, strict=True):
        wrong[k] = line
    fine = np.array([not line for line in odd])
    notes = [] if faults or not fine.any() else [*_notes([r for r, f in zip(of, fine) if f], found[fine])]
    return wrong, faults, notes


def of_dff(trace: np.ndarray) -> str:
    """Says of dF/F that was made of raw fluorescence why it can be none: its baseline is next to nothing."""
    high, noise = trace.max() - np.median(trace), 1.4826 * np.median(np.abs(np.diff(trace))) / np.sqrt(2)
    if high <= scales.PEAK and noise <= scales.NOISE:
        return ""
    return (
        f"dF/F of its fluorescence exceeds {scales.PEAK:g}, or changes by more than {scales.NOISE:g} from frame to "
        "frame: its baseline is next to 0 (too much neuropil or background subtracted, numbers that overflowed?)"
    )


def _fault(r: Recording) -> str:
    if not 0 < r.sampling_rate < np.inf:
        return f"{named(r)}: its sampling rate is {r.sampling_rate}; expected a positive number of Hz"
    bad = [~np.isfinite(segment) for segment in r.segments]
    samples = sum(len(segment) for segment in r.segments)
    if samples == 0:
        alone = f", or none beside another ({r.missing} are missing)" if r.missing else ""
        return f"{named(r)}: its trace holds no value{alone}; leave the cell out"
    if any(b.any() for b in bad):
        k = next(k for k, b in enumerate(bad) if b.any())
        return (
            f"{named(r)}: {sum(b.sum() for b in bad)} of {samples} values are NaN or infinite, the first at sample "
            f"{np.argmax(bad[k])} of segment {k}; cut the trace there into two segments, or leave the cell out"
        )
    if all(np.ptp(segment) == 0 for segment in r.segments if len(segment)):
        return f"{named(r)}: its trace is constant; expected one that varies; leave the cell out"
    return ""


def _notes(of: Sequence[Recording], found: np.ndarray) -> Iterator[str]:
    low, small = (float(np.median(found[name])) for name in ("low", "peak"))
    if ABOVE < low <= scales.LEVEL:
        yield (
            f"most values of most cells lie above {low:.2g}: that is rather F / F0, whose baseline is 1, than dF/F, "
            "whose baseline is 0"
        )
    if len(of) > 1 and all(map(_is_z_score, of)):
        yield "the values of each cell have mean 0 and standard deviation 1: z-scores, and no dF/F"
    if len(of) > 1 and all(map(_is_scaled, of)):
        yield "the largest value of each cell is exactly 1: values scaled by their peak or range, and no dF/F"
    yield from _shapes(of)
    if small < SMALLEST:
        yield (
            f"the peaks of most cells lie {small:.2g} above their median, which is little for dF/F: divided by 100 "
            "twice?"
        )


def _shapes(of: Sequence[Recording]) -> Iterator[str]:
    """Yields notes on traces that are cut off, upside down, or of another kind: events, or without noise."""
    values = [np.concatenate(r.segments) for r in of]
    yield from _clipped(of)
    if (zero := float(np.median([(v == 0).mean() for v in values]))) > SILENT:
        yield (f"{zero:.0%} of the values of most cells are exactly 0: deconvolved events (spks, S), and no dF/F?")
    elif np.median([_turns(v) for v in values]) < TURNS:
        yield "most traces hardly turn from frame to frame: denoised (CaImAn's C) or smoothed, and no recorded dF/F?"
    if len(of) > 1 and np.median([_skewness(v) for v in values]) < UPSIDE_DOWN:
        yield "most traces fall further from their median than they rise: is the sign of dF/F inverted?"


def _clipped(of: Sequence[Recording]) -> Iterator[str]:
    values = [np.concatenate(r.segments) for r in of]
    clipped = [named(r) for r, v in zip(of, values) if len(v) >= FEW and (v == v.max()).mean() > CLIPPED]
    if clipped and not all(np.median(np.abs(np.diff(v))) == 0 for v in values):
        yield f"{len(clipped)} cells hold their largest value again and again, cut off there: {', '.join(few(clipped))}"


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


def _is_z_score(recording: Recording) -> bool:
    values = np.concatenate(recording.segments)
    with np.errstate(invalid="ignore"):  # infinite values are refused elsewhere
        return bool(abs(values.mean()) < Z_OFF and abs(values.std() - 1) < Z_OFF)


def _rate_fault(recording: Recording) -> str:
    """Says of a rate that calcium imaging does not have what it looks like."""
    rate = recording.sampling_rate
    if not rate > 0 or is_rate(rate):
        return ""
    likely = {what: turn(rate) for what, turn in MISTAKEN.items() if USUAL[0] <= turn(rate) <= USUAL[1]}
    looks = " or ".join(f"{what} ({hz:.3g} Hz)" for what, hz in likely.items())
    return (
        f"{named(recording)}: {rate:.3g} Hz is no rate of calcium imaging ({SLOWEST:g} to {FASTEST:g} Hz)"
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
