"""What is shown of a recording: the chosen sweeps around their step, in its time, with the spikes found."""

import numpy as np
import pytest
from made.steps import RATE, trace

from celltype_cli.cells.about import Axis
from celltype_cli.patch_clamp.examples import two_sweeps
from celltype_cli.patch_clamp.recording import Entry, Recording, Sweep


def sweep(number, amplitude, *spikes, onset=0.5):
    """2 s at rest, a step of 1 s from its onset, and at these times after it (s) spikes of a millisecond."""
    voltage = np.full(round(2 * RATE), -70, np.float32)
    for time in spikes:
        first, half = round((onset + time) * RATE), round(0.0005 * RATE)
        voltage[first - half : first + half + 1] = 30 - 100 * np.abs(np.linspace(-1, 1, 2 * half + 1))
    return Sweep(voltage, trace(RATE, (onset, onset + 1, amplitude)).astype(np.float32), RATE, number)


def shown(*sweeps):
    entry = Entry(cell_id="a", read=lambda: Recording(sweeps), made_of="a")
    return two_sweeps("a", entries={"a": entry}, names=("low", "high"), duration_s=1.0, hero_pA=(39.0, 61.0))


def test_the_two_sweeps_with_their_steps_and_spikes():
    low, high = shown(sweep(1, 50), sweep(2, 70, 0.3), sweep(3, 110, 0.1, 0.6))
    assert (low.title, high.title) == ("low: 70 pA, 1 spike", "high: 110 pA, 2 spikes")
    voltage, current = high.lines
    assert (voltage.unit, current.unit, voltage.marked) == ("mV", "pA", "spikes")
    assert voltage.marks == pytest.approx([100, 600], abs=0.2)  # ms from the onset
    assert high.axis == Axis("time from the onset of the step", "ms", high.axis.first, high.axis.last)
    assert (high.axis.first, high.axis.last) == pytest.approx((-100, 1100), abs=0.3)
    at = np.linspace(high.axis.first, high.axis.last, len(current.values))
    assert len(voltage.values) == len(current.values)
    assert at[np.argmax(current.values > 55)] == pytest.approx(0, abs=0.2)
    assert at[np.argmax(voltage.values)] == pytest.approx(100, abs=0.2)
