"""Spikes, and the choice of two sweeps; recordings are made by hand, or real."""

import numpy as np
import pandas as pd
import pytest
from made.steps import RATE, RATES, TIME, noise, trace
from scipy.signal import resample_poly

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.choice import LongSquare, chosen, long_squares
from celltype_cli.patch_clamp.recording import Sweep
from celltype_cli.patch_clamp.spikes import spike_peaks
from celltype_cli.patch_clamp.stimuli import Step


def voltage(rate, *spikes, seconds=2.0, rest=-70.0, peak=30.0):
    """A flat voltage with spikes at these times (s): up in half a millisecond, down in one."""
    values = np.full(round(seconds * rate), rest, np.float32)
    up, down = round(0.0005 * rate), round(0.001 * rate)
    shape = np.r_[np.linspace(rest, peak, up + 1), np.linspace(peak, rest, down + 1)[1:]]
    for time in spikes:
        first = round(time * rate) - up
        values[first : first + len(shape)] = shape
    return values


def sweep(number, amplitude, *spikes, onset=0.5):
    """A sweep of 2 s with a step of 1 s; times of spikes are from its onset."""
    current = trace(RATE, (onset, onset + 1, amplitude)).astype(np.float32)
    return Sweep(voltage(RATE, *(onset + s for s in spikes)), current, RATE, number)


@pytest.mark.parametrize("rate", RATES)
def test_spikes_are_found_at_every_rate(rate):
    times = [0.3, 0.304, 0.9, 1.4]  # two of them 4 ms apart
    noisy = voltage(rate, *times) + noise(rate, 0.1, seed=1).astype(np.float32)
    assert spike_peaks(noisy, rate) / rate == pytest.approx(times, abs=0.0003)


@pytest.mark.parametrize("rate", RATES)
def test_what_is_no_spike(rate):
    time = np.arange(round(2 * rate)) / rate
    charging = -70 + 60 * (1 - np.exp(-np.clip(time - 0.5, 0, None) / 0.002))  # 30 mV/ms at first, never falls
    block = np.full(len(time), -25.0) + noise(rate, 0.3, seed=2)  # depolarised, with the noise of an amplifier
    hump = -70 + 70 * np.exp(-(((time - 0.5) / 0.01) ** 2))  # to 0 mV, at no more than 6 mV/ms
    jump_and_hump = hump + 20 * (time > 0.485)  # the steep part is 15 ms before the peak
    for values in (charging, block, hump, jump_and_hump, voltage(rate, 0.5, peak=-35.0), voltage(rate)):
        assert len(spike_peaks(values.astype(np.float32), rate)) == 0


def test_a_hump_after_a_spike_is_not_another_one():
    values = voltage(RATE, 0.5)
    k = round(0.5 * RATE)
    values[k + 2 : k + 11] = (-20, -24, -23, -21, -19, -21, -23, -40, -60)  # peaks again 1.5 ms later, at 8 mV/ms
    assert list(spike_peaks(values, RATE)) == [k]


def test_a_small_steep_jump_is_no_spike():
    values = np.full(4000, -28.0, np.float32)
    values[2000] += 1.5  # mV in 0.05 ms: 30 mV/ms
    assert len(spike_peaks(values, 20_000.0)) == 0


def test_a_spike_on_top_of_a_charging_membrane():
    """A strong step charges at more than 20 mV/ms; the spike comes when that is long over, without a fall between."""
    values = -70 + 40 * (1 - np.exp(-np.clip(TIME - 0.5, 0, None) / 0.0015))
    k = round(0.508 * RATE)
    values[k : k + 5] = (-20, 0, 30, 10, -30)
    assert list(spike_peaks(values.astype(np.float32), RATE)) == [k + 2]


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
            "voltage lies between -7e.04 and 3e.04, which looks like mV that were called volts; expected mV",
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


def test_spike_counts_of_the_allen_institute(shared_data):
    folder = shared_data / "patch_clamp" / "allen_ctdb_long_square"
    with np.load(folder / "sweeps_50kHz.npz") as arrays:
        for row in pd.read_csv(folder / "index.csv").itertuples():
            recorded = arrays[f"v_mV_{row.specimen_id}_{row.sweep_number}"]
            for up, down in ((1, 1), (2, 25)):  # 50 kHz as it is, and 4 kHz
                values = resample_poly(recorded.astype(float), up, down, padtype="line")
                time = spike_peaks(values, 50_000 * up / down) / (50 * up / down)  # ms
                assert np.count_nonzero((time > row.stim_on_ms) & (time < row.stim_off_ms)) == row.n_spikes


def test_spike_counts_of_rat_pyramidal_cells(shared_data):
    """At 4 kHz; not the strongest sweeps, in which blocked spikes rise slowly and counts depend on the criterion."""
    folder = shared_data / "patch_clamp" / "bbp_sscx_rat_L5PC"
    table = pd.read_csv(folder / "index.csv").query("role != 'max'")
    assert len(table) == 56
    with np.load(folder / "sweeps_4kHz.npz") as arrays:
        for row in table.itertuples():
            time = spike_peaks(arrays[f"{row.cell}_{row.protocol}_{row.sweep}"], 4000.0) / 4000
            assert np.count_nonzero((time > row.on_s) & (time < row.off_s)) == row.spikes


def test_units_that_a_file_calls_by_another_name():
    with pytest.raises(UserError, match="which looks like mV that were called volts; expected mV"):
        make(volts=np.full(100, -7e4))
    with pytest.raises(UserError, match="which looks like pA that were called amperes; expected pA"):
        make(amps=np.full(len(voltage(RATE)), 1e14))
