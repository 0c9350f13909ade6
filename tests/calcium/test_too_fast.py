"""Frames a minute that are taken for frames a second are told by the values."""

import numpy as np
import pytest
from made.configs import recordings

from celltype_cli.calcium.too_fast import notes


def traces(rate, timesteps=2000, decay_s=0.5, noise=0.05):
    """Events with the decay of an indicator, at a rate; and noise."""
    rng = np.random.default_rng(0)
    kernel = np.exp(-np.arange(round(5 * decay_s * rate)) / (decay_s * rate))
    events = (rng.random((6, timesteps)) < 0.3 / rate).astype(float)
    return [np.convolve(row, kernel)[:timesteps] + rng.normal(0, noise, timesteps) for row in events]


@pytest.mark.parametrize("rate", [7.785, 5.1, 3.3])
def test_frames_a_minute(rate):
    (note,) = notes([(60 * rate, trace) for trace in traces(rate)])
    assert note.startswith(f"6 cells are said to be recorded at {60 * rate:.4g} Hz or so")
    assert f"are they frames a minute, and {rate:.3g} Hz meant?" in note and f"frame_rate={rate:.3g}" in note


@pytest.mark.parametrize("rate", [7.8, 30.0, 62.0, 158.0, 467.0, 990.0])
@pytest.mark.parametrize("noise", [0.02, 0.5])
def test_fast_imaging(rate, noise):
    assert not [*notes([(rate, trace) for trace in traces(rate, timesteps=round(60 * rate), noise=noise)])]


def test_noise_alone_and_other_notes():
    noise = np.random.default_rng(0).normal(size=(6, 2000))
    assert not [*notes([(467.0, trace) for trace in noise])]
    assert not [*notes([(467.0, (trace[1:] + trace[:-1]) / 2) for trace in noise])]  # smoothed
    assert not [*notes([(600.0, trace) for trace in traces(10.0)])]  # which `doubts` tells
    assert not [*notes([(467.0, trace[:50]) for trace in noise])] and not [*notes([])]
    assert not [*notes([(467.0, np.where(trace > 0, np.nan, trace)) for trace in noise])]


def test_simulated_cells_at_a_high_rate():
    made = recordings("calcium_sim", cells_per_class=3, animals=2, sessions=1, timesteps=4000, sampling_rate=467.0)
    assert not [*notes([(r.sampling_rate, r.segments[0]) for r in made.entries])]
