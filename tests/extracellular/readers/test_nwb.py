"""Units of NWB 2 files: the schema, the Allen Institute's layout, which units, labels and rates."""

import h5py
import numpy as np
import pytest
from made.units import RATE, trains, waveforms

pytest.importorskip("pynwb", reason="extra nwb is not installed")
from made.configs import cells  # noqa: E402
from made.nwb_units import allen, nwb  # noqa: E402

from celltype_cli.core.messages import UserError  # noqa: E402
from celltype_cli.extracellular.readers.files import read  # noqa: E402
from celltype_cli.extracellular.readers.found import How  # noqa: E402

NEAR = {k: np.sort(np.argsort(-np.ptp(waveforms()[k], axis=0), kind="stable")[:8]) for k in range(4)}


def test_the_schema(tmp_path):
    found = read(nwb(tmp_path / "x.nwb", amplitudes=True, columns={"cell_type": ["PV", "SST", "unknown", ""]}), How())
    assert [(u.cell_id, u.label) for u in found.recordings] == [
        ("x/0", "PV"), ("x/1", "SST"), ("x/2", ""), ("x/3", "")]  # fmt: skip
    assert {(u.group, u.source, u.waveform_rate) for u in found.recordings} == {("m1", "Made Lab", RATE)}
    for k, unit in enumerate(found.recordings):
        assert np.allclose(unit.spikes, trains()[k] / RATE)
        assert np.allclose(unit.waveform, waveforms()[k][:, NEAR[k]].T)
        assert np.allclose(unit.amplitudes, np.linspace(1, 2, len(unit.spikes)))
    assert "x.nwb: its column cell_type says cell types" in found.notes
    assert "x.nwb: nothing says which units are good, and all are taken" in found.notes


def test_waveforms_of_the_largest_channel_alone(tmp_path):
    unit = read(nwb(tmp_path / "x.nwb", peak=True, subject=None), How()).recordings[1]
    assert np.allclose(unit.waveform, waveforms()[1][None, :, 4]) and unit.group == "x"


def test_the_layout_of_the_allen_institute(tmp_path):
    found = read(allen(tmp_path / "x.nwb"), How())
    assert [u.cell_id for u in found.recordings] == ["x/0", "x/1", "x/3"]
    assert any("3 good, 1 noise; the good are taken (3 by quality)" in note for note in found.notes)
    assert "x.nwb: the rate of waveforms is that of its probes (30000 Hz)" in found.notes
    assert np.allclose(found.recordings[2].waveform, waveforms()[3][:, NEAR[3]].T)
    assert len(found.recordings[0].amplitudes) == len(found.recordings[0].spikes)
    assert len(read(tmp_path / "x.nwb", How(quality="all")).recordings) == 4


def test_which_units_and_which_column_of_labels(tmp_path):
    columns = {"kind": ["a", "b", "c", "d"], "ks_label": ["mua", "good", "mua", "good"]}
    file = nwb(tmp_path / "x.nwb", columns=columns, ids=[5, 7, 9, 11])
    assert [(u.cell_id, u.label) for u in read(file, How(label="kind")).recordings] == [("x/7", "b"), ("x/11", "d")]
    assert [u.cell_id for u in read(file, How(units=[9])).recordings] == ["x/9"]
    with pytest.raises(UserError, match="have no column kinds .dataset.label.; found .*nearest: kind"):
        read(file, How(label="kinds"))
    with pytest.raises(UserError, match="dataset.units names 1, which it does not hold; it holds 5, 7, 9, 11"):
        read(file, How(units=[1]))
    with pytest.raises(UserError, match="none of its 4 clusters is good .1 mua, 3 noise"):
        read(nwb(tmp_path / "y.nwb", columns={"quality": ["mua", "noise", "noise", "noise"]}), How())


def test_a_rate_is_never_guessed(tmp_path):
    for file in (nwb(tmp_path / "x.nwb", rate=None), allen(tmp_path / "y.nwb", rate=None)):
        with pytest.raises(UserError, match="has no sampling rate of its waveforms; set dataset.sampling_rate"):
            read(file, How())
        assert read(file, How(sampling_rate=25000.0)).recordings[0].waveform_rate == 25000
    with h5py.File(tmp_path / "y.nwb", "a") as file:
        file["general/devices/probe"].attrs["sampling_rate"] = 30000.0
        file.create_group("general/devices/other").attrs["sampling_rate"] = 20000.0
    with pytest.raises(UserError, match="its probes have other 20000 Hz, probe 30000 Hz"):
        read(tmp_path / "y.nwb", How())


def test_units_without_waveforms_are_read(tmp_path):
    found = read(nwb(tmp_path / "x.nwb", waveform=False), How())
    assert len(found.recordings) == 4 and not found.recordings[0].waveform.size
    assert "x.nwb: its table of units has no column waveform_mean" in found.notes


def test_spikes_that_are_missing_out_of_order_or_early(tmp_path):
    at = trains()[1] / RATE
    found = read(nwb(tmp_path / "x.nwb", spikes={0: [], 1: at[::-1], 2: at - 5}), How())
    assert found.lost == ["cell x/0: has no spikes"] and len(found.recordings) == 3
    assert np.allclose(found.recordings[0].spikes, at) and (found.recordings[1].spikes >= 0).all()
    assert [u.notes for u in found.recordings] == [
        ("their spikes are out of the order of time, and sorted",),
        ("spikes before the recording, at negative times, are left out",), ()]  # fmt: skip


