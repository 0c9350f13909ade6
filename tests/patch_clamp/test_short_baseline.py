"""Recordings that begin less than 0.1 s before the step, and doubts about the choice of sweeps."""

import numpy as np
import pytest
from made.sweeps import AMPLITUDES, ONSET, RATE, TRACES, current, load_folder, voltage, write_npz

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.choice import chosen, notes_on
from celltype_cli.patch_clamp.readers.files import read
from celltype_cli.patch_clamp.recording import Sweep

BEFORE = 160  # samples, 0.04 s
CURRENTS = np.stack([current(number) for number in AMPLITUDES])


def test_what_was_not_recorded_before_the_step_is_held(tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    write_npz(folder / "whole.npz")
    write_npz(folder / "short.npz", voltage=TRACES[:, ONSET - BEFORE :], current=CURRENTS[:, ONSET - BEFORE :])
    two = chosen(read(folder / "short.npz").sweeps)
    assert (two.rheobase.sweep.number, two.hero.sweep.number) == (5, 9)
    assert two.rheobase.held_s == pytest.approx(0.06)
    assert two.rheobase.step.onset_s == pytest.approx(0.1)
    assert two.rheobase.step.amplitude_pA == 70
    held = two.rheobase.sweep.voltage[: round(0.06 * RATE)]
    assert set(held) == {np.median(TRACES[1, ONSET - BEFORE : ONSET].astype(np.float32))}
    cells = load_folder(folder, inputs=["features", "scalogram"])
    assert np.allclose(*cells.inputs["scalogram"], atol=0.6)  # the noise before the step differs
    assert np.allclose(*cells.inputs["features"], rtol=0.01, equal_nan=True)
    note = "1 of 2 cells: less than 0.1 s was recorded before the step: the level there was held for the rest (short)"
    assert note in cells.about.notes


def test_a_step_from_the_first_sample_is_refused(tmp_path):
    path = write_npz(tmp_path / "a.npz", voltage=TRACES[:, ONSET:], current=CURRENTS[:, ONSET:])
    with pytest.raises(UserError, match="none of its 3 sweeps is a long square"):
        chosen(read(path).sweeps)


def with_spikes(number, amplitude, *at):
    values = -70 + np.random.default_rng(number).normal(scale=0.05, size=6000)
    for k in at:
        values[k : k + 5] = (-40, 0, 30, 0, -50)
    return Sweep(values.astype(np.float32), (current(3) * amplitude / 50).astype(np.float32), RATE, number)


@pytest.mark.parametrize(
    ("sweeps", "said"),
    [
        ([(0, -50, 2000)], "it spikes without a current step: a spontaneous spike may have set the rheobase"),
        ([(0, -50, 800)], "it spikes without a current step"),
        ([(0, -50, 150)], "it spikes without a current step"),  # long before the step
        ([(0, -50)], None),
    ],
)
def test_spontaneous_spikes_are_noted(sweeps, said):
    both = [with_spikes(5, 70, 2000), with_spikes(9, 110, 2000)]
    found = notes_on(chosen([*(with_spikes(*one) for one in sweeps), *both]))
    assert [note[:30] for note in found] == ([said[:30]] if said else [])


def test_a_spike_at_once_is_noted():
    two = chosen([with_spikes(5, 70, ONSET + 2), with_spikes(9, 110, 2000)])
    assert notes_on(two) == ["the spike at rheobase peaks within 2 ms of the step: is it an artefact?"]


def test_the_reason_names_the_setting_to_type():
    sweeps = [with_spikes(3, 50, 2000), with_spikes(5, 70, 2000), with_spikes(9, 150, 2000)]
    said = r"others that spike: 70, 150 pA; prepare\.hero_pA=\[19,21\] would take one of them"
    with pytest.raises(UserError, match=said):
        chosen(sweeps)
    assert chosen(sweeps, hero_pA=(19, 21)).hero.sweep.number == 5
    assert voltage(3).shape == (6000,)
