"""Current-clamp files of all formats that are broken, and folders of files."""

import os
import sys

import h5py
import numpy as np
import pytest
from made.sweeps import NWB1, TRACES, load_folder, quiet_nwb2, three, write_abf, write_npz

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.choice import chosen
from celltype_cli.patch_clamp.readers import files
from celltype_cli.patch_clamp.readers.files import find, read


@pytest.fixture
def nwb2():
    yield from quiet_nwb2()


@pytest.mark.parametrize("cut", [0.0, 0.01, 0.5, 0.95])
@pytest.mark.parametrize("kind", ["nwb1", "nwb2", "abf", "npz"])
def test_truncated_files(tmp_path, request, kind, cut):
    whole = {
        "nwb1": lambda: NWB1(tmp_path).path,
        "nwb2": lambda: three(request.getfixturevalue("nwb2")).write(tmp_path / "a.nwb"),
        "abf": lambda: write_abf(tmp_path / "a.abf", TRACES, step=(50, 20, 500, 4000)),
        "npz": lambda: write_npz(tmp_path / "a.npz"),
    }[kind]()
    content = whole.read_bytes()
    whole.write_bytes(content[: int(cut * len(content))])
    with pytest.raises(UserError, match=f"{whole.name}.*(truncated|complete|is empty)"):
        read(whole)


def test_what_is_no_recording(tmp_path):
    (tmp_path / "a.nwb").write_text("a note")
    with pytest.raises(UserError, match=r"a\.nwb: is no NWB, ABF, npz or ibw file by its content"):
        read(tmp_path / "a.nwb")
    (tmp_path / "a.nwb").write_text("<html>404</html>")
    with pytest.raises(UserError, match=r"a\.nwb: is a web page, not the file itself"):
        read(tmp_path / "a.nwb")
    with h5py.File(tmp_path / "b.nwb", "w") as file:
        file["x"] = 1
    with pytest.raises(UserError, match=r"b\.nwb: is HDF5, but no NWB file"):
        read(tmp_path / "b.nwb")
    with pytest.raises(UserError, match="does not exist"):
        read(tmp_path / "c.nwb")
    with pytest.raises(UserError, match="is a folder"):
        read(tmp_path)


def test_the_recordings_of_a_folder_are_named_unread(tmp_path):
    NWB1(tmp_path)
    write_npz(tmp_path / "good.npz")
    (tmp_path / "below").mkdir()
    write_npz(tmp_path / "below" / "volts.NPZ.npz", voltage=TRACES / 1e3)
    write_npz(tmp_path / "below" / "flat.npz", current=np.ones_like(TRACES))
    (tmp_path / ".hidden.npz").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("")

    entries, notes = find(tmp_path)
    assert notes == [f"files of {tmp_path.name} passed over: 1 hidden (.hidden.npz); 1 not ending in .nwb, .abf, .npz, "
                     ".ibw, ephys_sweeps.json (notes.txt)"]  # fmt: skip
    assert {entry.cell_id: entry.file for entry in entries} == {
        "below/flat": "below/flat.npz",
        "below/volts.NPZ": "below/volts.NPZ.npz",
        "good": "good.npz",
        "464212183": "specimen_464212183/ephys.nwb",
    }
    assert {(entry.label, entry.group, entry.source) for entry in entries} == {("", "", "")}
    flat, volts, *good = entries
    assert [chosen(entry.read().sweeps).hero.sweep.number for entry in good] == [9, 9]
    with pytest.raises(UserError, match="none of its 3 sweeps is a long square of 1 s"):
        chosen(flat.read().sweeps)
    with pytest.raises(UserError, match="looks like volts"):
        volts.read()


def test_what_a_recording_is_made_of(tmp_path):
    """Place, size and time of its file, and of the list of failed sweeps beside it."""
    path = NWB1(tmp_path).path
    channel, [(place, size, time)] = find(tmp_path)[0][0].made_of
    assert channel is None
    assert (place, size, time) == (str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns)
    path.with_name("ephys_sweeps.json").write_text("[]")
    assert find(path)[0][0].made_of[1][1][:2] == (str(path.resolve().with_name("ephys_sweeps.json")), 2)
    os.utime(path, (1e9, 1e9))
    assert find(path)[0][0].made_of[1][0] == (place, size, 10**18)


@pytest.mark.parametrize(
    ("folder", "message"),
    [("", "holds no file ending in .nwb, .abf, .npz"), ("x", "does not exist; expected a folder")],
)
def test_an_empty_folder(tmp_path, folder, message):
    with pytest.raises(UserError, match=f"dataset.path={tmp_path / folder} {message}"):
        find(tmp_path / folder)
    (tmp_path / "y").mkdir()
    with pytest.raises(UserError, match="; nearest: y$"):
        find(tmp_path / "Y")


def test_linked_folders_and_endings_in_any_case(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    write_npz(tmp_path / "elsewhere" / "b.npz").rename(tmp_path / "elsewhere" / "b.NPZ")
    folder = tmp_path / "recordings"
    folder.mkdir()
    write_npz(folder / "a.npz")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(folder / "pipe.nwb")  # would wait for ever
    entries, notes = find(folder)
    assert [entry.cell_id for entry in entries] == ["a", "linked/b"]
    assert notes == ["files of recordings passed over: 1 not to be read as a file (pipe.nwb)"]
    with pytest.raises(UserError, match="is no file to read"):
        read(folder / "pipe.nwb")


@pytest.mark.parametrize("kind", ["nwb1", "abf"])
def test_foreign_binary_files_are_read_in_a_process_of_their_own(tmp_path, kind, monkeypatch):
    """A damaged one may hang or crash the library."""
    whole = NWB1(tmp_path).path if kind == "nwb1" else write_abf(tmp_path / "a.abf", TRACES, step=(50, 20, 500, 4000))
    asked = []
    monkeypatch.setattr(files, "isolated", lambda function, *args: asked.append(args) or function(*args))
    assert len(read(whole).sweeps) == 3
    assert asked == [(whole, None)]


def test_a_missing_library_is_no_fault_of_the_file(tmp_path, monkeypatch):
    whole = write_abf(tmp_path / "a.abf", TRACES, step=(50, 20, 500, 4000))
    monkeypatch.setitem(sys.modules, "pyabf", None)
    with pytest.raises(UserError, match=r"pyabf is missing .*: pip install 'celltype\[abf\]'") as error:
        read(whole)
    assert isinstance(error.value.__cause__, ImportError)


def test_many_equal_reasons_are_one_line(tmp_path, caplog):
    folder = tmp_path / "recordings"
    folder.mkdir()
    write_npz(folder / "good.npz")
    for k in range(8):
        write_npz(folder / f"volts{k}.npz", voltage=TRACES / 1e3)
    load_folder(folder)
    assert len(caplog.messages) == 1
    assert (
        "left out: 8 cells (volts0, volts1, volts2, volts3, volts4, and 3 more), the first: sweep 3: its voltage"
        in (caplog.text)
    )
