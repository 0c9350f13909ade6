"""What is kept of a recording: two windows and features; measured once, found again, one recording at a time."""

import os
import weakref
from collections import Counter

import numpy as np
import pytest
from made.sweeps import RATE as NPZ_RATE
from made.sweeps import TRACES, load_folder, write_npz

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp import measure as module
from celltype_cli.patch_clamp.measure import measure, measured
from celltype_cli.patch_clamp.readers import files
from celltype_cli.patch_clamp.recording import Entry, Recording, Sweep

RATE, ONSET = 4000.0, 1000  # Hz; samples
SETTINGS = {"feature_set": None, "duration_s": 1.0, "hero_pA": (39.0, 61.0)}


def sweep(number, amplitude, *spikes, seconds=1.0):
    """A step from 0.25 s on, at -70 mV, with spikes of three samples at these samples after the onset."""
    voltage, current = np.full(6000, -70, np.float32), np.zeros(6000, np.float32)
    current[ONSET : ONSET + round(seconds * RATE)] = amplitude
    for spike in spikes:
        voltage[ONSET + spike - 1 : ONSET + spike + 2] = (-20, 30, -20)
    return Sweep(voltage, current, RATE, number)


def recorded(seconds=1.0, left_out=()):
    sweeps = (sweep(0, 50, seconds=seconds), sweep(1, 70, 600, seconds=seconds), sweep(2, 110, 40, 80, seconds=seconds))
    return Recording(sweeps, Counter(left_out))


def stand_in(two, kind, sweeps):
    """In place of the features: the amplitudes chosen, what was asked for, and the sweeps at hand."""
    return {
        f"rheobase {kind} (pA)": two.rheobase.step.amplitude_pA,
        f"hero {kind} (pA)": two.hero.step.amplitude_pA,
        "sweeps": float(len(sweeps)),
    }


def test_measure_keeps_two_windows(monkeypatch):
    monkeypatch.setattr(module, "features", stand_in)
    cell = measure(recorded(), feature_set="long_square")
    assert cell.features == {"rheobase long_square (pA)": 70, "hero long_square (pA)": 110, "sweeps": 3}
    expected = np.zeros((2, 4800), np.float32)  # mV above the level at both ends; the onset is sample 400
    expected[0, 999:1002] = (50, 100, 50)
    expected[1, [439, 440, 441, 479, 480, 481]] = 2 * (50, 100, 50)
    assert np.array_equal(cell.windows, expected)


def test_measure_of_steps_of_half_a_second_without_features():
    cell = measure(recorded(seconds=0.5), feature_set=None, duration_s=0.5)
    assert cell.features == {}
    assert cell.windows.shape == (2, 2800)
    assert np.argmax(cell.windows[0]) == 1000
    with pytest.raises(UserError, match="none of its 3 sweeps is a long square of 1 s"):
        measure(recorded(seconds=0.5), feature_set=None)


def test_measure_says_why_a_cell_has_not_both_sweeps():
    one = Recording(recorded().sweeps[:2])
    with pytest.raises(UserError, match="no spiking long square between 109 and 131 pA"):
        measure(one, feature_set=None)
    near = Recording((*one.sweeps, sweep(5, 90, 100)))
    with pytest.raises(UserError, match="others that spike: 90 pA"):
        measure(near, feature_set=None)
    assert measure(near, feature_set=None, hero_pA=(10.0, 30.0)).windows.shape == (2, 4800)


# ------------------------------------------------------------------------------------------ measured once, found again


class Listed:
    """Makes entries of ids and what they hold; says which were read, and how many were held together at most."""

    def __init__(self):
        self.reads, self.made, self.most = [], [], 0

    def entry(self, name, of=recorded, version=1):
        def read():
            self.reads.append(name)
            recording = of()
            self.made += [weakref.ref(recording), *(weakref.ref(sweep.voltage) for sweep in recording.sweeps)]
            self.most = max(self.most, self.held())
            return recording

        return Entry(cell_id=name, read=read, made_of=[name, version])

    def held(self):
        return sum(isinstance(one(), Recording) for one in self.made)

    def voltages(self):
        return sum(isinstance(one(), np.ndarray) for one in self.made)


