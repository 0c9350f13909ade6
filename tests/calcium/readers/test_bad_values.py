"""Each broken column, value or setting ends in one message that says where, what was found, and what to do."""

import numpy as np
import pandas as pd
import pytest
from made.traces import PV_FILE, TRACE, csv, long, mat, npz, read, read_cascade, refused


def with_value(value, row=1, sample=7):
    trace = TRACE.copy()
    trace[row, sample] = value
    return trace


# Columns


@pytest.mark.parametrize("name", ["trace", "cell_id", "label", "sampling_rate"])
def test_npz_without_an_array(tmp_path, name):
    refused(f"{name} is missing.*; found ", read, npz(tmp_path, drop=[name]))


def test_npz_of_unequal_lengths(tmp_path):
    refused("trace has 3 cells, but label has 2 entries", read, npz(tmp_path, label=["PV", "SST"]))


@pytest.mark.parametrize("trace", [TRACE[0], np.full((3, 60), "x")])
def test_npz_with_another_kind_of_trace(tmp_path, trace):
    refused("trace is .*; expected numbers, .cell, time.", read, npz(tmp_path, trace=trace))


def test_wide_csv_with_a_misspelt_column(tmp_path):
    path = csv(tmp_path)
    path.write_text(path.read_text().replace("label", "lable", 1))
    refused("label is missing; nearest: lable; found cell_id, lable, group", read, path)


@pytest.mark.parametrize("name", ["age_of_mouse", "day1"])
def test_wide_csv_with_a_column_that_is_no_sample(tmp_path, name):
    refused(f"columns {name} are neither samples nor known", read, csv(tmp_path, **{name: 60}))


def test_wide_csv_with_words_for_values(tmp_path):
    path = csv(tmp_path)
    path.write_text(path.read_text().replace(f"{TRACE[1, 7]}", "high"))
    refused(r"cell c2 \(x.csv\): 1 values are no numbers, the first 'high' in column 7", read, path)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda t: t.drop(columns="label"), "label is missing; .*found cell_id, group, time_s, value"),
        (lambda t: t.drop(columns="time_s"), "frame is missing.*; sampling_rate is missing"),
        (
            lambda t: t.rename(columns={"time_s": "frame"}).assign(sampling_rate=t.index),
            "cell c1 .*one positive number",
        ),
        (lambda t: t.assign(group=t.time_s.astype(str)), "cell c1 .*has several values of group"),
        (
            lambda t: t.assign(value=t.value.astype(object).where(t.index != 70, "high")),
            "cell c2 .*1 of 60 values of value are no numbers, the first in line 72: high",
        ),
        (lambda t: t.assign(time_s=t.time_s.where(t.index != 70)), "cell c2 .*1 of 60 values of time_s are missing"),
        (lambda t: t.assign(time_s=t.time_s.replace(2.1, 2.0)), "cell c1 .*time_s 2 occurs twice"),
        (lambda t: t.assign(time_s=t.time_s**3), "cell c1 .*44 of 59 steps of its time stamps differ"),
    ],
)
def test_long_csv(tmp_path, edit, message):
    refused(message, read, long(tmp_path, edit))


# Values


def test_value_that_is_not_finite(tmp_path):
    message = r"cell c2 \(x.npz\): 1 of 60 values are NaN or infinite, the first at sample 7 of segment 0"
    refused(message, read, npz(tmp_path, trace=with_value(np.inf)))


def test_nan_in_a_mat_file_is_a_gap(tmp_path):
    for name, gap in ((PV_FILE, 5), (PV_FILE.replace("Cell01", "Cell02"), 0)):
        mean = np.random.default_rng(0).normal(size=4000)
        mean[1000 : 1000 + gap] = np.nan
        mat(tmp_path, name=name, fluo_mean=mean)
    for folder in ("DS25-GCaMP6f-m-SST-V1", "DS26-GCaMP6f-m-VIP-V1"):
        mat(tmp_path, name=f"{folder}/CAttached_x_mini.mat")
    cells = read_cascade(tmp_path)
    assert "5 samples of 1 cells are missing (NaN); no window crosses such a gap" in cells.about.notes
    assert (cells.cell_id == "DS24_PVVitro05_Cell01").sum() == 1  # 38 s and 113 s; whole it holds two windows of 64 s
    assert (cells.cell_id == "DS24_PVVitro05_Cell02").sum() == 2


def test_trace_of_nothing_but_nan(tmp_path):
    trace = TRACE.copy()
    trace[0] = np.nan
    refused("cell c1 .*its trace holds no value", read, npz(tmp_path, trace=trace))


def test_constant_trace(tmp_path):
    trace = TRACE.copy()
    trace[2] = 0.25
    refused("cell c3 .*its trace is constant", read, npz(tmp_path, trace=trace))


