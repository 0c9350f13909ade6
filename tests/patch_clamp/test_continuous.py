"""A recording without gaps is cut into a sweep for each step; sweeps with several steps stay as they are."""

import numpy as np
import pytest
from made.sweeps import RATE, current, voltage

from celltype_cli.patch_clamp.choice import chosen, notes_on
from celltype_cli.patch_clamp.continuous import cut
from celltype_cli.patch_clamp.recording import Sweep
from celltype_cli.patch_clamp.squares import long_squares


def one_sweep(numbers, noise=0.0, between=(), number=0):
    """The sweeps of `made.sweeps`, one after the other, as one; `between` are test pulses: sample and samples."""
    currents = np.concatenate([current(k) for k in numbers])
    currents = currents + np.random.default_rng(0).normal(scale=noise, size=len(currents))
    for first, samples in between:
        currents[first : first + samples] -= 20
    return Sweep(
        np.concatenate([voltage(k) for k in numbers]).astype(np.float32), currents.astype(np.float32), RATE, number
    )


@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_a_recording_without_gaps(noise):
    two = chosen([one_sweep((3, 5, 9), noise)])
    assert [round(s.step.amplitude_pA) for s in two.squares] == [50, 70, 110]
    assert (two.rheobase.sweep.number, two.hero.sweep.number) == (1, 2)
    assert two.rheobase.spike_times_s == pytest.approx([0.25], abs=2 / RATE)
    assert notes_on(two)[0] == "its one sweep holds 3 steps of 1 s: each was taken for a sweep of its own"


def test_it_is_cut_where_it_is_quiet_for_longest():
    """A test pulse between the steps stays whole, and near the step that it comes before."""
    parts, _ = cut([one_sweep((3, 5), between=[(6500, 100)])], 1.0, 0.02)
    assert [len(part.voltage) for part in parts] == [(5000 + 6500) // 2, 12000 - (5000 + 6500) // 2]
    assert [len(long_squares(parts)[0]), *(part.number for part in parts)] == [2, 0, 1]


def test_the_first_of_several_steps_counts_where_there_are_sweeps():
    two = chosen([one_sweep((5, 3)), one_sweep((9, 3), number=1)])
    assert [round(s.step.amplitude_pA) for s in two.squares] == [70, 110]
    assert notes_on(two)[0] == "2 of its 2 sweeps hold several steps of 1 s: the first counts"


def test_one_step_is_left_alone():
    assert cut([one_sweep((5,))], 1.0, 0.02)[1] == "" == cut([one_sweep((5,)), one_sweep((9,), number=1)], 1.0, 0.02)[1]
