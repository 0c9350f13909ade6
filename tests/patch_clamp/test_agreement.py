"""Potentials that contradict their currents, of a membrane of 200 MOhm and 10 ms that spikes from 60 pA on."""

import numpy as np
import pytest
from made.steps import noise, trace

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.agreement import contradiction
from celltype_cli.patch_clamp.choice import chosen
from celltype_cli.patch_clamp.doubts import doubts
from celltype_cli.patch_clamp.recording import Sweep
from celltype_cli.patch_clamp.squares import long_squares

RATE = 10_000.0
AMPLITUDES = (-100.0, -60.0, -30.0, 30.0, 60.0, 110.0)


def response(amplitude, late_s=0.0):
    time = np.arange(round(2 * RATE)) / RATE - 0.5 - late_s
    charged = np.where(time > 0, 1 - np.exp(-np.clip(time, 0, 1) / 0.01), 0) * np.exp(
        -np.clip(time - 1, 0, None) / 0.01
    )
    voltage = -70 + 0.2 * amplitude * charged + noise(RATE, 0.05)
    if amplitude >= 60:
        voltage[round((0.6 + late_s) * RATE) :][:20] = np.r_[np.linspace(-50, 30, 10), np.linspace(30, -60, 10)]
    return voltage


def sweeps(amplitudes=AMPLITUDES, voltages=None, late_s=0.0, factor=1.0):
    voltages = [response(amplitude, late_s) for amplitude in AMPLITUDES] if voltages is None else voltages
    return [
        Sweep(v.astype("f4"), factor * trace(RATE, (0.5, 1.5, amplitude)).astype("f4"), RATE, k)
        for k, (v, amplitude) in enumerate(zip(voltages, amplitudes))
    ]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({}, ""),
        (
            {"factor": -1.0},
            "falls where its current rises: has the current the other sign, or order of sweeps?",
        ),
        ({"amplitudes": (-30.0, 60.0, -100.0, 110.0, -60.0, 30.0)}, "are both in the same order of sweeps?"),
        ({"factor": 0.015}, "moves by 13.3 mV for each pA, which looks like a current in nA"),
        ({"late_s": -0.05}, "moves before its current does: do both begin at the same time?"),
        ({"late_s": 0.05}, "has not moved 20 ms after its current did: do both begin at the same time?"),
    ],
)
def test_what_the_potential_contradicts(made, said):
    found = contradiction(long_squares(sweeps(**made))[0])
    assert found.endswith(said) and bool(found) == bool(said)


def test_it_is_noted_and_says_why_a_cell_cannot_be_used():
    assert doubts(chosen(sweeps())) == []
    assert "do both begin" in doubts(chosen(sweeps(late_s=0.05)))[0]
    with pytest.raises(UserError, match="peaks at 30 mV: its potential falls where its current rises"):
        chosen(sweeps(factor=-1.0))
    with pytest.raises(
        UserError, match="above its rheobase, sweep 4 .1.194 pA, 1 spikes.; its potential moves by 10.1 mV "
    ):
        chosen(sweeps(factor=0.0199))


def test_commands_of_voltage_clamp_and_exchanged_arrays_say_so():
    steps = [trace(RATE, (0.5, 1.5, 0.2 * amplitude), baseline=-70.0) for amplitude in AMPLITUDES]
    with pytest.raises(UserError, match="it changes in steps alone: is it the command of voltage clamp"):
        chosen(sweeps(voltages=steps))
    exchanged = [Sweep(one.current, one.voltage, RATE, one.number) for one in sweeps()]
    with pytest.raises(UserError, match=r"begin with -70 pA and at 0 mV: are current and potential exchanged\?"):
        chosen(exchanged)


def test_hum_and_sweeps_that_were_stopped_are_noted():
    hum = 3 * np.sin(2 * np.pi * 60 * np.arange(round(2 * RATE)) / RATE)
    of = [response(amplitude) for amplitude in AMPLITUDES]
    assert doubts(chosen(sweeps(voltages=[one + hum for one in of])))[0].startswith(
        "its potential hums by 2.9 mV at 60 Hz"
    )
    of[-1][round(1.0 * RATE) :] = of[-1][round(1.0 * RATE)]
    assert "stays the same to the digit for 0.5 s of a step" in doubts(chosen(sweeps(voltages=of)))[0]
