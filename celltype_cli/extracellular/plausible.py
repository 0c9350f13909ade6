"""Spike times and waveforms that no sorted unit has, and what they look like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from celltype_cli.cells.assemble import named
from celltype_cli.core.messages import few
from celltype_cli.extracellular import waveforms
from celltype_cli.extracellular.recording import Recording

SHORTEST_S = 2e-4  # between two spikes of one neuron, which last longer; sorters leave out what is nearer
SHARE = 0.02  # of the intervals; of 111 real units one of Kilosort and CellExplorer has 0.4 %, the others less
REFRACTORY_S, OFTEN = 1e-3, 0.1  # of the same units one has 6 %, the others 3 % or less
# Turned waveforms: by how much units differ (sd) in the largest channel and in the time of their peak, over how many
# there are; of four recorded sets 0.16 to 0.25 and 0 to 0.27
SAME, APART, SIDES = 0.03, 0.1, 10
LONGEST_S = 86400.0 * 7  # of a recording
GAP_S, OF_ALL = 600.0, 0.5  # in which no unit of a recording fires; share of the time from first to last spike
LATE_S, LATE = 600.0, 1.0  # first spike of a recording; times as long as its spikes go on
LONGER = 10.0  # times as long as until the last spike
# Of a mean waveform, noise from sample to sample over height. Of 3,653 recorded units in five sets the median is 0.006
# or less, and one exceeds 0.05; single spikes have ten times as much. Then the share of units from which it is told
NOISE, NOISY = 0.05, 0.1
# ms, of a mean waveform at half of its height; the median of each of eight recorded sets is 0.13 to 0.4
NARROW_MS, WIDE_MS, ENOUGH = 0.07, 0.6, 3  # and units from which it is told
MANY = 8  # units that are no accident
SLOW_S = 10.0  # median interval of most units; few neurons are that silent, and of most recordings none


def notes_on(units: Sequence[Recording]) -> Iterator[str]:
    """Yields notes on units with noisy waveforms, or with spikes that are too close together, or last too long."""
    noisy = [named(unit) for unit in units if _noise(unit.waveform) > NOISE]
    if len(noisy) > NOISY * len(units):
        yield (
            f"the waveforms of {len(noisy)} of {len(units)} units are too noisy for means over spikes: are they of "
            f"single spikes, or of few? ({', '.join(few(noisy))})"
        )
    trains = [unit for unit in units if unit.spikes is not None and len(unit.spikes) > 1]
    widths = [width for unit in units if np.isfinite(width := 1e3 * _width(unit.waveform) / unit.waveform_rate)]
    if len(widths) >= ENOUGH and not NARROW_MS <= (middle := float(np.median(widths))) <= WIDE_MS:
        yield (
            f"the spikes of most units last {middle:.2g} ms at half of their height; expected {NARROW_MS:g} to "
            f"{WIDE_MS:g}: is the sampling rate that of the waveforms? (dataset=units has dataset.sampling_rate)"
        )
    close = [named(unit) for unit in trains if (np.diff(unit.spikes) < SHORTEST_S).mean() > SHARE]
    if close:
        yield (
            f"{len(close)} units have more than {SHARE:.0%} of their spikes within {1e3 * SHORTEST_S:g} ms of the one "
            f"before: listed twice, rounded, or not in seconds? ({', '.join(few(close))})"
        )
    soon = [
        n for unit in trains if (np.diff(unit.spikes) < REFRACTORY_S).mean() > OFTEN and (n := named(unit)) not in close
    ]
    if soon:
        yield (
            f"{len(soon)} units have more than {OFTEN:.0%} of their spikes within {1e3 * REFRACTORY_S:g} ms of the one "
            f"before, when hardly a neuron fires: detected twice, or of several neurons? ({', '.join(few(soon))})"
        )
    if _turned(units):
        yield (
            "the waveforms of all units are largest on one channel, and at times that differ widely: are their axes "
            "[unit, time, channel]? expected [unit, channel, time]"
        )
    long = [named(unit) for unit in trains if unit.spikes[-1] - unit.spikes[0] > LONGEST_S]
    if long:
        days = max(unit.spikes[-1] - unit.spikes[0] for unit in trains) / 86400
        yield f"the spikes of {len(long)} units span {days:,.0f} days: are they in seconds? ({', '.join(few(long))})"
    yield from _of_recordings(trains)
    if (
        not long
        and trains
        and (slow := float(np.median([np.median(np.diff(unit.spikes)) for unit in trains]))) > SLOW_S
    ):
        yield (
            f"the spikes of most units are {slow:,.0f} s apart, which makes {1 / slow:.2g} Hz: are they in seconds, "
            "and not in milliseconds or samples?"
        )


def _of_recordings(trains: Sequence[Recording]) -> Iterator[str]:
    """Yields notes on recordings that are silent for long, begin late, or are said to go on long after their spikes."""
    silent, late, longer = [], [], []
    for group in dict.fromkeys(unit.group for unit in trains):
        of = [unit for unit in trains if unit.group == group]
        times = np.sort(np.concatenate([unit.spikes for unit in of]))
        first, span, gap = float(times[0]), float(times[-1] - times[0]), float(np.diff(times).max())
        silent += [f"{group}: {gap:,.0f} of {span:,.0f} s"] if gap > max(GAP_S, OF_ALL * span) else []
        late += [f"{group}: {first:,.0f} s"] if first > max(LATE_S, LATE * span) else []
        ends = [unit.duration / times[-1] for unit in of if np.isfinite(unit.duration)]
        longer += [group] if ends and min(ends) > LONGER else []
    if silent:
        yield (
            f"no unit of {len(silent)} recordings fires for most of the time: are several sessions pooled, or did the "
            f"clock start anew? ({', '.join(few(silent))})"
        )
    if late:
        yield (
            f"the first spikes of {len(late)} recordings come late: does their clock begin with the recording? "
            f"({', '.join(few(late))})"
        )
    if longer:
        yield (
            f"{len(longer)} recordings are said to last more than {LONGER:g} times as long as their spikes: is their "
            f"duration in seconds? ({', '.join(few(longer))})"
        )


def _turned(units: Sequence[Recording]) -> bool:
    """Says whether channels and times of waveforms seem to be exchanged: sorters align units in time, not in space."""
    peaks = [
        np.divide(np.unravel_index(np.abs(unit.waveform).argmax(), unit.waveform.shape), unit.waveform.shape)
        for unit in units
        if min(unit.waveform.shape) >= SIDES and np.isfinite(unit.waveform).all()
    ]
    channel, time = np.std(peaks, axis=0) if len(peaks) >= MANY else (1.0, 0.0)
    return bool(channel < SAME and time > APART)


def _largest(waveform: np.ndarray) -> np.ndarray:
    """Returns the channel on which a waveform is largest, without its median; nothing where nothing varies."""
    waveform = waveforms.measured(waveform.astype(np.float64))
    if not waveform.size or not np.isfinite(waveform).all() or not np.ptp(waveform, axis=1).max() > 0:
        return np.empty(0)
    trace = waveform[np.ptp(waveform, axis=1).argmax()]
    return trace - np.median(trace)


def _noise(waveform: np.ndarray) -> float:
    """Returns the sd of the noise between neighbouring samples over the height; 0 where there are too few."""
    trace = _largest(waveform)
    bends = np.abs(np.diff(trace, n=2))
    return float(1.4826 * np.median(bends) / np.sqrt(6) / np.ptp(trace)) if len(bends) else 0.0


def _width(waveform: np.ndarray) -> float:
    """Returns for how many samples the peak exceeds half of its height, to parts of one; NaN where it has no end."""
    trace = _largest(waveform)
    if not len(trace):
        return np.nan
    peak = int(np.abs(trace).argmax())
    above = trace / trace[peak] - 0.5
    ends = []
    for side in (above[peak:], above[peak::-1]):
        if not (side <= 0).any():
            return np.nan
        k = int(np.argmax(side <= 0))
        ends.append(k - side[k] / (side[k] - side[k - 1]))
    return float(sum(ends))
