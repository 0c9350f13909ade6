"""NWB files of calcium imaging, written with pynwb in the layouts that public sets have."""

import warnings
from datetime import datetime, timezone
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf

from celltype_cli.errors import UserError
from celltype_cli.readers import nwb_ophys
from celltype_cli.readers.nwb_labels import Labels

pynwb = pytest.importorskip("pynwb", reason="extra nwb is not installed")
from hdmf.common import DynamicTable, VectorData  # noqa: E402
from pynwb.ophys import DfOverF, Fluorescence, ImageSegmentation, RoiResponseSeries  # noqa: E402

CONFIG = OmegaConf.to_container(OmegaConf.load(Path(__file__).parents[1] / "conf" / "dataset" / "nwb_ophys.yaml"))
RATE, SAMPLES, IDS = 10.0, 300, (101, 205, 307)


def values(n=3, seed=0):
    return np.random.default_rng(seed).normal(size=(SAMPLES, n)).astype("f4")


class Made:
    """One session: call series() for each RoiResponseSeries, then write()."""

    def __init__(self, subject="m1", genotype=None, ids=IDS, planes=("PlaneSegmentation",), columns=None):
        start = datetime(2020, 1, 1, tzinfo=timezone.utc)
        self.nwb = pynwb.NWBFile("made", "made", start, institution="Made Institute")
        if subject:
            self.nwb.subject = pynwb.file.Subject(subject_id=subject, genotype=genotype, species="Mus musculus")
        device = self.nwb.create_device("scope")
        channel = pynwb.ophys.OpticalChannel(name="green", description="green", emission_lambda=510.0)
        plane = self.nwb.create_imaging_plane(
            name="plane", optical_channel=channel, description="", device=device, excitation_lambda=920.0,
            indicator="GCaMP6f", location="VISp",
        )  # fmt: skip
        self.ophys = self.nwb.create_processing_module("ophys", "processed")
        segmentation = ImageSegmentation(name="ImageSegmentation")
        self.ophys.add(segmentation)
        self.tables = {}
        for name in planes:
            table = self.tables[name] = segmentation.create_plane_segmentation("rois", plane, name=name)
            for column in columns or {}:
                table.add_column(column, column)
            for k, number in enumerate(ids):
                row = {column: labels[k] for column, labels in (columns or {}).items()}
                table.add_roi(id=number, pixel_mask=[(0, k, 1.0)], **row)

    def series(self, name="RoiResponseSeries", container=DfOverF, box="DfOverF", data=None, plane="PlaneSegmentation",
               rows=None, **timing):  # fmt: skip
        table = self.tables[plane]
        rows = list(range(len(table))) if rows is None else rows
        if box not in self.ophys.data_interfaces:
            self.ophys.add(container(name=box))
        one = RoiResponseSeries(
            name=name, data=values(len(rows)) if data is None else data, unit="n.a.",
            rois=table.create_roi_table_region(description="all", region=rows),
            **timing if "timestamps" in timing else {"rate": RATE} | timing,
        )  # fmt: skip
        self.ophys[box].add_roi_response_series(one)
        return self

    def write(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with pynwb.NWBHDF5IO(str(path), "w") as io, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            io.write(self.nwb)
        return path


def labels(**way):
    return Labels(**{"column": None, "path": None, "genotype": None, "rename": None} | way)


def load(path, way, **changes):
    settings = {name: value for name, value in CONFIG.items() if name not in ("_target_", "path", "labels")}
    settings |= {"timesteps": 100, "sampling_rate": None} | changes
    return nwb_ophys.load(path=str(path), labels=way, **settings)


def by_cell(cells):
    first = np.unique(cells.cell_id, return_index=True)[1]
    names = (*cells.classes, "")  # label -1, of no class, is the last
    return {cells.cell_id[r].rpartition("/")[2]: names[cells.label[r]] for r in first}


TYPES = {"cell_type": ["PV", "SOM", "PV"]}


def test_column_of_the_table_of_rois(tmp_path):
    data = values()
    path = Made(columns=TYPES).series(data=data).write(tmp_path / "a.nwb")
    cells = load(path, labels(column="cell_type"))
    assert cells.classes == ("PV", "SOM")
    assert by_cell(cells) == {"101": "PV", "205": "SOM", "307": "PV"}
    assert cells.inputs["trace"].shape == (9, 1, 100)
    assert np.array_equal(cells.inputs["trace"][cells.cell_id == "a/PlaneSegmentation/205"].ravel(), data[:, 1])
    assert set(cells.group) == {"m1"}
    assert set(cells.source) == {"Made Institute, GCaMP6f, VISp"}
    assert cells.about.sampling_rate == 10.0


def test_rows_of_the_series_may_be_some_rois_in_any_order(tmp_path):
    data = values(2)
    path = Made(columns=TYPES).series(data=data, rows=[2, 1]).write(tmp_path / "a.nwb")
    cells = load(path, labels(column="cell_type"))
    assert by_cell(cells) == {"205": "SOM", "307": "PV"}
    assert np.array_equal(cells.inputs["trace"][cells.cell_id == "a/PlaneSegmentation/307"].ravel(), data[:, 0])


def test_time_stamps_give_rate_and_gaps(tmp_path):
    time = 3.0 + np.arange(SAMPLES) / RATE
    time[200:] += 5  # 200 samples, a gap, 100 samples
    path = Made(columns=TYPES).series(timestamps=time).write(tmp_path / "a.nwb")
    assert len(load(path, labels(column="cell_type"), timesteps=150)) == 3
    assert len(load(path, labels(column="cell_type"), timesteps=100)) == 9
    assert load(path, labels(column="cell_type")).about.sampling_rate == pytest.approx(10)


def test_a_missing_value_ends_a_segment_and_cells_without_values_are_left_out(tmp_path):
    data = values()
    data[150, 0] = np.nan
    data[:, 1] = np.nan
    cells = load(Made(columns=TYPES).series(data=data).write(tmp_path / "a.nwb"), labels(column="cell_type"))
    assert np.unique(cells.cell_id, return_counts=True)[1].tolist() == [2, 3]  # 150 and 149 samples; 300
    assert "1 cells without any value were left out" in cells.about.notes


def test_transposed_data_and_units_are_brought_to_order(tmp_path):
    data = values()
    made = Made(columns=TYPES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pynwb about the wrong order
        path = made.series(data=data.T.copy(), conversion=0.01, offset=2.0).write(tmp_path / "a.nwb")
    cells = load(path, labels(column="cell_type"))
    assert np.allclose(cells.inputs["trace"][cells.cell_id == "a/PlaneSegmentation/101"].ravel(),
                       0.01 * data[:, 0] + 2, atol=1e-6)  # fmt: skip


def test_slow_recordings_are_interpolated_with_a_note_and_fast_ones_resampled(tmp_path):
    Made(columns=TYPES).series(rate=5.0).write(tmp_path / "a.nwb")
    Made("m2", columns=TYPES).series(rate=20.0).write(tmp_path / "b.nwb")
    cells = load(tmp_path, labels(column="cell_type"), sampling_rate=10.0)
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
    way = labels(genotype={"Pvalb-IRES-Cre": "PV", "Rbp4-Cre": "PY", "Sst-IRES-Cre": "SOM"})
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
    cells = load(made.write(tmp_path / "a.nwb"), labels(genotype={"Slc17a7": "PY", "Sst": "SOM", "Vip": "VIP"}))
    assert cells.classes == ("VIP",)
    with pytest.raises(UserError, match="corrected_fluorescence/traces, ophys/dff/traces fit .* same ROIs; choose one"):
        load(tmp_path / "a.nwb", labels(genotype={"Vip": "VIP"}), series="traces")


def subtypes(tmp_path, ids, kinds):
    made = Made(ids=(0, 1, 2)).series()
    column = VectorData(name="subtype", description="", data=kinds)
    made.ophys.add(DynamicTable(name="Cell_Subtypes", description="", columns=[column], id=ids))
    return made.write(tmp_path / "a.nwb")


def test_layout_of_dandi_000625(tmp_path):
    """Types in another table, matched by id, some of them unknown."""
    path = subtypes(tmp_path, [2, 1, 0], ["PVBC", "SOM", "NOTHING"])
    way = labels(column="Cell_Subtypes/subtype", rename={"PVBC": "PV", "NOTHING": ""})
    assert by_cell(load(path, way)) == {"0": "", "1": "SOM", "2": "PV"}


def test_a_table_with_one_row_too_many_is_refused(tmp_path):
    path = subtypes(tmp_path, [0, 1, 2, 3], ["subtype", "PVBC", "SOM", "NOTHING"])
    with pytest.raises(UserError, match="table Cell_Subtypes has 4 rows, PlaneSegmentation 3 ROIs.*labels.path"):
        load(path, labels(column="Cell_Subtypes/subtype"))


def test_two_planes_by_a_pattern(tmp_path):
    made = Made(planes=("plane0", "plane1"), columns=TYPES)
    made.series("first", plane="plane0").series("second", plane="plane1")
    path = made.write(tmp_path / "a.nwb")
    cells = load(path, labels(column="cell_type"), series="DfOverF/*")
    assert sorted(set(cells.cell_id)) == [f"a/plane{k}/{roi}" for k in (0, 1) for roi in IDS]


# A table beside


def write_csv(tmp_path, **columns):
    pd.DataFrame(columns).to_csv(tmp_path / "types.csv", index=False)
    return labels(path=str(tmp_path / "types.csv"))


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
    notes = load(tmp_path, labels(column="cell_type")).about.notes
    assert any(note.startswith("1 animals have several files") for note in notes)


# What is wrong is said


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
def test_exactly_one_way_to_labels(way):
    with pytest.raises(UserError, match="exactly one of column"):
        labels(**way)


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
        load(path, labels(genotype={"Vip": "VIP", "Sst": "SOM"}))


def test_a_column_that_is_not_there_names_those_that_are(tmp_path):
    path = Made("m1", "Vip-IRES-Cre/wt", columns=TYPES).series().write(tmp_path / "a.nwb")
    with pytest.raises(UserError, match="no column celltype; nearest: cell_type; found .*genotype is Vip-IRES-Cre/wt"):
        load(path, labels(column="celltype"))
    with pytest.raises(UserError, match="has no table types; found .*PlaneSegmentation"):
        load(path, labels(column="types/subtype"))


def test_series_faults(tmp_path):
    path = Made(columns=TYPES).series("Raw", Fluorescence, "Fluorescence").write(tmp_path / "a.nwb")
    with pytest.raises(UserError, match="has 0 series of dF/F, expected one; found ophys/Fluorescence/Raw; set"):
        load(path, labels(column="cell_type"))
    with pytest.raises(UserError, match="has no series Row; nearest: Raw"):
        load(path, labels(column="cell_type"), series="Row")
    assert load(path, labels(column="cell_type"), series="Raw", signal="raw").about.unit == "raw fluorescence"


def test_shapes_that_do_not_fit_are_named(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Made(columns=TYPES).series(data=values(5), rate=10.0).write(tmp_path / "a.nwb")
    with pytest.raises(UserError, match=r"is of shape \(300, 5\); expected \[time, roi\] with 3 ROIs"):
        load(path, labels(column="cell_type"))


def test_without_subject_each_cell_is_a_group(tmp_path):
    cells = load(Made(None, columns=TYPES).series().write(tmp_path / "a.nwb"), labels(column="cell_type"))
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
        load(tmp_path, labels(column="cell_type"))
    said = str(error.value)
    assert "4 files of" in said
    assert "cut.nwb: is no HDF5 file, or truncated" in said
    assert "text.nwb: is no HDF5 file" in said
    assert "old.nwb: is NWB 1, which is not read" in said
    assert "other.nwb: cannot be read as NWB" in said


@pytest.mark.parametrize(("name", "said"), [("none", "does not exist"), ("", "holds no file ending in .nwb")])
def test_nothing_there(tmp_path, name, said):
    with pytest.raises(UserError, match=said):
        load(tmp_path / name, labels(column="x"))


def test_no_series_at_all(tmp_path):
    Made().write(tmp_path / "a.nwb")
    with pytest.raises(UserError, match="no RoiResponseSeries in 1 files"):
        load(tmp_path, labels(column="x"))
