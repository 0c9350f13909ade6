"""Spikes, and the choice of two sweeps; recordings are made by hand, or real."""

import numpy as np
import pytest
from made.steps import RATE, trace, voltage

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.choice import chosen, notes_on
from celltype_cli.patch_clamp.recording import Sweep
from celltype_cli.patch_clamp.squares import LongSquare, long_squares
from celltype_cli.patch_clamp.stimuli import Step


def sweep(number, amplitude, *spikes, onset=0.5):
    """A sweep of 2 s with a step of 1 s; times of spikes are from its onset."""
    current = trace(RATE, (onset, onset + 1, amplitude)).astype(np.float32)
    return Sweep(voltage(RATE, *(onset + s for s in spikes)), current, RATE, number)


def test_spikes_count_during_the_step_only():
    square = LongSquare(sweep(1, 50, -0.2, -0.05, 0.3, 0.9, 1.05, 1.2), Step(0.5, 1.0, 50.0))
    assert square.spike_times_s == pytest.approx([0.3, 0.9])
    artefact = LongSquare(sweep(1, 50, 1.0), Step(0.5, 1.0, 50.0))  # the moment of switching off
    assert len(artefact.spike_times_s) == 0


def numbers(*sweeps):
    two = chosen(sweeps)
    return two.rheobase.sweep.number, two.hero.sweep.number


def test_rheobase_and_hero():
    assert numbers(sweep(1, -110, 0.5), sweep(2, 10), sweep(3, 30, 0.5), sweep(4, 50, 0.5), sweep(5, 70, 0.5)) == (3, 5)


def test_the_hero_is_the_lowest_that_spikes_in_its_range():
    sweeps = [sweep(1, 30, 0.5), sweep(2, 90, 0.5), sweep(3, 70), sweep(4, 80, 0.5)]  # the third does not spike
    assert numbers(*sweeps) == (1, 4)


@pytest.mark.parametrize(("above", "fits"), [(39, False), (40, True), (60, True), (61, False)])
def test_the_limits_of_the_hero_range_are_outside(above, fits):
    sweeps = [sweep(1, 50, 0.5), sweep(2, 50 + above, 0.5)]
    if fits:
        assert numbers(*sweeps) == (1, 2)
        return
    with pytest.raises(
        UserError, match=rf"between 89 and 111 pA.*sweep 1 \(50 pA, 1 spikes\).*others.*: {50 + above} pA"
    ):
        chosen(sweeps)


def test_another_hero_range_may_be_asked_for():
    assert chosen([sweep(1, 50, 0.5), sweep(2, 85, 0.5)], hero_pA=(30.0, 50.0)).hero.sweep.number == 2


def test_of_repeats_the_first_that_spikes_is_taken():
    """Recorded amplitudes of repeats differ a little; what was recorded first counts, not what is least."""
    sweeps = [sweep(7, 29.8, 0.5), sweep(2, 30.0), sweep(5, 30.2, 0.5), sweep(9, 70.1, 0.5), sweep(8, 70.3, 0.5)]
    assert numbers(*sweeps) == (5, 8)


def test_why_a_cell_has_no_sweeps():
    with pytest.raises(UserError, match=r"none of its 2 long squares \(10 to 50 pA\) evokes a spike; .*is -70 mV"):
        chosen([sweep(1, 10), sweep(2, 50)])
    with pytest.raises(UserError, match=r"above its rheobase, sweep 1 .*; no other sweep spikes"):
        chosen([sweep(1, 30, 0.5), sweep(2, 70)])
    short = Sweep(voltage(RATE), trace(RATE, (0.5, 1.0, 50)).astype(np.float32), RATE, 3)
    with pytest.raises(
        UserError, match=r"none of its 3 sweeps is a long square of 1 s \(2: no current.*; 1: no step of"
    ):
        chosen([sweep(1, 0), sweep(2, 0), short])


def test_currents_on_a_wrong_scale_are_told():
    with pytest.raises(UserError, match="changes by 0.11 pA at most, which looks like nA"):
        chosen([sweep(1, 0.05), sweep(2, 0.11, 0.5)])
    with pytest.raises(UserError, match=r"rheobase, .*; is the current in pA, and the scale") as error:
        chosen([sweep(1, 50_000, 0.5), sweep(2, 70_000, 0.5)])
    assert "hero_pA" not in str(error.value)