def test_a_unit_listed_twice(tmp_path):
    at = trains()[0] / RATE
    found = read(nwb(tmp_path / "x.nwb", spikes={2: at}), How())
    assert found.lost == ["cell x/2: its spikes are those of x/0, so that it is listed twice"]
    with pytest.raises(UserError, match="its table of units lists 3 more than once"):
        read(nwb(tmp_path / "y.nwb", ids=[3, 3, 4, 5]), How())


def test_other_kinds_of_recording_say_which_they_are(tmp_path):
    from made.nwb import Made

    with pytest.raises(
        UserError, match="is NWB without a table of units; it holds traces of calcium imaging: dataset="
    ):
        read(Made().series().write(tmp_path / "x.nwb"), How())


def test_a_real_file_of_sweeps_says_so(shared_data):
    with pytest.raises(UserError, match="without a table of units; it holds sweeps of patch clamp"):
        read(shared_data / "patch_clamp/nwb/99111002.nwb", How())


def test_several_files_of_one_animal_are_one_group(tmp_path):
    for name in ("a", "b"):
        nwb(tmp_path / "in" / f"{name}.nwb", spikes={k: trains()[k][10 * (name == "b") :] / RATE for k in range(4)})
    found = read(tmp_path / "in", How())
    assert {u.group for u in found.recordings} == {"m1"} and len({u.cell_id for u in found.recordings}) == 8


@pytest.mark.parametrize("good", [[True, False, True, True], [1, 0, 1, 1]])
def test_a_column_is_good(tmp_path, good):
    found = read(nwb(tmp_path / "x.nwb", columns={"is_good": good}), How())
    assert [unit.cell_id for unit in found.recordings] == ["x/0", "x/2", "x/3"]


@pytest.mark.parametrize("ends", [[100, 300, 600, 99999], np.array([100, 300, 600, 1000]).astype("u1"), [0, 0, 0, 900]])
def test_an_index_that_does_not_fit_gives_no_unit_the_spikes_of_another(tmp_path, ends):
    with h5py.File(nwb(tmp_path / "x.nwb"), "a") as file:
        del file["units/spike_times_index"]
        file["units/spike_times_index"] = ends
    found = read(tmp_path / "x.nwb", How())
    assert not found.recordings and len(found.lost) == 4
    assert "spike_times_index ends at" in found.lost[0] and "of 1000 entries" in found.lost[0]


def test_columns_by_other_names_and_units_seen_in_part_are_told(tmp_path):
    columns = {"unit_quality": ["good", "multi", "good", "good"], "neuron_type": ["PkC", "MLI", "PkC", "GoC"]}
    with h5py.File(nwb(tmp_path / "x.nwb", columns=columns), "a") as file:
        file["units/obs_intervals"] = [[0.0, 10.0], [0.0, 20.0], [0.0, 20.0], [0.0, 20.0]]
        file["units/obs_intervals_index"] = [1, 2, 3, 4]
    notes = read(tmp_path / "x.nwb", How()).notes
    assert "x.nwb: its column unit_quality says 3 good, 1 multi, and is not read: dataset.units=[...]" in notes
    assert "x.nwb: its column neuron_type may say cell types: dataset.label=neuron_type takes it" in notes
    assert any("1 of 4 units were observed in a part of the recording (obs_intervals)" in note for note in notes)
    assert {u.label for u in read(tmp_path / "x.nwb", How(label="neuron_type")).recordings} == {"PkC", "MLI", "GoC"}


@pytest.mark.parametrize("name", ["label", "ibl_quality_score"])
def test_a_score_of_three_criteria_says_which_units_are_good(tmp_path, name):
    found = read(nwb(tmp_path / "x.nwb", columns={name: [1.0, 1 / 3, 1.0, 0.67]}), How())
    assert [u.cell_id for u in found.recordings] == ["x/0", "x/2"]
    assert any(f"the good are taken (2 by {name})" in note for note in found.notes)
    types = read(nwb(tmp_path / "y.nwb", columns={name: [1.0, 0.0, 1.0, 0.0]}), How())
    assert len(types.recordings) == 4 and "y.nwb: nothing says which units are good, and all are taken" in types.notes


def test_a_unit_that_loses_its_negative_spikes_says_so(tmp_path):
    """As where spike times count from the start of each trial."""
    nwb(tmp_path / "x.nwb", spikes={k: trains()[k] / RATE - 15 for k in range(4)})
    with pytest.raises(
        UserError, match=r"expected 100 or more \(prepare.min_spikes\) \(spikes before the recording, at"
    ):
        cells("units", path=str(tmp_path / "x.nwb"))


def test_a_column_of_passes(tmp_path):
    found = read(nwb(tmp_path / "x.nwb", columns={"passing_qc": [True, False, True, True]}), How())
    assert [unit.cell_id for unit in found.recordings] == ["x/0", "x/2", "x/3"]
