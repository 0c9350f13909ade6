"""Traces in folders: several files, several files of a cell, labels in a table beside."""

import pandas as pd
from made.pipelines import caiman
from made.traces import TRACE, csv, npz, read, refused


def test_a_folder_of_files(tmp_path):
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        npz(tmp_path / name, cell_id=[f"{name}{k}" for k in range(3)])
    (tmp_path / "a" / "x.npz").rename(tmp_path / "a" / "x.NPZ")
    (tmp_path / "b" / "broken.h5").write_bytes(b"none")
    (tmp_path / "b" / "readme.txt").touch()
    loaded = read(tmp_path, unusable="drop")
    assert sorted(set(loaded.cell_id)) == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert any(
        "1 cells or files that cannot be read are left out" in n and "broken.h5" in n for n in loaded.about.notes
    )
    assert any("passed over: 1 not ending in" in note and "readme.txt" in note for note in loaded.about.notes)
    refused("broken.h5: cannot be read as HDF5", read, tmp_path)


def test_a_setting_of_a_format_that_is_not_there_is_said(tmp_path):
    npz(tmp_path)
    notes = read(tmp_path / "x.npz", trace="C", series="DfOverF", neuropil=0.5).about.notes
    for said in (
        "dataset.neuropil=0.5 is of suite2p's",
        "dataset.trace=C is of CaImAn's",
        "dataset.series=DfOverF is of",
    ):
        assert any(note.startswith(said) for note in notes)
    assert not [note for note in read(tmp_path / "x.npz").about.notes if "none was read" in note]


def test_several_files_of_one_cell(tmp_path):
    for name in ("day1", "day2"):
        (tmp_path / name).mkdir()
        npz(tmp_path / name, trace=TRACE if name == "day1" else TRACE[:, ::-1])
    said = r"cell c1 and 2 more occur 2 times \(day1/x.npz, day2/x.npz\); .*dataset.join=cell_id if they are one cell$"
    refused(said, read, tmp_path)
    loaded = read(tmp_path, join="cell_id")
    assert loaded.n_cells == 3
    assert (loaded.cell_id == "c1").sum() == 6
    assert "3 cells are joined of 6 recordings (dataset.join=cell_id)" in loaded.about.notes
    npz(tmp_path / "day2", label=["", "SST", "VIP"])
    assert set(read(tmp_path, join="cell_id").label) == {0, 1, 2}
    npz(tmp_path / "day2", label=["SST", "SST", "VIP"])
    refused("cell c1 .*has several values of label: 'PV', 'SST'; one cell has one", read, tmp_path, join="cell_id")


def test_labels_beside_name_cells_and_join_files(tmp_path):
    for k, name in enumerate(("f1", "f2")):
        wide = pd.DataFrame({"cell_id": [1], "sampling_rate": 10.0}).join(pd.DataFrame(TRACE[k : k + 1]))
        wide.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "labels.csv").write_text("file\tcell_id\tlabel\nf1.csv\tcell A\tPV\nf2\tcell A\tPV\n")
    loaded = read(tmp_path, labels=str(tmp_path / "labels.csv"), join="cell_id")
    assert set(loaded.cell_id) == {"cell A"}
    assert len(loaded) == 6
    assert loaded.classes == ("PV",)


def test_labels_that_name_nothing(tmp_path):
    (tmp_path / "labels.csv").write_text("cell_id,label\nc9,PV\n")
    labels = str(tmp_path / "labels.csv")
    refused("none of its 1 rows names a cell that was read", read, npz(tmp_path, drop=["label"]), labels=labels)
    (tmp_path / "labels.csv").write_text("cell_id,label\nc1,PV\nc1,SST\n")
    refused("line 2: c1: occurs 2 times", read, npz(tmp_path), labels=labels)
    (tmp_path / "labels.csv").write_text("name,label\nc1,PV\n")
    refused("found name, label; expected columns cell_id or file", read, npz(tmp_path), labels=labels)


def test_a_rate_in_place_of_that_of_the_file(tmp_path):
    loaded = read(npz(tmp_path, sampling_rate=0.033), frame_rate=30.0)
    assert loaded.about.of("trace").sampling_rate == 30
    assert any("all rates are 30 Hz by dataset.frame_rate" in note for note in loaded.about.notes)
    assert read(csv(tmp_path).rename(tmp_path / "y.csv"), frame_rate=30.0).about.of("trace").sampling_rate == 30


