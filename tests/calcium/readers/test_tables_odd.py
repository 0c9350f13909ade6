"""Tables as people have them: an index, lists, rounded or negative names of samples, columns that go by other names."""

import numpy as np
import pandas as pd
import pytest
from made.traces import META, TRACE, npz, read, refused

from celltype_cli.calcium.readers.rows import as_numbers

WIDE = pd.DataFrame({**META, "sampling_rate": 10.0})
LONG = pd.DataFrame({
    **{name: np.repeat(values, 60) for name, values in META.items()},
    "time_s": np.tile(np.arange(60) / 10, 3), "value": TRACE.ravel(),
})  # fmt: skip


def notes(path):
    return read(path).about.notes


def test_an_index_with_a_name_is_a_column(tmp_path):
    WIDE.join(pd.DataFrame(TRACE).rename(columns=str)).set_index("cell_id").to_parquet(tmp_path / "x.parquet")
    assert {*read(tmp_path / "x.parquet").cell_id} == {"c1", "c2", "c3"}


def test_a_list_of_samples_in_each_row(tmp_path):
    WIDE.assign(trace=[TRACE[0], TRACE[1], TRACE[2][:40]], snr=1.0).to_parquet(tmp_path / "x.parquet")
    loaded = read(tmp_path / "x.parquet")
    assert loaded.inputs["trace"][loaded.cell_id == "c1"].ravel() == pytest.approx(TRACE[0])
    assert (loaded.cell_id == "c3").sum() == 2  # of 40 samples
    assert "x.parquet: not read: snr" in loaded.about.notes
    WIDE.assign(trace=[["a"], ["b"], ["c"]]).to_parquet(tmp_path / "x.parquet")
    refused("its traces are lists of .*; expected numbers", read, tmp_path / "x.parquet")


@pytest.mark.parametrize("names", [[f"{k / 30:.4f}" for k in range(60)], [f"t{k - 20}" for k in range(60)]])
def test_names_of_samples_that_are_rounded_or_below_zero(tmp_path, names):
    WIDE.join(pd.DataFrame(TRACE, columns=names)).to_csv(tmp_path / "x.csv", index=False)
    assert read(tmp_path / "x.csv").inputs["trace"].ravel() == pytest.approx(TRACE.ravel())


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (LONG.rename(columns={"value": "dFF"}), "value is missing; nearest: dFF"),
        (LONG.rename(columns={"label": "Cell Type"}), "label is missing; nearest: Cell Type"),
        (LONG.rename(columns={"time_s": "time_ms"}), "time_s is missing; nearest: time_ms"),
        (pd.DataFrame(TRACE.T, columns=["C0", "C1", "C2"]), "are to be turned: a row for each cell"),
        (WIDE.rename(columns={"group": "mouse"}).join(pd.DataFrame(TRACE)), "mouse may be what is called group here"),
    ],
)
def test_columns_by_other_names(tmp_path, table, said):
    table.to_csv(tmp_path / "x.csv", index=False)
    refused(said, read, tmp_path / "x.csv")


def test_what_is_not_read_is_noted(tmp_path):
    LONG.rename(columns={"group": "mouse"}).to_csv(tmp_path / "x.csv", index=False)
    assert "x.csv: not read: mouse; mouse may be what is called group here: rename it" in notes(tmp_path / "x.csv")
    assert "x.npz: not read: time" in notes(npz(tmp_path, time=np.arange(60) / 10))


def test_arrays_that_are_turned(tmp_path):
    refused("trace has 60 cells, but .*; save the transposed array, trace.T", read, npz(tmp_path, trace=TRACE.T))
    refused(r"expected numbers, \[cell, time\] \(of one cell: trace\[None\]\)", read, npz(tmp_path, trace=TRACE[0]))


def test_times_of_a_clock(tmp_path):
    times = pd.Timestamp("2021-06-05 23:59:58") + pd.to_timedelta(LONG["time_s"], unit="s")
    for form in ("%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%f"):
        LONG.assign(time_s=times.dt.strftime(form)).to_csv(tmp_path / "x.csv", index=False)
        loaded = read(tmp_path / "x.csv")
        assert loaded.inputs["trace"].ravel() == pytest.approx(TRACE.ravel())
        assert loaded.about.of("trace").sampling_rate == pytest.approx(10)
        assert f"x.csv: time_s is a clock ({times[0].strftime(form)}), read as seconds" in loaded.about.notes
    LONG.assign(time_s=times.dt.strftime("%H:%M:%S")).to_csv(tmp_path / "x.csv", index=False)
    refused("time_s .* occurs twice; .*were they rounded", read, tmp_path / "x.csv")


