"""NWB files of calcium imaging: what is wrong with a file, its labels or its series is said."""

import warnings

import h5py
import numpy as np
import pytest
from made.configs import described
from made.nwb import TYPES, Made, load, values, write_csv
from pynwb.ophys import Fluorescence

from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.core.messages import UserError


def test_csv_faults(tmp_path):
    Made("m1").series().write(tmp_path / "a.nwb")
    with pytest.raises(UserError, match="roi_id 999 is no ROI that was read"):
        load(tmp_path, write_csv(tmp_path, roi_id=[101, 999], label=["PV", "PV"]))
    with pytest.raises(UserError, match="roi_id 101 .*occurs 2 times"):
        load(tmp_path, write_csv(tmp_path, roi_id=[101, 101], label=["PV", "SOM"]))
    with pytest.raises(UserError, match="roi_id missing; found roi, label"):
        load(tmp_path, write_csv(tmp_path, roi=[101], label=["PV"]))
    Made("m2").series().write(tmp_path / "b.nwb")
    with pytest.raises(UserError, match="has no column file, but there are several NWB files"):
        load(tmp_path, write_csv(tmp_path, roi_id=[101], label=["PV"]))


def test_one_way_to_labels_or_none(tmp_path):
    path = Made("m1", columns=TYPES).series().write(tmp_path / "a.nwb")
    with pytest.raises(UserError, match="dataset.labels.column and dataset.labels.genotype are given; give one of"):
        load(tmp_path, {"column": "cell_type", "genotype": {"Vip": "VIP"}})
    cells = load(path, {})
    assert set(cells.label) == {UNLABELLED}
    assert any(note.startswith("no label was asked for: dataset.labels.column, path or") for note in cells.about.notes)


@pytest.mark.parametrize(
    "way", [{"genotype": {"Vip": ["a", "b"]}}, {"column": "cell_type", "rename": {"PV": ["a", "b"]}}]
)
def test_a_class_that_is_no_text(tmp_path, way):
    with pytest.raises(UserError, match=r"dataset.labels.(genotype|rename): 2 values \(a, b, ...\); expected one text"):
        load(Made("m1", columns=TYPES).series().write(tmp_path / "a.nwb"), way)


@pytest.mark.parametrize(
    ("genotype", "said"),
    [
        ("Ndnf-IRES2-dgCre", "the genotype Ndnf-IRES2-dgCre fits none of Vip, Sst"),
        ("Vip-IRES-Cre;Sst-IRES-FlpO", "fits Vip and Sst of Vip, Sst; expected one class"),
        (None, "its subject has no genotype; give labels in a csv"),
    ],
)
def test_genotype_that_is_not_one_class(tmp_path, genotype, said):
    path = Made("m1", genotype).series().write(tmp_path / "a.nwb")
    with pytest.raises(UserError, match=said):
        load(path, dict(genotype={"Vip": "VIP", "Sst": "SOM"}))


def test_a_column_that_is_not_there_names_those_that_are(tmp_path):
    path = Made("m1", "Vip-IRES-Cre/wt", columns=TYPES).series().write(tmp_path / "a.nwb")
    with pytest.raises(UserError, match="no column celltype; nearest: cell_type; found .*genotype is Vip-IRES-Cre/wt"):
        load(path, dict(column="celltype"))
    with pytest.raises(UserError, match="has no table types; found .*PlaneSegmentation"):
        load(path, dict(column="types/subtype"))


def test_series_faults(tmp_path):
    path = Made(columns=TYPES).series("Raw", Fluorescence, "Fluorescence").write(tmp_path / "a.nwb")
    with pytest.raises(
        UserError, match="has 0 series of dF/F, expected one; found ophys/Fluorescence/Raw; set .*prepare.signal"
    ):
        load(path, dict(column="cell_type"))
    with pytest.raises(UserError, match="has no series Row; nearest: Raw"):
        load(path, dict(column="cell_type"), series="Row")
    assert load(path, dict(column="cell_type"), series="Raw", signal="raw").about.of("trace").unit == "raw fluorescence"


