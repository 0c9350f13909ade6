"""How continuous recordings become rows: windows, rates, classes, groups, and what is said about them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made.configs import described

from celltype_cli.calcium.features import TRACE_FEATURES, trace_features
from celltype_cli.calcium.recording import Recording
from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings
from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError

ABOUT = About("made up", notes=("given",), group="animal")


def recording(cell="a", label="PV", group="m1", segments=None, rate=10.0, source="", n=40):
    segments = segments or (np.arange(n, dtype=float),)
    return Recording(cell, label, group, tuple(segments), rate, source, "file.x")


def prepared(entries, classes=None, **changes):
    """What `prepare=windows`, as shipped but for changes, makes of recordings, whose values are easy to follow."""
    changes = {"unusable": "error", "implausible": "keep"} | changes
    return configs.build(described("traces", **changes).prepare)(Recordings(entries, ABOUT, classes))


def rows(cells):
    return cells.inputs["trace"][:, 0].tolist()


def test_windows_stay_within_their_segment():
    cells = prepared([recording(segments=[np.arange(10.0), np.arange(100.0, 107.0)])], timesteps=4)
    assert rows(cells) == [[0, 1, 2, 3], [4, 5, 6, 7], [100, 101, 102, 103]]
    assert cells.cell_id.tolist() == ["a"] * 3
    about = cells.about.of("trace")
    assert (about.sampling_rate, about.unit, about.axes[0].last) == (10, "dF/F", 0.3)  # s, of the fourth sample
    assert cells.about.notes == ("given",)


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(2, 9))
def test_no_window_crosses_the_end_of_a_segment(lengths, timesteps):
    ends = np.cumsum(lengths)
    segments = [np.arange(end - n, end) + 1000.0 * k for k, (n, end) in enumerate(zip(lengths, ends, strict=True))]
    fits = sum(n // timesteps for n in lengths)
    if sum(lengths) == 1 or max(lengths) == 1 or not fits:
        with pytest.raises(UserError, match="constant|uninterrupted"):
            prepared([recording(segments=segments)], timesteps=timesteps)
        return
    got = np.array(rows(prepared([recording(segments=segments)], timesteps=timesteps)))
    assert len(got) == fits
    assert (np.diff(got, axis=1) == 1).all()  # a step into the next segment would be 1001


def test_first_window_only():
    short_first = recording(segments=[np.arange(3.0), np.arange(50.0, 70.0)])
    assert rows(prepared([short_first], timesteps=5, windows="first")) == [[50, 51, 52, 53, 54]]


def test_classes_are_sorted_or_as_given():
    made = [recording("a", "VIP"), recording("b", "PV"), recording("c", "")]
    cells = prepared(made, timesteps=40)
    assert cells.classes == ("PV", "VIP")
    assert cells.label.tolist() == [1, 0, UNLABELLED]
    cells = prepared(made, timesteps=40, classes=("VIP", "SST", "PV"))
    assert cells.classes == ("VIP", "SST", "PV")
    assert cells.label.tolist() == [0, 2, UNLABELLED]


def test_a_cell_without_animal_is_its_own_group():
    cells = prepared([recording("a", group=""), recording("b", group="m7")], timesteps=40)
    assert cells.group.tolist() == ["a", "m7"]
    assert "the animal of 1 of 2 cells is unknown" in cells.about.notes[1]


def test_rates_are_brought_together():
    made = [
        recording(f"{rate}", rate=rate, segments=[np.sin(2 * np.pi * np.arange(int(30 * rate)) / rate)])
        for rate in (15.625, 26.589, 31.6561)
    ]
    cells = prepared(made, timesteps=100, sampling_rate=7.5)
    assert cells.cell_id.tolist() == ["15.625"] * 2 + ["26.589"] * 2 + ["31.6561"] * 2
    expected = np.sin(2 * np.pi * np.arange(200) / 7.5).reshape(2, 100)
    for k in range(3):
        assert np.abs(cells.inputs["trace"][2 * k : 2 * k + 2, 0] - expected)[0, 10:].max() < 2e-3


def test_rates_that_hardly_differ_are_one():
    made = [recording("a", rate=26.589), recording("b", rate=26.58908)]
    cells = prepared(made, timesteps=40)
    assert rows(cells) == [list(range(40))] * 2
    assert cells.about.of("trace").sampling_rate == pytest.approx(26.589, rel=1e-5)


def test_slower_recordings_are_mentioned():
    cells = prepared([recording("a", rate=10.0), recording("b", rate=5.0)], timesteps=40, sampling_rate=10.0)
    assert "1 cells were recorded at less than 10 Hz and interpolated: PV 1" in cells.about.notes


def test_short_cells_are_dropped_with_their_number():
    made = [recording("a", n=100), recording("b", "SST", n=9), recording("c", "VIP", n=9), recording("d", "VIP", n=5)]
    cells = prepared(made, timesteps=10, too_short="drop")
    assert set(cells.cell_id) == {"a"}
    assert cells.classes == ("PV",)
    assert "3 cells left out, no window of 10 samples fits or varies: SST 1, VIP 2" in cells.about.notes
    with pytest.raises(UserError, match="cell b .*9 samples at 10 Hz, 10 expected"):
        prepared(made, timesteps=10, too_short="error")
    with pytest.raises(UserError, match="cell d .*5 samples"):
        prepared(made[1:], timesteps=10, too_short="drop")


def test_windows_in_which_nothing_varies_are_left_out():
    trace = np.concatenate([np.zeros(10), np.arange(10.0), np.zeros(10)])
    cells = prepared([recording("a", segments=[trace])], timesteps=10)
    assert rows(cells) == [list(range(10))]


def test_raw_fluorescence_stays_or_becomes_dff():
    trace = np.full(100, 50.0)
    trace[50] = 100.0
    raw = prepared([recording(segments=[trace])], timesteps=100, signal="raw")
    assert (raw.inputs["trace"].max(), raw.about.of("trace").unit) == (100, "raw fluorescence")
    converted = prepared([recording(segments=[trace])], timesteps=100, signal="raw_to_dff")
    assert (converted.inputs["trace"].max(), converted.inputs["trace"].min(), converted.about.of("trace").unit) == (
        1,
        0,
        "dF/F",
    )


def test_the_warning_stands_beside_the_cells():
    made = [recording("a", "PV", source="lab A"), recording("b", "VIP", source="lab B")]
    assert any("coincide" in note for note in prepared(made, timesteps=10).about.notes)


def test_unlabelled_cells_are_counted():
    notes = prepared([recording("a"), recording("b", ""), recording("c", "")], timesteps=10).about.notes
    assert notes == ("given", "2 of 3 cells have no label and count for no score")
    assert prepared([recording("a", "")], timesteps=10).about.notes == ("given",)  # nothing is scored anyway


# Length of the shortest


def test_without_a_number_of_samples_the_shortest_recording_gives_it():
    made = [recording("a", n=60), recording("b", segments=[np.arange(5.0), np.arange(25.0)])]
    cells = prepared(made, timesteps=None, windows="first")
    assert rows(cells) == [list(range(25))] * 2
    assert "traces are cut to the shortest, 25 samples" in cells.about.notes
    assert prepared(made, timesteps=None).cell_id.tolist() == ["a", "a", "b"]  # all windows of that length
    assert prepared(made[:1], timesteps=None).about.notes == ("given",)  # nothing was cut


def test_the_shortest_is_measured_at_the_common_rate():
    made = [recording("a", rate=10.0, n=41), recording("b", rate=5.0, n=30)]  # 4 s and 5.8 s
    cells = prepared(made, timesteps=None, sampling_rate=5.0, windows="first")
    assert cells.shapes["trace"] == (1, 21)
    with pytest.raises(UserError, match="cell b .* has 1 samples at 0.1 Hz .recorded at 5 Hz., 2 expected"):
        prepared([recording("a", n=400), made[1]], timesteps=None, sampling_rate=0.1)


# Inputs


def test_features_are_of_the_windows_beside_them():
    made = [recording(f"{k}", segments=[np.random.default_rng(k).normal(size=50)]) for k in range(3)]
    both, features, trace = (
        prepared(made, timesteps=20, inputs=inputs) for inputs in (["trace", "features"], ["features"], ["trace"])
    )
    assert both.shapes == {"trace": (1, 20), "features": (28,)}
    assert both.inputs["trace"].dtype == np.float32
    assert both.inputs["features"].dtype == np.float64
    assert np.array_equal(both.inputs["features"], trace_features(both.inputs["trace"]))
    for alone, name in ((features, "features"), (trace, "trace")):
        assert [*alone.inputs] == [*alone.about.inputs] == [name]
        assert np.array_equal(alone.inputs[name], both.inputs[name])
        assert alone.about.of(name) == both.about.of(name)
        assert alone.cell_id.tolist() == both.cell_id.tolist() == ["0", "0", "1", "1", "2", "2"]
    assert both.about.of("features").columns == TRACE_FEATURES
    assert both.about.of("features").sampling_rate is None


def test_another_kind_of_recording_is_refused():
    class Sweeps:
        cell_id, label, group, source, file = "s1", "PV", "", "", "s1.abf"

    with pytest.raises(UserError, match=r"prepare=windows takes calcium traces; made up gives others, the first cell "
                                        r"s1 \(s1.abf\): leave out `prepare=`"):  # fmt: skip
        prepared([recording(), Sweeps()])


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["dataset=calcium_sim", "prepare=sweeps"], "prepare=sweeps takes current-clamp recordings"),
        (["dataset=calcium_sim", "prepare=finished"], "prepare=finished takes tables and finished images"),
        (["dataset=patch_sim", "prepare=windows"], "prepare=windows takes calcium traces"),
    ],
)
def test_a_prepare_of_another_kind_is_refused_on_the_command_line(celltype, typed, said):
    code, _, err = celltype("data", *typed, "dataset.cells_per_class=2")
    assert code == 2
    assert f"celltype: {said}; {typed[0][8:]} (simulated) gives " in err
    assert "leave out `prepare=`, the dataset chooses one" in err


def test_how_it_was_recorded_is_kept_though_all_come_to_one_rate():
    slow, fast = recording("a", n=200, rate=10.0), recording("b", n=1000, rate=40.0)
    cells = prepared([slow, fast], timesteps=50, sampling_rate=10.0)
    of = {name: dict(zip(cells.cell_id.tolist(), values.tolist())) for name, values in cells.conditions.items()}
    assert of == {"recorded rate": {"a": 10.0, "b": 40.0}, "recorded length": {"a": 20.0, "b": 25.0}}
    assert [*cells.about.conditions] == [*cells.conditions]
    assert cells[np.array([0])].conditions["recorded rate"].tolist() == [10.0]
