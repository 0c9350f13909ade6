"""Tables as people have them: an index, lists, rounded or negative names of samples, columns that go by other names."""

import numpy as np
import pandas as pd
import pytest
from made.traces import META, TRACE, npz, read, refused

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