@pytest.mark.parametrize("named", [{}, {"sampling_rate": 10.0}])
def test_a_row_for_each_frame_is_no_cell(tmp_path, named):
    """As ImageJ writes it: Mean1, Mean2 ..., a row for each frame."""
    pd.DataFrame(TRACE.T, columns=["Mean1", "Mean2", "Mean3"]).assign(**named).to_csv(tmp_path / "x.csv")
    settings = {"labelled": False, "frame_rate": 10.0}
    refused("holds 60 rows of 3 samples, .*it looks turned", read, tmp_path / "x.csv", **settings)
    np.savez(tmp_path / "x.npz", trace=TRACE.T)
    refused("holds 60 rows of 3 samples, .*it looks turned", read, tmp_path / "x.npz", **settings)


def test_a_table_of_samples_alone_names_cells_by_their_rows(tmp_path):
    pd.DataFrame(TRACE).to_csv(tmp_path / "x.csv", index=False)
    assert {*read(tmp_path / "x.csv", labelled=False, frame_rate=10.0).cell_id} == {"x/0", "x/1", "x/2"}


def test_units_in_the_names_of_columns(tmp_path):
    LONG.rename(columns={"time_s": "time [ms]", "value": "dF/F (%)"}).to_csv(tmp_path / "x.csv", index=False)
    refused(r"value is missing; nearest: dF/F \(%\)", read, tmp_path / "x.csv")


def test_a_list_that_is_missing_leaves_the_others(tmp_path):
    WIDE.assign(trace=[TRACE[0], None, TRACE[2]]).to_parquet(tmp_path / "x.parquet")
    loaded = read(tmp_path / "x.parquet", unusable="drop")
    assert {*loaded.cell_id} == {"c1", "c3"}
    assert any("cell c2 (x.parquet): its trace holds no value" in note for note in loaded.about.notes)


def test_times_in_place_of_a_rate(tmp_path):
    refused("sampling_rate has 60 entries; expected one rate", read, npz(tmp_path, sampling_rate=np.arange(60) / 10))


@pytest.mark.parametrize(
    ("written", "value"),
    [("--", np.nan), ("#DIV/0!", np.nan), ("n.d.", np.nan), ("\N{MINUS SIGN}2.5", -2.5), ("1'234.5", 1234.5),
     ("12 345", 12345.0), ("1\u202f000", 1000.0), ("1,234.5", 1234.5), ("1,234,567.8", 1234567.8)],
)  # fmt: skip
def test_numbers_as_people_write_them(tmp_path, written, value):
    numbers, words = as_numbers(pd.Series(["1.5", written, "x", "1'23"]))
    assert numbers[:2] == pytest.approx([1.5, value], nan_ok=True) and words.tolist() == [False, False, True, True]
    table = LONG.astype({"value": object})
    table.loc[5, "value"] = written
    table.to_csv(tmp_path / "x.csv", index=False)
    loaded = read(tmp_path / "x.csv", implausible="keep")
    assert any("1 samples of 1 cells are missing" in note for note in loaded.about.notes) == np.isnan(value)


def test_a_rate_with_its_unit(tmp_path):
    WIDE.assign(sampling_rate="10 Hz").join(pd.DataFrame(TRACE)).to_csv(tmp_path / "x.csv", index=False)
    assert read(tmp_path / "x.csv").about.of("trace").sampling_rate == 10


def test_an_index_of_rows_that_were_chosen(tmp_path):
    WIDE.join(pd.DataFrame(TRACE)).set_axis([3, 7, 20]).to_csv(tmp_path / "x.csv")
    assert {*read(tmp_path / "x.csv").cell_id} == {"c1", "c2", "c3"}


def test_a_sample_that_a_table_has_twice(tmp_path):
    WIDE.join(pd.DataFrame(TRACE)).assign(**{"0.1": 9.0}).to_csv(tmp_path / "x.csv", index=False)
    refused("two columns name the sample 0 .*remove one", read, tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.assign(time_s=t["time_s"].where(t["time_s"] < 5, t["time_s"] - 50)),
         "rows are out of the order of time_s and were sorted by it: was a clock set back? (3 cells)"),
        (lambda t: t[t["time_s"] != 3.0], "time_s has gaps, or single samples apart from others"),
        (lambda t: t.assign(time_s=t["time_s"].where(t["time_s"] > 0.5, t["time_s"] * 10 - 9)),
         "time_s has gaps, or single samples apart from others"),
        (lambda t: t.assign(sampling_rate=30.0), "sampling_rate says 30 Hz and time_s 10 Hz, which counts"),
        (lambda t: t.assign(quality=0.7), "quality says 0.7, of which no word is known as a flag"),
    ],
    ids=["set back", "gap", "slow at first", "two rates", "scores"],
)  # fmt: skip
def test_what_of_a_long_table_is_told(tmp_path, change, said):
    change(LONG).to_csv(tmp_path / "x.csv", index=False)
    assert any(said in note for note in notes(tmp_path / "x.csv")), notes(tmp_path / "x.csv")


