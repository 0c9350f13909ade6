"""Finds the stimulus of a sweep in its current trace; names and metadata of the protocol play no part.

The trace is what was commanded (clean) or what was recorded (noisy). Whatever leaves the level at which the trace
begins is a pulse. A long square is a pulse of the asked duration that is flat, that has baseline on both sides, and
before which there are only test pulses. What comes later in the sweep cannot have changed the response to it. A ramp
rises steadily from the baseline, a short square is a positive pulse of a few ms; both are the last in their sweep.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import median_filter

from celltype_cli.core.signals import without_hum

MARGIN_S = 0.1  # baseline on both sides of the step: what the window of a scalogram shows
TEST_PULSE_S = 0.4  # a longer pulse before the step is a stimulus of its own
EDGE_S = 0.01  # a block of a noisy trace; the level of the first 10 ms is the baseline
SMALLEST_PA = 1.0  # below it nothing counts as a pulse
SETTLING = 0.02  # of the amplitude: how far a plateau may stray, for recorded currents that droop
SHORT_S = (0.001, 0.005)  # how long a short square lasts
SMALLEST_RAMP_PA = 20.0  # how far a ramp rises; less may be drift
DEVIATIONS = 6.0  # sd of the noise of a block at which a pulse begins; the baseline itself is known to about one sd


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
    edge = max(1, round(EDGE_S * sampling_rate))
    levels, block, tolerance = _levels(current, edge)
    pulses = block * _runs(np.abs(levels - np.median(current[:edge])) > tolerance)
    start, stop, before = _candidate(pulses, sampling_rate, duration_s, tolerance_s)
    quiet = slice(before[-1, 1] + edge if len(before) else 0, max(start - edge, 0))
    plateau = slice(start + 2 * edge, stop - 2 * edge)
    if stop >= len(levels) * block or current[quiet].size == 0 or current[plateau].size == 0:
        raise ValueError("the recording does not hold the whole step")
    low, high = np.median(current[quiet]), np.median(current[plateau])
    onset, end = _edge(current, start, 2 * edge, low, high), _edge(current, stop, 2 * edge, high, low)
    strays = np.abs(levels[plateau.start // block : plateau.stop // block] - high).max()
    noisier = _sd(current[plateau]) > 3 * _sd(current[quiet]) + SMALLEST_PA
    if noisier or strays > max(tolerance, SETTLING * abs(high - low)):  # noise or sines; ramps or several levels
        raise ValueError("the current is not constant during its step")
    _check_margins(pulses, (start, stop), onset, end, len(current), sampling_rate, duration_s)
    if abs((end - onset) / sampling_rate - duration_s) > tolerance_s:
        raise ValueError(_other_duration((end - onset) / sampling_rate, duration_s))
    return Step(onset / sampling_rate, (end - onset) / sampling_rate, float(high - low))


def find_short_square(current: Float[np.ndarray, " time"], sampling_rate: float) -> Step:
    """Returns the last pulse, where it lasts 1 to 5 ms; in a noisy trace there is none, as noise hides it.

    Raises:
        ValueError: with the reason why the stimulus is not a short square.
    """
    current = current.astype(np.float64)
    pulses, lengths, block, tolerance = _pulses(current, sampling_rate)
    if block > 1:
        raise ValueError("the current was recorded, not commanded")
    shortest, longest = SHORT_S[0] - 1.5 / sampling_rate, SHORT_S[1] + 1.5 / sampling_rate  # give or take a sample
    if not len(pulses) or not shortest <= lengths[-1] <= longest:
        raise ValueError("no pulse of 1 to 5 ms at the end")
    if (lengths[:-1] <= longest).any() or (lengths[:-1] > TEST_PULSE_S).any():
        raise ValueError("another pulse before the short square")
    start, stop = map(int, pulses[-1])
    _check_margins(pulses, (start, stop), start, stop, len(current), sampling_rate, float(lengths[-1]))
    low, high = np.median(current[start - round(EDGE_S * sampling_rate) : start]), np.median(current[start:stop])
    if high <= low or np.abs(current[start:stop] - high).max() > max(tolerance, SETTLING * abs(high - low)):
        raise ValueError("the pulse is negative or not constant")
    return Step(start / sampling_rate, float(lengths[-1]), float(high - low))


def find_ramp(current: Float[np.ndarray, " time"], sampling_rate: float) -> Ramp:
    """Returns the last pulse, where it rises along a line from the baseline for longer than a test pulse.

    Raises:
        ValueError: with the reason why the stimulus is not a ramp.
    """
    current = current.astype(np.float64)
    pulses, lengths, _, _ = _pulses(current, sampling_rate)
    if not len(pulses) or lengths[-1] <= TEST_PULSE_S or (lengths[:-1] > TEST_PULSE_S).any():
        raise ValueError("no ramp after test pulses only")
    edge = max(1, round(EDGE_S * sampling_rate))
    quiet, (start, stop) = max([0, *(pulses[:-1, 1] + edge)]), map(int, pulses[-1])
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
    noise = _sd(np.diff(means)) / np.sqrt(2)  # of a block
    if strays > max(SMALLEST_PA, DEVIATIONS * noise, SETTLING * slope * (stop - onset)):
        raise ValueError("the current does not rise steadily from the baseline")
    return Ramp(onset / sampling_rate, (stop - onset) / sampling_rate, slope * sampling_rate)


def pulses_of(current: Float[np.ndarray, " time"], sampling_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns first and last sample of each pulse of a trace, whatever it is, and how long (s) it lasts."""
    return _pulses(without_hum(current.astype(np.float64), sampling_rate, SMALLEST_PA), sampling_rate)[:2]


