"""What cells go by, as files and as rows of a csv name them."""

from pathlib import Path

import pytest

from celltype_cli.patch_clamp.readers.names import instead, name_of, tails


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


@pytest.mark.parametrize(
    ("file", "said"), [("a.ITX", "of Igor"), ("a.npy", "save its sweeps as npz"), ("a.cfs", "neo reads")]
)
def test_what_to_do_with_files_of_other_programs(file, said):
    assert said in instead(Path(file))
