"""Sortings and analyzers of SpikeInterface: folders written as it does, and what it writes itself, where installed."""

import json

import numpy as np
import pytest
from made.sortings import Analyzer, Sorting, analyzer, sorting, vector
from made.units import RATE, N, trains, waveforms

from celltype_cli.core.messages import UserError
from celltype_cli.extracellular.readers import spikeinterface
from celltype_cli.extracellular.readers.files import read
from celltype_cli.extracellular.readers.found import How


def test_an_analyzer_with_its_templates(tmp_path):
    found = read(
        analyzer(tmp_path / "a", quality=["good", "mua", "good", "good"], cell_type=["GoC", "x", "", "MLI"]), How()
    )
    assert [(u.cell_id, u.label, u.group) for u in found.recordings] == [
        ("a/0", "GoC", "a"), ("a/2", "", "a"), ("a/3", "MLI", "a")]  # fmt: skip
    for unit, k in zip(found.recordings, (0, 2, 3)):
        assert np.array_equal(unit.spikes, trains()[k] / RATE) and unit.in_uv and unit.waveform_rate == RATE
        near = np.sort(np.argsort(-np.ptp(waveforms()[k], axis=0), kind="stable")[:8])
        assert np.allclose(unit.waveform, waveforms()[k][:, near].T)
        assert np.array_equal(unit.amplitudes, np.full(len(unit.spikes), -1, np.float32))
    assert any("a: 3 good, 1 mua; the good are taken (3 by quality)" in note for note in found.notes)
    assert "a: its column cell_type says cell types" in found.notes
    assert [u.cell_id for u in read(tmp_path / "a", How(units=[1])).recordings] == ["a/1"]


def test_a_curation_that_is_not_applied_is_told(tmp_path):
    (tmp_path / "s").mkdir()
    folder = sorting(tmp_path / "s")
    (folder / "spikeinterface_gui").mkdir()
    (folder / "spikeinterface_gui" / "curation_data.json").write_text('{"unit_ids": [0, 1], "removed": [0]}')
    assert any("s: was curated in the GUI of SpikeInterface, which is not applied" in note for note in
               read(folder, How()).notes)  # fmt: skip


def test_nothing_that_a_folder_names_is_run(tmp_path):
    found = read(sorting(tmp_path / "s"), How())
    assert len(found.recordings) == N and not found.recordings[0].waveform.size
    assert "s: has no waveforms; those of an analyzer are its extension templates" in found.notes
    assert not (tmp_path / "s" / "ran").exists()


def test_segments_follow_one_another(tmp_path):
    lengths = [int(RATE * 12), int(RATE * 13)]
    found = read(analyzer(tmp_path / "a", segments=2, lengths=lengths), How())
    assert "a: its 2 segments follow one another" in found.notes
    spikes, later = vector(segments=2), lengths[0] / RATE
    for k, unit in enumerate(found.recordings):
        mine = spikes[spikes["unit_index"] == k]
        assert np.allclose(unit.spikes, mine["sample_index"] / RATE + later * mine["segment_index"])
    alone = read(sorting(tmp_path / "s", segments=2), How())
    assert "s: its 2 segments follow one another, each taken to end with its last spike" in alone.notes
    assert all((np.diff(u.spikes) >= 0).all() for u in alone.recordings)


def test_a_recording_that_is_said_to_be_shorter_than_its_spikes(tmp_path):
    found = read(analyzer(tmp_path / "a", segments=2, lengths=[0, int(RATE * 13)]), How())
    alone = read(sorting(tmp_path / "s", segments=2), How())
    assert [unit.spikes.tolist() for unit in found.recordings] == [unit.spikes.tolist() for unit in alone.recordings]
    assert any("its recording has 0 samples in segment 0, and spikes until sample" in note for note in found.notes)


def test_several_folders_and_names_of_units(tmp_path):
    for name in ("day1/a", "day2/a"):
        analyzer(tmp_path / name, ids=["#1", "#2", "#3", "#4"])
    found = read(tmp_path, How())
    assert {u.group for u in found.recordings} == {"day1/a", "day2/a"} and len(found.recordings) == 8
    assert found.recordings[0].cell_id == "day1/a/#1"
    with pytest.raises(UserError, match="its units have names .#1, #2, #3, #4.; dataset.units takes numbers"):
        read(tmp_path / "day1" / "a", How(units=[1]))


def test_units_without_spikes_and_settings_that_do_not_fit(tmp_path):
    spikes = vector()[vector()["unit_index"] != 2]
    assert read(sorting(tmp_path / "s", spikes=spikes), How()).lost == ["cell s/2: has no spikes"]
    with pytest.raises(UserError, match="its units have no column kind .dataset.label.; found quality"):
        read(sorting(tmp_path / "t", quality=["good"] * 4), How(label="kind"))
    with pytest.raises(UserError, match="none of its 4 clusters is good"):
        read(sorting(tmp_path / "u", quality=["mua"] * 4), How())
    with pytest.raises(UserError, match="its sampling_frequency is 0; set dataset.sampling_rate"):
        read(sorting(tmp_path / "v", rate=0), How())
    assert read(tmp_path / "v", How(sampling_rate=20000.0)).recordings[0].waveform_rate == 20000


