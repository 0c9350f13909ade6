"""Features of sweeps whose currents and voltages are made by formula."""

import math
import sys
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made.spikes import REST, ramp, short_square, spiking

pytest.importorskip("allensdk.ephys.ephys_extractor", reason="needs the extra allen")

from celltype_cli.core.messages import UserError  # noqa: E402
from celltype_cli.patch_clamp.choice import Chosen
from celltype_cli.patch_clamp.features.cell import FROM_REST, NAMES, features, from_rest  # noqa: E402
from celltype_cli.patch_clamp.recording import Sweep  # noqa: E402
from celltype_cli.patch_clamp.squares import LongSquare
from celltype_cli.patch_clamp.stimuli import Step  # noqa: E402

RATES = (10_000.0, 20_000.0, 50_000.0, 200_000.0)
RATE, ONSET = 50_000.0, 0.2
TAU = 0.02


def square(amplitude, response, rate=RATE, onset=ONSET, number=1, baseline=0.0):
    """A step of 1 s; `response` gives the voltage at times (s) from its onset."""
    time = np.arange(round((onset + 1.2) * rate)) / rate - onset
    during = (time > -0.5 / rate) & (time < 1 - 0.5 / rate)
    voltage = np.where(during, response(time), REST)
    sweep = Sweep(voltage.astype(np.float32), (baseline + amplitude * during).astype(np.float32), rate, number)
    return LongSquare(sweep, Step(onset, 1.0, amplitude))


def firing(amplitude, *thresholds_ms, **settings):
    """Spikes that begin at these times, from -50 mV."""
    return square(amplitude, lambda t: spiking(t, 0, 0.99, *(t / 1e3 for t in thresholds_ms)), **settings)


def charging(amplitude, resistance=200.0, tau=TAU, **settings):
    """A membrane of so many MOhm, with time constant `tau` (s)."""
    return square(
        amplitude, lambda t: REST + amplitude * resistance / 1e3 * -np.expm1(-np.clip(t, 0, None) / tau), **settings
    )


def cell(*others, **settings):
    """Rheobase at 50 pA, 100 and 150 ms after the onset; hero with intervals of 20, 30 and 60 ms."""
    rheobase = firing(50.0, 100, 150, **settings)
    hero = firing(90.0, 40, 60, 90, 150, **settings)
    return Chosen(rheobase, hero, (rheobase, hero, *others))


@pytest.mark.parametrize("rate", RATES)
def test_the_first_spike_at_rheobase(rate):
    found = {name.replace("_long_square", ""): value for name, value in features(cell(rate=rate), "two_sweep").items()}
    blur_ms = 1.5e3 / rate + 0.08  # a sample, and the low-pass at 10 kHz
    assert found["threshold_t (ms from onset)"] == pytest.approx(100, abs=blur_ms)
    assert found["threshold_v (mV)"] == pytest.approx(-50, abs=0.5)
    threshold_ms, threshold_mV = found["threshold_t (ms from onset)"], found["threshold_v (mV)"]
    assert found["peak_v (mV)"] == pytest.approx(30, abs=0.01)
    assert threshold_ms + found["peak_t (ms from threshold)"] == pytest.approx(100.4)
    assert found["slow_trough_v (mV)"] == found["trough_v (mV)"] == pytest.approx(-65, abs=0.01)
    assert found["slow_trough_t (ms from threshold)"] == found["trough_t (ms from threshold)"]
    assert threshold_ms + found["trough_t (ms from threshold)"] == pytest.approx(111.2)
    assert threshold_ms + found["fast_trough_t (ms from threshold)"] == pytest.approx(101.2, abs=blur_ms)
    assert found["fast_trough_v (mV)"] == pytest.approx(-60, abs=0.5)
    assert found["spike_height (mV)"] == pytest.approx(30 - threshold_mV, abs=0.01)
    assert found["fast_trough_depth (mV)"] == threshold_mV - found["fast_trough_v (mV)"]
    assert found["trough_depth (mV)"] == pytest.approx(threshold_mV + 65, abs=0.01)
    assert found["upstroke_downstroke_ratio"] == pytest.approx(200 / 112.5, rel=0.15 if rate == 10_000 else 0.05)
    assert found["threshold_i (pA)"] == 50


@pytest.mark.parametrize("rate", [4000.0, *RATES])
def test_the_spike_train_of_the_hero_sweep(rate):
    found = features(cell(rate=rate), "two_sweep")
    assert found["latency (ms)"] == pytest.approx(40, abs=0.3)
    assert found["avg_isi (ms)"] == pytest.approx((20 + 30 + 60) / 3, abs=0.1)
    assert found["adaptation"] == pytest.approx((10 / 50 + 30 / 90) / 2, abs=0.002)