def test_unequal_rates(tmp_path):
    message = refused("sampling rates differ: 9.97 Hz in cell c2", read, npz(tmp_path, sampling_rate=[10, 9.97, 30]))
    assert "30 Hz in cell c3" in message
    assert "set prepare.sampling_rate=9.9 " in message


@pytest.mark.parametrize("rate", [0, -5])
def test_impossible_rate(tmp_path, rate):
    refused("cell c2 .*its sampling rate is .*; expected a positive", read, npz(tmp_path, sampling_rate=[10, rate, 10]))


def test_unknown_label(tmp_path):
    message = r"cell c1 \(x.npz\): its label 'PV' is none of PVALB, SST, VIP; nearest: PVALB"
    refused(message, read, npz(tmp_path), classes=["PVALB", "SST", "VIP"])


def test_trace_shorter_than_timesteps(tmp_path):
    message = refused("cell c1 .*has 60 samples at 10 Hz, 61 expected", read, npz(tmp_path), timesteps=61)
    assert "prepare.timesteps" in message
    assert "prepare.too_short=drop" in message
    refused("60 samples", read, npz(tmp_path), timesteps=61, too_short="drop")  # none would be left


def test_a_trace_too_short_at_another_rate_says_at_which_it_was_recorded(tmp_path):
    said = r"has 30 samples at 5 Hz \(recorded at 10 Hz\), 40 expected"
    refused(said, read, npz(tmp_path), timesteps=40, sampling_rate=5.0)


def test_id_that_occurs_twice(tmp_path):
    path = csv(tmp_path, cell_id=["c1", "c1", "c3"])
    refused(r"cell c1 occurs 2 times \(x.csv\); make the ids unique", read, path)


@pytest.mark.parametrize(("write", "ending"), [(npz, "npz"), (csv, "csv")])
@pytest.mark.parametrize("empty", ["", "nan", "NA"])
def test_an_id_that_is_empty_leaves_the_others(tmp_path, write, ending, empty):
    loaded = read(write(tmp_path, cell_id=["c1", empty, "c3"]))
    assert {*loaded.cell_id} == {"c1", "x/1", "c3"}
    said = f"x.{ending}: the cell_id of 1 of 3 cells is empty, or a word for it (NA, nan): they are named by their rows"
    assert f"{said}, the first x/1" in loaded.about.notes


def test_no_id_at_all(tmp_path):
    refused(r"the cell_id of 3 cells is empty \(x.npz\); name each cell", read, npz(tmp_path, cell_id=["", "nan", ""]))


def test_raw_fluorescence_with_a_baseline_below_zero(tmp_path):
    refused("cell c1 .*baseline goes down to .*set prepare.signal", read, npz(tmp_path), signal="raw_to_dff")


def test_all_faults_at_once(tmp_path):
    trace = with_value(np.inf)
    trace[2] = 1.0
    message = refused("cannot be used", read, npz(tmp_path, trace=trace, sampling_rate=[0, 10, 10]), classes=["SST"])
    for part in ("label 'PV'", "1 of 60 values are NaN", "trace is constant", "sampling rate is 0.0", "label 'VIP'"):
        assert part in message


# Settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"windows": "al"}, "windows=al is text, expected one of all, first"),
        ({"too_short": "keep"}, "too_short=keep is text, expected one of error, drop"),
        ({"signal": "rawdff"}, "prepare.signal=rawdff is none of .*; nearest: "),
        ({"inputs": ["trace", "tace"]}, "prepare.inputs=tace is none of trace, features; nearest: trace"),
        ({"inputs": []}, "prepare.inputs is empty; expected one or both of trace, features"),
        ({"timesteps": 1}, "timesteps=1 is out of range, expected a whole number of 2 or more"),
        ({"sampling_rate": 0.0}, "sampling_rate=0.0 is out of range, expected a number above 0"),
    ],
)
def test_impossible_settings(tmp_path, settings, message):
    refused(message, read, npz(tmp_path), **settings)


def test_wide_table_whose_columns_count_in_other_steps(tmp_path):
    table = pd.read_csv(csv(tmp_path))
    table.rename(columns={str(k): str(2 * k) for k in range(60)}).to_csv(tmp_path / "x.tsv", sep="\t", index=False)
    notes = read(tmp_path / "x.tsv").about.notes
    assert any("its sample columns are named in steps of 2 (0, 2 ...)" in note for note in notes)


@pytest.mark.parametrize("ending", ["npz", "csv", "h5", "parquet", "mat", "nwb"])
def test_a_file_of_no_byte_is_called_empty(tmp_path, ending):
    (tmp_path / f"x.{ending}").write_bytes(b"")
    refused("is empty", read, tmp_path / f"x.{ending}", labelled=ending not in ("mat", "nwb"))
