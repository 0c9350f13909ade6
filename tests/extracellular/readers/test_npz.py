"""Units of npz files: the documented layout, names of files that are passed around, faults."""

import numpy as np
import pytest
from made.units import RATE, npz, trains

from celltype_cli.core.messages import UserError
from celltype_cli.extracellular.readers.files import read
from celltype_cli.extracellular.readers.found import How


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
        ({"spike_offsets": None}, "spike_offsets holds 2 values"),
        ({"spike_offsets": np.array([0, 9, 5, 600])}, "ascending"),
        ({"label": np.array(["a", "b"])}, "label holds 2 values of 3 units"),
        ({"layer": np.array(["GCL", "x", ""])}, "its layer is 'x'; expected one of unknown, GCL, PCL, ML"),
        ({"isi": np.ones((3, 7))}, "isi is float64 of shape"),
        ({"label": np.array([{}], dtype=object)}, "holds pickled objects"),
        ({"spike_times": np.full(600, np.nan)}, "spike_times holds what is no number"),
        ({"spike_times": np.arange(600.0)[::-1]}, "its spikes are not in the order of time"),
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
        ("cellexplorer/units_with_spikes.npz", 75, 75, 20000, None),
    ],
)
def test_real_files(shared_data, name, n, labelled, rate, groups):
    units = read(shared_data / "extracellular" / name, How()).recordings
    assert len(units) == n and sum(bool(u.label) for u in units) == labelled
    assert {u.waveform_rate for u in units} >= {rate}
    assert groups is None or len({u.group for u in units}) == groups


def test_counts_of_a_real_file_are_those_of_its_spikes(shared_data):
    """The first lag of hull's correlogram counts the intervals of about 1 ms, of which simple spikes have few."""
    units = read(shared_data / "extracellular" / "c4_cerebellum" / "hull.npz", How()).recordings
    simple = [u.counts["correlogram"] for u in units if u.label == "PkC_ss"]
    assert np.median([c[0] / c.mean() for c in simple]) < 0.1
