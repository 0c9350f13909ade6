"""Labels in a csv beside the user's own current-clamp recordings."""

from pathlib import Path

import pytest
from made.sweeps import NWB1, TRACES, load_folder, write_npz

from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.core.messages import UserError


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "recordings"
    made.mkdir()
    return made


def csv(folder, *lines):
    path = folder.parent / "labels.csv"
    path.write_text("\n".join(lines))
    return str(path)


@pytest.mark.parametrize("column", ["file", "cell_id"])
def test_labels_groups_and_sources(folder, column):
    NWB1(folder)
    (folder / "sub").mkdir()
    for name in ("sub/b.npz", "c.npz", "d.npz"):
        write_npz(folder / name)
    lines = (
        f"{column}, label ,group,source",
        "sub/b.npz,Sst,m1,lab A",
        "c , Pvalb,,",
        "specimen_464212183/ephys.nwb,Sst,,",
    )
    cells = load_folder(folder, labels=csv(folder, *lines))
    of = {name: k for k, name in enumerate(cells.cell_id)}
    assert {name: int(cells.label[k]) for name, k in of.items()} == {"464212183": 1, "c": 0, "d": -1, "sub/b": 1}
    assert (cells.group[of["sub/b"]], cells.source[of["sub/b"]]) == ("m1", "lab A")
    assert (cells.group[of["c"]], cells.source[of["c"]]) == ("c", "")
    assert cells.about.notes[0] == "1 of 4 cells are without a row in labels.csv: d"


def test_names_of_cells_beside_files(folder):
    write_npz(folder / "2024_01_01_0001.npz")
    cells = load_folder(folder, labels=csv(folder, "file,cell_id,label", "2024_01_01_0001,M1 cell 3,Sst"))
    assert (cells.cell_id.tolist(), cells.label.tolist()) == (["M1 cell 3"], [1])


def test_a_row_goes_by_the_last_part_of_the_name_where_that_is_enough(folder):
    for name in ("x", "y"):
        (folder / name).mkdir()
        write_npz(folder / name / "a.npz")
    cells = load_folder(folder, labels=csv(folder, "file,label", "x/a,Sst", "a,Pvalb"))
    assert dict(zip(cells.cell_id, cells.label)) == {"x/a": 1, "y/a": 0}
    with pytest.raises(UserError, match=r"row a fits x/a and y/a; give the folder too"):
        load_folder(folder, labels=csv(folder, "file,label", "a,Sst"))


def test_rows_that_name_no_recording(folder):
    write_npz(folder / "a.npz")
    write_npz(folder / "volts.npz", voltage=TRACES / 1e3)
    lines = ("file,label", "a,Sst", "volts,Sst", "gone.nwb,Sst")
    notes = load_folder(folder, labels=csv(folder, *lines)).about.notes
    assert "1 of 3 rows of labels.csv name no recording: gone" in notes  # volts.npz is there, and unusable
    only_unusable = load_folder(folder, labels=csv(folder, "file,label", "volts,Sst"))
    assert only_unusable.label.tolist() == [UNLABELLED]
    with pytest.raises(UserError, match=r"none of its 1 rows names a recording; .* for a_1, the first of 2 .* is a"):
        load_folder(folder, labels=csv(folder, "file,label", "a_1.npz,Sst"))


def test_rows_with_folders_of_another_machine(folder):
    write_npz(folder / "a.npz")
    for row in ("/home/anna/a.npz", "D:\\rec\\a.npz"):
        with pytest.raises(UserError, match="is a; but for their folders they are the same: leave those out, or give"):
            load_folder(folder, labels=csv(folder, "file,label", f"{row},Sst"))


def test_columns_by_other_names(folder):
    write_npz(folder / "a.npz")
    with pytest.raises(UserError, match="source; for label nearest: cell_type; for file nearest: filename$"):
        load_folder(folder, labels=csv(folder, "filename,cell_type,mouse", "a,Sst,m1"))
    with pytest.raises(UserError, match="^[^;]*label missing; .* source; for label nearest: type$"):
        load_folder(folder, labels=csv(folder, "file,type", "a,Sst"))


def test_classes_are_those_that_occur_in_the_csv(folder):
    for name in "abcd":
        write_npz(folder / f"{name}.npz")
    labels = csv(folder, "file,label", "a,Sst", "b,L5 ET", "c,", "d,Excitatory")
    cells = load_folder(folder, labels=labels, classes=None)
    assert (cells.classes, cells.label.tolist()) == (("Excitatory", "Sst", "L5 ET"), [1, 2, -1, 0])
    assert load_folder(folder, classes=None).classes == ()  # without any label


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("file,label", "a,Pvlab"), r"file a: label 'Pvlab' is none of Pvalb, Sst; nearest: Pvalb; correct it"),
        (("file,label", "a,Sst", "a.npz,Sst"), "file a occurs 2 times; expected one row for each"),
        (
            ("name,type", "a,Sst"),
            "cell_id and label missing; found name, type; expected columns file, cell_id or cluster_id, label",
        ),
        (("",), "is empty; expected a line of column names"),
    ],
)
def test_a_csv_that_cannot_be_used_is_told_before_anything_is_read(folder, lines, message):
    with pytest.raises(UserError, match=message):
        load_folder(folder, labels=csv(folder, *lines))  # the folder is empty, which would be told next


def test_how_the_csv_was_read_is_noted(folder):
    write_npz(folder / "a.npz")
    path = csv(folder, "")
    Path(path).write_text("file,label\na.npz,Sst\n", encoding="utf-16")
    cells = load_folder(folder, labels=path)
    assert cells.classes[cells.label[0]] == "Sst" and "labels.csv: its encoding is utf-16" in cells.about.notes


@pytest.mark.parametrize("mark", [";", "\t"])
def test_a_csv_of_a_spreadsheet_may_have_semicolons_or_tabs(folder, mark):
    write_npz(folder / "a.npz")
    cells = load_folder(folder, labels=csv(folder, f"file{mark}label{mark}group", f"a.npz{mark}Sst{mark}m1"))
    assert cells.classes[cells.label[0]] == "Sst" and cells.group.tolist() == ["m1"]


def test_rows_without_a_name_are_passed_over(folder):
    write_npz(folder / "a.npz")
    cells = load_folder(folder, labels=csv(folder, "file,label", ",Pvalb", "a.npz,Sst", ",Sst"))
    assert cells.classes[cells.label[0]] == "Sst"
    assert "2 of 3 rows of labels.csv say no file, the first in line 2, and are passed over" in cells.about.notes
    with pytest.raises(UserError, match="labels.csv: none of its 1 rows says file"):
        load_folder(folder, labels=csv(folder, "file,label", ",Pvalb"))


def test_folders_are_parted_by_either_slash(folder):
    (folder / "x").mkdir()
    write_npz(folder / "x" / "a.npz")
    cells = load_folder(folder, labels=csv(folder, "file,label", r"x\a.npz,Sst"))
    assert cells.classes[cells.label[0]] == "Sst"