@pytest.fixture
def listed():
    return Listed()


def broken():
    raise UserError("it is cut off")


def test_recordings_are_measured_once_and_found_again(listed, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "features", stand_in)
    settings = SETTINGS | {"feature_set": "two_sweep"}
    entries = [
        listed.entry("a", lambda: recorded(left_out=["empty"])),
        listed.entry("b", lambda: recorded(seconds=0.5, left_out=["empty", "empty", "voltage clamp"])),
        listed.entry("c", broken),
        listed.entry("d"),
    ]
    first, again = measured(entries, tmp_path, **settings), measured(entries, tmp_path, **settings)
    assert listed.reads == ["a", "b", "c", "d"]
    for found in (first, again):
        assert [entry.cell_id for entry, _ in found.used] == ["a", "d"]
        assert [(entry.cell_id, reason[:42]) for entry, reason in found.left_out] == [
            ("b", "none of its 3 sweeps is a long square of 1"),
            ("c", "it is cut off"),
        ]
        assert found.sweeps_left_out == {"empty": 3, "voltage clamp": 1}
        for _, kept in found.used:
            assert np.array_equal(kept.windows, measure(recorded(), feature_set=None).windows)
            assert kept.features == {"rheobase two_sweep (pA)": 70, "hero two_sweep (pA)": 110, "sweeps": 3}
    assert len([*(tmp_path / "measured").iterdir()]) == 4


def test_other_recordings_settings_or_code_are_measured_again(listed, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "features", stand_in)
    for changes in ({}, {"feature_set": "all"}, {"duration_s": 0.5}, {"hero_pA": (30.0, 61.0)}):
        for _ in range(2):
            measured([listed.entry("a")], tmp_path, **SETTINGS | changes)
    assert listed.reads == ["a"] * 4
    measured([listed.entry("a", version=2), listed.entry("a")], tmp_path, **SETTINGS)
    assert listed.reads == ["a"] * 5
    seen = []
    monkeypatch.setattr(module, "code_identity", lambda *modules: seen.append(modules) or "changed")
    measured([listed.entry("a")], tmp_path, **SETTINGS)
    assert listed.reads == ["a"] * 6
    assert seen == [("celltype_cli.patch_clamp.measure", "celltype_cli.patch_clamp.readers.files")]


def test_who_a_cell_is_said_to_be_changes_nothing(listed, tmp_path):
    measured([listed.entry("a")], tmp_path, **SETTINGS)
    other = Entry(cell_id="b", label="Sst", group="m1", source="lab", read=broken, made_of=["a", 1])
    [(entry, _)] = measured([other], tmp_path, **SETTINGS).used
    assert (entry.cell_id, entry.label) == ("b", "Sst")


def test_memory_holds_one_recording_at_a_time(listed, tmp_path):
    """Used ones and those that cannot be used; 100 of 90 MB would not fit."""
    kinds = (recorded, lambda: recorded(seconds=0.5), lambda: Recording(recorded().sweeps[:2]))
    entries = [listed.entry(f"c{k}", kinds[k % 3]) for k in range(9)]
    assert len(measured(entries, tmp_path, **SETTINGS).used) == 3
    assert listed.reads == [f"c{k}" for k in range(9)]
    assert (listed.most, listed.held(), listed.voltages()) == (1, 0, 0)


def test_a_missing_library_is_no_fault_of_the_recording(listed, tmp_path, monkeypatch):
    def missing(*_):
        raise UserError("allensdk is missing: pip install 'celltype[allen]'") from ImportError()

    monkeypatch.setattr(module, "features", missing)
    with pytest.raises(UserError, match="^allensdk is missing"):
        measured([listed.entry("a")], tmp_path, **SETTINGS | {"feature_set": "all"})
    assert not (tmp_path / "measured").exists()


