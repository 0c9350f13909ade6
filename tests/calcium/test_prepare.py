"""How continuous recordings become rows: windows, rates, classes, groups, and what is said about them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from celltype_cli.calcium.prepare import to_cells
from celltype_cli.calcium.recording import Recording
from celltype_cli.cells.assemble import confound
from celltype_cli.cells.cells import UNLABELLED, About
from celltype_cli.core.messages import UserError

ABOUT = About("made up", notes=("given",))


def recording(cell="a", label="PV", group="m1", segments=None, rate=10.0, source="", n=40):
    segments = segments or (np.arange(n, dtype=float),)
    return Recording(cell, label, group, tuple(segments), rate, source, "file.x")


def rows(cells):
    return cells.inputs["trace"][:, 0].tolist()


def test_windows_stay_within_their_segment():
    cells = to_cells([recording(segments=[np.arange(10.0), np.arange(100.0, 107.0)])], about=ABOUT, timesteps=4)
    assert rows(cells) == [[0, 1, 2, 3], [4, 5, 6, 7], [100, 101, 102, 103]]
    assert cells.cell_id.tolist() == ["a"] * 3
    assert cells.about.sampling_rate == 10
    assert cells.about.unit == "dF/F"
    assert cells.about.notes == ("given",)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(2, 9))
def test_no_window_crosses_the_end_of_a_segment(lengths, timesteps):
    ends = np.cumsum(lengths)
    segments = [np.arange(end - n, end) + 1000.0 * k for k, (n, end) in enumerate(zip(lengths, ends, strict=True))]
    fits = sum(n // timesteps for n in lengths)
    if sum(lengths) == 1 or max(lengths) == 1 or not fits:
        with pytest.raises(UserError, match="constant|uninterrupted"):
            to_cells([recording(segments=segments)], about=ABOUT, timesteps=timesteps)
        return
    got = np.array(rows(to_cells([recording(segments=segments)], about=ABOUT, timesteps=timesteps)))
    assert len(got) == fits
    assert (np.diff(got, axis=1) == 1).all()  # a step into the next segment would be 1001


def test_first_window_only():
    short_first = recording(segments=[np.arange(3.0), np.arange(50.0, 70.0)])
    assert rows(to_cells([short_first], about=ABOUT, timesteps=5, windows="first")) == [[50, 51, 52, 53, 54]]


def test_classes_are_sorted_or_as_given():
    made = [recording("a", "VIP"), recording("b", "PV"), recording("c", "")]
    cells = to_cells(made, about=ABOUT, timesteps=40)
    assert cells.classes == ("PV", "VIP")
    assert cells.label.tolist() == [1, 0, UNLABELLED]
    cells = to_cells(made, about=ABOUT, timesteps=40, classes=["VIP", "SST", "PV"])
    assert cells.classes == ("VIP", "SST", "PV")
    assert cells.label.tolist() == [0, 2, UNLABELLED]


def test_a_cell_without_animal_is_its_own_group():
    cells = to_cells([recording("a", group=""), recording("b", group="m7")], about=ABOUT, timesteps=40)
    assert cells.group.tolist() == ["a", "m7"]
    assert "the animal of 1 of 2 cells is unknown" in cells.about.notes[1]


def test_rates_are_brought_together():
    made = [
        recording(f"{rate}", rate=rate, segments=[np.sin(2 * np.pi * np.arange(int(30 * rate)) / rate)])
        for rate in (15.625, 26.589, 31.6561)
    ]
    cells = to_cells(made, about=ABOUT, timesteps=100, sampling_rate=7.5)
    assert cells.cell_id.tolist() == ["15.625"] * 2 + ["26.589"] * 2 + ["31.6561"] * 2
    expected = np.sin(2 * np.pi * np.arange(200) / 7.5).reshape(2, 100)
    for k in range(3):
        assert np.abs(cells.inputs["trace"][2 * k : 2 * k + 2, 0] - expected)[0, 10:].max() < 2e-3


def test_rates_that_hardly_differ_are_one():
    made = [recording("a", rate=26.589), recording("b", rate=26.58908)]
    cells = to_cells(made, about=ABOUT, timesteps=40)
    assert rows(cells) == [list(range(40))] * 2
    assert cells.about.sampling_rate == pytest.approx(26.589, rel=1e-5)


def test_slower_recordings_are_mentioned():
    cells = to_cells(
        [recording("a", rate=10.0), recording("b", rate=5.0)], about=ABOUT, timesteps=40, sampling_rate=10.0
    )
    assert "1 cells were recorded at less than 10 Hz and interpolated: PV 1" in cells.about.notes


def test_short_cells_are_dropped_with_their_number():
    made = [recording("a", n=100), recording("b", "SST", n=9), recording("c", "VIP", n=9), recording("d", "VIP", n=5)]
    cells = to_cells(made, about=ABOUT, timesteps=10, too_short="drop")
    assert set(cells.cell_id) == {"a"}
    assert cells.classes == ("PV",)
    assert "3 cells left out, no window of 10 samples fits or varies: SST 1, VIP 2" in cells.about.notes
    with pytest.raises(UserError, match="cell b .*9 samples at 10 Hz, 10 expected"):
        to_cells(made, about=ABOUT, timesteps=10, too_short="error")
    with pytest.raises(UserError, match="cell d .*5 samples"):
        to_cells(made[1:], about=ABOUT, timesteps=10, too_short="drop")


def test_windows_in_which_nothing_varies_are_left_out():
    trace = np.concatenate([np.zeros(10), np.arange(10.0), np.zeros(10)])
    cells = to_cells([recording("a", segments=[trace])], about=ABOUT, timesteps=10)
    assert rows(cells) == [list(range(10))]


def test_raw_fluorescence_stays_or_becomes_dff():
    trace = np.full(100, 50.0)
    trace[50] = 100.0
    raw = to_cells([recording(segments=[trace])], about=ABOUT, timesteps=100, signal="raw")
    assert (raw.inputs["trace"].max(), raw.about.unit) == (100, "raw fluorescence")
    converted = to_cells([recording(segments=[trace])], about=ABOUT, timesteps=100, signal="raw_to_dff")
    assert (converted.inputs["trace"].max(), converted.inputs["trace"].min(), converted.about.unit) == (1, 0, "dF/F")


def named(*pairs):
    return [recording(f"c{k}", label, source=source) for k, (label, source) in enumerate(pairs)]


def test_label_and_laboratory_coincide():
    (warning,) = confound(named(("PV", "lab A"), ("PV", "lab A"), ("VIP", "lab B")))
    assert warning.startswith("label and laboratory coincide: 3 of 3 cells")
    assert "lab A: PV (2); lab B: VIP (1)" in warning


def test_label_and_laboratory_coincide_in_part():
    (warning,) = confound(named(("PV", "lab A"), ("VIP", "lab A"), ("VIP", "lab B"), ("", "lab C")))
    assert warning.startswith("1 of 3 cells come from sources that hold one class only")
    assert "lab B: VIP (1)" in warning


@pytest.mark.parametrize(
    "pairs",
    [
        [("PV", "lab A"), ("VIP", "lab A")],  # one source
        [("PV", ""), ("VIP", "")],  # nothing known
        [("PV", "lab A"), ("PV", "lab B")],  # one class
        [("PV", "lab A"), ("VIP", "lab A"), ("PV", "lab B"), ("VIP", "lab B")],
    ],
)
def test_no_warning_without_a_confound(pairs):
    assert list(confound(named(*pairs))) == []


def test_the_warning_stands_beside_the_cells():
    made = named(("PV", "lab A"), ("VIP", "lab B"))
    assert any("coincide" in note for note in to_cells(made, about=ABOUT, timesteps=10).about.notes)