def test_shapes_that_do_not_fit_are_named(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Made(columns=TYPES).series(data=values(5), rate=10.0).write(tmp_path / "a.nwb")
    with pytest.raises(
        UserError, match=r"is of shape \(300, 5\); expected \[time, roi\], a column for each of 3 ROIs; its"
    ):
        load(path, dict(column="cell_type"))


def test_without_subject_each_cell_is_a_group(tmp_path):
    cells = load(Made(None, columns=TYPES).series().write(tmp_path / "a.nwb"), dict(column="cell_type"))
    assert len(set(cells.group)) == 3
    assert any("the animal of 3 of 3 cells is unknown" in note for note in cells.about.notes)


def test_files_that_are_no_nwb(tmp_path):
    good = Made(columns=TYPES).series().write(tmp_path / "good.nwb").read_bytes()
    (tmp_path / "cut.nwb").write_bytes(good[: len(good) // 2])
    (tmp_path / "text.nwb").write_text("text")
    with h5py.File(tmp_path / "old.nwb", "w") as file:
        file["nwb_version"] = "NWB-1.0.5"
    with h5py.File(tmp_path / "other.nwb", "w") as file:
        file["x"] = 1
    with pytest.raises(UserError) as error:
        load(tmp_path, dict(column="cell_type"))
    said = str(error.value)
    assert "4 files of" in said
    assert "cut.nwb: cannot be read as HDF5, it is truncated" in said
    assert "text.nwb: cannot be read as HDF5" in said
    assert "old.nwb: is NWB 1, which is not read" in said
    assert "other.nwb: cannot be read as NWB" in said


@pytest.mark.parametrize(("name", "said"), [("none", "does not exist"), ("", "holds no file ending in .nwb")])
def test_nothing_there(tmp_path, name, said):
    with pytest.raises(UserError, match=said):
        load(tmp_path / name, dict(column="x"))


@pytest.mark.parametrize("option", ["nwb_ophys", "allen_visual_coding"])
def test_the_rate_of_the_examples_is_set_in_one_place(celltype, option):
    """What is read is bounded by it, and is no second setting of that name."""
    assert described(option, sampling_rate=5.0).dataset.read_rate == 5.0
    code, _, err = celltype("data", f"dataset={option}", "dataset.path=x", "dataset.sampling_rate=5")
    assert code == 2
    assert "dataset.sampling_rate is now prepare.sampling_rate: type prepare.sampling_rate=5" in err


def test_no_series_at_all(tmp_path):
    Made().write(tmp_path / "a.nwb")
    with pytest.raises(UserError, match="no RoiResponseSeries in 1 files"):
        load(tmp_path, dict(column="x"))


# What damaged and odd files hold


def edited(tmp_path, edit, **made):
    path = Made(columns=TYPES, **made).series().write(tmp_path / "a.nwb")
    with h5py.File(path, "a") as file:
        edit(file["processing/ophys/DfOverF/RoiResponseSeries"])
    return path


@pytest.mark.parametrize("rows", [[-1, 0, 1], [0, 1, 7], [0.0, 1.0, 2.0]])
def test_rows_of_rois_that_do_not_exist(tmp_path, rows):
    def edit(series):
        attributes = dict(series["rois"].attrs)
        del series["rois"]
        series.create_dataset("rois", data=rows).attrs.update(attributes)

    with pytest.raises(UserError, match="a.nwb.*(its ROIs are rows|cannot be read as NWB)"):
        load(edited(tmp_path, edit), dict(column="cell_type"))


def test_time_stamps_of_two_rows_are_named(tmp_path):
    def edit(series):
        del series["starting_time"]
        stamps = series.create_dataset("timestamps", data=np.zeros((2, len(series["data"]))))
        stamps.attrs.update({"interval": 1, "unit": "seconds"})

    with pytest.raises(UserError, match="a.nwb: cannot be read as NWB .*incorrect shape for timestamps"):
        load(edited(tmp_path, edit), dict(column="cell_type"))


@pytest.mark.parametrize("rate", [0.0, float("nan")])
def test_a_rate_that_is_none(tmp_path, rate):
    path = edited(tmp_path, lambda series: series["starting_time"].attrs.__setitem__("rate", rate))
    with pytest.raises(UserError, match="a/PlaneSegmentation/101 .a.nwb. and 2 more: its sampling rate is"):
        load(path, dict(column="cell_type"))


@pytest.mark.parametrize("stamps", [np.zeros(300), np.repeat(np.arange(150) / 10, 2), np.full(300, np.nan)])
def test_time_stamps_that_do_not_rise(tmp_path, stamps):
    path = Made(columns=TYPES).series(timestamps=stamps).write(tmp_path / "a.nwb")
    with pytest.raises(
        UserError,
        match="a.nwb.*its time stamps (are no finite|do not rise)|its sampling rate is",
    ):
        load(path, dict(column="cell_type"))


def test_percent_is_divided(tmp_path):
    path = edited(tmp_path, lambda series: series["data"].attrs.__setitem__("unit", "percent"))
    cells = load(path, dict(column="cell_type"))
    assert np.allclose(cells.inputs["trace"][0, 0], values()[:100, 0] / 100, atol=1e-6)
    assert any("are percent, as their files say, and were divided by 100" in note for note in cells.about.notes)


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("iscell", [[1.0, 0.9], [0.0, 0.1], [1.0, 0.8]]),  # as suite2p writes it
        ("Accepted", [1, 0, 1]),
        ("rejected", [0, 1, 0]),
        ("valid_roi", [True, False, True]),
    ],
)
def test_flagged_rois_are_left_out(tmp_path, name, flags):
    path = Made(columns={**TYPES, name: flags}).series().write(tmp_path / "a.nwb")
    cells = load(path, dict(column="cell_type"))
    assert [*dict.fromkeys(cells.cell_id)] == ["a/PlaneSegmentation/101", "a/PlaneSegmentation/307"]
    assert np.allclose(cells.inputs["trace"][3, 0], values()[:100, 2], atol=1e-6)  # its own trace
    assert any(f"1 ROIs are flagged as no cells (1 by {name}) and left out" in note for note in cells.about.notes)
    assert load(path, dict(column="cell_type"), rejected="keep").n_cells == 3
    csv = write_csv(tmp_path, roi_id=[101, 205], label=["PV", "SOM"])  # a row for an ROI that is left out is no fault
    assert load(path, csv).classes == ("PV",)


def test_one_broken_file_leaves_the_folder(tmp_path):
    good = Made(columns=TYPES).series().write(tmp_path / "in" / "good.nwb")
    (tmp_path / "in" / "cut.NWB").write_bytes(good.read_bytes()[:5000])
    other = Made("m2", columns=TYPES).series(data=values(seed=1)).write(tmp_path / "elsewhere" / "b.nwb")
    (tmp_path / "in" / "link").symlink_to(other.parent)
    (tmp_path / "in" / "._good.nwb").write_bytes(b"of macOS")
    cells = load(tmp_path / "in", dict(column="cell_type"), unusable="drop")
    assert set(cells.group) == {"m1", "m2"}
    notes = "; ".join(cells.about.notes)
    assert "1 files that cannot be used are left out: cut.NWB: cannot be read as HDF5, it is truncated" in notes
    assert "1 hidden (._good.nwb)" in notes


def test_series_that_claims_too_much(tmp_path):
    def edit(series):
        attributes = dict(series["data"].attrs)
        del series["data"]
        series.create_dataset("data", shape=(10**8, 3), dtype="f8", chunks=(10**5, 3)).attrs.update(attributes)

    with pytest.raises(UserError, match="data claims 300000000 values and stores 0 bytes"):
        load(edited(tmp_path, edit), dict(column="cell_type"))


@pytest.mark.parametrize(("scale", "offset"), [(0.0, 0.0), (np.nan, 0.0), (1.0, np.inf)])
def test_a_conversion_that_is_none(tmp_path, scale, offset):
    path = Made("m1").series().write(tmp_path / "a.nwb")
    with h5py.File(path, "a") as file:
        data = file["processing/ophys/DfOverF/RoiResponseSeries/data"]
        data.attrs.update({"conversion": scale, "offset": offset})
    with pytest.raises(UserError, match=f"conversion is {scale:g}.* its offset {offset:g}; expected finite"):
        load(path, {})
