"""What comes from outside in every format: text, flags of ROIs, gaps, claimed sizes."""

import h5py
import numpy as np
import pandas as pd
import pytest
from made.configs import cells
from made.traces import META, TRACE, csv, hdf5, long, npz, read, refused

from celltype_cli.core import memory

TEXTS = {"label": [" PV", "PV\u00a0", "nan"], "group": ["m1", "m1 ", ""], "source": ["lab  A", "lab A", " lab A "]}


def parquet(tmp_path, **changes):
    table = pd.DataFrame({**META, "sampling_rate": 10.0, **changes}).join(pd.DataFrame(TRACE).rename(columns=str))
    table.to_parquet(tmp_path / "x.parquet")
    return tmp_path / "x.parquet"


def hdf5_of(tmp_path, **changes):
    def edit(file):
        for name, values in changes.items():
            for cell, value in zip(META["cell_id"], values, strict=True):
                key = {"label": "cell_type", "group": "animal_id", "source": "dataset"}.get(name, name)
                file[f"neurons/{cell}"].attrs[key] = value

    return hdf5(tmp_path, edit)


def long_of(tmp_path, **changes):
    return long(
        tmp_path, lambda table: table.assign(**{name: np.repeat(values, 60) for name, values in changes.items()})
    )


FORMATS = [npz, csv, parquet, hdf5_of, long_of]
each_format = pytest.mark.parametrize("make", FORMATS)


@each_format
def test_text_is_cleaned(tmp_path, make):
    loaded = read(make(tmp_path, **TEXTS))
    assert loaded.classes == ("PV",)
    assert loaded.label[::3].tolist() == [0, 0, -1]
    assert loaded.group[::3].tolist() == ["m1", "m1", "c3"]
    assert set(loaded.source) == {"lab A"}


@each_format
def test_text_that_is_none(tmp_path, make):
    message = refused(r"x\.", read, make(tmp_path, label=["P" * 300, "\x1b[31mSOM", "PV"]))
    assert "label: a text of 300 characters" in message
    assert "label: '\\x1b[31mSOM' holds characters that cannot be printed" in message
    assert len(message) < 500


@pytest.mark.parametrize("value", [b"PV", np.array(["PV"], dtype=h5py.string_dtype()), np.array([b"PV"])])
def test_bytes_and_arrays_of_one(tmp_path, value):
    loaded = read(hdf5_of(tmp_path, label=[value] * 3, group=[h5py.Empty("S1")] * 3))
    assert loaded.classes == ("PV",)
    assert loaded.group[0] == "c1"
    if isinstance(value, bytes):
        assert read(parquet(tmp_path, label=[value] * 3)).classes == ("PV",)


def test_nested_columns_of_parquet(tmp_path):
    refused("row 1: label: 2 values .a, b, ....; expected one text", read, parquet(tmp_path, label=[["a", "b"]] * 3))


@each_format
@pytest.mark.parametrize(
    ("name", "values"), [("iscell", [1, 0, 1]), ("rejected", [0, 1, 0]), ("quality", ["good", "bad", ""])]
)
def test_flags_are_obeyed(tmp_path, make, name, values):
    path = make(tmp_path, **{name: values})
    loaded = read(path)
    assert set(loaded.cell_id) == {"c1", "c3"}
    assert (
        f"1 ROIs are flagged as no cells (1 by {name}) and left out; dataset.rejected=keep takes them"
        in loaded.about.notes
    )
    assert read(path, rejected="keep").n_cells == 3


def test_pairs_of_iscell(tmp_path):
    loaded = read(npz(tmp_path, iscell=[[0.0, 0.4], [1.0, 0.9], [1.0, 0.6]]))
    assert set(loaded.cell_id) == {"c2", "c3"}
    refused("accepted is '0.7'; expected 0 or 1", read, npz(tmp_path, accepted=[0.7, 1, 0]))
    refused("no cell is left: .*3 ROIs are flagged", read, npz(tmp_path, accepted=[0, 0, 0]))


# Gaps


def gap():
    trace = TRACE.copy()
    trace[1, 25:27] = np.nan
    return trace


def write_gap(tmp_path, how):
    if how == "npz":
        return npz(tmp_path, trace=gap())
    if how == "hdf5":
        return hdf5(tmp_path, lambda file: file["neurons/c2/dff"].write_direct(gap()[1]))
    if how == "long":
        return long(tmp_path, lambda table: table.assign(value=gap().ravel()))
    wide = pd.DataFrame({**META, "sampling_rate": 10.0}).join(pd.DataFrame(gap()))
    wide.to_csv(tmp_path / "x.csv", index=False)
    return tmp_path / "x.csv"


