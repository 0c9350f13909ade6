"""Ramps and short squares found in stimulus traces that are made by hand."""

import numpy as np
import pytest
from made.steps import RATE, RATES, TIME, noise, trace

from celltype_cli.patch_clamp.stimuli import find_long_square, find_ramp, find_short_square

UP = np.clip(TIME - 0.6, 0, None)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("baseline", [0.0, -26.0])
def test_a_short_square_after_a_test_pulse(rate, baseline):
    for ms in (1, 3, 5):
        current = trace(rate, (0.01, 0.11, -20), (0.6, 0.6 + ms / 1e3, 500), baseline=baseline)
        step = find_short_square(current, rate)
        assert (step.onset_s, step.amplitude_pA) == (0.6, 500.0)
        assert step.duration_s == pytest.approx(ms / 1e3)


NO_SHORT_SQUARES = {
    "nothing": (0 * TIME, "no pulse of 1 to 5 ms"),
    "long square": (trace(RATE, (0.6, 1.6, 50)), "no pulse of 1 to 5 ms"),
    "a test pulse of 10 ms": (trace(RATE, (0.6, 0.61, 10)), "no pulse of 1 to 5 ms"),
    "before a long square": (trace(RATE, (0.2, 0.203, 500), (0.6, 1.6, 50)), "no pulse of 1 to 5 ms"),
    "after a long square": (trace(RATE, (0.2, 1.2, 50), (1.6, 1.603, 500)), "another pulse before"),
    "three": (trace(RATE, (0.6, 0.603, 500), (0.7, 0.703, 500), (0.8, 0.803, 500)), "another pulse before"),
    "negative": (trace(RATE, (0.6, 0.603, -500)), "negative"),
    "two levels": (trace(RATE, (0.6, 0.605, 300), (0.602, 0.605, 300)), "not constant"),
    "from the start": (trace(RATE, (0.0, 0.003, 500)), "no pulse|less than 0.1 s recorded"),
    "holding from 2.5 ms on": (trace(RATE, (0.0025, 2.0, -50)), "less than 0.1 s recorded"),
    "too early": (trace(RATE, (0.05, 0.053, 500)), "less than 0.1 s recorded"),
    "too late": (trace(RATE, (1.95, 1.953, 500)), "less than 0.1 s recorded"),
    "recorded": (trace(RATE, (0.6, 0.603, 500)) + noise(RATE, 5.0), "recorded, not commanded"),
}


@pytest.mark.parametrize("stimulus", NO_SHORT_SQUARES)
def test_what_is_no_short_square(stimulus):
    current, reason = NO_SHORT_SQUARES[stimulus]
    with pytest.raises(ValueError, match=reason):
        find_short_square(current, RATE)


@pytest.mark.parametrize("slope", [15.0, 25.0, 500.0])
@pytest.mark.parametrize("sd", [0.0, 5.0])
@pytest.mark.parametrize("rate", RATES)
def test_a_ramp_after_a_test_pulse(rate, slope, sd):
    time = np.arange(round(8 * rate)) / rate
    ramp = slope * np.clip(time - 1.02, 0, None) * (time < 7.5)
    current = trace(rate, (0.01, 0.11, -20), seconds=8.0, baseline=-26.0) + ramp + noise(rate, sd, seconds=8.0)
    found = find_ramp(current, rate)
    assert found.slope_pA_s == pytest.approx(slope, rel=0.01)
    error_pA = 7 * sd / np.sqrt(0.5 * rate)  # seven standard errors of the mean of half a second
    assert found.onset_s == pytest.approx(1.02, abs=0.002 + error_pA / slope)
    assert found.onset_s + found.duration_s == pytest.approx(7.5, abs=0.011)


NO_RAMPS = {
    "nothing": (0 * TIME, "no ramp"),
    "long square": (trace(RATE, (0.6, 1.6, 50)), "does not rise"),
    "test pulse": (trace(RATE, (0.1, 0.3, 50)), "no ramp"),
    "falling": (-50 * UP, "does not rise"),
    "flat at the end": (np.minimum(50 * UP, 30), "less than 0.1 s|steadily"),
    "up and down": (50 * np.minimum(UP, 1.2 - UP).clip(0), "does not rise"),
    "sine": (50 * np.sin(2 * np.pi * 0.7 * UP), "does not rise|no ramp"),
    "on a step": (trace(RATE, (0.6, 2.0, 50)) + 50 * UP, "steadily from the baseline|less than 0.1 s"),
    "on a small step": (trace(RATE, (0.6, 2.0, 20)) + 100 * UP, "steadily from the baseline"),
    "from the start": (50 * TIME, "less than 0.1 s|no ramp|steadily"),
    "too weak": (5 * UP, "does not rise"),
    "after a long square": (np.r_[trace(RATE, (0.2, 1.2, 50)), 50 * TIME], "no ramp after test pulses only"),
}


@pytest.mark.parametrize("stimulus", NO_RAMPS)
def test_what_is_no_ramp(stimulus):
    current, reason = NO_RAMPS[stimulus]
    with pytest.raises(ValueError, match=reason):
        find_ramp(current, RATE)


def test_a_ramp_is_neither_square():
    with pytest.raises(ValueError):
        find_long_square(100 * UP, RATE, 1.0, 0.02)
    with pytest.raises(ValueError):
        find_short_square(100 * UP, RATE)


def test_no_recorded_step_is_a_ramp_or_a_short_square(shared_data):
    from celltype_cli.patch_clamp.readers.files import read

    files = [*(shared_data / "patch_clamp/nwb").rglob("*.nwb"), *(shared_data / "patch_clamp/abf").glob("*.abf")]
    counted = 0
    for sweep in (sweep for file in files for sweep in read(file).sweeps):
        counted += 1
        for find in (find_ramp, find_short_square):
            with pytest.raises(ValueError):
                find(sweep.current, sweep.sampling_rate)
    assert counted > 50