def test_rest_and_f_i_slope_are_of_all_sweeps():
    third, silent = firing(130.0, *range(40, 400, 40)), charging(10.0)  # 9 spikes; none
    depolarised = replace(silent, sweep=replace(silent.sweep, voltage=silent.sweep.voltage + 8))
    found = features(cell(third, depolarised), "long_square")
    assert found["vrest (mV)"] == pytest.approx((3 * -70 - 62) / 4)
    halves = [replace(s, step=replace(s.step, duration_s=0.5)) for s in cell(third).squares]  # all spikes are in it
    half = features(Chosen(halves[0], halves[1], tuple(halves)), "long_square")
    assert half["f_i_curve_slope (Hz/pA)"] == pytest.approx(2 * found["f_i_curve_slope (Hz/pA)"])
    # Least squares through (50, 2), (90, 4), (130, 9): sum of (x - 90)(y - 5) over sum of (x - 90)^2.
    assert found["f_i_curve_slope (Hz/pA)"] == pytest.approx((40 * 3 + 40 * 4) / (2 * 40**2))


@pytest.mark.parametrize("rate", [4000.0, *RATES])
def test_resistance_and_time_constant_of_a_charging_membrane(rate):
    found = features(cell(charging(-30.0, rate=rate), charging(-70.0, rate=rate)), "long_square")
    assert found["ri (MOhm)"] == pytest.approx(200, rel=1e-4)
    assert found["tau (ms)"] == pytest.approx(20, rel=1e-3)
    assert found["sag"] == pytest.approx(0, abs=1e-4)
    assert found["vm_for_sag (mV)"] == pytest.approx(-70 - 70 * 0.2, abs=1e-3)
    assert found["capacitance (pF)"] == pytest.approx(100, rel=1e-3)  # 20 ms / 200 MOhm
    assert found["drive_long_square (mV)"] == pytest.approx(0.2 * 50, rel=1e-3)  # 200 MOhm, 50 pA
    assert found["trough_from_rest_long_square (mV)"] == pytest.approx(-65 + 70, abs=0.5)


def test_resistance_and_time_constant_leave_strong_steps_out():
    """At -110 pA and below the membrane rectifies; -100 pA itself does not count either, noise or not."""
    strong = [charging(-110.0, 120.0, 0.01), charging(-99.9, 150.0, 0.01)]
    found = features(cell(charging(-30.0), charging(-70.0), *strong), "long_square")
    assert (found["ri (MOhm)"], found["tau (ms)"]) == (pytest.approx(200, rel=1e-4), pytest.approx(20, rel=1e-3))


@pytest.mark.filterwarnings("error")
def test_a_time_constant_that_is_none_does_not_count():
    slow = charging(-70.0, tau=5.0)  # not seen in a step of 1 s
    diverging = square(-60.0, lambda t: REST - 2 * np.expm1(np.clip(t, 0, 1) / 0.3))
    assert features(cell(charging(-50.0), slow, diverging), "long_square")["tau (ms)"] == pytest.approx(20, rel=1e-3)
    assert math.isnan(features(cell(slow), "long_square")["tau (ms)"])


@pytest.mark.filterwarnings("error")
def test_time_constants_that_scipy_warns_of():
    fast = (REST, -75, -78, -79.9, -80, -79)  # three samples for three parameters
    fast = square(-50.0, lambda t: np.interp(t, np.arange(6) / 1e4, fast), rate=10_000.0)
    noise = square(-50.0, lambda t: REST + np.random.default_rng(0).normal(size=len(t)))
    assert features(cell(fast, noise), "long_square")["tau (ms)"] < 1


def test_resistance_from_one_amplitude():
    """Repeats lie so close that the line between them means nothing; the baseline gives the second point."""
    again = charging(-50.2)
    drifted = replace(again, sweep=replace(again.sweep, voltage=again.sweep.voltage + 1))
    for squares in ([charging(-50.0)], [charging(-50.0), drifted]):
        assert features(cell(*squares), "long_square")["ri (MOhm)"] == pytest.approx(200, rel=0.01)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("of", [list, np.array, pd.Series])
def test_what_is_made_of_other_features_in_numbers_and_in_columns(of):
    """Two cells; the second has no resistance to divide by, and so no capacitance."""
    found = {
        "tau (ms)": (20.0, 30.0),
        "ri (MOhm)": (200.0, 0.0),
        "vrest (mV)": (-70.0, -65.0),
        "threshold_i_long_square (pA)": (50.0, 90.0),
        "threshold_v_long_square (mV)": (-40.0, -45.0),
        "fast_trough_v_long_square (mV)": (-60.0, math.nan),
        "trough_v_long_square (mV)": (-75.0, -64.0),
    }
    if of is list:
        of_each = [from_rest({name: pair[k] for name, pair in found.items()}) for k in range(2)]
        made = {name: [one[name] for one in of_each] for name in FROM_REST}
    else:
        made = from_rest({name: of(pair) for name, pair in found.items()})
    assert [*made] == [*FROM_REST]
    expected = [(100, math.nan), (10, 0), (30, 20), (10, math.nan), (-5, 1)]  # 20 ms / 200 MOhm; 200 MOhm x 50 pA; ...
    assert np.allclose([*made.values()], expected, equal_nan=True)


