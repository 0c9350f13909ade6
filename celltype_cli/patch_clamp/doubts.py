"""What a recording of a spiking neuron hardly has: at rest, when it is held, at the step, at spikes, in its noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.signal import detrend

from celltype_cli.patch_clamp.agreement import contradiction
from celltype_cli.patch_clamp.choice import MOST_PA, Chosen
from celltype_cli.patch_clamp.plausible import before_the_current
from celltype_cli.patch_clamp.squares import LongSquare
from celltype_cli.patch_clamp.stimuli import MARGIN_S

RESTS_BELOW_MV = -30.0  # at which sodium channels are inactivated (Hodgkin and Huxley 1952, J Physiol 116:497)
DRIFTS_MV = 15.0  # between the two sweeps, or one and the next; recordings of the Cell Types Database drift by a few mV
RESTS_ABOVE_MV = -95.0  # without a junction potential, which some subtract; neurons rest at -85 mV or above
HELD_PA = 30.0  # less holds many cells steady, or is an offset of the amplifier
# A membrane charges with a time constant of some ms, and half a millisecond moves it by a few mV.
SOON_S, JUMPS_MV = 0.0005, 15.0
CUT_OFF = 10  # samples of a sweep at exactly its largest value, at least half of them beside another
HUM_MV, MAINS_HZ, SPIKES_MV = 1.0, (50, 60), 30.0  # from which on it is noted; and of what else is no hum
STILL_S = 0.05  # without any change, which noise makes within some samples
# Times that spikes rise faster than they fall, the median: 0.85 or more of 5,642 neurons (Gouwens et al. 2019, 2020, in
# the tables of Amprimo et al. 2025).
RISES_FASTER, RISE_S = 0.8, 0.002


def doubts(two: Chosen) -> list[str]:
    """Returns notes on what makes it doubtful that the recording is what it is taken for."""
    return [
        *filter(None, [contradiction(two.squares)]),
        *_at_rest(two),
        *_at_the_step(two),
        *_at_spikes(two),
        *_in_noise(two),
    ]


def _at_rest(two: Chosen) -> list[str]:
    found = []
    rests = {square.sweep.number: float(np.median(before_the_current(square.sweep))) for square in two.squares}
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
    if rest > RESTS_BELOW_MV:
        found.append(
            f"its potential rests at {rest:.3g} mV, where no neuron spikes when the current is switched on: an offset?"
        )
    return found


def _at_the_step(two: Chosen) -> list[str]:
    found = []
    if min(jumps := [_jump(square) for square in (two.rheobase, two.hero)]) > JUMPS_MV:
        found.append(f"its potential jumps by {max(jumps):.3g} mV when the current is switched on: is the bridge "
                     "balanced?")  # fmt: skip
    if (rheobase := two.rheobase.step.amplitude_pA) > MOST_PA:
        found.append(f"its rheobase is {rheobase:,.0f} pA: is the current in pA, and the scale of its command right?")
    return found


def _at_spikes(two: Chosen) -> list[str]:
    found, voltage = [], two.hero.sweep.voltage
    ratios = [*_rises_faster(two.rheobase), *_rises_faster(two.hero)]
    top = np.flatnonzero(voltage == voltage.max())
    if len(top) >= CUT_OFF and (np.diff(top) == 1).sum() >= CUT_OFF // 2 and np.median(np.abs(np.diff(voltage))) > 0:
        found.append(f"its spikes are cut off at {float(voltage.max()):.4g} mV: features of their peaks are of no use")
    elif ratios and (faster := np.median(ratios)) < RISES_FASTER:
        found.append(f"its spikes rise {faster:.2g} times as fast as they fall, as no neuron's do: does time run "
                     "backwards?")  # fmt: skip
    return found


def _in_noise(two: Chosen) -> list[str]:
    found = []
    if (hum := _hum(two.squares))[0] > HUM_MV:
        found.append(f"its potential hums by {hum[0]:.2g} mV at {hum[1]} Hz: features of small changes are of no use")
    if (still := max(map(_still_s, (two.rheobase, two.hero)))) > STILL_S:
        found.append(
            f"its potential stays the same to the digit for {still:.2g} s of a step: was the recording stopped?"
        )
    return found


def _rises_faster(square: LongSquare) -> list[float]:
    """Returns for each spike of the step its largest slope before the peak over the steepest one after it."""
    rate = square.sweep.sampling_rate
    reach, slope = round(RISE_S * rate), np.diff(square.sweep.voltage.astype(np.float64))
    peaks = square.onset + np.round(square.spike_times_s * rate).astype(int)
    around = ((slope[max(0, peak - reach) : peak], slope[peak : peak + reach]) for peak in peaks)
    return [float(before.max() / -after.min()) for before, after in around if len(after) and after.min() < 0]


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
