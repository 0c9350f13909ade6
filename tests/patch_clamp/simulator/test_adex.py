"""The AdEx neurons against solutions worked out by hand, and the shape of their action potentials."""

import numpy as np
import pytest

from celltype_cli.patch_clamp.simulator.adex import (
    NOISE_MS,
    STEP_MS,
    Neurons,
    Shape,
    action_potential,
    adapting,
    simulate,
)

# C = 100 pF, g = 10 nS below and 5 nS above rest: tau is 10 ms and 20 ms.
PLAIN = {
    "capacitance": 100.0, "leak_below": 10.0, "leak_above": 5.0, "rest": -70.0, "threshold": -45.0, "sharpness": 1.0,
    "onset": -43.0, "reset": -55.0, "spike_ms": 2.0, "subthreshold": 0.0, "jump": 0.0, "tau_w": 100.0,
}  # fmt: skip
SPIKE = Shape(onset=-40.0, peak=30.0, trough=-52.0, rise_ms=0.45, fall_ms=2.0, up_down_ratio=3.0, slow_mV=0, slow_ms=0)


def neuron(**changes) -> Neurons:
    return Neurons(**{name: np.array([float(value)]) for name, value in {**PLAIN, **changes}.items()})


def run(cells: Neurons, current_pA, ms: float):
    """Applies a constant current without noise."""
    count = len(cells.rest)
    current = np.broadcast_to(np.asarray(current_pA, dtype=float), (round(ms / STEP_MS), count))
    return simulate(cells, current, np.zeros((round(ms / NOISE_MS), count)))


@pytest.mark.parametrize(("current", "depth", "tau"), [(-50.0, -5.0, 10.0), (50.0, 10.0, 20.0)])
def test_below_threshold_it_is_a_membrane_with_one_time_constant_on_each_side_of_rest(current, depth, tau):
    voltage, spikes = run(neuron(), current, 200.0)
    times = np.arange(2000) * STEP_MS
    assert len(spikes[0]) == 0
    np.testing.assert_allclose(voltage[0], -70 + depth * (1 - np.exp(-times / tau)), atol=0.01 * abs(depth))


def test_the_rheobase_of_a_long_step():
    # g (VT - EL - DeltaT) = 5 (25 - 1) = 120 pA: where dV/dt has its only zero, for slow changes (Touboul 2008).
    cells = Neurons(*(np.repeat(values, 2) for values in neuron()))
    _, spikes = run(cells, [119.0, 121.0], 1500.0)
    assert len(spikes[0]) == 0 and len(spikes[1]) > 2


def test_a_sharp_neuron_fires_like_a_leaky_one():
    """T = tau ln((RI - reset) / (RI - threshold)) + spike; with 200 pA RI = 40 mV: 20 ln(25 / 15) + 2 = 12.2 ms."""
    _, spikes = run(neuron(sharpness=0.05, onset=-44.9), 200.0, 1000.0)
    assert np.diff(spikes[0]) == pytest.approx(20 * np.log(25 / 15) + 2, abs=0.15)
    assert spikes[0][0] == pytest.approx(20 * np.log(40 / 15), abs=0.15)


def test_a_spike_lasts_as_long_as_it_is_asked_to():
    voltage, spikes = run(neuron(spike_ms=7.0), 200.0, 100.0)
    first, second = spikes[0][:2]
    held = np.flatnonzero(voltage[0] == np.float32(-55.0)) * STEP_MS
    assert held[held < second].min() == pytest.approx(first, abs=STEP_MS)
    assert held[held < second].max() == pytest.approx(first + 7.0, abs=2 * STEP_MS)
    assert voltage.max() < -43.0


def test_each_spike_makes_the_next_one_later_by_the_jump():
    cells = Neurons(*(np.repeat(values, 2) for values in neuron(tau_w=150.0)))._replace(jump=np.array([0.0, 20.0]))
    _, (regular, adapting_) = run(cells, 200.0, 1000.0)
    assert np.ptp(np.diff(regular)) < 0.1
    intervals = np.diff(adapting_)
    assert (np.diff(intervals[:4]) > 0).all() and intervals[-1] > 1.5 * intervals[0]


@pytest.mark.parametrize(("interval", "tau_w"), [(20.0, 15.0), (20.0, 20.0), (20.0, 80.0), (60.0, 80.0), (110.0, 80.0)])
def test_a_neuron_fires_at_the_interval_that_it_was_made_for(interval, tau_w):
    """And the time that the exponential takes from VT to the onset, 2 to 4 ms; 20 ms is also tau of the membrane."""
    _, spikes = run(adapting(neuron(tau_w=tau_w), np.array([180.0]), np.array([interval])), 180.0, 1000.0)
    assert interval + 2 < np.median(np.diff(spikes[0][-5:])) < interval + 4


def test_cells_do_not_depend_on_each_other():
    many = Neurons(*(np.tile(values, 11) for values in neuron(jump=10.0)))
    noise = np.random.default_rng(0).normal(0, 30, (300, 11))
    current = np.full((3000, 11), 150.0)
    together, spikes = simulate(many, current, noise)
    alone, spikes_alone = simulate(many.of(np.array([6])), current[:, :1], noise[:, 6:7])
    assert (together[6] == alone[0]).all() and (spikes[6] == spikes_alone[0]).all() and len(spikes[6]) > 3
    assert len({tuple(times) for times in spikes}) == 11


def test_an_action_potential_has_the_asked_points_and_slopes():
    times = np.arange(0, 2.45, 0.0005)
    voltage = action_potential(times, SPIKE)
    slope = np.diff(voltage) / 0.0005
    assert voltage[0] == -40 and voltage[-1] == pytest.approx(-52, abs=0.01)
    assert voltage.max() == pytest.approx(30, abs=1e-3) and times[voltage.argmax()] == pytest.approx(0.45, abs=1e-3)
    assert slope.max() / -slope.min() == pytest.approx(3, rel=0.02)
    assert 0.03 < slope[0] / slope.max() < 0.06  # the threshold of IPFX lies at 5 % of the steepest slope
    assert slope[voltage.argmax() + 300 :].max() < 0.01 * slope.min()  # the downstroke has not ended before its end


def test_the_slow_trough_comes_after_the_fast_one():
    slow = SPIKE._replace(slow_mV=6.0, slow_ms=15.0)
    times = np.arange(0, slow.lasting_ms, 0.01)
    voltage = action_potential(times, slow)
    assert slow.lasting_ms == 17.45
    assert voltage[245] == pytest.approx(-52, abs=0.05) and voltage[-1] == pytest.approx(-58, abs=0.01)
    slope = np.diff(voltage) / 0.01
    assert slope[246:].min() > 0.01 * slope.min()  # so that the fast trough is seen
