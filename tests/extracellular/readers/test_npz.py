"""Units of npz files: the documented layout, names of files that are passed around, faults."""

import numpy as np
import pytest
from made.units import RATE, npz, trains

from celltype_cli.core.messages import UserError
from celltype_cli.extracellular.readers.files import read
from celltype_cli.extracellular.readers.found import How
from celltype_cli.extracellular.rows import HISTOGRAMS


def test_the_documented_layout(tmp_path):
    units = read(npz(tmp_path / "x.npz"), How()).recordings
    assert [(u.cell_id, u.label, u.group, u.layer) for u in units] == [
        ("u0", "MLI", "r1", "ML"), ("u1", "GoC", "r1", "GCL"), ("u2", "", "r2", "")]  # fmt: skip
    assert all(np.allclose(unit.spikes, train / RATE) for unit, train in zip(units, trains()))
    assert units[0].waveform.shape == (12, 82) and units[0].waveform_rate == RATE
    ends = [train[-1] / RATE for train in trains()]
    assert [u.duration for u in units] == [max(ends[:2]), max(ends[:2]), ends[2]]


def test_finished_counts_stand_for_spikes_and_the_right_half_is_taken(tmp_path):
    both = np.arange(3 * 201).reshape(3, 201)
    file = npz(tmp_path / "x.npz", spike_times=None, spike_offsets=None, acg_counts=both, isi=np.ones((3, 100)))
    found = read(file, How())
    assert found.recordings[1].spikes is None and np.isnan(found.recordings[1].duration)
    assert np.array_equal(found.recordings[1].counts["correlogram"], both[1, 101:])
    assert "x.npz holds no spike times, but histograms of them (correlogram, isi)" in found.notes


def test_several_files_tell_units_groups_and_source_apart(tmp_path):
    for name in ("a.npz", "deep/b.npz"):
        npz(tmp_path / name)
    units = read(tmp_path, How()).recordings
    assert [u.cell_id for u in units[::3]] == ["a/u0", "deep/b/u0"]
    assert {u.group for u in units} == {"a/r1", "a/r2", "deep/b/r1", "deep/b/r2"}
    assert {u.source for u in units} == {"a", "deep/b"}


def test_mere_numbers_get_a_name_so_that_a_unit_is_not_taken_for_its_recording(tmp_path):
    file = npz(tmp_path / "x.npz", cell_id=None, group=None, neuron=np.arange(3), recording=np.array([0, 0, 2]))
    units = read(file, How()).recordings
    assert [(u.cell_id, u.group) for u in units] == [
        ("x/0", "recording 0"), ("x/1", "recording 0"), ("x/2", "recording 2")]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"waveform": None}, "has no array waveform; found sampling_rate"),
        ({"waveform": np.ones(5)}, r"waveform is float64 of shape \(5,\)"),
        ({"sampling_rate": None}, "has no sampling_rate .Hz, of waveform.; add it, or set dataset.sampling_rate"),
        ({"sampling_rate": -1.0}, "expected Hz, above 0"),
        ({"spike_offsets": None}, "has no spike_offsets; expected 4 whole numbers"),
        ({"spike_offsets": np.array([0, 9, 5, 600])}, "ascending"),
        ({"label": np.array(["a", "b"])}, "label holds 2 values of 3 units"),
        ({"isi": np.ones((3, 7))}, "isi is float64 of shape"),
        ({"label": np.array([{}], dtype=object)}, "holds pickled objects"),
        ({"spike_times": np.full(600, "x")}, "spike_times holds what is no number"),
    ],
)
def test_faults_are_named(tmp_path, changes, said):
    with pytest.raises(UserError, match=said):
        read(npz(tmp_path / "x.npz", **changes), How())


@pytest.mark.parametrize(
    ("name", "n", "labelled", "rate", "groups"),
    [
        ("c4_cerebellum/hull.npz", 103, 103, 30000, 12),
        ("c4_cerebellum/lisberger_macaque.npz", 1152, 668, 40000, 1),
        ("c4_cerebellum/hausser_unlabelled.npz", 1998, 0, 30000, 1),
        ("cellexplorer/units_with_spikes.npz", 74, 74, 20000, 16),
        ("cellexplorer/cellexplorer_ground_truth.npz", 326, 326, 1000 / 0.03, 32),
    ],
)
def test_real_files(shared_data, name, n, labelled, rate, groups):
    found = read(shared_data / "extracellular" / name, How())
    units = found.recordings
    assert len(found.lost) == name.startswith("cellexplorer")  # one unit of it is listed twice
    assert len(units) == n and sum(bool(u.label) for u in units) == labelled
    assert {u.waveform_rate for u in units} >= {rate}
    assert groups is None or len({u.group for u in units}) == groups


