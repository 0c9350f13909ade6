"""Whether what a sweep holds can be a membrane potential: other units and wrong gains pass for one otherwise.

Ranges: a membrane rests above the equilibrium potential of K, some -105 mV, and spikes end below that of Na, some
+60 mV (Hille 2001, Ion Channels of Excitable Membranes). 15 mV are added for junction potentials and 90 mV to peaks for
an unbalanced bridge; dying cells rest near 0 mV, give or take such offsets. No cell is known to fire for long at more
than 1,000 spikes a second; 1,600 were seen in short bursts of cerebellar mossy fibres (Ritzau-Jost et al. 2014, Neuron
84:152).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.choice import Chosen
from celltype_cli.patch_clamp.pulses import SMALLEST_PA
from celltype_cli.patch_clamp.recording import Recording, Sweep, by_kind
from celltype_cli.patch_clamp.stimuli import MARGIN_S

CHOICES = ("error", "keep")
INSIST = "prepare.implausible=keep takes it as it is"
REST_MV = (-120.0, 20.0)
HIGHEST_MV = 150.0
OFTEN_HZ = 1000.0
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


def _fault(sweep: Sweep) -> str:
    rest = float(np.median(before_the_current(sweep)))
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


def before_the_current(sweep: Sweep) -> Float[np.ndarray, " time"]:
    """Returns the potential until the current leaves its first level, or of the first 0.1 s where that is noisy."""
    moved = np.abs(sweep.current - sweep.current[0]) > SMALLEST_PA
    margin = round(MARGIN_S * sweep.sampling_rate)
    first = int(moved.argmax()) if moved.any() else len(moved)
    return sweep.voltage[: first if first >= margin // 10 else margin]
