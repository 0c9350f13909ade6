"""Current-clamp recordings of single cells: sweeps, spikes in them, and the two sweeps that stand for a cell.

The choice follows IPFX (`stimulus_protocol_analysis.py`) and the feature table of the Allen Cell Types Database: the
rheobase sweep has the lowest positive amplitude of a long square that evokes at least one spike; the hero sweep has the
lowest spiking amplitude more than 39 and less than 61 pA above it. Where an amplitude was repeated, the first recorded
sweep that spikes is taken. Where there is no hero sweep, IPFX takes the nearest; here the cell has none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Float, Float32, Int
from scipy.signal import bessel, find_peaks, sosfiltfilt

from celltype_cli.errors import UserError
from celltype_cli.stimuli import MARGIN_S, TEST_PULSE_S, Step, find_long_square, pulse_lengths

HERO_PA = (39.0, 61.0)  # above the rheobase
SAME_PA = 1.0  # amplitudes that round to the same multiple are repeats; recorded ones are never exactly equal
SLOPE = 20.0  # mV/ms; this and the next four: IPFX, `spike_detector.py`
LOWEST_PEAK = -30.0  # mV
SMALLEST_SPIKE = 2.0  # mV
LONGEST_RISE_S = 0.005
LOWPASS = 10_000.0  # Hz
# Largest absolute values between two limits betray another unit (less than 5e-13 is rounding), those above a third are
# too large for any.
RANGES = (
    ("voltage", "mV", "volts", (-1.0, 1.0), 1e3, "-150 to 100 mV"),
    ("current", "pA", "amperes", (5e-13, 1e-6), 1e5, "-500 to 2,000 pA"),
)


@dataclass(frozen=True)
class Sweep:
    """One sweep of a cell: what was injected and what was recorded.

    Attributes:
        voltage: mV.
        current: pA, as long as the voltage.
        sampling_rate: Hz.
        number: as the recording counts its sweeps.

    Raises:
        UserError: with all that is wrong: lengths, values that are missing, values outside what the unit allows.
    """

    voltage: Float32[np.ndarray, " time"]
    current: Float32[np.ndarray, " _"]
    sampling_rate: float
    number: int

    def __post_init__(self):
        if faults := list(_faults(self)):
            raise UserError(f"sweep {self.number}: {'; '.join(faults)}")


def _faults(sweep: Sweep) -> Iterator[str]:
    if not 1e3 <= sweep.sampling_rate <= 1e6:
        yield f"its sampling rate is {sweep.sampling_rate:g} Hz; expected 1,000 to 1,000,000 Hz"
    if len(sweep.voltage) != len(sweep.current) or len(sweep.voltage) == 0:
        yield f"it has {len(sweep.voltage)} samples of voltage, {len(sweep.current)} of current; expected equally many"
        return
    for name, unit, si, (low, high), most, usual in RANGES:
        values = getattr(sweep, name)
        if not np.isfinite(values).all():
            yield f"{np.count_nonzero(~np.isfinite(values))} values of its {name} are NaN or infinite"
            continue
        largest = np.abs(values).max()
        if low < largest < high or largest > most:
            looks = f", which looks like {si}" if largest < high else ""
            yield (
                f"its {name} lies between {values.min():.3g} and {values.max():.3g}{looks}; expected {unit}, "
                f"usually {usual}"
            )


@dataclass(frozen=True)
class RecordedCell:
    """The current-clamp sweeps of a cell in the order of recording, and how many were left out for what reason."""

    cell_id: str
    sweeps: tuple[Sweep, ...]
    left_out: Counter[str] = field(default_factory=Counter)
    file: str = ""


@dataclass(frozen=True)
class LongSquare:
    """A sweep whose stimulus is one long current step."""

    sweep: Sweep
    step: Step

    @cached_property
    def spike_times_s(self) -> Float[np.ndarray, " spike"]:
        """Peaks of the spikes during the step, from its onset."""
        rate, step = self.sweep.sampling_rate, self.step
        first = max(0, round((step.onset_s - MARGIN_S) * rate))
        near = self.sweep.voltage[first : round((step.onset_s + step.duration_s + MARGIN_S) * rate)]
        times = (first + spike_peaks(near, rate)) / rate - step.onset_s
        return times[(times > 0) & (times < step.duration_s)]  # the artefact of switching off is no spike

    def __str__(self) -> str:
        return f"sweep {self.sweep.number} ({self.step.amplitude_pA:.4g} pA, {len(self.spike_times_s)} spikes)"


@dataclass(frozen=True)
class Chosen:
    """The two sweeps of a cell that scalograms and features are made of, and all long squares they were chosen from."""

    rheobase: LongSquare
    hero: LongSquare
    squares: tuple[LongSquare, ...]


def spike_peaks(voltage: Float[np.ndarray, " time"], sampling_rate: float) -> Int[np.ndarray, " spike"]:
    """Returns the samples at which spikes peak.

    By the criteria of IPFX: a peak of -30 mV or more, 2 mV above what surrounds it, with a slope of 20 mV/ms within the
    5 ms before it and since the last peak. Above 20 kHz the voltage is low-pass filtered at 10 kHz first (Bessel, 4th
    order, forwards and backwards), as noise from sample to sample is steep.
    """
    voltage = _lowpassed(voltage.astype(np.float64), sampling_rate)
    slope = np.diff(voltage) * sampling_rate / 1e3
    steep = np.r_[0, np.cumsum(slope >= SLOPE)]  # how often before each sample
    peaks, _ = find_peaks(voltage, height=LOWEST_PEAK, prominence=SMALLEST_SPIKE)
    since = np.maximum(np.r_[0, peaks[:-1]], peaks - round(LONGEST_RISE_S * sampling_rate))
    return peaks[steep[peaks] > steep[since]]


def _lowpassed(voltage: Float[np.ndarray, " time"], sampling_rate: float) -> Float[np.ndarray, " time"]:
    if sampling_rate <= 2 * LOWPASS:
        return voltage
    padding = min(len(voltage) - 1, round(LONGEST_RISE_S * sampling_rate))
    return sosfiltfilt(_sections(sampling_rate), voltage, padlen=padding)


@lru_cache(maxsize=16)
def _sections(sampling_rate: float) -> Float[np.ndarray, "section 6"]:
    return bessel(4, LOWPASS, fs=sampling_rate, output="sos")


def long_squares(
    sweeps: Iterable[Sweep], duration_s: float = 1.0, tolerance_s: float = 0.02
) -> tuple[list[LongSquare], Counter[str]]:
    """Returns the sweeps with one long step of that duration, and how many are none for what reason."""
    squares, left_out = [], Counter()
    for sweep in sweeps:
        try:
            step = find_long_square(sweep.current, sweep.sampling_rate, duration_s, tolerance_s)
        except ValueError as reason:
            left_out[str(reason)] += 1
        else:
            squares.append(LongSquare(sweep, step))
    return squares, left_out


def reasons(left_out: Counter[str]) -> str:
    """Lists how many were left out for what reason, the most frequent first."""
    return "; ".join(f"{count}: {reason}" for reason, count in left_out.most_common())


def chosen(
    sweeps: Sequence[Sweep],
    duration_s: float = 1.0,
    tolerance_s: float = 0.02,
    hero_pA: tuple[float, float] = HERO_PA,
) -> Chosen:
    """Returns the rheobase and the hero sweep.

    Args:
        duration_s, tolerance_s: of the long squares of the protocol.
        hero_pA: how far above the rheobase the hero sweep lies, limits excluded.

    Raises:
        UserError: with the reason why the cell has not both.
    """
    squares, left_out = long_squares(sweeps, duration_s, tolerance_s)
    if not squares:
        raise UserError(
            f"none of its {len(sweeps)} sweeps is a long square of {duration_s:g} s ({reasons(left_out)}); "
            f"dataset.duration_s says how long the steps of the protocol last{_usual(sweeps, duration_s)}, and the "
            "current must be in pA"
        )
    rising = sorted((s for s in squares if s.step.amplitude_pA > 0), key=_order)
    rheobase = next((s for s in rising if len(s.spike_times_s)), None)
    if rheobase is None:
        weakest, strongest = min(amplitudes := [s.step.amplitude_pA for s in squares]), max(amplitudes)
        raise UserError(f"none of its {len(squares)} long squares ({weakest:.4g} to {strongest:.4g} pA) evokes a spike")
    low, high = (rheobase.step.amplitude_pA + above for above in hero_pA)
    hero = next((s for s in rising if low < s.step.amplitude_pA < high and len(s.spike_times_s)), None)
    if hero is None:
        others = [f"{s.step.amplitude_pA:.4g}" for s in rising if len(s.spike_times_s) and s is not rheobase]
        raise UserError(
            f"no spiking long square between {low:.4g} and {high:.4g} pA, which is {hero_pA[0]:g} to {hero_pA[1]:g} pA "
            f"above its rheobase, {rheobase}; others that spike: {', '.join(others) + ' pA' if others else 'none'}"
        )
    return Chosen(rheobase, hero, tuple(squares))


def _usual(sweeps: Sequence[Sweep], duration_s: float) -> str:
    """Suggests the duration of most pulses that are too long for tests, where it is another one."""
    lengths = np.concatenate([pulse_lengths(sweep.current, sweep.sampling_rate) for sweep in sweeps])
    kinds = np.round(lengths[lengths > TEST_PULSE_S - 0.02] / 0.05)  # noisy pulses are known to 10 ms
    if not len(kinds):
        return ""
    kind, counts = np.unique(kinds, return_counts=True)
    usual = float(np.median(lengths[np.round(lengths / 0.05) == kind[counts.argmax()]]))
    return f" (most of them last {usual:.2g} s)" if abs(usual - duration_s) > 0.02 else ""


def _order(square: LongSquare) -> tuple[int, int]:
    return round(square.step.amplitude_pA / SAME_PA), square.sweep.number


def window(square: LongSquare, duration_s: float = 1.0) -> Sweep:
    """Cuts the step out with `MARGIN_S` on both sides; equally many samples for all steps at one sampling rate."""
    sweep = square.sweep
    first = round((square.step.onset_s - MARGIN_S) * sweep.sampling_rate)
    cut = slice(first, first + round((duration_s + 2 * MARGIN_S) * sweep.sampling_rate))
    return Sweep(sweep.voltage[cut], sweep.current[cut], sweep.sampling_rate, sweep.number)
