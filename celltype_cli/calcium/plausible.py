"""Rates and scales that calcium imaging does not have, and what they look like instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from celltype_cli.calcium import doubts, scales
from celltype_cli.calcium.filled import without_filled
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
    return (
        entries,
        [*lost, *filter(None, wrong)],
        faults,
        [*notes, *doubts.of_minutes([r.sampling_rate for r in entries])],
    )


def judged(recordings: Sequence[Recording], signal: str) -> tuple[list[str], list[str], list[str]]:
    """Returns what is wrong with each recording ("" where nothing is), what is wrong with all, and notes on the values.

    Args:
        signal: `prepare.signal`; only values that it calls dF/F, or percent of it, are looked at.
    """
    wrong = [_rate_fault(r) for r in recordings]
    faults = [*_signal_faults(recordings, signal)]
    at = [k for k, r in enumerate(recordings) if not wrong[k] and sum(map(len, r.segments)) > 1]
    if faults or signal not in ("dff", "percent") or not at:
        return wrong, faults, [] if faults else [*doubts.clipped([recordings[k] for k in at])]
    of = [recordings[k] for k in at]
    found = scales.measured(of, signal)
    odd, faults = scales.judged(of, found, INSIST)
    for k, line in zip(at, odd, strict=True):
        wrong[k] = line
    fine = np.array([not line for line in odd])
    notes = [] if faults or not fine.any() else [*doubts.notes([r for r, f in zip(of, fine) if f], found[fine])]
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


def or_else(recording: Recording) -> str:
    """Says what else values may be that are called raw fluorescence, and of which dF/F cannot be taken."""
    zero = doubts.silent(recording)
    if zero > doubts.SILENT:
        return f"; {zero:.0%} of them are exactly 0: deconvolved events (spks, S), and no fluorescence?"
    return " (of suite2p: a smaller dataset.neuropil)"


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
    instead = {"raw": "raw_to_dff, or raw where no baseline is left", "dff": "dff", "percent": "percent"}
    for said in SIGNALS:
        of = [r for r in recordings if r.signal == said]
        if of and signal in wrong[said]:
            yield (
                f"{named(of[0])}{f' and {len(of) - 1} more' if len(of) > 1 else ''}: the file says that its values are "
                f"{SIGNALS[said]}; set prepare.signal={instead[said]} (it is {signal}); {INSIST}"
            )
