"""Tables as spreadsheets of any country write them."""

import re

import numpy as np
import pandas as pd
import pytest

from celltype_cli.core.messages import UserError
from celltype_cli.core.tables import read_table

ROWS = pd.DataFrame({"cell_id": ["a", "b", "c"], "label": ["PV", "SOM", ""], "depth": [0.5, 1.25, 1e-7]})


@pytest.mark.parametrize(
    ("settings", "note"),
    [
        ({}, ""),
        ({"sep": ";"}, "semicolons"),
        ({"sep": "\t"}, "tabs"),
        ({"sep": "|"}, "bars"),
        ({"sep": ";", "decimal": ","}, "semicolons separate its fields; its decimal mark is the comma"),
        ({"sep": "\t", "decimal": ","}, "decimal mark is the comma"),
        ({"encoding": "utf-8-sig"}, ""),
        ({"encoding": "utf-16"}, "utf-16"),
        ({"encoding": "utf-16-le", "sep": ";"}, "utf-16-le"),
        ({"encoding": "utf-16-be"}, "utf-16-be"),
        ({"lineterminator": "\r\n"}, ""),
        ({"quoting": 1}, ""),
    ],
)
def test_dialects(tmp_path, settings, note):
    ROWS.to_csv(tmp_path / "t.csv", index=False, **settings)
    table = read_table("dataset.path", tmp_path / "t.csv")
    assert table.rows.columns.tolist() == ["cell_id", "label", "depth"]
    assert table.rows["label"].tolist() == ["PV", "SOM", ""]
    assert table.rows["depth"].astype(float).tolist() == [0.5, 1.25, 1e-7]
    assert (note in table.notes[0]) if note else table.notes == ()


def test_numbers_are_read_to_the_last_digit_and_words_stay(tmp_path):
    """Of columns that are not asked for as text; a column with one word is text as a whole."""
    rng = np.random.default_rng(0)
    made = rng.standard_normal(500) * 10.0 ** rng.integers(-30, 30, 500)
    lines = [f"{k:03},{x!r},{'NaN' if k % 7 else ''},{'x' if k == 9 else k}" for k, x in enumerate(made.tolist())]
    (tmp_path / "t.csv").write_text("\n".join(["id,a,b,c", *lines[:250], "", *lines[250:]]))
    table = read_table("dataset.path", tmp_path / "t.csv", ("id",)).rows
    assert table["a"].tolist() == made.tolist() and table["b"].isna().all()
    assert table["id"].tolist()[:2] == ["000", "001"] and table["c"].tolist()[8:11] == ["8", "x", "10"]
    assert table.index[[0, 249, 250]].tolist() == [2, 251, 253]


@pytest.mark.parametrize(
    ("values", "kept"), [("1,250;12,5", [1.25, 12.5]), ("0,125;2,250", [0.125, 2.25]), ("1,250;2,500", None)]
)
def test_a_comma_that_may_part_thousands_is_refused(tmp_path, values, kept):
    (tmp_path / "t.csv").write_text("a;b\n" + values + "\n")
    if kept is None:
        with pytest.raises(UserError, match="the comma of 1,250 and 2,500 may part thousands or be a decimal mark"):
            read_table("dataset.path", tmp_path / "t.csv")
        return
    assert read_table("dataset.path", tmp_path / "t.csv").rows.iloc[0].astype(float).tolist() == kept


def test_letters_of_windows(tmp_path):
    (tmp_path / "t.csv").write_bytes("cell_id,label\na,Zürich\n".encode("cp1252"))
    table = read_table("dataset.path", tmp_path / "t.csv")
    assert table.rows["label"].tolist() == ["Zürich"] and table.notes == ("t.csv: its encoding is cp1252",)


def test_text_is_cleaned_and_a_comma_in_quotes_is_text(tmp_path):
    (tmp_path / "t.csv").write_text(' cell_id ,label,note,\na , nan,"x, y",\nb,PV  basket,,\n\n')
    table = read_table("dataset.path", tmp_path / "t.csv").rows
    assert table.to_dict("list") == {"cell_id": ["a", "b"], "label": ["", "PV basket"], "note": ["x, y", ""]}
    assert table.index.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"cell_id,label\na,PV\nb\n", "line 3 has 1 fields, the first line 2; is the file complete"),
        (b"cell_id,label\na,PV,1\nb,SOM\n", "line 2 has 3 fields, the first line 2$"),
        (b"label,label\na,PV\n", "column label occurs 2 times"),
        (b"cell_id,label\na,P\x1bV\n", "line 2: label: .* cannot be printed"),
        (b"cell_id,label\na,P\x81V\n", "no encoding known"),
    ],
)
def test_what_cannot_be_read(tmp_path, content, said):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(UserError, match=said):
        read_table("dataset.path", tmp_path / "t.csv")


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "labels.csv").write_text("x")
    with pytest.raises(UserError, match="nearest: labels.csv"):
        read_table("dataset.labels", tmp_path / "label.csv")


@pytest.mark.parametrize(
    "above", ["sep=;\n", '"sep=;"\r\n', "# recorded in 2021\n\n# by me\n", "% by me\n// at 10 Hz\n; on Monday\n"]
)
def test_lines_above_the_names_of_columns(tmp_path, above):
    (tmp_path / "t.csv").write_text(above + "cell_id;label\na,b;PV\n")
    rows = read_table("dataset.path", tmp_path / "t.csv").rows
    assert rows.to_dict("list") == {"cell_id": ["a,b"], "label": ["PV"]}
    assert rows.index.tolist() == [above.count("\n") + 2]  # the line of the file


