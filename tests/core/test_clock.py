"""Clock times as seconds."""

import numpy as np
import pandas as pd
import pytest

from celltype_cli.core.clock import clock_seconds


def elapsed(*texts):
    found = clock_seconds(pd.Series(texts))
    return None if found is None else (found - found[0]).tolist()


@pytest.mark.parametrize(
    "texts",
    [
        ("12:00:01.250", "12:00:01.350", "12:01:01.250"),
        ("12:00:01,250", "12:00:01,350", "12:01:01,250"),
        ("12:00:01:250", "12:00:01:350", "12:01:01:250"),
        ("0:01.25", "0:01.35", "1:01.25"),
        ("11:59:59.5 AM", "11:59:59.6 am", "12:00:59.5 p.m."),
        ("23:59:59.9", "00:00:00.0", "00:00:59.9"),
        ("2021-06-05T23:59:59.9", "2021-06-06T00:00:00.0", "2021-06-06T00:00:59.9"),
        ("2021-06-05T12:00:00.1Z", "2021-06-05T12:00:00.2Z", "2021-06-05T12:01:00.1Z"),
        ("2021-06-05 12:00:00.1+02:00", "2021-06-05 12:00:00.2+02:00", "2021-06-05 11:01:00.1+01:00"),
        ("05.06.2021 23:59:59,9", "06.06.2021 00:00:00,0", "06.06.2021 00:00:59,9"),
        ("06/30/2021 23:59:59.9", "07/01/2021 00:00:00.0", "07/01/2021 00:00:59.9"),
        ("06/05/2021 23:59:59.9", "06/06/2021 00:00:00.0", "06/06/2021 00:00:59.9"),  # months first: a day, not 30
    ],
)
def test_clocks(texts):
    assert elapsed(*texts) == pytest.approx([0, 0.1, 60], abs=1e-6)


@pytest.mark.parametrize(
    "texts", [("12:30", "12:31"), ("a", "b"), ("0.1", "0.2"), ("12:00:01", "x"), ("12:00:01", "00:02.5"), ("", "nan")]
)
def test_what_is_no_clock(texts):
    assert clock_seconds(pd.Series(texts)) is None


def test_a_time_that_is_not_given():
    assert np.isnan(clock_seconds(pd.Series(["12:00:01", "", "12:00:03"]))).tolist() == [False, True, False]
