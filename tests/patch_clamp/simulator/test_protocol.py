"""Simulated cells and what an experimenter records of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made.configs import described

from celltype_cli.patch_clamp.choice import chosen
from celltype_cli.patch_clamp.recording import CLASSES
from celltype_cli.patch_clamp.simulator.classes import CORRELATION, QUANTITIES, neurons, traits
from celltype_cli.patch_clamp.simulator.protocol import Cell, draw, record

PROTOCOL = ("donor_share", "step_pA", "sampling_rate", "noise_mV", "seed")


@pytest.fixture(scope="module")
def shipped() -> dict:
    return dict(described("patch_sim").dataset)


@pytest.fixture(scope="module")
def recorded(shipped):
    cells = [Cell(label, number, number) for label in range(4) for number in range(6)]
    return cells, list(record(cells, **{name: shipped[name] for name in PROTOCOL}))


def test_the_rheobase_is_found_as_an_experimenter_finds_it(recorded, shipped):
    """Coarse steps up to the first spike, fine ones from below that up to the rheobase, then 20, 40 and 60 pA more."""
    for cell in recorded[1]:
        two = chosen(cell.sweeps)
        applied = [square.step.amplitude_pA for square in two.squares]
        spiking = [amplitude for square, amplitude in zip(two.squares, applied) if len(square.spike_times_s)]
        rheobase = two.rheobase.step.amplitude_pA
        assert applied[:4] == [-90, -70, -50, -30] and min(spiking) == rheobase
        assert two.hero.step.amplitude_pA == rheobase + 40 and {rheobase + 20, rheobase + 60} <= {*applied}
        assert rheobase % 40 == 10 or rheobase - 10 in applied, "the step below the rheobase is silent, or a coarse one"
        coarse = [amplitude for amplitude in applied if amplitude > 0 and amplitude % 40 == 0 and amplitude < rheobase]
        assert coarse == [*np.arange(40, rheobase, 40)]
        assert len(cell.sweeps) == len({*applied}) < 40 and not cell.left_out


def test_sweeps_hold_a_clean_step_at_the_asked_rate_and_noise(recorded, shipped):
    for cell in recorded[1][::5]:
        for sweep in cell.sweeps:
            assert sweep.sampling_rate == 50_000 and len(sweep.voltage) == 65_000  # 1.3 s
            step = np.flatnonzero(sweep.current)
            assert (step[0], step[-1] + 1, len(step)) == (7500, 57_500, 50_000)
            noise = np.diff(sweep.voltage[:7000])
            assert np.median(np.abs(noise)) / 0.954 == pytest.approx(0.05, rel=0.1)


def test_spikes_have_the_drawn_shape(recorded, shipped):
    """Threshold, peak and fast trough of the first spike lie within 3 mV where the drawn times put them."""
    cells, recordings = recorded
    drawn = draw(cells, seed=shipped["seed"], donor_share=shipped["donor_share"])
    for k, cell in enumerate(recordings):
        square = chosen(cell.sweeps).rheobase
        first = round((square.step.onset_s + square.spike_times_s[0]) * 50_000)
        voltage = square.sweep.voltage[first - 100 : first + 500]
        rise, fall = drawn["rise_ms"][k], drawn["fall_ms"][k]
        at = [100 - round(50 * rise), 100, 100 + round(50 * fall)]
        points = (drawn["threshold_mV"], drawn["peak_mV"], drawn["threshold_mV"] - drawn["fast_ahp_mV"])
        np.testing.assert_allclose(voltage[at], [values[k] for values in points], atol=3)


def test_traits_have_the_medians_the_spreads_and_the_correlations_of_their_class():
    random = np.random.default_rng(0)
    own, donor = random.standard_normal((2, 8000, len(QUANTITIES)))
    drawn = traits(np.full(8000, CLASSES.index("Sst")), own, donor, 0.15)
    assert np.median(drawn["tau_ms"]) == pytest.approx(20.1, rel=0.02)
    assert np.log(drawn["tau_ms"]).std() == pytest.approx(0.40, rel=0.05)  # cut at 2.3 sd: 3 % less
    assert np.median(drawn["peak_mV"]) == pytest.approx(29.4, abs=0.3) and drawn["peak_mV"].std() > 9.5
    together = np.corrcoef(np.log(drawn["rheobase_pA"]), np.log(drawn["ri_MOhm"]))[0, 1]
    assert together == pytest.approx(-0.8, abs=0.05)
    assert (CORRELATION == CORRELATION.T).all() and np.linalg.eigvalsh(CORRELATION).min() > 0


def test_traits_make_sense_whatever_is_drawn():
    random = np.random.default_rng(1)
    own, donor = 3 * random.standard_normal((2, 4000, len(QUANTITIES)))
    label = np.arange(4000) % 4
    drawn = traits(label, own, donor, 0.5)
    made = neurons(drawn, 10.0)
    assert (drawn["peak_mV"] > drawn["threshold_mV"] + 29).all() and (made.reset > made.rest).all()
    for name in ("capacitance", "leak_below", "leak_above", "tau_w", "spike_ms"):
        assert getattr(made, name).min() > 0
    assert all(np.isfinite(values).all() for values in made) and (made.threshold < made.onset).all()


def test_cells_of_a_donor_resemble_each_other():
    cells = [Cell(label, number, number % 10) for label in range(4) for number in range(100)]
    group = np.array([cell.donor for cell in cells])

    def between(donor_share: float) -> float:
        rise = np.log(draw(cells, seed=0, donor_share=donor_share)["rise_ms"]).reshape(4, 100)
        return float(pd.Series((rise - rise.mean(1, keepdims=True)).ravel()).groupby(group).mean().std())

    assert between(0.8) > 3 * between(0.0)
