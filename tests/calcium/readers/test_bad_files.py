"""Each missing, truncated or foreign file ends in one message that says where, what was found, and what to do."""

import h5py
import numpy as np
import pandas as pd
import pytest
from made.traces import PV_FILE, TRACE, csv, hdf5, long, mat, npz, read, read_cascade, refused
from scipy.io import savemat


def truncate(path, share=0.6):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


# Paths and endings


@pytest.mark.parametrize("name", ["none.csv", "nowhere/none.h5"])
def test_missing_file(tmp_path, name):
    refused(f"dataset.path=.*{name} does not exist", read, tmp_path / name)


def test_missing_file_with_a_similar_name(tmp_path):
    npz(tmp_path).rename(tmp_path / "traces.npz")
    refused("does not exist; nearest: traces.npz", read, tmp_path / "trace.npz")


@pytest.mark.parametrize(
    ("name", "what", "instead"),
    [
        ("x.mat", ".mat", "dataset=cascade"),
        ("x.nwb", ".nwb", "dataset=nwb_ophys"),
        ("x", "nothing", ""),
        ("F.npy", ".npy", "folder"),
        ("Fall.mat", ".mat", "of suite2p"),
        ("x.txt", ".txt", "name it .csv"),
    ],
)
def test_unsupported_ending(tmp_path, name, what, instead):
    (tmp_path / name).touch()
    said = (
        f"ends in {what}; expected a file that ends in .h5, .hdf5, .npz, .csv, .tsv, .parquet, or a folder.*{instead}"
    )
    refused(said, read, tmp_path / name)


def test_a_folder_without_traces(tmp_path):
    (tmp_path / "notes.txt").touch()
    refused("holds no file ending in .h5.*1 not ending in .*notes.txt.*or the output of suite2p", read, tmp_path)


def test_missing_cascade_folder(tmp_path):
    refused("dataset.path=.*/none is no folder; give the folder Ground_truth", read_cascade, tmp_path / "none")


@pytest.mark.parametrize("subset", ["slice3", "all"])
def test_empty_cascade_folder(tmp_path, subset):
    refused("holds none of the folders DS.* found no folder", read_cascade, tmp_path, subset)


def test_cascade_folders_without_files(tmp_path):
    (tmp_path / PV_FILE).parent.mkdir()
    refused(r"no file CAttached\*.mat was found; expected files in DS24", read_cascade, tmp_path)


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
    assert any(said in message for said in ("is no intact MATLAB file", "holds no variable", "is empty (0 bytes)"))


def test_not_a_mat_file(tmp_path):
    mat(tmp_path).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n" * 9)
    refused("PuffKCl02_mini.mat.*is a pointer of git-lfs, not the file itself: git lfs pull", read_cascade, tmp_path)


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
    assert "and 3 more" in message


@pytest.mark.parametrize("share", [0, 0.1, 0.9])
@pytest.mark.parametrize("make", [hdf5, npz])
def test_truncated_binary_file(tmp_path, make, share):
    refused("truncated or in another format" if share else "is empty", read, truncate(make(tmp_path), share))


@pytest.mark.parametrize("share", [0, 0.5, 0.95])
def test_truncated_parquet(tmp_path, share):
    path = csv(tmp_path).with_suffix(".parquet")
    pd.read_csv(tmp_path / "x.csv").to_parquet(path)
    refused("truncated or in another format" if share else "is empty", read, truncate(path, share))


@pytest.mark.parametrize("make", [csv, long])
def test_csv_cut_in_the_middle_of_a_row(tmp_path, make):
    path = make(tmp_path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], lines[-1].rsplit(",", 2)[0]]))
    refused(r"line \d+ has \d+ fields, the first line \d+; is the file complete\?", read, path)


def test_csv_that_is_no_text(tmp_path):
    (tmp_path / "x.csv").write_bytes(bytes(range(128, 256)) * 10)
    refused("is text in no encoding known here", read, tmp_path / "x.csv")


def test_empty_csv(tmp_path):
    (tmp_path / "x.csv").touch()
    refused("is empty; expected a line of column names", read, tmp_path / "x.csv")


def test_csv_without_rows(tmp_path):
    path = csv(tmp_path)
    path.write_text(path.read_text().splitlines()[0] + "\n")
    refused("it holds no recording", read, path)


def test_hdf5_in_another_layout(tmp_path):
    refused("has no group /neurons .*; found other", read, hdf5(tmp_path, lambda file: file.move("neurons", "other")))


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


def test_a_locked_file_is_not_called_truncated(tmp_path):
    path = hdf5(tmp_path)
    with h5py.File(path, "a"):
        refused("x.h5: is locked by a program that writes to it", read, path)


@pytest.mark.parametrize("name", ["x.npz", "x.h5", "x.csv", "x.parquet"])
def test_a_pointer_is_not_called_truncated(tmp_path, name):
    (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n")
    refused(f"{name}:? is a pointer of git-lfs, not the file itself: git lfs pull", read, tmp_path / name)


def test_mat_files_of_others(tmp_path):
    savemat(tmp_path / "Fall.mat", {"F": np.ones((3, 9)), "iscell": np.ones((3, 2))})
    settings = {"labelled": False, "frame_rate": 10.0}
    refused(
        "found F, iscell; it is suite2p's, which is read from F.npy: give the folder",
        read,
        tmp_path / "Fall.mat",
        **settings,
    )
    whole = (tmp_path / "Fall.mat").read_bytes()
    for content in (whole[:200], b"MATLAB 5.0 broken" + bytes(200), b""):
        (tmp_path / "Fall.mat").write_bytes(content)
        refused("it is suite2p's, which is read from F.npy: give the folder", read, tmp_path / "Fall.mat", **settings)
    with h5py.File(tmp_path / "x.mat", "w", userblock_size=512) as file:
        file["dff"] = np.ones((9, 3))
    with (tmp_path / "x.mat").open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    refused("is of MATLAB 7.3, which is HDF5; save its traces as npz", read, tmp_path / "x.mat", **settings)
