"""Each broken input ends in one message that says where, what was found, and what to do."""

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from celltype_cli.datasets import cascade
from celltype_cli.errors import UserError
from celltype_cli.readers import traces

TRACE = np.random.default_rng(0).normal(size=(3, 60))
META = {"cell_id": ["c1", "c2", "c3"], "label": ["PV", "SST", "VIP"], "group": ["m1", "m2", "m3"]}
PV_FILE = "DS24-GCaMP6f-m-PV-V1/CAttachedPVVitro05_Cell01_PuffKCl02_mini.mat"


def refused(message, load, *args, **settings):
    with pytest.raises(UserError, match=message) as caught:
        load(*args, **settings)
    return str(caught.value)


def read(path, **changes):
    settings = {"timesteps": 20, "sampling_rate": None, "signal": "dff", "classes": None, "windows": "all"}
    return traces.load(path=path, **settings | {"too_short": "error"} | changes)


def read_cascade(path, subset="slice3"):
    return cascade.load(path=path, subset=subset, timesteps=480, sampling_rate=7.5, windows="all", too_short="drop")


def npz(tmp_path, trace=TRACE, drop=(), **changes):
    arrays = {"trace": trace, **META, "sampling_rate": 10.0, **changes}
    np.savez(tmp_path / "x.npz", **{name: np.asarray(v) for name, v in arrays.items() if name not in drop})
    return tmp_path / "x.npz"


def csv(tmp_path, **changes):
    wide = pd.DataFrame({**META, "sampling_rate": 10.0, **changes}).join(pd.DataFrame(TRACE))
    wide.to_csv(tmp_path / "x.csv", index=False)
    return tmp_path / "x.csv"


def long(tmp_path, edit=lambda table: table):
    table = pd.DataFrame({name: np.repeat(values, 60) for name, values in META.items()})
    table = table.assign(time_s=np.tile(np.arange(60) / 10, 3), value=TRACE.ravel())
    edit(table).to_csv(tmp_path / "x.csv", index=False)
    return tmp_path / "x.csv"


def hdf5(tmp_path, edit=lambda file: None):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for k, cell in enumerate(META["cell_id"]):
            file[f"neurons/{cell}/dff"] = TRACE[k]
            file[f"neurons/{cell}"].attrs.update(cell_type=META["label"][k], frame_rate_hz=10.0)
        edit(file)
    return tmp_path / "x.h5"


def mat(tmp_path, drop=(), name=PV_FILE, **fields):
    made = {"fluo_time": np.arange(4000) / 26.6, "fluo_mean": np.random.default_rng(0).normal(size=4000), **fields}
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"CAttached": {key: value for key, value in made.items() if key not in drop}})
    return path


def truncate(path, share=0.6):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def with_value(value, row=1, sample=7):
    trace = TRACE.copy()
    trace[row, sample] = value
    return trace


# Paths and endings


@pytest.mark.parametrize("name", ["none.csv", "nowhere/none.h5"])
def test_missing_file(tmp_path, name):
    refused(f"dataset.path=.*{name} does not exist", read, tmp_path / name)


def test_missing_file_with_a_similar_name(tmp_path):
    npz(tmp_path).rename(tmp_path / "traces.npz")
    refused("does not exist; nearest: traces.npz", read, tmp_path / "trace.npz")


@pytest.mark.parametrize(("name", "what"), [("x.mat", "ends in .mat"), ("x", "ends in nothing"), (".", "is a folder")])
def test_unsupported_ending(tmp_path, name, what):
    refused(f"{what}; expected a file that ends in .h5, .hdf5, .npz, .csv, .parquet", read, tmp_path / name)


def test_missing_cascade_folder(tmp_path):
    refused("dataset.path=.*/none is no folder; give the folder Ground_truth", read_cascade, tmp_path / "none")


@pytest.mark.parametrize("subset", ["slice3", "all"])
def test_empty_cascade_folder(tmp_path, subset):
    refused("holds none of the folders DS.* found no folder", read_cascade, tmp_path, subset)


def test_cascade_folders_without_files(tmp_path):
    (tmp_path / PV_FILE).parent.mkdir()
    refused("no .mat file was found; expected files in DS24", read_cascade, tmp_path)


def test_wrong_subset(tmp_path):
    message = "dataset.subset=slice is none of slice3, kwan3, zhang2, all; nearest: slice3"
    refused(message, read_cascade, tmp_path, "slice")


