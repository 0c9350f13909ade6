"""Values that are no dF/F are told by their scale: in all cells, in some, in one, and in a part of one."""

import itertools
import re
from dataclasses import replace

import pytest
from made.configs import recordings
from made.dff import FINE, cells, judge, percent


def test_dff_is_dff():
    assert judge(cells()) == FINE
    assert judge(cells(noise=0.8)) == FINE


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (cells(scale=100), r"c0 .* and 5 more: the values change by .* percent \(set prepare.signal=percent\)"),
        (cells(scale=200, level=500), r"c0 .* and 5 more: all values are positive, the median is .*raw_to_dff"),
        (cells(3) + cells(3, scale=100), "the values of 3 cells .* are 100 times as large as those of 3 others"),
    ],
    ids=["percent", "raw", "two scales"],
)
def test_what_is_no_dff(made, said):
    wrong, faults, _ = judge(made)
    assert len(faults) == 1 and not wrong
    assert re.search(said, faults[0])
    assert judge(made, "raw") == FINE


def test_raw_fluorescence_in_some():
    _, (fault,), _ = judge(cells(3) + cells(3, scale=200, level=500))
    assert "and 2 more: all values are positive" in fault and "the 3 other cells do not: bring all to one unit" in fault


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (cells(1, scale=100), "the values change by .*percent .*unlike the others"),
        (cells(1, scale=200, level=500), "all values are positive, .* unlike the others"),
        ([replace(one, signal="percent") for one in cells(1)], "little for percent; it looks like dF/F as a fraction"),
        ([replace(cells(1)[0], segments=(cells(1)[0].segments[0], 100 * cells(1)[0].segments[0]))], "its parts are of"),
        ([replace(cells(1)[0], sampling_rate=0.03)], "is no rate of calcium imaging"),
    ],
    ids=["percent", "raw", "said percent", "a part", "rate"],
)
def test_a_cell_unlike_the_others_leaves_them(odd, said):
    """One of six: it is named and left out, and the others are used."""
    others = [replace(one, cell_id=f"d{k}") for k, one in enumerate(cells(5))]
    (line,), faults, _ = judge(odd + others)
    assert re.search(rf"^cell c0 \(x.npz\): .*{said}", line) and "prepare.implausible=keep" in line
    assert not faults


def test_fractions_that_are_called_percent():
    _, (fault,), _ = judge(cells(), "percent")
    assert "c0 (x.npz) and 5 more: the values change by 0.048" in fault and "set prepare.signal=dff" in fault
    (line,), faults, _ = judge(percent(cells(5)) + cells(1), "percent")
    assert not faults and "looks like dF/F as a fraction" in line
    said = [replace(one, signal="percent") for one in cells()]
    assert "correct the unit in the file" in judge(said)[1][0]


def test_silent_and_smooth_cells_are_no_second_scale():
    assert judge(cells(5) + cells(1, scale=1e-4)) == FINE


def test_recorded_cells_of_two_scales(shared_data):
    """Each dataset of CASCADE in percent beside another one: all of its cells are left out, or all cells refused."""
    entries = recordings("traces", path=str(shared_data / "calcium" / "cascade_celltypes.h5")).entries
    of = {source: [r for r in entries if r.source == source] for source in {r.source for r in entries}}
    for large, small in itertools.permutations(sorted(of), 2):
        wrong, faults, _ = judge(percent(of[large]) + of[small])
        assert faults or len(wrong) == len(of[large]), (large, small)