@pytest.mark.parametrize(
    ("spikes", "said"),
    [
        (np.arange(600.0)[::-1], "their spikes are out of the order of time, and sorted"),
        (np.r_[-1.0, np.arange(599.0)], "spikes before the recording, at negative times, are left out"),
        (np.r_[np.nan, np.arange(599.0)], "1 of its 100 spike times are no finite numbers"),
        (np.r_[np.full(100, -1.0), np.arange(500.0)], "has no spikes from time 0 on"),
    ],
)
def test_spikes_out_of_order_or_before_the_recording(tmp_path, spikes, said):
    """Of the first unit alone or of all; the others stay as they are."""
    found = read(npz(tmp_path / "x.npz", spike_times=spikes), How())
    assert said in [note for unit in found.recordings for note in unit.notes] or f"cell u0: {said}" in found.lost
    assert len(found.recordings) + len(found.lost) == 3 and len(found.lost) == ("u0" in str(found.lost))
    assert all((np.diff(unit.spikes) >= 0).all() and unit.spikes[0] >= 0 for unit in found.recordings)


def test_a_unit_that_is_none_stops_no_other(tmp_path):
    file = npz(tmp_path / "x.npz", layer=np.array(["GCL", "x", ""]), spike_offsets=np.array([0, 0, 300, 600]))
    found = read(file, How())
    assert found.lost == [
        "cell u0: has no spikes",
        "cell u1 (x.npz): its layer is 'x'; expected one of unknown, GCL, PCL, ML",
    ]
    assert [unit.cell_id for unit in found.recordings] == ["u2"]


def test_a_unit_that_is_listed_twice_counts_once(tmp_path):
    first, second, _ = trains()[:3]
    times = np.concatenate([first, second, first]) / RATE
    offsets = np.cumsum([0, len(first), len(second), len(first)])
    same = {"spike_times": times, "spike_offsets": offsets, "group": np.array(["r1"])}
    found = read(npz(tmp_path / "x.npz", **same), How())
    assert found.lost == ["cell u2: its spikes are those of u0, so that it is listed twice"]
    other = read(npz(tmp_path / "x.npz", **same | {"group": np.array(["r1", "r1", "r2"])}), How())
    assert len(other.recordings) == 3  # of another recording: not for the reader to say


def test_arrays_of_other_names(tmp_path):
    with np.load(npz(tmp_path / "usual.npz")) as usual:
        held = dict(usual)
    names = {"waveform": "wf", "label": "type", "sampling_rate": "hz", "spike_times": "st", "spike_offsets": "so"}
    np.savez(tmp_path / "x.npz", **{names.get(name, name): array for name, array in held.items()})
    found = read(tmp_path / "x.npz", How(arrays=names)).recordings
    wanted = read(tmp_path / "usual.npz", How()).recordings
    assert [u.label for u in found] == [u.label for u in wanted]
    assert all(np.array_equal(a.waveform, b.waveform) and np.array_equal(a.spikes, b.spikes)
               for a, b in zip(found, wanted))  # fmt: skip
    for said, words in (
        ({"waveform": "wv"}, "says waveform: wv, which it does not hold; found wf.*nearest: wf"),
        ({"wave": "wf"}, "dataset.arrays=wave is none of waveform"),
        ({"label": "type"}, "has no array waveform; nearest: wf; found wf.*dataset.arrays={waveform: <its name>}"),
    ):
        with pytest.raises(UserError, match=words):
            read(tmp_path / "x.npz", How(arrays=said))


