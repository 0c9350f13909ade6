"""ABF files of several channels and cells: which is the potential, and what current was given."""

import numpy as np
import pytest
from made import abf
from made.sweeps import AMPLITUDES, ONSET, RATE, SAMPLES, TRACES, current, load_folder, voltage

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.choice import chosen
from celltype_cli.patch_clamp.readers.files import find, read
from celltype_cli.patch_clamp.squares import long_squares

HOLD = SAMPLES // 64  # samples that pClamp holds before the first epoch
BEFORE = ONSET - HOLD
CURRENTS = np.stack([current(number) for number in AMPLITUDES])
NOISY = CURRENTS + np.random.default_rng(7).normal(scale=2.0, size=CURRENTS.shape)
STEPS = [(0.0, 0.0, BEFORE), (50.0, 20.0, 4000)]  # 50, 70, 90 pA
TRIGGER = np.zeros_like(TRACES)
TRIGGER[:, ONSET : ONSET + 50] = 0.5


def amplitudes(path, channel=None):
    cell = read(path, channel)
    assert np.stack([s.voltage for s in cell.sweeps]) == pytest.approx(TRACES, abs=0.05)
    squares, _ = long_squares(cell.sweeps)
    assert [s.step.onset_s for s in squares] == pytest.approx([ONSET / RATE] * 3, abs=0.001)
    return [s.step.amplitude_pA for s in squares], cell.notes


def test_a_trigger_in_volts_is_no_potential(tmp_path):
    channels = {"trigger": ("V", TRIGGER), "cell": ("mV", TRACES)}
    found, notes = amplitudes(abf.write(tmp_path / "a.abf", channels, ("pA", "mV"), epochs=STEPS))
    assert (found, notes) == ([50, 70, 90], ())


def test_the_recorded_current_may_come_first_and_agrees_with_the_command(tmp_path):
    channels = {"I": ("pA", NOISY - [[0], [0], [20]] * (CURRENTS > 0)), "Vm": ("mV", TRACES)}
    found, notes = amplitudes(abf.write(tmp_path / "a.abf", channels, ("pA", "mV"), epochs=STEPS))
    assert (found, notes) == ([50, 70, 90], ())  # to the last digit: as commanded


@pytest.mark.parametrize(("unit", "factor"), [("pA", 1.0), ("nA", 1e-3), ("fA", 1e3)])
def test_steps_that_stand_in_the_recorded_current_only(tmp_path, unit, factor):
    channels = {"Vm": ("mV", TRACES), "I": (unit, NOISY * factor)}
    found, notes = amplitudes(abf.write(tmp_path / "a.abf", channels))
    assert found == pytest.approx([50, 70, 110], abs=1)
    assert notes == ("the protocol commands no step: the recorded current was taken",)


def test_a_recorded_current_that_contradicts_the_command_is_taken(tmp_path):
    """The command says 50, 70 and 90 pA; the amplifier gave twice as much."""
    channels = {"Vm": ("mV", TRACES + 0.1 * CURRENTS), "I": ("pA", 2 * NOISY)}
    cell = read(abf.write(tmp_path / "a.abf", channels, ("pA", "mV"), epochs=STEPS))
    squares, _ = long_squares(cell.sweeps)
    assert [s.step.amplitude_pA for s in squares] == pytest.approx([100, 140, 220], abs=2)
    assert "contradicts the command of the protocol: the recorded one was taken" in cell.notes[0]


@pytest.mark.parametrize("recorded", [0 * NOISY + 1, -NOISY])
def test_a_recorded_current_that_the_potential_does_not_follow_is_not_taken(tmp_path, recorded):
    noise = np.random.default_rng(1).normal(scale=2.0, size=NOISY.shape)
    channels = {"Vm": ("mV", TRACES + 0.1 * CURRENTS), "I": ("pA", recorded + noise)}
    cell = read(abf.write(tmp_path / "a.abf", channels, ("pA", "mV"), epochs=STEPS))
    assert [s.step.amplitude_pA for s in long_squares(cell.sweeps)[0]] == [50, 70, 90]
    assert "which the membrane potential follows: the command was taken" in cell.notes[0]


