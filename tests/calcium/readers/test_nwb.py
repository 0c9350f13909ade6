"""NWB files of calcium imaging: traces and labels as written, in the layouts that public sets have."""

import warnings

import numpy as np
import pytest
from hdmf.common import DynamicTable, VectorData
from made.nwb import IDS, RATE, SAMPLES, TYPES, Made, by_cell, load, values, write_csv
from pynwb.ophys import DfOverF, Fluorescence

from celltype_cli.core.messages import UserError


def test_column_of_the_table_of_rois(tmp_path):
    data = values()
    path = Made(columns=TYPES).series(data=data).write(tmp_path / "a.nwb")
    cells = load(path, dict(column="cell_type"))
    assert cells.classes == ("PV", "SOM")
    assert by_cell(cells) == {"101": "PV", "205": "SOM", "307": "PV"}
    assert cells.inputs["trace"].shape == (9, 1, 100)
    assert np.array_equal(cells.inputs["trace"][cells.cell_id == "a/PlaneSegmentation/205"].ravel(), data[:, 1])
    assert set(cells.group) == {"m1"}
    assert set(cells.source) == {"Made Institute, GCaMP6f, VISp"}
    assert cells.about.of("trace").sampling_rate == 10.0


def test_rows_of_the_series_may_be_some_rois_in_any_order(tmp_path):
    data = values(2)
    path = Made(columns=TYPES).series(data=data, rows=[2, 1]).write(tmp_path / "a.nwb")
    cells = load(path, dict(column="cell_type"))
    assert by_cell(cells) == {"205": "SOM", "307": "PV"}
    assert np.array_equal(cells.inputs["trace"][cells.cell_id == "a/PlaneSegmentation/307"].ravel(), data[:, 0])


def test_a_rate_that_counts_frames_a_minute_is_told_where_traces_are_resampled(tmp_path):
    path = Made(columns=TYPES).series(rate=600.0).write(tmp_path / "a.nwb")
    notes = load(path, dict(column="cell_type"), timesteps=3, sampling_rate=7.5).about.notes
    assert len([note for note in notes if "recorded at 600 Hz or so: are they frames a minute, and 10 Hz" in note]) == 1


def test_time_stamps_give_rate_and_gaps(tmp_path):
    time = 3.0 + np.arange(SAMPLES) / RATE
    time[200:] += 5  # 200 samples, a gap, 100 samples
    path = Made(columns=TYPES).series(timestamps=time).write(tmp_path / "a.nwb")
    assert len(load(path, dict(column="cell_type"), timesteps=150)) == 3
    assert len(load(path, dict(column="cell_type"), timesteps=100)) == 9
    loaded = load(path, dict(column="cell_type"))
    assert loaded.about.of("trace").sampling_rate == pytest.approx(10)
    said = "its time stamps part the traces 1 times, and no window crosses that"
    assert f"a.nwb: series RoiResponseSeries: {said}" in loaded.about.notes


def test_a_missing_value_ends_a_segment_and_cells_without_values_are_left_out(tmp_path):
    data = values()
    data[150, 0] = np.nan
    data[:, 1] = np.nan
    cells = load(Made(columns=TYPES).series(data=data).write(tmp_path / "a.nwb"), dict(column="cell_type"))
    assert np.unique(cells.cell_id, return_counts=True)[1].tolist() == [2, 3]  # 150 and 149 samples; 300
    assert "1 cells without any value were left out" in cells.about.notes


