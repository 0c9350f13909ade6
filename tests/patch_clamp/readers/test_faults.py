"""Current-clamp files of all formats that are broken, and folders of files."""

import h5py
import numpy as np
import pytest
from made.sweeps import NWB1, TRACES, quiet_nwb2, three, write_abf, write_npz

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.choice import chosen
from celltype_cli.patch_clamp.readers.files import read, read_folder


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
    with pytest.raises(UserError, match=f"{whole.name}.*(truncated|complete)"):
        read(whole)


def test_what_is_no_recording(tmp_path):
    (tmp_path / "a.nwb").write_text("<html>404</html>")
    with pytest.raises(UserError, match=r"a\.nwb: is no NWB, ABF or npz file by its content"):
        read(tmp_path / "a.nwb")
    with h5py.File(tmp_path / "b.nwb", "w") as file:
        file["x"] = 1
    with pytest.raises(UserError, match=r"b\.nwb: is HDF5, but no NWB file"):
        read(tmp_path / "b.nwb")
    with pytest.raises(UserError, match="does not exist"):
        read(tmp_path / "c.nwb")
    with pytest.raises(UserError, match="is a folder"):
        read(tmp_path)


def test_one_broken_file_stops_no_other(tmp_path):
    NWB1(tmp_path)
    write_npz(tmp_path / "good.npz")
    (tmp_path / "below").mkdir()
    write_npz(tmp_path / "below" / "volts.npz", voltage=TRACES / 1e3)
    write_npz(tmp_path / "below" / "flat.npz", current=np.ones_like(TRACES))
    (tmp_path / ".hidden.npz").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("")

    cells, left_out = read_folder(tmp_path)
    assert [c.cell_id for c in cells] == ["below/flat", "good", "464212183"]
    assert [file for file, _ in left_out] == ["below/volts.npz"]

    numbers, left_out = read_folder(tmp_path, use=lambda cell: chosen(cell.sweeps).hero.sweep.number)
    assert numbers == [9, 9]
    reasons = dict(left_out)
    assert reasons["below/flat.npz"].startswith("none of its 3 sweeps is a long square of 1 s")
    assert "looks like volts" in reasons["below/volts.npz"]


@pytest.mark.parametrize(
    ("folder", "message"), [("", "holds no file ending in .nwb, .abf, .npz"), ("x", "is no folder")]
)
def test_an_empty_folder(tmp_path, folder, message):
    with pytest.raises(UserError, match=message):
        read_folder(tmp_path / folder)
