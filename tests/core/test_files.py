"""Files of a folder are found in one way, and what was passed over is said."""

import os
import re

import pytest

from celltype_cli.core.files import OWN, cannot_read, find_files, why_unreadable
from celltype_cli.core.messages import UserError


def test_links_capital_endings_and_hidden_files(tmp_path):
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    for path in (folder / "a.nwb", folder / "sub/B.NWB", elsewhere / "c.nwb"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    for name in ("._a.nwb", ".DS_Store", "notes.txt", "d.nwb.gz"):
        (folder / name).write_text("x")
    (folder / "link").symlink_to(elsewhere)
    (folder / "again").symlink_to(elsewhere)
    (folder / "loop").symlink_to(folder)
    (folder / "gone.nwb").symlink_to(tmp_path / "nowhere")
    (folder / ".hidden").mkdir()
    (folder / ".hidden/e.nwb").write_text("x")
    os.mkfifo(folder / "pipe.nwb")
    found, notes = find_files(folder, [".nwb"])
    assert [p.relative_to(folder).as_posix() for p in found] == ["a.nwb", "again/c.nwb", "sub/B.NWB"]
    assert len(notes) == 1
    for said in ("1 hidden (._a.nwb)", "2 not ending in .nwb (d.nwb.gz, notes.txt)", "2 linked twice (link, loop)",
                 "1 a link that leads nowhere (gone.nwb)", "1 not to be read as a file (pipe.nwb)"):  # fmt: skip
        assert said in notes[0]


@pytest.mark.parametrize("name", ["__MACOSX", "$RECYCLE.BIN", "@eaDir", "System Volume Information"])
def test_bins_and_copies_of_systems_are_passed_over(tmp_path, name):
    for path in (tmp_path / "a.nwb", tmp_path / "sub" / name / "a.nwb"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    found, notes = find_files(tmp_path, [".nwb"])
    assert found == [tmp_path / "a.nwb"] and f"1 of the system (sub/{name})" in notes[0]


@pytest.mark.parametrize("what", OWN)
def test_what_celltype_keeps_is_no_recording(tmp_path, what):
    kept = tmp_path / "recordings" / "kept"
    kept.mkdir(parents=True)
    for name in ("../mine.csv", "held_out.csv", OWN[what][0]):
        (kept / name).write_text("")
    assert len(find_files(tmp_path, [".csv"])[0]) == 2  # a file of that name may be another's
    (kept / OWN[what][1]).write_text("")
    found, notes = find_files(tmp_path, [".csv"])
    assert [file.name for file in found] == ["mine.csv"]
    assert notes == [f"files of {tmp_path.name} passed over: 1 {what} of celltype (recordings/kept)"]
    with pytest.raises(UserError, match=f"is {what} of celltype, and holds no recordings"):
        find_files(kept, [".csv"])


def test_what_a_library_gives_up_on(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"data")
    said = str(cannot_read(tmp_path / "a.h5", "HDF5", OSError("truncated\n file"), "m1/a.h5"))
    assert said == "m1/a.h5: cannot be read as HDF5, it is truncated or in another format (OSError: truncated file)"
    (tmp_path / "a.h5").write_bytes(b"")
    assert str(cannot_read(tmp_path / "a.h5", "HDF5", OSError("x"))).startswith(f"{tmp_path / 'a.h5'}: is empty")


def test_nothing_passed_over_is_no_note(tmp_path):
    (tmp_path / "CAttached_1.mat").write_text("x")
    assert find_files(tmp_path, [".mat"], named="cattached*.mat") == ([tmp_path / "CAttached_1.mat"], [])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("empty", "holds no file ending in .nwb; it holds 1 not ending"),
        ("emty", "nearest: empty"),
        ("file.txt", "is a file"),
    ],
)
def test_no_file(tmp_path, name, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/x.abf").write_text("x")
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(UserError, match=said):
        find_files(tmp_path / name, [".nwb"])


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", None, "pointer of git-lfs.*git lfs pull"),
        (b"/annex/objects/SHA256E-s1--2.nwb\n", None, "pointer of git-annex.*git annex get"),
        (b"\n<!DOCTYPE HTML><html>Sign in", None, "a web page"),
        (b"<table><tr><td>cell_id", None, "a table in HTML or XML"),
        (b"", None, "empty"),
        (b"data", BlockingIOError("unable to lock file"), "locked by a program"),
        (b"data", OSError("Unable to lock file, errno = 11"), "locked by a program"),
        (b"data", PermissionError("no"), "no permission"),
        (b"data", OSError("truncated file"), "^$"),
    ],
)
def test_why_a_file_cannot_be_read(tmp_path, content, error, said):
    (tmp_path / "a.nwb").write_bytes(content)
    assert re.search(said, why_unreadable(tmp_path / "a.nwb", error))


@pytest.mark.parametrize(
    ("head", "name", "said"),
    [
        (b"\x89HDF\r\n\x1a\n", "x.npz", "is HDF5 by its content"),
        (b"PK\x03\x04", "x.csv", "is a zip archive, as npz and Excel files are by its content"),
        (b"MATLAB 7.3 MAT-file", "x.npz", "is of MATLAB 7.3, which is HDF5 by its content"),
        (b"\x93NUMPY", "x.npz", "is an npy file of numpy by its content"),
        (b"ABF2", "x.csv", "is ABF by its content"),
        (b"PAR1", "x.parquet", ""),
    ],
)
def test_what_a_file_is_by_its_content(tmp_path, head, name, said):
    (tmp_path / name).write_bytes(head + bytes(100))
    assert why_unreadable(tmp_path / name).startswith(said) and bool(said) == bool(why_unreadable(tmp_path / name))


def test_a_table_may_begin_with_the_word_that_files_begin_with(tmp_path):
    (tmp_path / "x.csv").write_text("ABF,file,label\n1,a.abf,PV\n")
    assert why_unreadable(tmp_path / "x.csv") == ""


def test_stores_of_zarr_and_files_that_are_in_icloud(tmp_path):
    (tmp_path / ".zarray").write_text("{}")
    (tmp_path / ".a.csv.icloud").write_text("x")
    with pytest.raises(UserError, match=r"in iCloud, not on this disk \(.a.csv.icloud\).*; it is a store of zarr: "):
        find_files(tmp_path, [".csv"])