def _pulses(
    current: Float[np.ndarray, " time"], sampling_rate: float
) -> tuple[Int[np.ndarray, "pulse 2"], Float[np.ndarray, " pulse"], int, float]:
    """Returns first and last sample of the pulses, their lengths (s), and block and tolerance of `_levels`."""
    edge = max(1, round(EDGE_S * sampling_rate))
    levels, block, tolerance = _levels(current, edge)
    pulses = block * _runs(np.abs(levels - np.median(current[:edge])) > tolerance)
    return pulses, np.diff(pulses, axis=1).ravel() / sampling_rate, block, tolerance


def _blocks(
    current: Float[np.ndarray, " time"], start: int, stop: int, edge: int
) -> tuple[Float[np.ndarray, " block"], Float[np.ndarray, " block"]]:
    """Returns the means of blocks and the middles of these; the last block, which may hold the end, is left out."""
    n = (stop - start) // edge - 1
    return current[start : start + n * edge].reshape(n, edge).mean(axis=1), start + edge * (np.arange(n) + 0.5)


def _levels(current: Float[np.ndarray, " time"], edge: int) -> tuple[Float[np.ndarray, " block"], int, float]:
    """Returns the trace, in blocks where noisy, samples in a block, and how far from the baseline a pulse begins (pA).

    A commanded trace seldom changes from sample to sample and is left as it is. Of a recorded one, means of blocks
    remove noise, and a running median over five blocks the spikes that amplifiers let through, and whatever lasts 20 ms
    or less. The noise is the median step from block to block, over 0.954; a few pulses do not change it.
    """
    if len(current) < 10 * edge or np.count_nonzero(np.diff(current)) < len(current) / 20:
        return current, 1, SMALLEST_PA
    means = current[: len(current) // edge * edge].reshape(-1, edge).mean(axis=1)
    noise = float(np.median(np.abs(np.diff(means)))) / 0.954
    return median_filter(means, 5), edge, max(SMALLEST_PA, DEVIATIONS * noise)


def _runs(mask: Bool[np.ndarray, " time"]) -> Int[np.ndarray, "run 2"]:
    """Returns the first sample of each run of True, and the first one after it."""
    return np.flatnonzero(np.diff(mask, prepend=False, append=False)).reshape(-1, 2)


def _candidate(
    pulses: Int[np.ndarray, "run 2"], sampling_rate: float, duration_s: float, tolerance_s: float
) -> tuple[int, int, Int[np.ndarray, "before 2"]]:
    """Returns start and stop of the first pulse of about the right duration, and the test pulses before it."""
    if len(pulses) == 0:
        raise ValueError(f"no current step above its noise and {SMALLEST_PA:g} pA")
    lengths = np.diff(pulses, axis=1).ravel() / sampling_rate
    fits = np.abs(lengths - duration_s) <= tolerance_s + 2 * EDGE_S  # a noisy pulse is known to the block
    if not fits.any():
        raise ValueError(_other_duration(lengths.max(), duration_s))
    k = int(np.argmax(fits))
    if k > 0 and lengths[:k].max() > TEST_PULSE_S:
        raise ValueError(f"another pulse, of {lengths[:k].max():.3g} s, before the step")
    return int(pulses[k, 0]), int(pulses[k, 1]), pulses[:k]


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


def _sd(values: Float[np.ndarray, " _"]) -> float:
    """Returns the robust sd: 1.4826 times the median absolute deviation."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


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