def test_the_duration_of_most_steps_is_suggested():
    """Shorter pulses are tests; where there are no others, nothing is suggested."""
    half = trace(RATE, (0.05, 0.35, -20), (0.5, 1.0, 50)).astype(np.float32)
    test = trace(RATE, (0.05, 0.35, -20)).astype(np.float32)
    sweeps = [Sweep(voltage(RATE), current, RATE, k) for k, current in enumerate((half, test, test))]
    with pytest.raises(UserError, match=r"\(most of them last 0\.5 s: prepare\.duration_s=0\.5\)"):
        chosen(sweeps)
    with pytest.raises(UserError) as error:
        chosen(sweeps[1:])
    assert "most of them" not in str(error.value)


def test_ramps_are_no_steps_of_another_duration():
    ramp = np.where(trace(RATE, (0.5, 1.4, 1)), np.arange(2 * RATE) - 0.5 * RATE, 0) / 100
    with pytest.raises(UserError, match=r"\(most pulses last 0\.8\d s, and are not constant: ramps\?\)"):
        chosen([Sweep(voltage(RATE), ramp.astype(np.float32), RATE, k) for k in range(3)])
    late = trace(RATE, (1.45, 1.95, 50)).astype(np.float32)  # and too little is recorded after them
    with pytest.raises(UserError, match=r"\(most of them last 0\.5 s: prepare\.duration_s=0\.5\)"):
        chosen([Sweep(voltage(RATE), late, RATE, k) for k in range(3)])


@pytest.mark.parametrize(("amplitude", "spikes", "said"), [(30, [0.2], True), (30, [], False), (90, [0.2], False)])
def test_a_weaker_step_that_spikes_until_the_recording_ends_is_noted(amplitude, spikes, said):
    """Its sweep was stopped, so that it is no long square; the rheobase is then not the lowest step that spikes."""
    whole = sweep(1, amplitude, *spikes)
    n = round(1.2 * RATE)
    stopped = Sweep(whole.voltage[:n], whole.current[:n], RATE, 1)
    notes = notes_on(chosen([stopped, sweep(2, 50, 0.5), sweep(3, 100, 0.5)]))
    note = "the recording ends within a step of 30 pA that evokes spikes: the rheobase may be lower than that of sweep"
    assert [one[: len(note)] for one in notes] == [note] * said


def test_sweeps_left_out_are_counted():
    squares, left_out = long_squares([sweep(1, 0), sweep(2, 50), sweep(3, 0)])
    assert [s.sweep.number for s in squares] == [2]
    assert [*left_out.values()] == [2]


def make(volts=None, amps=None, rate=RATE):
    volts = voltage(RATE) if volts is None else np.asarray(volts, np.float32)
    amps = np.zeros(len(volts), np.float32) if amps is None else np.asarray(amps, np.float32)
    return Sweep(volts, amps, rate, 12)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"volts": [-0.07, 0.03]}, "voltage lies between -0.07 and 0.03, which looks like volts; expected mV"),
        (
            {"volts": [-70_000, 30_000]},
            "voltage lies between -7e.04 and 3e.04, which looks like mV that were called volts, or uV",
        ),
        ({"amps": [0] * 7999 + [9e-11]}, "current lies between 0 and 9e-11, which looks like amperes; expected pA"),
        ({"volts": [-70, np.nan]}, "1 values of its voltage are NaN"),
        ({"volts": [-70, -70], "amps": [0]}, "2 samples of voltage, 1 of current"),
        ({"volts": []}, "0 samples of voltage"),
        ({"rate": 50.0}, "sampling rate is 50 Hz"),
        ({"volts": [-0.07], "amps": [9e-11], "rate": 4.0}, "rate.*; .*volts.*; .*amperes"),
    ],
)
def test_a_sweep_is_checked_where_it_is_born(arrays, message):
    with pytest.raises(UserError, match=f"sweep 12: .*{message}"):
        make(**arrays)


def test_a_current_that_only_rounding_keeps_from_zero_is_no_ampere():
    assert make(amps=np.full(8000, 1e-14)).number == 12


def test_units_that_a_file_calls_by_another_name():
    with pytest.raises(
        UserError, match="which looks like mV that were called volts, or uV that were called mV; expected"
    ):
        make(volts=np.full(100, -7e4))
    with pytest.raises(
        UserError, match="which looks like pA that were called amperes, or fA that were called pA; expected"
    ):
        make(amps=np.full(len(voltage(RATE)), 1e14))
