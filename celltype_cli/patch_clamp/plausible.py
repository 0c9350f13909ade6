"""Whether what a sweep holds can be a membrane potential: other units and wrong gains pass for one otherwise.

Ranges: a membrane rests above the equilibrium potential of K, some -105 mV, and spikes end below that of Na, some
+60 mV (Hille 2001, Ion Channels of Excitable Membranes). 15 mV are added for junction potentials and 90 mV to peaks for
an unbalanced bridge; dying cells rest near 0 mV, give or take such offsets. No cell is known to fire for long at more
than 1,000 spikes a second; 1,600 were seen in short bursts of cerebellar mossy fibres (Ritzau-Jost et al. 2014, Neuron
84:152).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from scipy.signal import detrend

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.agreement import contradiction
from celltype_cli.patch_clamp.choice import MOST_PA, Chosen
from celltype_cli.patch_clamp.pulses import SMALLEST_PA
from celltype_cli.patch_clamp.recording import Recording, Sweep, by_kind
from celltype_cli.patch_clamp.squares import LongSquare
from celltype_cli.patch_clamp.stimuli import MARGIN_S

CHOICES = ("error", "keep")
INSIST = "prepare.implausible=keep takes it as it is"
REST_MV = (-120.0, 20.0)
HIGHEST_MV = 150.0
OFTEN_HZ = 1000.0
RESTS_BELOW_MV = -30.0  # at which sodium channels are inactivated (Hodgkin and Huxley 1952, J Physiol 116:497)
DRIFTS_MV = 15.0  # between the two sweeps, or one and the next; recordings of the Cell Types Database drift by a few mV
RESTS_ABOVE_MV = -95.0  # without a junction potential, which some subtract; neurons rest at -85 mV or above
HELD_PA = 30.0  # less holds many cells steady, or is an offset of the amplifier
# A membrane charges with a time constant of some ms, and half a millisecond moves it by a few mV.
SOON_S, JUMPS_MV = 0.0005, 15.0
CUT_OFF = 10  # samples of a sweep at exactly its largest value, at least half of them beside another
HUM_MV, MAINS_HZ, SPIKES_MV = 1.0, (50, 60), 30.0  # from which on it is noted; and of what else is no hum
STILL_S = 0.05  # without any change, which noise makes within some samples
SHARE = 0.001  # of a sweep, as artefacts of switching are high but short


def plausible(recording: Recording) -> Recording:
    """Leaves out sweeps whose potential cannot be one, with the reason.

    Raises:
        UserError: when none is left; it says what they look like, and how to insist.
    """
    faults = {sweep.number: _fault(sweep) for sweep in recording.sweeps}
    kept = tuple(sweep for sweep in recording.sweeps if not faults[sweep.number])
    if not kept:
        first = recording.sweeps[0]
        said = "".join(f"; {note}" for note in recording.notes)
        raise UserError(f"sweep {first.number}: {faults[first.number]}{said}; correct the file, or {INSIST}")
    counts = by_kind(f"sweep {number}: {fault}" for number, fault in faults.items() if fault)
    return replace(recording, sweeps=kept, left_out=recording.left_out + counts)


def check_spikes(two: Chosen) -> None:
    """Raises a UserError where a chosen sweep has more spikes than any cell fires."""
    for square in (two.rheobase, two.hero):
        rate = len(square.spike_times_s) / square.step.duration_s
        if rate > OFTEN_HZ:
            raise UserError(
                f"{square} holds {rate:,.0f} spikes a second, which looks like noise or a wrong sampling rate; "
                f"correct the file, or {INSIST}"
            )


def doubts(two: Chosen) -> list[str]:
    """Returns notes on what a spiking neuron hardly has: at rest, when it is held, at the step, or at its peaks."""
    found = [said] if (said := contradiction(two.squares)) else []
    rests = {square.sweep.number: float(np.median(_before_the_current(square.sweep))) for square in two.squares}
    rest = float(np.median([*rests.values()]))
    beside = [*zip([*rests.values()][:-1], [*rests.values()][1:])]  # a slow drift, as after spikes, is none
    pairs = [tuple(rests[square.sweep.number] for square in (two.rheobase, two.hero)), *beside]
    if np.ptp(pair := max(pairs, key=np.ptp)) > DRIFTS_MV:
        found.append(f"its potential rests at {pair[0]:.3g} mV in one sweep and {pair[1]:.3g} mV in another: was the "
                     "cell lost on the way, or are two cells in one file?")  # fmt: skip
    held = sorted({round(float(np.median(square.sweep.current[: square.onset]))) for square in two.squares})
    if held and max(-held[0], held[-1]) > HELD_PA:
        said = f"{held[0]} pA" if len(held) == 1 else f"{held[0]} to {held[-1]} pA"
        found.append(f"it is held with {said} before its steps, which count from there: its rest and rheobase are not "
                     "those without current")  # fmt: skip
    if rest < RESTS_ABOVE_MV:
        found.append(f"its potential rests at {rest:.3g} mV: was a junction potential subtracted twice?")
    if min(jumps := [_jump(square) for square in (two.rheobase, two.hero)]) > JUMPS_MV:
        found.append(f"its potential jumps by {max(jumps):.3g} mV when the current is switched on: is the bridge "
                     "balanced?")  # fmt: skip
    if rest > RESTS_BELOW_MV:
        found.append(
            f"its potential rests at {rest:.3g} mV, where no neuron spikes when the current is switched on: an offset?"
        )
    if (rheobase := two.rheobase.step.amplitude_pA) > MOST_PA:
        found.append(f"its rheobase is {rheobase:,.0f} pA: is the current in pA, and the scale of its command right?")
    voltage = two.hero.sweep.voltage
    top = np.flatnonzero(voltage == voltage.max())
    if len(top) >= CUT_OFF and (np.diff(top) == 1).sum() >= CUT_OFF // 2 and np.median(np.abs(np.diff(voltage))) > 0:
        found.append(f"its spikes are cut off at {float(voltage.max()):.4g} mV: features of their peaks are of no use")
    if (hum := _hum(two.squares))[0] > HUM_MV:
        found.append(f"its potential hums by {hum[0]:.2g} mV at {hum[1]} Hz: features of small changes are of no use")
    if (still := max(map(_still_s, (two.rheobase, two.hero)))) > STILL_S:
        found.append(
            f"its potential stays the same to the digit for {still:.2g} s of a step: was the recording stopped?"
        )
    return found


def _still_s(square: LongSquare) -> float:
    """Returns the longest time (s) in the step without any change, where there was noise before it; else 0."""
    rate, voltage = square.sweep.sampling_rate, square.sweep.voltage
    changes = np.diff(voltage[square.onset : square.onset + round(square.step.duration_s * rate)]) != 0
    if square.onset < 2 or np.mean(np.diff(voltage[: square.onset]) != 0) < 0.5:
        return 0.0
    return float(np.diff(np.flatnonzero(np.r_[True, changes, True])).max() - 1) / rate


def _hum(squares: Sequence[LongSquare]) -> tuple[float, int]:
    """Returns the amplitude (mV, the median over sweeps) of the hum of the mains before the steps, and its Hz."""
    found = {hertz: [0.0] for hertz in MAINS_HZ}
    for square in squares:
        rate = square.sweep.sampling_rate
        before = detrend(square.sweep.voltage[max(0, square.onset - round(MARGIN_S * rate)) : square.onset])
        if len(before) >= MARGIN_S * rate - 1 and np.ptp(before) < SPIKES_MV:
            for hertz, sizes in found.items():
                wave = np.exp(-2j * np.pi * hertz * np.arange(len(before)) / rate)
                sizes.append(2 * float(np.abs(np.mean(before * wave))))
    return max((float(np.median(sizes)), hertz) for hertz, sizes in found.items())


def _jump(square: LongSquare) -> float:
    """Returns by how much (mV) the potential has changed half a millisecond after the onset of the step."""
    voltage, onset, rate = square.sweep.voltage, square.onset, square.sweep.sampling_rate
    before, after = voltage[max(0, onset - round(SOON_S * 4 * rate)) : onset], onset + round(SOON_S * rate)
    return float(voltage[after] - np.median(before)) if len(before) else 0.0


def _fault(sweep: Sweep) -> str:
    rest = float(np.median(_before_the_current(sweep)))
    peak = float(np.quantile(sweep.voltage, 1 - SHARE))
    low, high = REST_MV
    if not low <= rest <= high:
        gains = [gain for gain in (10.0, 2.0, 0.1) if -90 <= rest / gain <= -50]
        looks = f"a gain of {gains[0]:g} that was not taken off" if gains else "another channel, unit or gain"
        if -90 <= -rest <= -50:
            looks = "the other sign, or another channel"
        return f"its potential rests at {rest:.4g} mV, which looks like {looks}; expected {low:g} to {high:g} mV"
    if peak > HIGHEST_MV:
        return f"its potential peaks at {peak:.4g} mV, which looks like a wrong gain; expected below {HIGHEST_MV:g} mV"
    return ""


def _before_the_current(sweep: Sweep) -> Float[np.ndarray, " time"]:
    """Returns the potential until the current leaves its first level, or of the first 0.1 s where that is noisy."""
    moved = np.abs(sweep.current - sweep.current[0]) > SMALLEST_PA
    margin = round(MARGIN_S * sweep.sampling_rate)
    first = int(moved.argmax()) if moved.any() else len(moved)
    return sweep.voltage[: first if first >= margin // 10 else margin]
