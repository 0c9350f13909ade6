"""HDF5 files of plain arrays: the layout of npz, and files that are none."""

import h5py
import numpy as np
import pytest
from made.units import npz

from celltype_cli.core.messages import UserError
from celltype_cli.extracellular.readers.files import read
from celltype_cli.extracellular.readers.found import How


def h5(tmp_path, name="x.h5", **changes):
    """The units of `npz`, in HDF5."""
    with np.load(npz(tmp_path / "of.npz", **changes)) as arrays, h5py.File(tmp_path / name, "w") as file:
        for key, array in arrays.items():
            file[key] = array.astype(object) if array.dtype.kind == "U" else array
    (tmp_path / "of.npz").unlink()
    return tmp_path / name


def test_the_layout_of_npz(tmp_path):
    units = read(h5(tmp_path), How()).recordings
    wanted = read(npz(tmp_path / "x.npz"), How()).recordings
    for a, b in zip(units, wanted, strict=True):
        assert (a.cell_id, a.label, a.group, a.layer, a.waveform_rate) == (
            b.cell_id, b.label, b.group, b.layer, b.waveform_rate)  # fmt: skip
        assert np.array_equal(a.spikes, b.spikes) and np.array_equal(a.waveform, b.waveform)


def test_the_content_says_what_a_file_is(tmp_path):
    assert len(read(h5(tmp_path, "x.npz"), How()).recordings) == 3
    assert len(read(npz(tmp_path / "y.npz").rename(tmp_path / "y.h5"), How()).recordings) == 3
    assert len(read(tmp_path, How()).recordings) == 6


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sampling_rate": None}, "has no sampling_rate"),
        ({"waveform": None}, "has no array waveform; found cell_id"),
        ({"label": np.array(["a", "b"])}, "label holds 2 values of 3 units"),
    ],
)
def test_faults_are_named(tmp_path, changes, said):
    with pytest.raises(UserError, match=said):
        read(h5(tmp_path, **changes), How())


def test_what_is_no_file_of_units_says_so(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["neurons/c1/dff"] = np.zeros(10)
    with pytest.raises(UserError, match="holds no sorted units that are known.*found neurons"):
        read(tmp_path / "x.h5", How())
    whole = h5(tmp_path, "y.h5").read_bytes()
    for name, content, said in (
        ("cut.h5", whole[: len(whole) // 2], "truncated"),
        ("empty.h5", b"", "is empty"),
        ("text.h5", b"hello, this is text", "is no file that is known; expected a Kilosort or Phy folder"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=said):
            read(tmp_path / name, How())