def test_transposed_data_and_units_are_brought_to_order(tmp_path):
    data = values()
    made = Made(columns=TYPES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pynwb about the wrong order
        path = made.series(data=data.T.copy(), conversion=0.01, offset=2.0).write(tmp_path / "a.nwb")
    cells = load(path, dict(column="cell_type"))
    assert np.allclose(cells.inputs["trace"][cells.cell_id == "a/PlaneSegmentation/101"].ravel(),
                       0.01 * data[:, 0] + 2, atol=1e-6)  # fmt: skip


def test_slow_recordings_are_interpolated_with_a_note_and_fast_ones_resampled(tmp_path):
    Made(columns=TYPES).series(rate=5.0).write(tmp_path / "a.nwb")
    Made("m2", columns=TYPES).series(rate=20.0).write(tmp_path / "b.nwb")
    cells = load(tmp_path, dict(column="cell_type"), sampling_rate=10.0)
    assert len(cells) == 3 * 5 + 3 * 1  # 60 s less a sample at 10 Hz: 599; 15 s: 150
    assert any(note.startswith("3 cells were recorded at less than 10 Hz") for note in cells.about.notes)


# Layouts of public sets


def test_layout_of_dandi_000728(tmp_path):
    """Events beside dF/F, linked time stamps, class by genotype, raw movies in files of their own."""
    for number, genotype in ((1, "Pvalb-IRES-Cre/wt;Ai162(TIT2L-GC6s-ICL-tTA2)/wt"), (2, "Rbp4-Cre; Camk2a-tTA; Ai93")):
        made = Made(f"5000{number}", genotype, columns={"global_roi_id": [1, 2, 3]})
        made.series("Corrected", Fluorescence, "Fluorescence", timestamps=np.arange(SAMPLES) / 30.0)
        corrected = made.ophys["Fluorescence"]["Corrected"]
        made.series("DfOverF", data=values(seed=number), timestamps=corrected)
        made.series("DfOverFEvents", data=np.abs(values()), timestamps=corrected)
        made.write(tmp_path / f"sub-5000{number}" / f"sub-5000{number}_ses-1-StimA_behavior+image+ophys.nwb")
        Made(f"5000{number}").write(tmp_path / f"sub-5000{number}" / f"sub-5000{number}_ses-1-StimA_ophys.nwb")
    way = dict(genotype={"Pvalb-IRES-Cre": "PV", "Rbp4-Cre": "PY", "Sst-IRES-Cre": "SOM"})
    cells = load(tmp_path, way, series="DfOverF/DfOverF", classes=["PY", "PV", "SOM"])
    assert cells.classes == ("PY", "PV", "SOM")
    first = np.unique(cells.group, return_index=True)[1]
    assert [(cells.group[r], cells.classes[cells.label[r]]) for r in first] == [("50001", "PV"), ("50002", "PY")]
    assert np.array_equal(cells.inputs["trace"][cells.group == "50001"][:3].ravel(), values(seed=1)[:, 0])
    assert "2 files without a RoiResponseSeries were left out" in cells.about.notes
    with pytest.raises(UserError, match=r"has 2 series of dF/F, expected one; found ophys/DfOverF/DfOverF, .*Events"):
        load(tmp_path, way)


def test_layout_of_dandi_000711(tmp_path):
    """dF/F in a box named dff, as allensdk writes it; events are a series of an extension, outside any box."""
    made = Made("403491", "Vip-IRES-Cre/wt;Ai148(TIT2L-GC6f-ICL-tTA2)/wt", planes=("cell_specimen_table",))
    made.series("traces", Fluorescence, "corrected_fluorescence", plane="cell_specimen_table")
    made.series("traces", DfOverF, "dff", plane="cell_specimen_table")
    cells = load(made.write(tmp_path / "a.nwb"), dict(genotype={"Slc17a7": "PY", "Sst": "SOM", "Vip": "VIP"}))
    assert cells.classes == ("VIP",)
    with pytest.raises(UserError, match="corrected_fluorescence/traces, ophys/dff/traces fit .* same ROIs; choose one"):
        load(tmp_path / "a.nwb", dict(genotype={"Vip": "VIP"}), series="traces")


def subtypes(tmp_path, ids, kinds):
    made = Made(ids=(0, 1, 2)).series()
    column = VectorData(name="subtype", description="", data=kinds)
    made.ophys.add(DynamicTable(name="Cell_Subtypes", description="", columns=[column], id=ids))
    return made.write(tmp_path / "a.nwb")


def test_layout_of_dandi_000625(tmp_path):
    """Types in another table, matched by id, some of them unknown."""
    path = subtypes(tmp_path, [2, 1, 0], ["PVBC", "SOM", "NOTHING"])
    way = dict(column="Cell_Subtypes/subtype", rename={"PVBC": "PV", "NOTHING": ""})
    assert by_cell(load(path, way)) == {"0": "", "1": "SOM", "2": "PV"}


def test_a_table_with_one_row_too_many_is_refused(tmp_path):
    path = subtypes(tmp_path, [0, 1, 2, 3], ["subtype", "PVBC", "SOM", "NOTHING"])
    with pytest.raises(UserError, match="table Cell_Subtypes has 4 rows, PlaneSegmentation 3 ROIs.*labels.path"):
        load(path, dict(column="Cell_Subtypes/subtype"))


def test_two_planes_by_a_pattern(tmp_path):
    made = Made(planes=("plane0", "plane1"), columns=TYPES)
    made.series("first", plane="plane0").series("second", plane="plane1")
    path = made.write(tmp_path / "a.nwb")
    cells = load(path, dict(column="cell_type"), series="DfOverF/*")
    assert sorted(set(cells.cell_id)) == [f"a/plane{k}/{roi}" for k in (0, 1) for roi in IDS]


# A table beside


def test_csv_for_one_file_leaves_others_without_label(tmp_path):
    path = Made().series().write(tmp_path / "a.nwb")
    way = write_csv(tmp_path, roi_id=[307, 101], label=["SOM", "PV"])
    assert by_cell(load(path, way)) == {"101": "PV", "205": "", "307": "SOM"}


@pytest.mark.parametrize("names", [["a", "b"], ["a.nwb", "sub-2/b.nwb"]])
def test_csv_for_several_files(tmp_path, names):
    Made("m1").series().write(tmp_path / "a.nwb")
    Made("m2").series().write(tmp_path / "sub-2" / "b.nwb")
    way = write_csv(tmp_path, file=names, roi_id=[101, 101], label=["PV", "SOM"])
    cells = load(tmp_path, way)
    assert [cells.classes[k] for k in cells.label[cells.label >= 0]] == ["PV"] * 3 + ["SOM"] * 3
    assert set(cells.group[cells.label == 1]) == {"m2"}


def test_a_neuron_may_occur_in_several_files_of_an_animal(tmp_path):
    for name in ("a", "b"):
        Made("m1", columns=TYPES).series().write(tmp_path / f"{name}.nwb")
    notes = load(tmp_path, dict(column="cell_type")).about.notes
    assert any(note.startswith("1 animals have several files") for note in notes)


def test_a_rate_of_the_imaging_plane_that_differs_and_scores_are_told(tmp_path):
    made = Made(columns={**TYPES, "quality": ["0.9", "0.2", "good"]})
    made.nwb.imaging_planes["plane"].imaging_rate = 30.0
    notes = load(made.series().write(tmp_path / "a.nwb"), dict(column="cell_type")).about.notes
    assert any("its imaging plane says 30 Hz and the series 10 Hz, which counts" in note for note in notes)
    assert any("quality says 0.2, 0.9, of which no word is known as a flag" in note for note in notes)