def test_sag_of_the_sweep_nearest_to_minus_100_mv():
    def sagging(lowest, amplitude):  # down in 0.1 s, on by a thousandth of a mV, and back by 10 mV
        voltage = (REST, lowest + 0.001, lowest, lowest + 0.001, lowest + 10)
        return square(amplitude, lambda t: np.interp(t, (0, 0.1, 0.3, 0.5, 0.6), voltage))

    squares = sagging(-90.0, -50.0), sagging(-98.0, -90.0), sagging(-105.0, -130.0)
    found = features(cell(*squares), "long_square")
    assert found["vm_for_sag (mV)"] == pytest.approx(-98)
    assert found["sag"] == pytest.approx(10 / 28, abs=1e-5)  # to -88 mV, of -98 to -70


@pytest.mark.filterwarnings("error")
def test_what_cannot_be_measured_is_nan():
    rheobase, hero = firing(50.0, 300), firing(90.0, 100, 200)
    flat = square(-10.0, lambda t: REST + 5 * (t > 0.5))  # the cell does not respond, and drifts: sag is -5 / 0
    found = features(Chosen(rheobase, hero, (rheobase, hero, flat)), "long_square")
    missing = {name for name, value in found.items() if math.isnan(value)}
    slow_trough = {"slow_trough_v_long_square (mV)", "slow_trough_t_long_square (ms from threshold)"}
    assert missing == {*slow_trough, "adaptation", "tau (ms)", "sag", "capacitance (pF)"}
    found = features(Chosen(rheobase, rheobase, (rheobase, hero)), "long_square")  # nothing but depolarising steps
    missing = {name for name, value in found.items() if math.isnan(value)} - missing
    assert missing == {"avg_isi (ms)", "ri (MOhm)", "vm_for_sag (mV)", "drive_long_square (mV)"}


def test_a_step_at_which_the_cell_fires_says_nothing_of_the_membrane():
    rebound = firing(-50.0, 500)
    assert math.isnan(features(cell(rebound), "long_square")["ri (MOhm)"])


def test_a_sweep_that_allensdk_finds_no_spike_in_or_fails_at_has_nan():
    silent = charging(50.0)
    voltage = np.full(14_000, -20, np.float32)  # flat after each bump: allensdk misses a trough
    voltage[4000:4010] = voltage[8000:8010] = (-10, 10, 30, 20, 0, -20, -30, -25, -22, -20)
    failing = LongSquare(Sweep(voltage, 0 * voltage, 10_000.0, 1), Step(0.2, 1.0, 50.0))
    for rheobase in (silent, failing):
        found = features(replace(cell(), rheobase=rheobase, hero=rheobase, squares=cell().squares), "long_square")
        assert {name for name, value in found.items() if math.isfinite(value)} == {
            "vrest (mV)",
            "f_i_curve_slope (Hz/pA)",
        }


def test_when_the_step_begins_and_at_what_level_makes_no_difference():
    early, late = cell(charging(-50.0)), cell(charging(-50.0, onset=1.02), onset=1.02, baseline=-26.0)
    early, late = features(early, "long_square"), features(late, "long_square")
    assert early == pytest.approx(late, rel=1e-6)
    assert late["threshold_i_long_square (pA)"] == 50


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("rate", [4000.0, 50_000.0, 500_000.0])
def test_every_rate_gives_every_name_and_no_warning(kind, rate):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        others = [ramp(1.0, 1.1, rate=rate), short_square(0.004, 0.1, rate=rate)]
        found = features(cell(charging(-50.0, rate=rate), rate=rate), kind, others)
    assert tuple(found) == NAMES[kind]
    assert all(type(value) is float and math.isfinite(value) for value in found.values())


def test_the_number_of_names():
    assert {kind: len(set(names)) for kind, names in NAMES.items()} == {"two_sweep": 18, "long_square": 29, "all": 55}


def test_slow_sweeps_are_refused():
    with pytest.raises(UserError, match=r"4,000 Hz or more; slower: sweep 1 \(2,500 Hz\)$"):
        features(cell(rate=2500.0), "two_sweep")
    slow = cell(charging(-50.0, rate=2000.0, number=7))
    assert features(slow, "two_sweep")  # it does not look at that sweep
    with pytest.raises(UserError, match=r"slower: sweep 7 \(2,000 Hz\)"):
        features(slow, "long_square")
    found = features(cell(), "all", [ramp(1.0, rate=2000.0), ramp(1.4)])
    assert found["threshold_i_ramp (pA)"] == pytest.approx(35, abs=0.2)  # of the second alone


def test_another_set_is_refused():
    with pytest.raises(
        UserError, match="features=two_sweeps is none of two_sweep, long_square, all; nearest: two_sweep"
    ):
        features(cell(), "two_sweeps")


def test_without_allensdk(monkeypatch):
    monkeypatch.setitem(sys.modules, "allensdk.ephys.ephys_extractor", None)
    with pytest.raises(UserError, match=r"allensdk is missing .*pip install 'celltype\[allen\]'"):
        features(cell(), "two_sweep")