@pytest.mark.parametrize("how", ["npz", "hdf5", "wide", "long"])
def test_missing_values_are_gaps(tmp_path, how):
    loaded = read(write_gap(tmp_path, how))
    assert (loaded.cell_id == "c2").sum() == 2  # 25 and 33 samples; whole it holds three windows of 20
    assert "2 samples of 1 cells are missing (NaN); no window crosses such a gap" in loaded.about.notes


def test_sample_columns_that_are_missing_are_a_gap(tmp_path):
    table = pd.read_csv(csv(tmp_path)).drop(columns=["25", "26"])
    table.to_csv(tmp_path / "x.csv", index=False)
    loaded = read(tmp_path / "x.csv")
    assert (loaded.cell_id == "c1").sum() == 2
    assert "x.csv: 2 sample columns are missing (25, 26) and count as a gap" in loaded.about.notes
    table.rename(columns={"59": "1000000"}).to_csv(tmp_path / "x.csv", index=False)
    refused("not evenly spaced", read, tmp_path / "x.csv")


def test_the_index_of_a_data_frame_is_no_sample(tmp_path):
    pd.read_csv(csv(tmp_path)).to_csv(tmp_path / "x.csv")
    assert np.array_equal(read(tmp_path / "x.csv").inputs["trace"][0, 0], TRACE[0, :20].astype("f4"))


@pytest.mark.parametrize("make", [csv, long_of])
def test_a_rate_that_is_given_once(tmp_path, make):
    path = make(tmp_path, sampling_rate=[10.0, None, None])
    table = pd.read_csv(path)
    table.loc[1:, "sampling_rate"] = None
    if "time_s" in table:
        table = table.rename(columns={"time_s": "frame"}).assign(frame=np.tile(np.arange(60), 3))
    table.to_csv(path, index=False)
    assert read(path).about.of("trace").sampling_rate == pytest.approx(10)


@pytest.mark.parametrize("kind", ["timedelta", "datetime"])
def test_time_as_dates_and_durations(tmp_path, kind):
    table = pd.read_csv(long(tmp_path))
    stamps = pd.to_timedelta(table.time_s, unit="s")
    table["time_s"] = stamps if kind == "timedelta" else pd.Timestamp("2026-01-01", tz="UTC") + stamps
    table.to_parquet(tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet").about.of("trace").sampling_rate == pytest.approx(10)


def test_seconds_that_count_frames_are_noted(tmp_path):
    path = long(tmp_path, lambda table: table.assign(time_s=np.tile(np.arange(60), 3)))
    assert any("time_s rises by exactly 1 s" in note for note in read(path).about.notes)


# Sizes


def test_segments_of_any_whole_number(tmp_path):
    path = hdf5(
        tmp_path, lambda file: file.create_dataset("neurons/c1/segment_start", data=np.array([0, 40, 20], "u4"))
    )
    refused("segment_start must rise from 0", read, path)
    for start in ([0.0, 3.5], [0, 3 + 1j], [False, True]):
        path = hdf5(tmp_path, lambda file, s=start: file.create_dataset("neurons/c1/segment_start", data=np.array(s)))
        refused("segment_start is .*; expected whole numbers", read, path)


def test_values_that_were_never_written(tmp_path):
    def edit(file):
        del file["neurons/c1/dff"]
        file.create_dataset("neurons/c1/dff", shape=(10**9,), dtype="f8", chunks=(10**6,))

    refused(
        "cell c1 .*claims 1000000000 values and stores 0 bytes: nothing was ever written", read, hdf5(tmp_path, edit)
    )


def test_more_than_fits_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1000)
    monkeypatch.setattr(memory, "LITTLE", 0)
    refused("its arrays need .* GB of memory, and 1e-06 GB are free", read, npz(tmp_path))
    refused("its 3 rows need", read, parquet(tmp_path))


def test_arrays_that_are_not_needed_are_not_read(tmp_path):
    ragged = np.empty(1, dtype=object)
    ragged[0] = {}
    path = npz(tmp_path)
    np.savez(tmp_path / "x.npz", **np.load(path), of_others=ragged)
    assert read(path).n_cells == 3


def test_damaged_files_end_in_time(shared_data, tmp_path):
    damaged = shared_data.parent / "field" / "damaged" / "crash_332_1.mat"
    if not damaged.is_file():
        pytest.skip(f"no {damaged}")
    folder = tmp_path / "DS24-GCaMP6f-m-PV-V1"
    folder.mkdir()
    (folder / "CAttached_x_mini.mat").write_bytes(damaged.read_bytes())
    refused("CAttached_x_mini.mat: crashes the library that reads it", cells, "cascade", path=str(tmp_path))
