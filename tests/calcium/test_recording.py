"""Traces are parted where they hold still, and units of any wording are known."""

import numpy as np
import pytest
from made.dff import cells
from made.traces import TRACE, npz, read

from celltype_cli.calcium.filled import without_filled
from celltype_cli.calcium.recording import is_percent, parted
from celltype_cli.core.signals import resample


def lengths(*values):
    (one,) = cells(1)
    made = without_filled(type(one)(one.cell_id, "", "", values, 30.0))
    return [len(s) for s in made.segments], made.still


NOISE = np.random.default_rng(0).normal(size=100)


def held(first, stop, value=0.0):
    values = NOISE.copy()
    values[first:stop] = value
    return values


def test_a_noisy_trace_is_parted_where_it_holds_still():
    assert lengths(NOISE) == ([100], 0)
    assert lengths(held(40, 59)) == ([100], 0)  # 19 samples may be chance, or a coarse converter
    assert lengths(held(40, 60)) == ([40, 40], 20)
    assert lengths(held(0, 30), held(50, 100)) == ([70, 50], 80)
    assert lengths(NOISE, np.zeros(50)) == ([100, 50], 0)  # a segment that never varies is judged as a whole


def test_a_value_in_each_tenth_frame_that_stands_for_none():
    trace = 600 + 5 * np.tile(NOISE, 3)
    trace[3::10] = -1.0
    assert lengths(trace) == ([3, *[9] * 29, 6], 30)


def test_a_trace_without_noise_may_rest():
    sparse = np.zeros(100)
    sparse[::30] = 1
    assert lengths(sparse) == ([100], 0)


@pytest.mark.parametrize(("value", "base"), [(-999.0, 0.0), (9999.0, 0.0), (0.0, 50.0), (-1.0, 20.0)])
def test_a_value_far_from_all_others_stands_for_frames_that_are_missing(value, base):
    trace = base + np.tile(NOISE, 3) + 0.01 * np.arange(300)
    trace[[50, 51, 200]] = value
    assert lengths(trace) == ([50, 148, 99], 3)
    assert lengths(trace[:60], trace[60:]) == ([50, 8, 140, 99], 3)


def test_peaks_and_quantised_values_are_no_exception():
    trace = np.tile(NOISE, 3) + 0.01 * np.arange(300)
    trace[100:103] = (8, 5, 4)  # a transient
    assert lengths(trace) == ([300], 0)
    assert lengths(np.round(np.tile(NOISE, 3) + 3)) == ([300], 0)  # counts
    trace[100] = 1000  # once, and far enough
    assert lengths(trace) == ([100, 199], 1)


def test_padding_with_zeros_is_noted_and_in_no_window(tmp_path):
    trace = TRACE.copy()
    trace[1, 25:] = 0
    loaded = read(npz(tmp_path, trace=trace))
    assert (loaded.cell_id == "c2").sum() == 1 and (loaded.cell_id == "c1").sum() == 3
    assert any(note.startswith("35 samples of 1 cells hold still") for note in loaded.about.notes)


@pytest.mark.parametrize(
    ("unit", "percent"),
    [("percent", True), ("%", True), ("dF/F (%)", True), ("Percentage", True), ("pct", True), ("n.a.", False)],
)
def test_units_of_percent(unit, percent):
    assert is_percent(unit) == percent


def test_traces_in_single_precision_stay_so_and_become_the_same_windows():
    trace = np.random.default_rng(0).normal(size=200).astype("f4")
    held = parted(trace, "cell a")["segments"][0]
    assert held.dtype == np.float32 and np.shares_memory(held, trace)
    assert parted(trace.astype(">f4"), "cell a")["segments"][0].dtype == np.float64
    double = resample(trace.astype(float), 30.0, 7.5)
    assert resample(held, 30.0, 7.5).dtype == np.float64
    np.testing.assert_array_equal(resample(held, 30.0, 7.5), double)