def test_numbers_of_units_and_the_array_of_labels(tmp_path):
    file = npz(tmp_path / "x.npz", kind=np.array(["a", "b", "c"]))
    assert [(u.cell_id, u.label) for u in read(file, How(units=[2, 0], label="kind")).recordings] == [
        ("u0", "a"), ("u2", "c")]  # fmt: skip
    with pytest.raises(UserError, match="dataset.units names 7, which it does not hold; its units are u0, u1, u2"):
        read(file, How(units=[1, 7]))
    with pytest.raises(UserError, match="dataset.arrays says label: type, which it does not hold"):
        read(file, How(label="type"))


def test_histograms_of_cellexplorer_are_those_of_the_spikes_of_the_same_units(shared_data):
    """Rates of a correlogram from -500 to 500 ms and in logarithmic bins, and densities of intervals in such bins."""
    folder = shared_data / "extracellular" / "cellexplorer"
    finished = read(folder / "cellexplorer_ground_truth.npz", How()).recordings
    agree = []
    for unit in [u for u in read(folder / "units_with_spikes.npz", How()).recordings if u.label in ("SST", "VIP")]:
        of_spikes = {name: count(unit.spikes) for name, count in HISTOGRAMS.items()}
        same = [max(np.corrcoef(mine, u.counts[name])[0, 1] for u in finished if u.group == unit.group)
                for name, mine in of_spikes.items()]  # fmt: skip
        agree.append(same)
    assert len(agree) == 17
    assert np.median(agree, axis=0).min() > 0.97


def test_counts_of_a_real_file_are_those_of_its_spikes(shared_data):
    """The first lag of hull's correlogram counts the intervals of about 1 ms, of which simple spikes have few."""
    units = read(shared_data / "extracellular" / "c4_cerebellum" / "hull.npz", How()).recordings
    simple = [u.counts["correlogram"] for u in units if u.label == "PkC_ss"]
    assert np.median([c[0] / c.mean() for c in simple]) < 0.1


@pytest.mark.parametrize(
    ("rate", "looks"),
    [(30.0, ", which looks like kHz"), (1 / 30000, ", which looks like the seconds between"), (2e6, "")],
)
def test_a_rate_that_no_waveform_has(tmp_path, rate, looks):
    found = read(npz(tmp_path / "x.npz", sampling_rate=[RATE, rate, RATE]), How())
    assert [unit.cell_id for unit in found.recordings] == ["u0", "u2"]
    assert found.lost[0].startswith("cell u1 (x.npz): the sampling rate of its waveform is") and looks in found.lost[0]


def test_one_bad_unit_leaves_the_others(tmp_path):
    found = read(npz(tmp_path / "x.npz", layer=["ml", "L2/3", "GCL"]), How())
    assert [unit.layer for unit in found.recordings] == ["ML", "GCL"]
    assert found.lost == ["cell u1 (x.npz): its layer is 'L2/3'; expected one of unknown, GCL, PCL, ML"]


def test_arrays_by_other_names(tmp_path):
    path = npz(tmp_path / "x.npz", group=None, mouse=["m1"] * 3)
    assert "x.npz: no group; mouse may be what is called group here: rename it" in read(path, How()).notes
    np.savez(path, waveforms=np.ones((1, 90)))
    with pytest.raises(UserError, match="has no array waveform; nearest: waveforms"):
        read(path, How())


def test_times_in_short_numbers_are_noted(tmp_path):
    times = np.load(npz(tmp_path / "x.npz"))["spike_times"]
    assert (
        read(npz(tmp_path / "x.npz", spike_times=times.astype("f4")), How()).notes
        == read(npz(tmp_path / "x.npz"), How()).notes
    )
    notes = read(npz(tmp_path / "x.npz", spike_times=(times + 1e5).astype("f4")), How()).notes
    assert "x.npz: spike_times are float32, which at their end is 7.8 ms coarse: save float64" in notes


@pytest.mark.parametrize("duration", [20 / 60, 10.0])
def test_a_duration_that_ends_before_the_spikes(tmp_path, duration):
    """Minutes, or that of another recording: rates would be many times too high."""
    found = read(npz(tmp_path / "x.npz", duration=duration), How())
    assert [unit.duration for unit in found.recordings] == [unit.spikes[-1] for unit in found.recordings]
    assert all("is it in seconds? it is taken to end with the last spike" in unit.notes[0] for unit in found.recordings)
    assert read(npz(tmp_path / "x.npz", duration=19.5), How()).recordings[0].notes == ()
