"""Rows of means and backgrounds among cells are told; cells are not."""

import pytest
from made.entries import entry

from celltype_cli.calcium.no_cells import notes


@pytest.mark.parametrize("name", ["Mean", "s.e.m.", "x/background", "Grand average", "Fneu", "BG ROI", "whole field"])
def test_names_of_no_cell(name):
    (note,) = notes([entry("c1"), entry(name)])
    assert note == f"1 of 2 cells go by names of no cell ({name}): leave them out?"


def test_names_of_cells():
    assert not [
        *notes([entry(name) for name in ("c1", "mean1", "averill", "sum_2", "background_cell_3", "time2", "7")])
    ]
    assert not [*notes([entry("mean")])]  # alone: which it is called is of no matter