def test_a_class_of_the_subset_is_missing(tmp_path):
    mat(tmp_path)
    refused("subset slice3 has no SST and no VIP cells; expected files in DS25.*, DS26", read_cascade, tmp_path)


# Broken files


@pytest.mark.parametrize("share", [0, 0.003, 0.03, 0.5, 0.99])
def test_truncated_mat(tmp_path, share):
    truncate(mat(tmp_path), share)
    message = refused("1 files of .* cannot be used", read_cascade, tmp_path)
    assert "cell DS24_PVVitro05_Cell01" in message
    assert "is no intact MATLAB file" in message or "holds no variable" in message


def test_not_a_mat_file(tmp_path):
    mat(tmp_path).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n" * 9)
    refused("PuffKCl02_mini.mat.*is no intact MATLAB file", read_cascade, tmp_path)


def test_mat_with_other_content(tmp_path):
    savemat(mat(tmp_path), {"other": np.arange(3)})
    refused("holds no variable CAttached", read_cascade, tmp_path)


def test_mat_without_a_field(tmp_path):
    mat(tmp_path, drop=["fluo_mean"])
    refused("field fluo_mean is missing; found fluo_time", read_cascade, tmp_path)


def test_mat_without_a_trace(tmp_path):
    mat(tmp_path, fluo_time=np.zeros(0), fluo_mean=np.zeros(0))
    refused("CAttached holds no trace", read_cascade, tmp_path)


def test_all_broken_files_are_named_at_once(tmp_path):
    for k in range(8):
        truncate(mat(tmp_path, name=PV_FILE.replace("Cell01", f"Cell0{k}")))
    message = refused("8 files of", read_cascade, tmp_path)
    assert message.count("PuffKCl02_mini.mat") == 5
    assert "... and 3 more" in message


@pytest.mark.parametrize("share", [0, 0.1, 0.9])
@pytest.mark.parametrize("make", [hdf5, npz])
def test_truncated_binary_file(tmp_path, make, share):
    refused("truncated or in another format", read, truncate(make(tmp_path), share))


@pytest.mark.parametrize("share", [0, 0.5, 0.95])
def test_truncated_parquet(tmp_path, share):
    path = csv(tmp_path).with_suffix(".parquet")
    pd.read_csv(tmp_path / "x.csv").to_parquet(path)
    refused("truncated or in another format", read, truncate(path, share))


@pytest.mark.parametrize("make", [csv, long])
def test_csv_cut_in_the_middle_of_a_row(tmp_path, make):
    path = make(tmp_path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], lines[-1].rsplit(",", 2)[0]]))
    refused(r"its last line has \d+ fields, its first \d+; the file is truncated", read, path)


def test_csv_that_is_no_text(tmp_path):
    (tmp_path / "x.csv").write_bytes(bytes(range(128, 256)) * 10)
    refused("cannot be read, it is truncated or in another format", read, tmp_path / "x.csv")


def test_empty_csv(tmp_path):
    (tmp_path / "x.csv").touch()
    refused("cannot be read", read, tmp_path / "x.csv")


def test_csv_without_rows(tmp_path):
    path = csv(tmp_path)
    path.write_text(path.read_text().splitlines()[0] + "\n")
    refused("it holds no recording", read, path)


def test_hdf5_in_another_layout(tmp_path):
    refused("has no group /neurons; found other", read, hdf5(tmp_path, lambda file: file.move("neurons", "other")))


@pytest.mark.parametrize("name", ["cell_type", "frame_rate_hz"])
def test_hdf5_without_an_attribute(tmp_path, name):
    path = hdf5(tmp_path, lambda file: file["neurons/c2"].attrs.pop(name))
    refused(rf"cell c2 \(x.h5\): has no {name}; expected", read, path)


@pytest.mark.parametrize("start", [[1, 5], [0, 60], [0, 9, 9], []])
def test_hdf5_with_wrong_segments(tmp_path, start):
    path = hdf5(tmp_path, lambda file: file.create_dataset("neurons/c1/segment_start", data=np.array(start, int)))
    refused("cell c1 .*segment_start must rise from 0 to less than 60", read, path)


