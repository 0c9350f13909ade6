"""Rates and values that calcium imaging does not have are refused with what they look like; what it has is not."""

from dataclasses import replace

import numpy as np
import pytest
from made.configs import described, recordings
from made.dff import FINE, cells, judge, percent
from made.traces import TRACE, npz, read, refused

from celltype_cli.core import configs
from celltype_cli.core.messages import UserError


def test_a_file_at_an_impossible_rate_leaves_its_folder(tmp_path):
    for name, rate in (("a", 30.0), ("b", 1 / 30)):
        np.savez(tmp_path / f"{name}.npz", trace=TRACE, cell_id=[f"{name}{k}" for k in range(3)], sampling_rate=rate,
                 label=["PV", "SST", "VIP"])  # fmt: skip
    loaded = read(tmp_path, unusable="drop")
    assert {*loaded.cell_id} == {"a0", "a1", "a2"} and loaded.about.of("trace").sampling_rate == 30
    (note,) = [note for note in loaded.about.notes if "cannot be used" in note]
    assert "3 cells that cannot be used are left out: cell b0 (b.npz) and 2 more: 0.0333 Hz is no rate" in note
    refused("b0 .b.npz. and 2 more: 0.0333 Hz is no rate", read, tmp_path)


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


def test_a_baseline_of_one_is_noted():
    wrong, faults, notes = judge(cells(level=1.0))
    assert faults == wrong == []
    assert "rather F / F0" in notes[0]


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
    assert judge(configs.build(given.dataset).entries) == FINE


def test_no_false_alarm_of_recorded_cells(shared_data):
    path = shared_data / "calcium" / "cascade_celltypes.h5"
    entries = recordings("traces", path=str(path)).entries
    of = {source: [r for r in entries if r.source == source] for source in {r.source for r in entries}}
    assert judge(entries) == FINE
    for made in of.values():
        assert judge(made) == FINE
        assert judge(percent(made), "percent") == FINE
        assert judge(percent(made))[1]
        assert "looks like dF/F as a fraction" in judge(made, "percent")[1][0]


def test_z_scores_are_noted():
    scored = [replace(one, segments=((s - s.mean()) / s.std(),)) for one in cells() for s in one.segments]
    assert judge(scored)[1:] == (
        [],
        ["the values of each cell have mean 0 and standard deviation 1: z-scores, and no dF/F"],
    )
    assert judge(scored[:1] + cells(2))[2] == []


@pytest.mark.parametrize(
    ("scale", "signal", "small"),
    [(1e-3, "dff", True), (1.0, "dff", False), (0.1, "percent", True), (100.0, "percent", False)],
)
def test_peaks_too_small_for_an_indicator_are_noted(scale, signal, small):
    _, _, notes = judge(cells(scale=scale), signal)
    assert any("divided by 100 twice?" in note for note in notes) == small


def test_values_that_are_cut_off_are_noted():
    cut = [replace(r, segments=tuple(np.minimum(s, 0.05) for s in r.segments)) for r in cells()]
    assert any("6 cells hold their largest value again and again, cut off there: cell c0" in n for n in judge(cut)[2])


def test_traces_upside_down_are_noted():
    turned = [replace(r, segments=tuple(-s for s in r.segments)) for r in cells()]
    assert any("is the sign of dF/F inverted?" in note for note in judge(turned)[2])


@pytest.mark.parametrize("trace", [30 * TRACE[:, :60] % 2**16, 60 * TRACE + 95])
def test_raw_fluorescence_whose_baseline_is_next_to_nothing(tmp_path, trace):
    """Unsigned numbers below 0 that went round to 65,535, and fluorescence of which too much was subtracted."""
    settings = {"signal": "raw_to_dff", "timesteps": 60}
    said = "its baseline is next to 0 .*prepare.implausible=keep|its baseline goes down to"
    refused(said, read, npz(tmp_path, trace=trace + 1), **settings)
    assert read(npz(tmp_path, trace=20 * TRACE + 1000), **settings).n_cells == 3