def test_damaged_folders_are_named(tmp_path):
    folder = sorting(tmp_path / "s")
    (folder / "numpysorting_info.json").write_text(json.dumps({"unit_ids": [1]}))
    with pytest.raises(
        UserError, match="is damaged, or of another version of SpikeInterface .KeyError: 'sampling_freq"
    ):
        read(folder, How())
    (sorting(tmp_path / "t0") / "spikes.npy").write_bytes(b"")
    with pytest.raises(UserError, match="is damaged, or of another version of SpikeInterface .EOFError"):
        read(tmp_path / "t0", How())
    (sorting(tmp_path / "t") / "spikes.npy").unlink()
    with pytest.raises(UserError, match="is damaged, or of another version of SpikeInterface .FileNotFoundError"):
        read(tmp_path / "t", How())


def test_groups_of_channels_are_no_quality(tmp_path):
    found = read(analyzer(tmp_path / "a", group=[0, 0, 1, 1]), How())
    assert len(found.recordings) == 4 and "a: nothing says which units are good, and all are taken" in found.notes
    assert len(read(analyzer(tmp_path / "b", group=["good", "mua", "good", "good"]), How()).recordings) == 3


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("unit_index", 4, "its spikes are of units 0 to 4 of 4"),
        ("unit_index", -1, "its spikes are of units -1 to 3 of 4"),
        ("segment_index", 1, "its spikes are in segments 0 to 1 of 1"),
    ],
)
def test_spikes_that_do_not_fit_the_units(tmp_path, field, value, said):
    spikes = vector()
    spikes[field][-1] = value
    with pytest.raises(UserError, match=said):
        read(analyzer(tmp_path / "a", spikes=spikes), How())


def test_parts_that_do_not_fit(tmp_path):
    folder = analyzer(tmp_path / "a", quality=["good"] * 4)
    np.save(folder / "extensions/spike_amplitudes/amplitudes.npy", np.ones(7))
    found = read(folder, How())
    assert found.recordings[0].amplitudes is None
    assert "a: has 7 amplitudes of 1000 spikes, which are left out" in found.notes
    np.save(folder / "extensions/templates/average.npy", np.ones((3, 82, 12)))
    np.save(folder / "sorting/properties/quality.npy", np.array(["good"]))
    with pytest.raises(
        UserError, match=r"templates are of shape \(3, 82, 12\)(.|\n)*it has 1 values of quality for 4 units"
    ):
        read(folder, How())


def test_objects_are_read_as_folders_are(tmp_path):
    found = read(Sorting(quality=["good", "good", "mua", "good"]), How())
    assert [u.cell_id for u in found.recordings] == ["sorting/0", "sorting/1", "sorting/3"]
    assert np.array_equal(found.recordings[1].spikes, trains()[1] / RATE) and not found.recordings[1].waveform.size
    for mine, theirs in zip(
        read(Analyzer(), How()).recordings, read(analyzer(tmp_path / "a"), How()).recordings, strict=True
    ):
        assert np.array_equal(mine.waveform, theirs.waveform) and np.array_equal(mine.spikes, theirs.spikes)
    with pytest.raises(UserError, match="int is no path, and no Sorting or SortingAnalyzer of SpikeInterface"):
        read(7, How())


@pytest.fixture(scope="module")
def made_by_it(tmp_path_factory):
    """An analyzer in memory, and all that SpikeInterface saves."""
    core = pytest.importorskip("spikeinterface.core", reason="extra sorting is not installed")
    place = tmp_path_factory.mktemp("saved")
    recording, sorted_units = core.generate_ground_truth_recording(
        durations=[20.0], num_channels=12, num_units=4, seed=0, sampling_frequency=25000.0
    )
    sorted_units.set_property("quality", np.array(["good", "mua", "good", "good"]))
    for name, settings in (("folder", {}), ("old", {"format": "npz_folder"}), ("s.zarr", {"format": "zarr"})):
        sorted_units.save(folder=place / name, **settings)
    for name, kind in (("analyzer", "binary_folder"), ("analyzer.zarr", "zarr")):
        made = core.create_sorting_analyzer(sorted_units, recording, format=kind, folder=place / name, sparse=True)
        made.compute(["random_spikes", "templates", "spike_amplitudes"])
    return place, sorted_units, made


def test_what_it_saves_is_read_as_it_reads_it(made_by_it):
    place, sorted_units, made = made_by_it
    average = made.get_extension("templates").get_data("average")
    for what in ("folder", "old", "s.zarr", "analyzer", "analyzer.zarr", sorted_units, made):
        found = read(place / what if isinstance(what, str) else what, How())
        assert len(found.recordings) == 3 and not found.lost, what
        for unit in found.recordings:
            one = unit.cell_id.rpartition("/")[2]
            assert np.array_equal(unit.spikes, sorted_units.get_unit_spike_train(one) / 25000)
            assert unit.waveform_rate == 25000
            if what is made or "analyzer" in str(what):
                peak = np.ptp(unit.waveform, axis=1).max()
                assert peak == pytest.approx(np.ptp(average[int(one)], axis=0).max()) and unit.in_uv
                assert len(unit.amplitudes) == len(unit.spikes)


def test_a_store_without_zarr_names_the_extra(tmp_path, monkeypatch):
    import sys

    (tmp_path / "x.zarr" / "spikes").mkdir(parents=True)
    (tmp_path / "x.zarr" / ".zattrs").write_text("{}")
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(UserError, match=r"is a zarr store, and zarr is missing .*pip install 'celltype\[sorting\]'"):
        read(tmp_path / "x.zarr", How())
    assert spikeinterface.is_object(Sorting()) and not spikeinterface.is_object(tmp_path)