def test_pickled_objects_are_not_opened(tmp_path):
    ragged = np.empty(3, dtype=object)
    ragged[:] = [row[: 20 + k] for k, row in enumerate(TRACE)]
    refused("holds pickled objects", read, npz(tmp_path, trace=ragged))


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
    refused("cell c2: 1 values are no numbers", read, path)


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
        (lambda t: t.assign(value=t.value.where(t.index != 70)), "cell c2 .*1 of 60 values of value .* in line 72"),
        (lambda t: t.assign(time_s=t.time_s.replace(2.1, 2.0)), "cell c1 .*time_s 2 occurs twice"),
        (lambda t: t.assign(time_s=t.time_s**3), "cell c1 .*44 of 59 steps of time_s differ"),
    ],
)
def test_long_csv(tmp_path, edit, message):
    refused(message, read, long(tmp_path, edit))


# Values


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_value_that_is_not_finite(tmp_path, value):
    message = r"cell c2 \(x.npz\): 1 of 60 values are NaN or infinite, the first at sample 7 of segment 0"
    refused(message, read, npz(tmp_path, trace=with_value(value)))


def test_nan_in_a_mat_file(tmp_path):
    for name, gap in ((PV_FILE, 5), (PV_FILE.replace("Cell01", "Cell02"), 0)):
        mean = np.random.default_rng(0).normal(size=4000)
        mean[1000 : 1000 + gap] = np.nan
        mat(tmp_path, name=name, fluo_mean=mean)
    for folder in ("DS25-GCaMP6f-m-SST-V1", "DS26-GCaMP6f-m-VIP-V1"):
        mat(tmp_path, name=f"{folder}/CAttached_x_mini.mat")
    message = refused("dataset cascade slice3 cannot be used", read_cascade, tmp_path)
    assert f"cell DS24_PVVitro05_Cell01 ({PV_FILE}): 5 of 4000 values are NaN or infinite, the first at" in message
    assert "Cell02" not in message


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
    assert "set dataset.sampling_rate=9.9 " in message


@pytest.mark.parametrize("rate", [0, -5, np.nan])
def test_impossible_rate(tmp_path, rate):
    refused("cell c2 .*its sampling rate is .*; expected a positive", read, npz(tmp_path, sampling_rate=[10, rate, 10]))


def test_unknown_label(tmp_path):
    message = r"cell c1 \(x.npz\): its label 'PV' is none of PVALB, SST, VIP; nearest: PVALB"
    refused(message, read, npz(tmp_path), classes=["PVALB", "SST", "VIP"])


def test_trace_shorter_than_timesteps(tmp_path):
    message = refused("cell c1 .*has 60 samples at 10 Hz, 61 expected", read, npz(tmp_path), timesteps=61)
    assert "dataset.timesteps" in message
    assert "dataset.too_short=drop" in message
    refused("60 samples", read, npz(tmp_path), timesteps=61, too_short="drop")  # none would be left


def test_id_that_occurs_twice(tmp_path):
    path = csv(tmp_path, cell_id=["c1", "c1", "c3"])
    refused(r"cell c1 occurs 2 times \(x.csv\); make the ids unique", read, path)


def test_empty_id(tmp_path):
    refused("its cell_id is empty", read, npz(tmp_path, cell_id=["c1", "", "c3"]))


def test_raw_fluorescence_with_a_baseline_below_zero(tmp_path):
    refused("cell c1 .*baseline goes down to .*set dataset.signal", read, npz(tmp_path), signal="raw_to_dff")


def test_all_faults_at_once(tmp_path):
    trace = with_value(np.nan)
    trace[2] = 1.0
    message = refused("cannot be used", read, npz(tmp_path, trace=trace, sampling_rate=[10, 10, 0]), classes=["SST"])
    for part in ("label 'PV'", "1 of 60 values are NaN", "trace is constant", "sampling rate is 0.0", "label 'VIP'"):
        assert part in message


# Settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"windows": "al"}, "dataset.windows=al is none of all, first; nearest: all"),
        ({"too_short": "keep"}, "dataset.too_short=keep is none of error, drop"),
        ({"signal": "rawdff"}, "dataset.signal=rawdff is none of .*; nearest: "),
        ({"timesteps": 1}, "timesteps=1 must be at least 2"),
        ({"sampling_rate": 0.0}, "sampling_rate=0.0 a positive number"),
    ],
)
def test_impossible_settings(tmp_path, settings, message):
    refused(message, read, npz(tmp_path), **settings)
