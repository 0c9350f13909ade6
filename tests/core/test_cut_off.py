"""A table that ends in the middle of its last number is told; one that only ends without a line end is not."""

import pytest

from celltype_cli.core.cut_off import at_limit, notes

ROWS = "".join(f"{k},0.{k}2345\n" for k in range(1, 9))


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("a,b\n" + ROWS, False),
        ("a,b\n" + ROWS.rstrip(), False),
        ("a,b\n" + ROWS.rstrip()[:-2], True),
        ("a,b\n" + ROWS.rstrip()[:-2] + "\r\n", False),
        ("a;b\n" + ROWS.replace(",", ";").replace(".", ",").rstrip()[:-2], True),
        ("a,b\n" + ROWS + "9,0.5\n10,0.1", False),  # another is as short
        ("a,b\n1,0.123\n2,0.1", False),  # too few to say
        ("id,0,1,2,3,4,5\nx,0.11,0.22,0.33,0.44,0.55,0.66\ny,0.11,0.22,0.33,0.44,0.55,0.6", True),
        ("a,b\n" + ROWS + "9,PV", False),
        ("", False),
    ],
)
def test_the_last_number(tmp_path, text, cut):
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode())
    assert [*map(str, notes(path))] == ([line] if cut and (line := _said(text)) else [])


def _said(text):
    last = text.splitlines()[-1].replace(";", " ").split("," if ";" not in text else " ")[-1]
    return (
        f"x.csv: its last line does not end, and its last number ({last}) has fewer digits than nearly all "
        "others: is the file complete?"
    )


def test_utf_16_is_left_alone(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n" + ROWS.rstrip()[:-2], encoding="utf-16")
    assert not [*notes(tmp_path / "x.csv")]


def test_where_a_sheet_of_excel_ends():
    assert "it has 1,048,576 lines" in at_limit(1_048_576, 5) and "it has 16,384 columns" in at_limit(9, 16_384)
    assert not at_limit(1_048_575, 16_383)
