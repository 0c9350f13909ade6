"""NWB files of calcium imaging: what is wrong with a file, its labels or its series is said."""

import warnings

import h5py
import pytest
from made.configs import described
from made.nwb import TYPES, Made, load, values, write_csv
from pynwb.ophys import Fluorescence

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


@pytest.mark.parametrize("way", [{}, {"column": "cell_type", "genotype": {"Vip": "VIP"}}])
def test_exactly_one_way_to_labels(tmp_path, way):
    with pytest.raises(UserError, match="exactly one of column"):
        load(tmp_path, way)


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
    with pytest.raises(UserError, match=r"is of shape \(300, 5\); expected \[time, roi\] with 3 ROIs"):
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
    assert "cut.nwb: is no HDF5 file, or truncated" in said
    assert "text.nwb: is no HDF5 file" in said
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