@pytest.mark.parametrize(("step", "noted"), [(3, True), (0.5, True), (1, False)])
def test_frames_that_are_not_counted_one_by_one(tmp_path, step, noted):
    table = LONG.assign(frame=LONG.groupby("cell_id").cumcount() * step, sampling_rate=10.0).drop(columns="time_s")
    table.to_csv(tmp_path / "x.csv", index=False)
    said = f"x.csv: frame rises in steps of {step:g}, so that samples are {step:g} frames apart: sampling_rate is taken"
    assert any(note.startswith(said) for note in notes(tmp_path / "x.csv")) == noted


def test_a_usual_long_table_has_no_such_note(tmp_path):
    LONG.assign(sampling_rate=10.0, quality="good").to_csv(tmp_path / "x.csv", index=False)
    assert notes(tmp_path / "x.csv") == ()


def test_rows_without_a_cell(tmp_path):
    LONG.assign(cell_id=LONG["cell_id"].where(LONG.index > 1, "")).to_csv(tmp_path / "x.csv", index=False)
    refused("cell_id is empty in 2 of 180 rows; name the cell of each sample", read, tmp_path / "x.csv")
    loaded = read(tmp_path / "x.csv", unusable="drop", timesteps=50)
    assert loaded.n_cells == 3 and any(
        "x.csv: cell_id is empty in 2 of 180 rows" in note for note in loaded.about.notes
    )
    LONG.assign(cell_id="nan").to_csv(tmp_path / "x.csv", index=False)
    refused("cell_id is empty in 180 of 180 rows", read, tmp_path / "x.csv")


def test_a_table_of_as_many_cells_as_samples(tmp_path):
    smooth = np.cumsum(np.random.default_rng(0).normal(size=(60, 60)), axis=1)
    meta = {"cell_id": [f"c{k}" for k in range(60)], "label": ["PV", "SST"] * 30, "group": None}
    said = "has as many cells as samples (60), and values change less from cell to cell"
    of = {"drop": ("group",), "timesteps": 20, "implausible": "keep"}
    turned, right = (
        read(npz(tmp_path, trace, drop=of["drop"], **meta), implausible="keep").about.notes
        for trace in (smooth.T, smooth)
    )
    assert any(said in note for note in turned) and not any(said in note for note in right)


@pytest.mark.parametrize("names", [[f"Frame {k}" for k in range(60)], [f"{k / 10:.1f} s" for k in range(60)]])
def test_names_of_samples_with_words_and_units(tmp_path, names):
    WIDE.join(pd.DataFrame(TRACE, columns=names)).to_csv(tmp_path / "x.csv", index=False)
    assert read(tmp_path / "x.csv").inputs["trace"].ravel() == pytest.approx(TRACE.ravel())


def test_values_without_names_and_tables_that_are_turned(tmp_path):
    np.savetxt(tmp_path / "x.csv", TRACE, delimiter=",")
    refused("its first line holds numbers that do not rise", read, tmp_path / "x.csv", labelled=False, frame_rate=10)
    smooth = np.cumsum(np.random.default_rng(0).normal(0, 0.01, (60, 80)), axis=0) + np.linspace(1, 3, 80)
    pd.DataFrame(smooth).to_csv(tmp_path / "x.csv", index=False)
    found = read(tmp_path / "x.csv", labelled=False, frame_rate=10.0, signal="raw")
    assert any("has 60 cells of 80 samples, and values change less from cell to cell" in n for n in found.about.notes)
    WIDE.join(pd.DataFrame(TRACE)).set_index("cell_id").T.to_csv(tmp_path / "x.csv", index_label="cell_id")
    refused("are to be turned: a row for each cell", read, tmp_path / "x.csv")


def test_what_is_given_once_is_of_all_cells(tmp_path):
    loaded = read(npz(tmp_path, group="m1", source="lab"))
    assert {*loaded.group} == {"m1"} and {*loaded.source} == {"lab"}


def test_rows_that_are_no_cells_are_noted(tmp_path):
    said = "1 of 3 cells go by names of no cell (Mean): leave them out?"
    assert said in notes(npz(tmp_path, cell_id=["c1", "c2", "Mean"]))
    assert not any("names of no cell" in note for note in notes(npz(tmp_path)))
