"""Steps found in stimulus traces that are made by hand."""

import numpy as np
import pytest
from made.steps import RATE, RATES, TIME, noise, trace

from celltype_cli.patch_clamp.stimuli import Step, find_long_square


def found(current, rate=RATE, duration_s=1.0, tolerance_s=0.02):
    return find_long_square(current.astype(np.float32), rate, duration_s, tolerance_s)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("baseline", [0.0, -26.0])
def test_a_step_after_a_test_pulse(rate, baseline):
    current = trace(rate, (0.01, 0.03, -20), (0.6, 1.6, 90), baseline=baseline)
    assert found(current, rate) == Step(onset_s=0.6, duration_s=1.0, amplitude_pA=90.0)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("amplitude", [-30.0, 20.0, 300.0])
def test_a_step_in_recorded_noise(rate, amplitude):
    current = trace(rate, (0.01, 0.03, -20), (0.6, 1.6, amplitude), baseline=-26.0) + noise(rate, 5.0)
    step = found(current, rate)
    assert step.onset_s == pytest.approx(0.6, abs=0.001)
    assert step.duration_s == pytest.approx(1.0, abs=0.002)
    assert step.amplitude_pA == pytest.approx(amplitude, abs=1.0)


def test_spikes_that_an_amplifier_lets_through_are_no_pulses():
    """As in recordings of the Blue Brain Project: every spike shows in the recorded current, with some 1 nA."""
    current = trace(RATE, (0.6, 1.6, 220), baseline=-26.0) + noise(RATE, 20.0)
    for k in (np.arange(0.62, 1.6, 0.05) * RATE).astype(int):
        current[k : k + 4] += (1000, 1000, -500, -500)
    step = found(current)
    assert (step.onset_s, step.duration_s) == (pytest.approx(0.6, abs=0.001), pytest.approx(1.0, abs=0.001))
    assert step.amplitude_pA == pytest.approx(220, abs=3)


ON = (TIME >= 0.6) & (TIME < 1.6)
NOT_CONSTANT, OTHER = "not constant during its step", "no step of 1 s"
EITHER = f"{NOT_CONSTANT}|{OTHER}"  # where it leaves the baseline slowly, or crosses it
NO_LONG_SQUARES = {
    "nothing": (0 * TIME, "no current step"),
    "holding": (0 * TIME - 50, "no current step"),
    "too small": (0.5 * ON, "no current step"),
    "ramp": (500 * (TIME - 0.6) * ON, EITHER),
    "ramp on a step": (50 * ON + 10 * (TIME - 0.6) * ON, NOT_CONSTANT),
    "noise on a step": ((100 + noise(RATE, 10)) * ON, NOT_CONSTANT),
    "sine on a step": ((100 + 10 * np.sin(2 * np.pi * 5 * TIME)) * ON, NOT_CONSTANT),
    "two levels": (trace(RATE, (0.6, 1.6, 50), (1.1, 1.6, 50)), NOT_CONSTANT),
    "a bump at the end": (trace(RATE, (0.6, 1.6, 50), (1.5, 1.6, 50)), NOT_CONSTANT),
    "up and down": (trace(RATE, (0.6, 1.1, 50), (1.1, 1.6, -50)), NOT_CONSTANT),
    "sine": (50 * np.sin(2 * np.pi * 5 * TIME) * ON, EITHER),
    "short squares": (
        trace(RATE, (0.6, 0.603, 500), (0.62, 0.623, 500), (0.64, 0.643, 500)),
        r"longest pulse: 0\.003 s",
    ),
    "half a second": (trace(RATE, (0.6, 1.1, 50)), r"longest pulse: 0\.5 s"),
    "a gap": (trace(RATE, (0.6, 1.0, 50), (1.05, 1.6, 50)), OTHER),
    "no end": (trace(RATE, (1.0, 2.0, 50)), "does not hold the whole step"),
    "no beginning": (trace(RATE, (0.0, 1.0, 50)), "does not hold the whole step"),
    "too early": (trace(RATE, (0.09, 1.09, 50)), "less than 0.1 s recorded"),
    "too late": (trace(RATE, (0.91, 1.91, 50)), "less than 0.1 s recorded"),
    "a stimulus before": (trace(RATE, (0.02, 0.52, 50), (0.8, 1.8, 50)), "another pulse, of 0.5 s, before"),
    "a pulse just before": (trace(RATE, (0.53, 0.56, 50), (0.6, 1.6, 50)), "another pulse within 0.1 s"),
    "a pulse just after": (trace(RATE, (0.6, 1.6, 50), (1.65, 1.7, 50)), "another pulse within 0.1 s"),
}


@pytest.mark.parametrize("stimulus", NO_LONG_SQUARES)
def test_what_is_no_long_square(stimulus):
    current, reason = NO_LONG_SQUARES[stimulus]
    with pytest.raises(ValueError, match=reason):
        found(current)


def test_noise_that_averages_out_is_still_no_step():
    """At 50 kHz, 10 ms of it average to less than half a pA; but the baseline has none."""
    rate = 50_000.0
    current = trace(rate, (0.6, 1.6, 100))
    with pytest.raises(ValueError, match=NOT_CONSTANT):
        found(current + noise(rate, 10.0) * (current > 0), rate)


def test_what_comes_later_cannot_have_changed_the_response():
    current = trace(RATE, (0.2, 1.2, 50), (1.5, 2.5, 80), seconds=3.0)
    assert found(current) == Step(0.2, 1.0, 50.0)


def test_another_duration_may_be_asked_for():
    current = trace(RATE, (0.05, 0.35, -100), (0.8, 1.3, 70))  # the test pulse is long, as in real ABF files
    assert found(current, duration_s=0.5) == Step(0.8, 0.5, 70.0)


@pytest.mark.parametrize("mains", [50.0, 60.0])
@pytest.mark.parametrize("rate", [4000.0, 44_100.0])
def test_a_step_in_hum(rate, mains):
    """Blocks of 10 ms hold half a period of 50 Hz, whose mean is large."""
    current = trace(rate, (0.6, 1.6, 40), baseline=-26.0) + noise(rate, 2.0)
    step = found(current + 8 * np.sin(2 * np.pi * mains * np.arange(len(current)) / rate), rate)
    assert step.onset_s == pytest.approx(0.6, abs=0.002)
    assert step.amplitude_pA == pytest.approx(40, abs=1.0)