def test_a_first_line_with_as_many_fields_holds_the_names(tmp_path):
    (tmp_path / "t.csv").write_text("# cell_id,label\na,PV\n")
    assert [*read_table("dataset.path", tmp_path / "t.csv").rows] == ["# cell_id", "label"]


def test_what_is_no_table_is_called_so(tmp_path):
    (tmp_path / "t.csv").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    with pytest.raises(UserError, match="dataset.path=.*t.csv is a pointer of git-lfs"):
        read_table("dataset.path", tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("cell_id label depth\na PV 0.5\nb  'basket' 1.25\n\n", "blanks"),
        ("cell_id  label    depth\n     a     PV     0.5\n     b    SOM    1.25\n", "blanks"),  # aligned
        ('"cell_id" "label" "depth"\n"1" "a" "PV" 0.5\n"2" "b" "L2/3 IT" 1.25\n', "blanks"),  # R's write.table
        ("cell_id\tlabel\tdepth\nr1\ta\tPV\t0.5\nr2\tb\tSOM\t1.25\n", "tabs .*; its first column has no name, as R"),
        ("cell_id,label,depth\na,PV,0.5,\nb,SOM,1.25,\n", ""),  # a separator at the end of each row
        ('"cell_id,label,depth"\n"a,PV,0.5"\n"b,SOM,1.25"\n', ""),  # a table that was taken for one column
        ('"cell_id,label,depth"\n"a,""PV, fast"",0.5"\n"b,SOM,1.25"\n', ""),
    ],
)
def test_tables_of_r_aligned_and_quoted_as_a_whole(tmp_path, text, note):
    (tmp_path / "t.csv").write_text(text)
    table = read_table("dataset.path", tmp_path / "t.csv")
    assert table.rows["cell_id"].tolist() == ["a", "b"]
    assert table.rows["depth"].astype(float).tolist() == [0.5, 1.25]
    assert re.search(note, table.notes[0]) if note else table.notes == ()
    assert table.rows.index.tolist() == [2, 3]


def test_a_column_of_words_is_not_parted_at_its_blanks(tmp_path):
    (tmp_path / "t.csv").write_text("cell type\nL2/3 IT\nL5 PT deep\n")
    assert [*read_table("dataset.path", tmp_path / "t.csv").rows] == ["cell type"]


@pytest.mark.parametrize("above", ["Exported by Prism", "Experiment 5, mouse 3", "cell_id,label"])
def test_a_title_above_the_names_of_columns(tmp_path, above):
    (tmp_path / "t.csv").write_text(above + "\ncell_id,label,depth,layer\na,PV,0.5,1\nb,SOM,1.25,2\n")
    with pytest.raises(
        UserError, match="line 1 has . fields, all others 4: is it a title, or cut off.*begin it with #"
    ):
        read_table("dataset.path", tmp_path / "t.csv")


def test_points_that_part_thousands_are_refused(tmp_path):
    (tmp_path / "x.csv").write_text("cell_id;0;1\na;998;1.003\nb;1.012;7\n")
    with pytest.raises(
        UserError, match="1.012 stands in one column with whole numbers, so that its point seems to part"
    ):
        read_table("x", tmp_path / "x.csv", ("cell_id",))
    (tmp_path / "x.csv").write_text("cell_id;0;1\na;998.5;1.003\nb;1.012;7.25\n")
    assert read_table("x", tmp_path / "x.csv", ("cell_id",)).rows["0"].tolist() == [998.5, 1.012]


def test_a_sheet_of_excel_and_ends_of_text(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(UserError, match="is an Excel file: save its sheet as CSV UTF-8"):
        read_table("x", tmp_path / "x.csv")
    (tmp_path / "x.csv").write_bytes(b"a,b\n1,2\n\x1a")
    assert len(read_table("x", tmp_path / "x.csv").rows) == 1
    (tmp_path / "x.csv").write_text("a,b\n1,2\n", encoding="utf-32")
    assert read_table("x", tmp_path / "x.csv").notes == ("x.csv: its encoding is utf-32",)


def test_whole_numbers_that_passed_through_floats_and_decimal_commas_of_names(tmp_path):
    (tmp_path / "t.csv").write_text("roi;of;0,0;0,5\n1.0;a;1,5;2,5\n;a;1,5;2,5\n3.0;a;1,5;2,5\n")
    table = read_table("dataset.path", tmp_path / "t.csv").rows
    assert table["roi"].tolist() == ["1", "", "3"] and [*table] == ["roi", "of", "0.0", "0.5"]
    (tmp_path / "t.csv").write_text("roi,x\n1.0,a\n1.5,b\n")
    assert read_table("dataset.path", tmp_path / "t.csv").rows["roi"].tolist() == ["1.0", "1.5"]


def test_a_table_without_names_of_columns(tmp_path):
    (tmp_path / "t.csv").write_text("0.1,-0.2,0.1\n0.3,0.4,0.5\n")
    with pytest.raises(UserError, match="line 1 holds 3 numbers, some of them twice, where names of columns"):
        read_table("dataset.path", tmp_path / "t.csv")


@pytest.mark.parametrize(("lines", "note"), [(65_536, "65,536 lines, as many as a sheet of old Excel"), (65_537, "")])
def test_a_table_that_ends_where_a_sheet_does(tmp_path, lines, note):
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * (lines - 1))
    assert note in "".join(read_table("dataset.path", tmp_path / "t.csv").notes)
    assert bool(note) == bool(read_table("dataset.path", tmp_path / "t.csv").notes)
