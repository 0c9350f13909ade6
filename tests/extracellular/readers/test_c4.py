"""The C4 database, from a file in its layout: units once, spikes outside stimulation, labels, layers, waveforms."""

import numpy as np
import pytest
from made.units import RATE, trains, waveforms
from made.units_c4 import c4

from celltype_cli.core.messages import UserError
from celltype_cli.extracellular.readers.files import read
from celltype_cli.extracellular.readers.found import How


@pytest.mark.parametrize("changes", [{}, {"link": False}, {"root": False}])
def test_every_unit_once_whether_its_second_place_is_a_link_or_a_copy(tmp_path, changes):
    found = read(c4(tmp_path / "x.h5", **changes), How())
    assert [u.cell_id for u in found.recordings] == [f"hausser_neuron_{k}" for k in range(4)] and not found.lost
    assert [u.label for u in found.recordings] == ["MLI", "GoC", "PkC_ss", "MFB"]
    assert [u.layer for u in found.recordings] == ["ML", "GCL", "PCL", "GCL"]
    assert [u.group for u in found.recordings] == ["21-01-01_aa001_probe0"] * 2 + ["21-01-02_aa001_probe0"] * 2
    assert {(u.source, u.waveform_rate) for u in found.recordings} == {("hausser", RATE)}
    assert "labels are ground_truth_label of 3, expert_label of 1, of 4 units" in found.notes[0]
    assert all(np.array_equal(u.spikes, t / RATE) for u, t in zip(found.recordings, trains()))


def test_which_field_says_labels(tmp_path):
    file = c4(tmp_path / "x.h5")
    assert [u.label for u in read(file, How(label="expert_label")).recordings] == ["", "", "PkC_ss", ""]
    assert [u.label for u in read(file, How(label="ground_truth_label")).recordings] == ["MLI", "GoC", "", "MFB"]
    with pytest.raises(UserError, match="dataset.label=experts is none of ground_truth_label, expert_label"):
        read(file, How(label="experts"))


def test_waveforms_of_either_order_and_of_one_channel(tmp_path):
    file = c4(tmp_path / "x.h5", transposed=(1, 2), single=(3,))
    usual = waveforms().transpose(0, 2, 1).astype("f4")
    for k, unit in enumerate(read(file, How()).recordings):
        assert np.array_equal(unit.waveform, usual[k] if k < 3 else usual[3][[8]])


@pytest.mark.parametrize(
    ("drop", "changes", "kept"),
    [
        ((), {"sane_spikes": np.arange(100) < 40}, lambda t, k: k < 40),
        (("sane_spikes",), {"sane_periods": np.array([[2.0, 5.0], [8.0, 9.0]])},
         lambda t, k: ((t >= 2) & (t <= 5)) | ((t >= 8) & (t <= 9))),
        (("sane_spikes", "sane_periods"), {}, lambda t, k: t < 5),  # 10 s before the first light
        (("sane_spikes",), {}, lambda t, k: t >= 0),  # the periods are "all"
    ],
)  # fmt: skip
def test_spikes_outside_stimulation(tmp_path, drop, changes, kept):
    unit = read(c4(tmp_path / "x.h5", n=1, drop=drop, **changes), How()).recordings[0]
    at = trains()[0] / RATE
    mask = kept(at, np.arange(100))
    assert np.array_equal(unit.spikes, at[mask])
    assert np.allclose(unit.amplitudes, np.linspace(10, 20, 100)[mask])


def test_well_isolated_stretches_are_from_spike_to_spike(tmp_path):
    mask = np.zeros(100, bool)
    mask[10:20] = mask[50:] = True
    at = trains()[0] / RATE
    unit = read(c4(tmp_path / "x.h5", n=1, fn_fp_filtered_spikes=mask), How()).recordings[0]
    assert np.array_equal(unit.good, [[at[10], at[19]], [at[50], at[99]]])
    assert read(c4(tmp_path / "y.h5", n=1, drop=["fn_fp_filtered_spikes"]), How()).recordings[0].good is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sampling_rate": None}, "has no sampling_rate; expected Hz, above 0, or set dataset.sampling_rate"),
        ({"sampling_rate": 0.0}, "has a sampling_rate of 0"),
        ({"spike_indices": np.empty(0, int), "sane_spikes": None, "fn_fp_filtered_spikes": None},
         "has no spikes outside stimulation, of 0"),
        ({"sane_spikes": np.zeros(200, bool)}, "has no spikes outside stimulation, of 200"),
        ({"sane_spikes": np.zeros(9, bool)}, "has 9 sane_spikes for 200 spike_indices"),
        ({"mean_waveform_preprocessed": None}, "has no numbers mean_waveform_preprocessed; found acrosschan_SNR"),
        ({"spike_indices": "x"}, "has no numbers spike_indices"),
        ({"ground_truth_label": np.array(["a", "b"], object)}, "2 values"),
    ],
)  # fmt: skip
def test_a_unit_that_cannot_be_used_stops_no_other(tmp_path, changes, said):
    found = read(c4(tmp_path / "x.h5", per_unit={1: changes}), How())
    assert [u.cell_id[-1] for u in found.recordings] == ["0", "2", "3"]
    assert found.lost[0].startswith("cell hausser_neuron_1: ") and said in found.lost[0]


def test_amplitudes_of_another_number_are_left_out_with_a_note(tmp_path):
    unit = read(c4(tmp_path / "x.h5", n=1, amplitudes=np.ones(7)), How()).recordings[0]
    assert unit.amplitudes is None and "their amplitudes are not as many as their spikes" in unit.notes[0]


def test_numbers_of_units(tmp_path):
    assert [u.cell_id for u in read(c4(tmp_path / "x.h5"), How(units=[3])).recordings] == ["hausser_neuron_3"]
    with pytest.raises(
        UserError, match="dataset.units names 9, which it does not hold; its units are hausser_neuron_0"
    ):
        read(tmp_path / "x.h5", How(units=[9]))


def test_a_given_rate_counts_and_spikes_are_put_in_order(tmp_path):
    unit = read(c4(tmp_path / "x.h5", n=1, sampling_rate=None, spike_indices=trains()[0][::-1].copy()),
                How(sampling_rate=20000.0)).recordings[0]  # fmt: skip
    assert unit.waveform_rate == 20000 and np.array_equal(unit.spikes, trains()[0] / 20000)
    assert "out of the order of time, and sorted" in unit.notes[0]