@pytest.mark.parametrize("first", [21, 61])  # of the parameters that are levels, with 10 and with 50 epochs
def test_user_lists(tmp_path, first):
    path = abf.write(tmp_path / "a.abf", {"Vm": ("mV", TRACES)}, epochs=STEPS, user_list=(first + 1, "50, 70,110"))
    found, notes = amplitudes(path)
    assert (found, notes) == ([50, 70, 110], ("the levels of its steps come from the user list of the protocol",))
    short = abf.write(tmp_path / "b.abf", {"Vm": ("mV", TRACES)}, epochs=STEPS, user_list=(first + 1, "50,70"))
    assert amplitudes(short)[0] == [50, 70, 70]  # the last goes on


def test_a_user_list_of_durations(tmp_path):
    path = abf.write(tmp_path / "a.abf", {"Vm": ("mV", TRACES)}, epochs=STEPS, user_list=(32, "2000,4000,3000"))
    squares, left_out = long_squares(read(path).sweeps)
    assert [s.sweep.number for s in squares] == [1]
    assert [*left_out] == ["no step of 1 s (longest pulse: 0.5 s)", "no step of 1 s (longest pulse: 0.75 s)"]


def test_a_user_list_of_something_else_is_noted(tmp_path):
    path = abf.write(tmp_path / "a.abf", {"Vm": ("mV", TRACES)}, epochs=STEPS, user_list=(8, "1,2"))
    assert amplitudes(path)[1] == ("the protocol has a user list that was not applied (it varies parameter 8)",)


def test_steps_that_begin_from_a_first_epoch_and_hold(tmp_path):
    """pyabf takes the level of the first epoch for that of holding, and the step would be 20 pA smaller."""
    epochs = [(20.0, 0.0, 400), (0.0, 0.0, BEFORE - 400), (50.0, 20.0, 4000)]
    path = abf.write(tmp_path / "a.abf", {"Vm": ("mV", TRACES)}, epochs=epochs)
    assert amplitudes(path)[0] == [50, 70, 90]
    assert read(path).sweeps[0].current[:HOLD].tolist() == [0] * HOLD


def test_stimulus_files(tmp_path):
    channels = {"Vm": ("mV", TRACES)}
    path = abf.write(tmp_path / "a.abf", channels, stimulus="Steps.atf")
    with pytest.raises(UserError, match=r"a\.abf: the stimulus file of its protocol is missing \(Steps\.atf\): put it"):
        read(path)
    abf.write_atf(tmp_path / "steps.ATF", CURRENTS[:, :5500])  # the rest holds
    assert amplitudes(path) == ([50, 70, 110], ())
    (tmp_path / "steps.ATF").write_text("nonsense")
    with pytest.raises(UserError, match="its stimulus file steps.ATF cannot be read"):
        read(path)
    both = abf.write(tmp_path / "b.abf", {**channels, "I": ("pA", NOISY)}, stimulus="lost.atf")
    assert amplitudes(both)[0] == pytest.approx([50, 70, 110], abs=1)


TWO = {"one": ("mV", TRACES), "two": ("mV", TRACES[::-1])}


def test_two_cells_in_a_file(tmp_path):
    path = abf.write(tmp_path / "pair.abf", TWO, ("pA", "pA"), epochs=STEPS)
    said = r"has 2 channels of current clamp in mV \(0: one, 1: two\); dataset\.channel=one takes one of them"
    with pytest.raises(UserError, match=said):
        read(path)
    assert amplitudes(path, "One")[0] == [50, 70, 90]
    for channel in ("two", "1"):
        assert read(path, channel).sweeps[2].voltage == pytest.approx(TRACES[0], abs=0.05)
    with pytest.raises(UserError, match=r"channel=tow is none of its channels in volts: 0: one, 1: two; nearest: two"):
        read(path, "tow")
    entries, notes = find(tmp_path, "all")
    assert [(entry.cell_id, entry.group) for entry in entries] == [("pair/one", "pair"), ("pair/two", "pair")]
    assert notes == ["2 cells are channels of files; those of one file count as one donor unless labels say"]
    assert [entry.cell_id for entry in find(tmp_path, "two")[0]] == ["pair"]