@pytest.mark.parametrize(
    ("said", "file", "line"),
    [
        ("/data/x y/a.npz: has no array current", "x y/a.npz", "has no array current"),
        ("/data/a.npz cannot be used:\n  sweep 3: volts\n  sweep 5: so", "a.npz", "sweep 3: volts (and other faults)"),
        ("/data/a.npz cannot be used:\n  sweep 3: volts", "a.npz", "sweep 3: volts"),
        ("/data/sweeps.json: is no list", "a.npz", "/data/sweeps.json: is no list"),  # of another file: it stays
        ("no spike", "", "no spike"),
        ("sweep 4 of a.npz: too fast", "a.npz", "sweep 4 of a.npz: too fast"),
    ],
)
def test_a_reason_is_one_line_without_the_path_that_is_named_anyway(listed, tmp_path, said, file, line):
    def read():
        raise UserError(said)

    entry = Entry(cell_id="a", file=file, read=read, made_of=0)
    assert measured([entry], tmp_path, **SETTINGS).left_out == [(entry, line)]


# ----------------------------------------------------------------------------------------------------- the user's files


def test_files_are_read_once_and_again_when_they_or_settings_change(tmp_path, monkeypatch):
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in "abc":
        write_npz(folder / f"{name}.npz")
    write_npz(folder / "volts.npz", voltage=TRACES / 1e3)
    reads, read = [], files.read
    monkeypatch.setattr(files, "read", lambda file, channel: reads.append(file.stem) or read(file, channel))

    def read_now(**changes):
        reads.clear()
        cells = load_folder(folder, **changes)
        assert cells.cell_id.tolist() == ["a", "b", "c"]
        return [*reads], cells

    made, first = read_now()
    assert made == ["a", "b", "c", "volts"]
    made, again = read_now()
    assert made == []
    assert again.fingerprint() == first.fingerprint()
    assert again.about == first.about  # what was left out is said again
    assert (
        "1 of 4 recordings cannot be used and were left out (unlabelled 1): 1: its voltage lies between ... and ..."
        in again.about.notes
    )

    os.utime(folder / "b.npz", (1e9, 1e9))
    assert read_now()[0] == ["b"]
    write_npz(folder / "c.npz", voltage=TRACES + 1.0)
    assert read_now()[0] == ["c"]
    csv = tmp_path / "labels.csv"
    csv.write_text("file,label\na,Sst\n")
    assert read_now(labels=csv, size=[4, 4], classes=None)[0] == []
    assert read_now(hero_pA=[30, 50])[0] == ["a", "b", "c", "volts"]
    write_npz(folder / "a.npz", sampling_rate=NPZ_RATE, number=[3, 5, 10])
    assert read_now()[0] == ["a"]


def test_a_cell_that_cannot_be_used_says_which_of_its_sweeps_were_left_out(tmp_path):
    trace = np.where((np.arange(6000) == 3000) & (np.arange(3)[:, None] == 2), np.nan, TRACES)
    folder = tmp_path / "in"
    folder.mkdir()
    write_npz(folder / "x.npz", voltage=trace)
    with pytest.raises(
        UserError, match=r"no other sweep spikes; 1 sweeps were left out before \(1: values missing within"
    ):
        load_folder(folder)


def test_what_was_assumed_of_a_recording_that_cannot_be_used_is_said(tmp_path):
    silent = Sweep(np.full(6000, -70, np.float32), np.zeros(6000, np.float32), RATE, 3)
    entry = Entry(cell_id="a", read=lambda: Recording((silent,), notes=("the recorded current was taken",)), made_of=0)
    ((_, reason),) = measured([entry], tmp_path, **SETTINGS).left_out
    assert reason.endswith("; the recorded current was taken")
