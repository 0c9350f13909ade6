"""Current-clamp recordings of single cells: sweeps, spikes in them, and the two sweeps that stand for a cell.

The choice follows IPFX (`stimulus_protocol_analysis.py`) and the feature table of the Allen Cell Types Database: the
rheobase sweep has the lowest positive amplitude of a long square that evokes at least one spike; the hero sweep has the
lowest spiking amplitude more than 39 and less than 61 pA above it. Where an amplitude was repeated, the first recorded
sweep that spikes is taken. Where there is no hero sweep, IPFX takes the nearest; here the cell has none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.recording import Sweep, reasons
from celltype_cli.patch_clamp.spikes import spike_peaks
from celltype_cli.patch_clamp.stimuli import MARGIN_S, TEST_PULSE_S, Step, find_long_square, pulse_lengths

HERO_PA = (39.0, 61.0)  # above the rheobase
TOLERANCE_S = 0.02  # of the duration of a long square
SAME_PA = 1.0  # amplitudes that round to the same multiple are repeats; recorded ones are never exactly equal


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


def long_squares(sweeps: Iterable[Sweep], duration_s: float = 1.0) -> tuple[list[LongSquare], Counter[str]]:
    """Returns the sweeps with one long step of that duration, and how many are none for what reason."""
    squares, left_out = [], Counter()
    for sweep in sweeps:
        try:
            step = find_long_square(sweep.current, sweep.sampling_rate, duration_s, TOLERANCE_S)
        except ValueError as reason:
            left_out[str(reason)] += 1
        else:
            squares.append(LongSquare(sweep, step))
    return squares, left_out


def chosen(sweeps: Sequence[Sweep], duration_s: float = 1.0, hero_pA: tuple[float, float] = HERO_PA) -> Chosen:
    """Returns the rheobase and the hero sweep.

    Args:
        duration_s: of the long squares of the protocol.
        hero_pA: how far above the rheobase the hero sweep lies, limits excluded.

    Raises:
        UserError: with the reason why the cell has not both.
    """
    squares, left_out = long_squares(sweeps, duration_s)
    if not squares:
        raise UserError(
            f"none of its {len(sweeps)} sweeps is a long square of {duration_s:g} s ({reasons(left_out)}); "
            f"prepare.duration_s says how long the steps of the protocol last{_usual(sweeps, duration_s)}, and the "
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
    kinds = np.round(lengths[lengths > TEST_PULSE_S - TOLERANCE_S] / 0.05)  # noisy pulses are known to 10 ms
    if not len(kinds):
        return ""
    kind, counts = np.unique(kinds, return_counts=True)
    usual = float(np.median(lengths[np.round(lengths / 0.05) == kind[counts.argmax()]]))
    return f" (most of them last {usual:.2g} s)" if abs(usual - duration_s) > TOLERANCE_S else ""


def _order(square: LongSquare) -> tuple[int, int]:
    return round(square.step.amplitude_pA / SAME_PA), square.sweep.number
