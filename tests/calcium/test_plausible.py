"""Rates and values that calcium imaging does not have are refused with what they look like; what it has is not."""

import re
from dataclasses import replace

import numpy as np
import pytest
from made.configs import described, recordings
from made.traces import TRACE, npz, read, refused

from celltype_cli.calcium.plausible import judged
from celltype_cli.calcium.recording import Recording
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError


def cells(n=6, scale=1.0, level=0.0, noise=0.05):
    """dF/F with noise and transients, one trace a cell."""
    rng = np.random.default_rng(0)
    made = level + scale * (rng.normal(0, noise, (n, 300)) + 2 * (rng.random((n, 300)) < 0.03))
    return [Recording(f"c{k}", "PV", "m", (row,), 30.0, file="x.npz") for k, row in enumerate(made)]


@pytest.mark.parametrize(
    ("rate", "looks"),
    [
        (1 / 30, r"the seconds between frames \(30 Hz\) or time in milliseconds"),
        (0.03, r"time in milliseconds \(30 Hz\)"),
        (3e-5, r"time in microseconds \(30 Hz\)"),
        (3e-8, r"time in nanoseconds \(30 Hz\)"),
        (1800.0, r"time in minutes \(30 Hz\)"),
        (1.6e15, "to 1000 Hz\\); correct it"),
    ],
)
def test_rates(tmp_path, rate, looks):
    message = refused(
        f"c1 .*and 2 more: .* Hz is no rate of calcium imaging .*{looks}", read, npz(tmp_path, sampling_rate=rate)
    )
    assert message.count("is no rate") == 1  # one line for all cells
    assert "prepare.implausible=keep" in message


def test_a_rate_that_is_kept_does_not_fill_the_memory(tmp_path):
    path = npz(tmp_path, sampling_rate=1e-9)
    refused("samples at 7.5 Hz need .* GB of memory, and", read, path, implausible="keep", sampling_rate=7.5)
    assert read(path, implausible="keep").about.of("trace").sampling_rate == 1e-9


@pytest.mark.parametrize("rate", [0.01, 1e5])
def test_the_common_rate_is_one_of_imaging_too(tmp_path, rate):
    refused("prepare.sampling_rate=.* is no rate of calcium", read, npz(tmp_path), sampling_rate=rate)


@pytest.mark.parametrize("value", [True, 1 + 2j, "often", [[1.0, 2.0]] * 3])
def test_a_rate_that_is_no_number(tmp_path, value):
    refused(
        "sampling_rate is .*; expected one number of Hz|sampling_rate has 6", read, npz(tmp_path, sampling_rate=value)
    )


def test_dff_is_dff():
    assert judged(cells(), "dff") == ([], [])
    assert judged(cells(noise=0.8), "dff") == ([], [])


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
    faults, _ = judged(made, "dff")
    assert len(faults) == 1
    assert re.search(said, faults[0])
    assert judged(made, "raw") == ([], [])


def test_a_baseline_of_one_is_noted():
    faults, notes = judged(cells(level=1.0), "dff")
    assert faults == []
    assert "rather F / F0" in notes[0]


def test_silent_and_smooth_cells_are_no_second_scale():
    assert judged(cells(5) + cells(1, scale=1e-4), "dff") == ([], [])


def test_percent_becomes_a_fraction(tmp_path):
    path = npz(tmp_path, trace=100 * TRACE)
    refused("looks like dF/F in percent", read, path)
    loaded = read(path, signal="percent")
    assert np.allclose(loaded.inputs["trace"], TRACE.reshape(9, 1, 20), atol=1e-6)
    assert loaded.about.of("trace").unit == "dF/F"
    assert np.abs(read(path, implausible="keep").inputs["trace"]).max() > 100


def test_one_unusable_cell_leaves_the_others(tmp_path):
    trace = TRACE.copy()
    trace[1] = 0.5
    loaded = read(npz(tmp_path, trace=trace), unusable="drop")
    assert set(loaded.cell_id) == {"c1", "c3"}
    assert any(
        note.startswith("1 cells that cannot be used are left out: cell c2 (x.npz): its trace is constant")
        for note in loaded.about.notes
    )
    with pytest.raises(UserError, match="constant"):
        read(npz(tmp_path, trace=np.ones((3, 60))), unusable="drop")


@pytest.mark.parametrize("option", ["calcium_sim", "calcium_sim_new"])
def test_no_false_alarm_of_simulated_cells(option):
    changes = {"cells_per_class": 5} if option == "calcium_sim" else {}
    given = described(option, **changes)
    if option == "calcium_sim_new":
        given.dataset.known.cells_per_class = 5
    assert judged(configs.build(given.dataset).entries, "dff") == ([], [])


def test_no_false_alarm_of_recorded_cells(shared_data):
    path = shared_data / "calcium" / "cascade_celltypes.h5"
    entries = recordings("traces", path=str(path)).entries
    of = {source: [r for r in entries if r.source == source] for source in {r.source for r in entries}}
    assert judged(entries, "dff") == ([], [])
    for made in of.values():
        assert judged(made, "dff") == ([], [])
        percent = [replace(r, segments=tuple(100 * s for s in r.segments)) for r in made]
        assert judged(percent, "dff")[0]


def test_z_scores_are_noted():
    scored = [replace(one, segments=((s - s.mean()) / s.std(),)) for one in cells() for s in one.segments]
    assert judged(scored, "dff") == (
        [],
        ["the values of each cell have mean 0 and standard deviation 1: z-scores, and no dF/F"],
    )
    assert judged(scored[:1] + cells(2), "dff")[1] == []


@pytest.mark.parametrize(
    ("scale", "signal", "small"),
    [(1e-3, "dff", True), (1.0, "dff", False), (0.1, "percent", True), (100.0, "percent", False)],
)
def test_peaks_too_small_for_an_indicator_are_noted(scale, signal, small):
    _, notes = judged(cells(scale=scale), signal)
    assert any("divided by 100 twice?" in note for note in notes) == small


def test_raw_fluorescence_in_some():
    (fault,), _ = judged(cells(3) + cells(3, scale=200, level=500), "dff")
    assert "and 2 more: all values are positive" in fault and "the 3 other cells do not: bring all to one unit" in fault
