"""Ramps and short squares found in stimulus traces that are made by hand."""

import numpy as np
import pytest
from fake_steps import RATE, RATES, TIME, noise, trace

from celltype_cli.stimuli import Step, find_ramp, find_short_square

UP = np.clip(TIME - 0.6, 0, None)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("baseline", [0.0, -26.0])
def test_a_short_square_after_a_test_pulse(rate, baseline):
    current = trace(rate, (0.01, 0.11, -20), (0.6, 0.603, 500), baseline=baseline)
    assert find_short_square(current, rate) == Step(onset_s=0.6, duration_s=0.003, amplitude_pA=500.0)


NO_SHORT_SQUARES = {
    "nothing": (0 * TIME, "no pulse of 1 to 5 ms"),
    "long square": (trace(RATE, (0.6, 1.6, 50)), "no pulse of 1 to 5 ms"),
    "a test pulse of 10 ms": (trace(RATE, (0.6, 0.61, 10)), "no pulse of 1 to 5 ms"),
    "before a long square": (trace(RATE, (0.2, 0.203, 500), (0.6, 1.6, 50)), "no pulse of 1 to 5 ms"),
    "after a long square": (trace(RATE, (0.2, 1.2, 50), (1.6, 1.603, 500)), "another pulse before"),
    "three": (trace(RATE, (0.6, 0.603, 500), (0.7, 0.703, 500), (0.8, 0.803, 500)), "another pulse before"),
    "negative": (trace(RATE, (0.6, 0.603, -500)), "negative"),
    "two levels": (trace(RATE, (0.6, 0.605, 300), (0.602, 0.605, 300)), "not constant"),
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
    assert found.onset_s == pytest.approx(1.02, abs=0.002 + (1.0 / slope if sd else 0))
    assert found.onset_s + found.duration_s == pytest.approx(7.5, abs=0.011)


NO_RAMPS = {
    "nothing": (0 * TIME, "no ramp"),
    "long square": (trace(RATE, (0.6, 1.6, 50)), "does not rise steadily"),
    "test pulse": (trace(RATE, (0.1, 0.3, 50)), "no ramp"),
    "falling": (-50 * UP, "does not rise steadily"),
    "flat at the end": (np.minimum(50 * UP, 30), "does not rise steadily"),
    "up and down": (50 * np.minimum(UP, 1.2 - UP).clip(0), "does not rise steadily"),
    "sine": (50 * np.sin(2 * np.pi * 0.7 * UP), "does not rise steadily|no ramp"),
    "on a step": (trace(RATE, (0.6, 2.0, 50)) + 50 * UP, "does not begin at the baseline"),
    "from the start": (50 * TIME, "less than 0.1 s"),
    "too weak": (5 * UP, "does not rise steadily"),
    "after a long square": (np.r_[trace(RATE, (0.2, 1.2, 50)), 50 * TIME], "no ramp after test pulses only"),
}


@pytest.mark.parametrize("stimulus", NO_RAMPS)
def test_what_is_no_ramp(stimulus):
    current, reason = NO_RAMPS[stimulus]
    with pytest.raises(ValueError, match=reason):
        find_ramp(current, RATE)


def test_a_ramp_is_no_long_square_and_no_short_square(shared_data):
    """Nor is any real step a ramp or a short square."""
    from celltype_cli.readers import sweeps

    files = [*(shared_data / "patch_clamp/nwb").rglob("*.nwb"), *(shared_data / "patch_clamp/abf").glob("*.abf")]
    counted = 0
    for sweep in (sweep for file in files for sweep in sweeps.read(file).sweeps):
        counted += 1
        for find in (find_ramp, find_short_square):
            with pytest.raises(ValueError):
                find(sweep.current, sweep.sampling_rate)
    assert counted > 50