def test_one_of_two_potentials_is_taken_with_a_word(tmp_path):
    path = abf.write(tmp_path / "pair.abf", TWO, ("pA", "mV"), epochs=STEPS)
    (note,) = read(path).notes
    assert note.startswith(
        "one, whose command is in amperes, is taken for the cell, and not two: dataset.channel names"
    )
    assert read(path, "one").notes == ()


def test_each_of_two_cells_has_its_recorded_current(tmp_path):
    channels = {"V1": TWO["one"], "I1": ("pA", NOISY), "V2": TWO["two"], "I2": ("pA", NOISY[::-1])}
    path = abf.write(tmp_path / "pair.abf", channels, ("pA", "pA"))
    for name, expected in (("V1", [50, 70, 110]), ("V2", [110, 70, 50])):
        squares, _ = long_squares(read(path, name).sweeps)
        assert [s.step.amplitude_pA for s in squares] == pytest.approx(expected, abs=1)


def test_two_cells_in_the_csv(tmp_path):
    folder = tmp_path / "recordings" / "day1"
    folder.mkdir(parents=True)
    channels = {name: TWO["one"] for name in TWO}
    abf.write(folder / "pair.abf", channels, ("pA", "pA"), epochs=[STEPS[0], (50.0, 20.0, 4000)])
    abf.write(folder / "single.abf", {"Vm": ("mV", TRACES)}, epochs=STEPS)
    csv = tmp_path / "labels.csv"
    csv.write_text("file,channel,label,group\npair,one,Sst,m1\npair,1,Pvalb,m1\nsingle,,Sst,m2\n")
    cells = load_folder(folder.parent, labels=csv, hero_pA=[15, 25])
    found = dict(zip(cells.cell_id.tolist(), (cells.classes[k] for k in cells.label)))
    assert found == {"day1/pair/1": "Pvalb", "day1/pair/one": "Sst", "day1/single": "Sst"}


def test_messages_hold_no_filling_bytes(tmp_path):
    path = abf.write(tmp_path / "a.abf", {"Vm\0\0": ("mV", TRACES)}, ("pA\0",))
    with pytest.raises(UserError, match=r"no recorded current shows a step \(recorded 0: Vm \(mV\)") as error:
        read(path)
    assert str(error.value).isprintable()


def test_chosen_sweeps_are_those_of_the_right_current(tmp_path):
    """Without the user list, sweep 1 would be the rheobase as well, and there would be no hero sweep."""
    traces = np.stack([voltage(3), voltage(5), voltage(9)])
    path = abf.write(tmp_path / "a.abf", {"Vm": ("mV", traces)}, epochs=STEPS, user_list=(22, "50,70,110"))
    two = chosen(read(path).sweeps)
    assert (two.rheobase.sweep.number, two.hero.sweep.number) == (1, 2)


def test_a_potential_that_does_what_a_command_says_is_voltage_clamp(tmp_path):
    held = -70 + CURRENTS / CURRENTS.max(axis=1, keepdims=True) * [[10], [20], [30]]
    channels = {
        "I": ("pA", 5 * NOISY),
        "Vm": ("mV", held + np.random.default_rng(1).normal(scale=0.1, size=held.shape)),
    }
    steps = [STEPS[0], (10.0, 10.0, 4000)]
    with pytest.raises(UserError, match="is of voltage clamp: its potential follows the command in mV"):
        read(abf.write(tmp_path / "a.abf", channels, ("mV", "pA"), epochs=steps))
    found, _ = amplitudes(
        abf.write(tmp_path / "b.abf", {"Vm": ("mV", TRACES), "I": ("pA", NOISY)}, ("mV", "pA"), epochs=steps)
    )
    assert found == pytest.approx([50, 70, 110], abs=1)  # the potential has another form than what was commanded


def test_a_command_whose_unit_was_left_at_millivolts(tmp_path):
    """Current clamp, recorded with the telegraphs of voltage clamp."""
    path = abf.write(tmp_path / "a.abf", {"Vm": ("mV", TRACES)}, ("mV",), epochs=STEPS)
    with pytest.raises(UserError, match="was the unit of the command left at mV"):
        read(path)
