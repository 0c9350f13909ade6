"""What cells go by, as files and as rows of a csv name them."""

import pytest

from celltype_cli.patch_clamp.readers.names import name_of, tails


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("day1/cell.ABF", "day1/cell"),
        ("day1\\cell.abf", "day1/cell"),  # as Windows writes it
        ("specimen_101/ephys.nwb", "101"),
        ("cell1_X_ch0_327.ibw", "cell1_X"),
        ("notes.txt", "notes.txt"),
    ],
)
def test_names(file, name):
    assert name_of(file) == name


def test_tails():
    assert tails("a/b/c") == ["a/b/c", "b/c", "c"]
