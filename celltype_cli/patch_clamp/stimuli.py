"""Finds the stimulus of a sweep in its current trace; names and metadata of the protocol play no part.

The trace is what was commanded (clean) or what was recorded (noisy); `pulses` finds what leaves the level at which it
begins. A long square is a pulse of the asked duration that is flat, that has baseline on both sides, and
before which there are only test pulses. What comes later in the sweep cannot have changed the response to it. A ramp
rises steadily from the baseline, a short square is a positive pulse of a few ms; both are the last in their sweep.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import median_filter

from celltype_cli.core.signals import without_hum
from celltype_cli.patch_clamp.pulses import DEVIATIONS, EDGE_S, SMALLEST_PA, Pulses, pulses_of, robust_sd

MARGIN_S = 0.1  # baseline on both sides of the step: what the window of a scalogram shows
TEST_PULSE_S = 0.4  # a longer pulse before the step is a stimulus of its own
SETTLING = 0.02  # of the amplitude: how far a plateau may stray, for recorded currents that droop
SHORT_S = (0.001, 0.005)  # how long a short square lasts
NOT_CONSTANT = "the current is not constant during its step"
SMALLEST_RAMP_PA = 20.0  # how far a ramp rises; less may be drift


@dataclass(frozen=True)
class Step:
    """A square current pulse: onset from the start of the sweep, amplitude from the baseline before it."""

    onset_s: float
    duration_s: float
    amplitude_pA: float


@dataclass(frozen=True)
class Ramp:
    """A current that rises steadily from the baseline: onset from the start of the sweep, slope."""

    onset_s: float
    duration_s: float
    slope_pA_s: float


class ShortBaseline(ValueError):
    """The recording begins too late; `samples` are missing before the step."""

    def __init__(self, samples: int):
        super().__init__(f"less than {MARGIN_S:g} s recorded before the step")
        self.samples = samples


def pulses_without_hum(current: Float[np.ndarray, " time"], sampling_rate: float) -> Pulses:
    """Finds the pulses of a trace as `find_long_square` does, whatever they are."""
    return pulses_of(without_hum(current.astype(np.float64), sampling_rate, SMALLEST_PA), sampling_rate)


def find_long_square(
    current: Float[np.ndarray, " time"], sampling_rate: float, duration_s: float, tolerance_s: float
) -> Step:
    """Returns the first pulse that lasts `duration_s`, give or take `tolerance_s`.

    Args:
        current: pA, from the start of the sweep.
        sampling_rate: Hz.

    Raises:
        ValueError: with the reason why the stimulus is not a long square.
    """
    current = without_hum(current.astype(np.float64), sampling_rate, SMALLEST_PA)
    edge, pulses = max(1, round(EDGE_S * sampling_rate)), pulses_of(current, sampling_rate)
    levels, block = pulses.levels, pulses.block
    start, stop, before = _candidate(pulses, duration_s, tolerance_s)
    quiet = slice(before[-1, 1] + edge if len(before) else 0, max(start - edge, 0))
    plateau = slice(start + 2 * edge, stop - 2 * edge)
    if stop >= len(levels) * block or current[quiet].size == 0 or current[plateau].size == 0:
        raise ValueError("the recording does not hold the whole step")
    low, high = np.median(current[quiet]), np.median(current[plateau])
    onset, end = _edge(current, start, 2 * edge, low, high), _edge(current, stop, 2 * edge, high, low)
    strays = np.abs(levels[plateau.start // block : plateau.stop // block] - high).max()
    noisier = robust_sd(current[plateau]) > 3 * robust_sd(current[quiet]) + SMALLEST_PA
    if noisier or strays > max(pulses.tolerance, SETTLING * abs(high - low)):  # noise or sines; ramps or several levels
        raise ValueError(NOT_CONSTANT)
    _check_margins(pulses.ends, (start, stop), onset, end, len(current), sampling_rate, duration_s)
    if abs((end - onset) / sampling_rate - duration_s) > tolerance_s:
        raise ValueError(_other_duration((end - onset) / sampling_rate, duration_s))
    return Step(onset / sampling_rate, (end - onset) / sampling_rate, float(high - low))


def find_stopped_step(current: Float[np.ndarray, " time"], sampling_rate: float) -> Step:
    """Returns the step within which the recording ends, however long it was to last.

    Raises:
        ValueError: with the reason why there is none.
    """
    current = without_hum(current.astype(np.float64), sampling_rate, SMALLEST_PA)
    edge, pulses = max(1, round(EDGE_S * sampling_rate)), pulses_of(current, sampling_rate)
    ends, lengths, block = pulses.ends, pulses.lengths_s, pulses.block
    if not len(ends) or ends[-1, 1] < len(pulses.levels) * block or (lengths[:-1] > TEST_PULSE_S).any():
        raise ValueError("no pulse at the end of the recording after test pulses only")
    start, quiet = int(ends[-1, 0]), ends[-2, 1] + edge if len(ends) > 1 else 0
    if (plateau := current[start + 2 * edge :]).size == 0:
        raise ValueError("the recording ends at once")
    low, high = np.median(current[quiet : max(start - edge, quiet + 1)]), np.median(plateau)
    strays = np.abs(pulses.levels[(start + 2 * edge) // block :] - high).max()
    if strays > max(pulses.tolerance, SETTLING * abs(high - low)):
        raise ValueError(NOT_CONSTANT)
    return Step(start / sampling_rate, (len(current) - start) / sampling_rate, float(high - low))


def find_short_square(current: Float[np.ndarray, " time"], sampling_rate: float) -> Step:
    """Returns the last pulse, where it lasts 1 to 5 ms; in a noisy trace there is none, as noise hides it.

    Raises:
        ValueError: with the reason why the stimulus is not a short square.
    """
    current = current.astype(np.float64)
    pulses = pulses_of(current, sampling_rate)
    ends, lengths = pulses.ends, pulses.lengths_s
    if pulses.block > 1:
        raise ValueError("the current was recorded, not commanded")
    shortest, longest = SHORT_S[0] - 1.5 / sampling_rate, SHORT_S[1] + 1.5 / sampling_rate  # give or take a sample
    if not len(ends) or not shortest <= lengths[-1] <= longest:
        raise ValueError("no pulse of 1 to 5 ms at the end")
    if (lengths[:-1] <= longest).any() or (lengths[:-1] > TEST_PULSE_S).any():
        raise ValueError("another pulse before the short square")
    start, stop = map(int, ends[-1])
    _check_margins(ends, (start, stop), start, stop, len(current), sampling_rate, float(lengths[-1]))
    low, high = np.median(current[start - round(EDGE_S * sampling_rate) : start]), np.median(current[start:stop])
    if high <= low or np.abs(current[start:stop] - high).max() > max(pulses.tolerance, SETTLING * abs(high - low)):
        raise ValueError("the pulse is negative or not constant")
    return Step(start / sampling_rate, float(lengths[-1]), float(high - low))


def find_ramp(current: Float[np.ndarray, " time"], sampling_rate: float) -> Ramp:
    """Returns the last pulse, where it rises along a line from the baseline for longer than a test pulse.

    Raises:
        ValueError: with the reason why the stimulus is not a ramp.
    """
    current = current.astype(np.float64)
    pulses = pulses_of(current, sampling_rate)
    ends, lengths = pulses.ends, pulses.lengths_s
    if not len(ends) or lengths[-1] <= TEST_PULSE_S or (lengths[:-1] > TEST_PULSE_S).any():
        raise ValueError("no ramp after test pulses only")
    edge = max(1, round(EDGE_S * sampling_rate))
    quiet, (start, stop) = max([0, *(ends[:-1, 1] + edge)]), map(int, ends[-1])
    for _ in range(3):  # noise and hum make the first guess an early or late one
        start = min(max(start, quiet + 2 * edge), stop - 10 * edge)
        base = np.median(current[quiet : max(start - edge, quiet + 1)])
        means, at = _blocks(current - base, start, stop, edge)
        slope, level = np.polyfit(at - start, means, 1)  # pA a sample, pA at the start
        if slope * (stop - start) < SMALLEST_RAMP_PA:
            raise ValueError("the current does not rise")
        onset = start - level / slope
        start = round(onset) + edge
    first = round(onset - MARGIN_S * sampling_rate)
    if first < 0:
        raise ValueError(f"less than {MARGIN_S:g} s recorded before the ramp")
    means, at = _blocks(current - base, max(first, quiet), stop, edge)
    strays = np.abs(median_filter(means, 5, mode="nearest") - slope * np.clip(at - onset, 0, None)).max()
    noise = robust_sd(np.diff(means)) / np.sqrt(2)  # of a block
    if strays > max(SMALLEST_PA, DEVIATIONS * noise, SETTLING * slope * (stop - onset)):
        raise ValueError("the current does not rise steadily from the baseline")
    return Ramp(onset / sampling_rate, (stop - onset) / sampling_rate, slope * sampling_rate)


def _blocks(
    current: Float[np.ndarray, " time"], start: int, stop: int, edge: int
) -> tuple[Float[np.ndarray, " block"], Float[np.ndarray, " block"]]:
    """Returns the means of blocks and the middles of these; the last block, which may hold the end, is left out."""
    n = (stop - start) // edge - 1
    return current[start : start + n * edge].reshape(n, edge).mean(axis=1), start + edge * (np.arange(n) + 0.5)


def _candidate(pulses: Pulses, duration_s: float, tolerance_s: float) -> tuple[int, int, Int[np.ndarray, "before 2"]]:
    """Returns start and stop of the first pulse of about the right duration, and the ends of the test pulses before."""
    ends, lengths = pulses.ends, pulses.lengths_s
    if len(ends) == 0:
        raise ValueError(f"no current step above its noise and {SMALLEST_PA:g} pA")
    fits = np.abs(lengths - duration_s) <= tolerance_s + 2 * EDGE_S  # a noisy pulse is known to the block
    if not fits.any():
        raise ValueError(_other_duration(lengths.max(), duration_s))
    k = int(np.argmax(fits))
    if k > 0 and lengths[:k].max() > TEST_PULSE_S:
        raise ValueError(f"another pulse, of {lengths[:k].max():.3g} s, before the step")
    return int(ends[k, 0]), int(ends[k, 1]), ends[:k]


def _other_duration(found_s: float, duration_s: float) -> str:
    return f"no step of {duration_s:g} s (longest pulse: {found_s:.3g} s)"


def _edge(current: Float[np.ndarray, " time"], near: int, reach: int, before: float, after: float) -> int:
    """Returns the first sample of the new level: where two constant levels fit the trace with the least square error.

    That is where the running sum of what lies on the old level's side of the midpoint is largest (Hinkley 1970,
    Biometrika 57:1); noise moves it by few samples, while a threshold moves with every outlier.
    """
    first = max(near - reach, 0)
    towards = ((before + after) / 2 - current[first : near + reach]) * np.sign(after - before)
    return first + int(np.argmax(np.cumsum(towards))) + 1


def _check_margins(pulses, step, onset: int, end: int, samples: int, rate: float, duration_s: float) -> None:
    """Raises where something else happens, or the recording is over, within the margins of the step."""
    first = round(onset - MARGIN_S * rate)
    last = max(first + round((duration_s + 2 * MARGIN_S) * rate), end + round(MARGIN_S * rate))
    if last > samples:
        raise ValueError(f"less than {MARGIN_S:g} s recorded after the step")
    if first < 0:
        raise ShortBaseline(-first)
    if any(start < last and stop > first for start, stop in pulses if (start, stop) != step):
        raise ValueError(f"another pulse within {MARGIN_S:g} s of the step")