def test_columns_of_labels_by_other_names(tmp_path):
    npz(tmp_path)
    pd.DataFrame({"ROI": ["c1"], "Cell Type": ["PV"]}).to_csv(tmp_path / "labels.csv", index=False)
    said = "expected columns cell_id or file, and label .*; nearest: ROI; nearest: Cell Type"
    refused(said, read, tmp_path / "x.npz", labels=str(tmp_path / "labels.csv"))


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path):
    """CaImAn's results are of the same name in the folder of each recording."""
    for name in ("m1", "m2/day1"):
        (tmp_path / name).mkdir(parents=True)
        caiman(tmp_path / name / "res.hdf5", good=(0, 2))
    loaded = read(tmp_path, labelled=False)
    assert {*loaded.cell_id} == {"m1/res/0", "m1/res/2", "m2/day1/res/0", "m2/day1/res/2"}
    assert {*loaded.group} == {"m1/res", "m2/day1/res"}


def test_a_table_that_says_otherwise_than_the_file_is_noted(tmp_path):
    (tmp_path / "labels.csv").write_text("cell_id,label,group\nc1,SST,m1\nc2,,m9\nc3,VIP,\n")
    notes = read(npz(tmp_path), labels=str(tmp_path / "labels.csv")).about.notes
    assert "labels.csv says another label of 1 cells than their files, and counts (c1: PV, here SST)" in notes
    assert "labels.csv says another animal of 1 cells than their files, and counts (c2: m2, here m9)" in notes


def test_an_empty_table_of_a_folder_is_named_once(tmp_path):
    npz(tmp_path)
    (tmp_path / "z.csv").write_text("")
    (note,) = [note for note in read(tmp_path, unusable="drop").about.notes if "z.csv" in note]
    assert note.count("z.csv") == 1 and "z.csv: is empty" in note


def test_names_of_labels_that_are_alike_and_animals_by_another_name(tmp_path):
    path = npz(tmp_path, cell_id=["1", "2", "10"], drop=["label", "group"])
    (tmp_path / "labels.csv").write_text("cell_id,label,mouse\n01,PV,m1\n02,SST,m1\n10,VIP,m2\n")
    notes = read(path, labels=str(tmp_path / "labels.csv")).about.notes
    assert "2 of 3 cells are without a row in labels.csv: 1, 2; 01 and 1 look alike: write them alike" in notes
    assert "labels.csv: mouse may be what is called group here: rename it" in notes
    (tmp_path / "labels.csv").write_text("cell_id,label\n01,PV\n02,SST\n")
    refused("none of its 2 rows .*01 and 1 look alike", read, path, labels=str(tmp_path / "labels.csv"))


def test_a_row_that_fits_cells_of_several_files_and_a_table_without_rows(tmp_path):
    for folder in "ab":
        (tmp_path / "two" / folder).mkdir(parents=True)
        npz(tmp_path / "two" / folder, cell_id=[f"{folder}/{k}" for k in (1, 2, 3)], drop=["label"])
    labels = tmp_path / "labels.csv"
    labels.write_text("cell_id,label\n1,PV\na/2,SST\n")
    refused("row 1 fits a/1 and b/1; give the whole id, or the file", read, tmp_path / "two", labels=str(labels))
    labels.write_text("cell_id,label\n")
    refused("labels.csv: holds no row", read, tmp_path / "two", labels=str(labels))
    labels.write_text("cell_id,label\n,VIP\na/1,PV\nb/2,SST\n")
    said = "1 of 3 rows of labels.csv say no cell_id, the first in line 2, and are passed over"
    assert said in read(tmp_path / "two", labels=str(labels)).about.notes


def test_one_cell_in_two_formats_is_joined_once(tmp_path):
    npz(tmp_path)
    csv(tmp_path)
    loaded = read(tmp_path, join="cell_id")
    assert len(loaded) == 9
    said = "of 3 cells several recordings hold the same values, of which one is taken: c1 (x.csv, x.npz)"
    assert any(note.startswith(said) for note in loaded.about.notes)
