"""The two sweeps that stand for a cell: long squares, spikes in them, and which is rheobase and which hero.

The choice follows IPFX (`stimulus_protocol_analysis.py`) and the feature table of the Allen Cell Types Database: the
rheobase sweep has the lowest positive amplitude of a long square that evokes at least one spike; the hero sweep has the
lowest spiking amplitude more than 39 and less than 61 pA above it. Where an amplitude was repeated, the first recorded
sweep that spikes is taken. Where there is no hero sweep, IPFX takes the nearest; here the cell has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.agreement import contradiction
from celltype_cli.patch_clamp.continuous import cut
from celltype_cli.patch_clamp.pulses import SMALLEST_PA
from celltype_cli.patch_clamp.recording import Sweep, reasons
from celltype_cli.patch_clamp.spikes import spike_peaks
from celltype_cli.patch_clamp.squares import TOLERANCE_S, LongSquare, long_squares
from celltype_cli.patch_clamp.stimuli import (
    MARGIN_S,
    NOT_CONSTANT,
    TEST_PULSE_S,
    find_stopped_step,
    pulses_without_hum,
)

HERO_PA = (39.0, 61.0)  # above the rheobase
FIRST, EXCHANGED = 10, (-110.0, -40.0)  # samples of a sweep, and potentials (mV) in them that may have become currents
AT_ONCE_S = 0.002  # a spike takes longer to rise from rest
MOST_PA = 10_000.0  # of a rheobase; that of large motoneurons is a few nA
SELDOM = 0.01  # share of the samples at which a command changes
SAME_PA = 1.0  # amplitudes that round to the same multiple are repeats; recorded ones are never exactly equal


@dataclass(frozen=True)
class Chosen:
    """The two sweeps of a cell that scalograms and features are made of, all long squares they were chosen from, what
    is to be noted where sweeps hold several steps, how many sweeps spike without any step, and the amplitudes (pA),
    below the rheobase, of steps that evoke spikes and within which the recording ends."""

    rheobase: LongSquare
    hero: LongSquare
    squares: tuple[LongSquare, ...]
    several: str = ""
    without_step: int = 0
    stopped_pA: tuple[float, ...] = ()


def chosen(sweeps: Sequence[Sweep], duration_s: float = 1.0, hero_pA: tuple[float, float] = HERO_PA) -> Chosen:
    """Returns the rheobase and the hero sweep.

    Args:
        duration_s: of the long squares of the protocol.
        hero_pA: how far above the rheobase the hero sweep lies, limits excluded.

    Raises:
        UserError: with the reason why the cell has not both.
    """
    sweeps, several = cut(sweeps, duration_s, TOLERANCE_S)
    squares, left_out = long_squares(sweeps, duration_s)
    if not squares:
        raise UserError(
            f"none of its {len(sweeps)} sweeps is a long square of {duration_s:g} s ({reasons(left_out)}); "
            f"{_usual(sweeps, duration_s)}"
        )
    rising = sorted((s for s in squares if s.step.amplitude_pA > 0), key=_order)
    rheobase = next((s for s in rising if len(s.spike_times_s)), None)
    if rheobase is None:
        weakest, strongest = min(amplitudes := [s.step.amplitude_pA for s in squares]), max(amplitudes)
        rest = float(np.median([np.median(square.sweep.voltage) for square in squares]))
        peak = max(float(square.sweep.voltage.max()) for square in squares)
        why = _exchanged(sweeps) or contradiction(squares) or _commanded(squares) or "are unit, gain and channel right?"
        raise UserError(
            f"none of its {len(squares)} long squares ({weakest:.4g} to {strongest:.4g} pA) evokes a spike; the "
            f"potential is {rest:.3g} mV (median) and peaks at {peak:.3g} mV: {why}"
        )
    low, high = (rheobase.step.amplitude_pA + above for above in hero_pA)
    hero = next((s for s in rising if low < s.step.amplitude_pA < high and len(s.spike_times_s)), None)
    if hero is None:
        others = [s.step.amplitude_pA for s in rising if len(s.spike_times_s) and s is not rheobase]
        raise UserError(
            f"no spiking long square between {low:.4g} and {high:.4g} pA, which is {hero_pA[0]:g} to {hero_pA[1]:g} pA "
            f"above its rheobase, {rheobase}; {contradiction(squares) or _others_that_spike(rheobase, others)}"
        )
    stopped = sorted(filter(None, map(_spikes_until_stopped, sweeps)))
    below = tuple(pA for pA in stopped if 0 < pA < rheobase.step.amplitude_pA - SAME_PA)
    return Chosen(rheobase, hero, tuple(squares), several, sum(map(_spikes_without_step, sweeps)), below)


def notes_on(two: Chosen) -> list[str]:
    """Says what makes the choice of the two sweeps doubtful."""
    found = [two.several] if two.several else []
    if any(square.held_s for square in two.squares):
        found.append(f"less than {MARGIN_S:g} s was recorded before the step: the level there was held for the rest")
    if needed := max(square.noisy_mV or 0 for square in (two.rheobase, two.hero)):
        found.append(
            f"its noise is large from sample to sample: only peaks that stand out by {needed:.0f} mV count as spikes"
        )
    if two.without_step:
        found.append("sweeps of it hold spikes and no current step: was their current recorded? (if the cell fires by "
                     "itself, the rheobase is in doubt)")  # fmt: skip
    if two.stopped_pA:
        found.append(f"the recording ends within a step of {two.stopped_pA[0]:.4g} pA that evokes spikes: the rheobase "
                     f"may be lower than that of {two.rheobase}")  # fmt: skip
    weak = [s for s in two.squares if s.step.amplitude_pA <= 0]
    if any(len(s.spike_times_s) for s in weak) or any(s.spikes_before for s in (*weak, two.rheobase)):
        found.append("it spikes without a current step: a spontaneous spike may have set the rheobase")
    elif two.rheobase.spike_times_s[0] < AT_ONCE_S:
        found.append(f"the spike at rheobase peaks within {1e3 * AT_ONCE_S:g} ms of the step: is it an artefact?")
    return found


def _spikes_without_step(sweep: Sweep) -> bool:
    if len(pulses_without_hum(sweep.current, sweep.sampling_rate).ends):
        return False
    return len(spike_peaks(sweep.voltage, sweep.sampling_rate)) > 0


def _spikes_until_stopped(sweep: Sweep) -> float:
    """Returns the amplitude (pA) of a step that evokes spikes and within which the recording ends; 0 of others."""
    try:
        step = find_stopped_step(sweep.current, sweep.sampling_rate)
    except ValueError:
        return 0.0
    spikes = spike_peaks(sweep.voltage[round(step.onset_s * sweep.sampling_rate) :], sweep.sampling_rate)
    return step.amplitude_pA if len(spikes) else 0.0


def _others_that_spike(rheobase: LongSquare, amplitudes: list[float]) -> str:
    """Lists other amplitudes, and says what to type to take the one next to 50 pA above the rheobase."""
    if rheobase.step.amplitude_pA > MOST_PA:
        return "is the current in pA, and the scale of its command right?"
    if not amplitudes:
        return "no other sweep spikes"
    above = sorted({max(1, round(a - rheobase.step.amplitude_pA)) for a in amplitudes}, key=lambda a: abs(a - 50))[0]
    listed = ", ".join(f"{amplitude:.4g}" for amplitude in amplitudes)
    return f"others that spike: {listed} pA; prepare.hero_pA=[{above - 1},{above + 1}] would take one of them"


def _exchanged(sweeps: Sequence[Sweep]) -> str:
    """Says that sweeps begin with what looks like a potential as current, and none as potential; "" of others."""
    voltage, current = (
        float(np.median([np.median(getattr(sweep, name)[:FIRST]) for sweep in sweeps]))
        for name in ("voltage", "current")
    )
    if abs(voltage) < -EXCHANGED[1] and EXCHANGED[0] < current < EXCHANGED[1]:
        return f"its sweeps begin with {current:.3g} pA and at {voltage:.3g} mV: are current and potential exchanged?"
    return ""


def _commanded(squares: Sequence[LongSquare]) -> str:
    """Says that potentials without any noise that move are commands; "" of others."""
    voltages = [square.sweep.voltage for square in squares]
    flat = all(np.count_nonzero(np.diff(voltage)) < len(voltage) * SELDOM for voltage in voltages)
    return "it changes in steps alone: is it the command of voltage clamp?" if flat else ""


def _usual(sweeps: Sequence[Sweep], duration_s: float) -> str:
    """Says which setting tells the duration, and that of most pulses that are too long for tests, where another."""
    largest = max(float(np.ptp(sweep.current)) for sweep in sweeps)
    if exchanged := _exchanged(sweeps):
        return exchanged
    if 0 < largest < SMALLEST_PA:
        return f"its current changes by {largest:.2g} pA at most, which looks like nA; expected steps in pA"
    lengths = np.concatenate([pulses_without_hum(sweep.current, sweep.sampling_rate).lengths_s for sweep in sweeps])
    kinds = np.round(lengths[lengths > TEST_PULSE_S - TOLERANCE_S] / 0.05)  # noisy pulses are known to 10 ms
    said = "prepare.duration_s says how long the steps of the protocol last{}, and the current must be in pA"
    if not len(kinds):
        return said.format("")
    kind, counts = np.unique(kinds, return_counts=True)
    usual = float(np.median(lengths[np.round(lengths / 0.05) == kind[counts.argmax()]]))
    last = f" (most of them last {usual:.2g} s: prepare.duration_s={usual:.2g})"
    squares, left_out = long_squares(sweeps, round(usual, 2))
    if not squares and left_out.most_common(1)[0][0] == NOT_CONSTANT:
        last = f" (most pulses last {usual:.2g} s, and are not constant: ramps?)"
    return said.format("" if abs(usual - duration_s) <= TOLERANCE_S else last)


def _order(square: LongSquare) -> tuple[int, int]:
    return round(square.step.amplitude_pA / SAME_PA), square.sweep.number