@pytest.mark.parametrize(
    ("trace", "said"),
    [
        (np.where(np.random.default_rng(0).random((3, 400)) < 0.05, 0.4, 0.0),
         "% of the values of most cells are exactly 0"),
        (np.convolve(np.random.default_rng(1).normal(0, 1, 1600), np.hanning(60) / 60)[:1200].reshape(3, 400),
         "most traces hardly turn from frame to frame"),
        (np.repeat(np.random.default_rng(2).normal(0, 0.1, (3, 200)), 2, axis=1), "repeat the one before: were frames"),
        (np.random.default_rng(2).normal(-3, 0.1, (3, 400)), "lie below -1, which dF/F cannot"),
        (np.maximum(np.random.default_rng(2).normal(0.05, 0.1, (3, 400)), 0), "cut off below, and no recorded dF/F?"),
    ],
    ids=["events", "smooth", "doubled", "negative", "rectified"],
)  # fmt: skip
def test_what_is_no_recorded_dff_is_told(tmp_path, trace, said):
    assert any(said in note for note in read(npz(tmp_path, trace)).about.notes)


def test_a_rate_that_counts_frames(tmp_path):
    said = "the rate of all cells is exactly 1 Hz: was it measured, or does it count frames?"
    assert said in read(npz(tmp_path, sampling_rate=1.0)).about.notes
    assert said not in read(npz(tmp_path, sampling_rate=1.1)).about.notes


@pytest.mark.parametrize(("rate", "noted"), [(600.0, True), (300.0, True), (500.0, False), (120.0, False)])
def test_rates_that_count_frames_a_minute(tmp_path, rate, noted):
    notes = read(npz(tmp_path, sampling_rate=rate)).about.notes
    said = (
        f"3 cells are said to be recorded at {rate:g} Hz or so: are they frames a minute, and {rate / 60:g} Hz meant?"
    )
    assert any(note.startswith(said) for note in notes) == noted
    kept = read(npz(tmp_path, sampling_rate=rate), implausible="keep").about.notes
    assert not any("a minute" in note for note in kept)


def test_traces_scaled_by_their_peak_and_cut_off_fluorescence(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, (3, 400))
    scaled = noise / noise.max(axis=1, keepdims=True)
    assert any("largest value of each cell is exactly 1" in note for note in read(npz(tmp_path, scaled)).about.notes)
    cut = np.minimum(1000 + 1000 * noise, 1120)
    assert any("hold their largest value again" in note for note in read(npz(tmp_path, cut), signal="raw").about.notes)


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (lambda v: (v - np.median(v)) / (1.4826 * np.median(np.abs(v - np.median(v)))), "the median deviation"),
        (lambda v: v / (1.4826 * np.median(np.abs(np.diff(v))) / np.sqrt(2)), "the noise from frame to frame"),
        (lambda v: ((v - v.mean()) / v.std())[30:], "the standard deviation of each cell is about 1"),
    ],
    ids=["robust", "noise", "cut"],
)
def test_scores_of_other_kinds_are_noted(score, said):
    """Of 8 cells or more: by the median, in units of noise, and z-scores of which a part was cut off."""
    made = [replace(r, segments=(score(r.segments[0] * (1 + k)),)) for k, r in enumerate(cells(9))]
    assert any(said in note and "scores, and no dF/F?" in note for note in judge(made)[2])
    assert not any("scores" in note for note in judge(cells(9, scale=0.3))[2])


def test_scores_over_all_cells_are_noted():
    values = np.stack([r.segments[0] * (1 + k) for k, r in enumerate(cells(4))])
    scored = [replace(r, segments=(row,)) for r, row in zip(cells(4), (values - values.mean()) / values.std())]
    assert any("of all cells together have mean 0" in note for note in judge(scored)[2])


def test_events_that_are_called_fluorescence(tmp_path):
    events = np.where(np.random.default_rng(0).random((3, 60)) < 0.1, 40.0, 0.0)
    refused("% of them are exactly 0: deconvolved events", read, npz(tmp_path, trace=events), signal="raw_to_dff")
