"""The survival curve counts cells by hand."""

import numpy as np
import pandas as pd

from celltype_cli.bundles.draw_survival import curve, survival


def test_cells_with_at_least_each_ratio_are_left():
    at, left = curve(np.array([4.0, 1.0, 2.0, 80.0, 2.0]))
    assert at.tolist() == [1, 2, 2, 4, 50]
    assert left.tolist() == [5, 4, 4, 2, 1]


def test_no_cell_is_no_error():
    assert curve(np.empty(0))[1].tolist() == [0, 0]


def test_ratios_that_are_missing_or_without_limit():
    at, left = curve(np.array([np.nan, np.inf, 3.0]))
    assert at.tolist() == [1, 3, 50] and left.tolist() == [2, 2, 1]


def test_many_cells_take_no_more_memory_than_they_are():
    at, left = curve(np.linspace(1, 50, 300_000))  # 90 GB, were each compared with each
    assert left[0] == 300_000 and left[-1] == 1


def test_cells_are_counted_in_whole_numbers():
    one = pd.DataFrame({"label": [""], "confidence_ratio": [1.6]})
    (axes,) = survival(one, "one cell").axes
    assert all(float(tick).is_integer() for tick in axes.get_yticks())
