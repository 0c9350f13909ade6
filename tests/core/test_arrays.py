"""Arrays of npz files: large ones are read from the disk as they are used, and are whole."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from celltype_cli.core.arrays import LARGE, read_arrays
from celltype_cli.core.messages import UserError

TRACE = np.arange(2 * LARGE // 8, dtype=float).reshape(64, -1)


def read(path: Path) -> dict[str, np.ndarray]:
    return read_arrays(path, lambda _: True, "traces")[0]


def mapped(array: np.ndarray) -> bool:
    while array.base is not None and not isinstance(array, np.memmap):
        array = array.base
    return isinstance(array, np.memmap)


@pytest.mark.parametrize("trace", [TRACE, np.asfortranarray(TRACE), TRACE.astype(">f4"), np.full(400_000, "cell")])
def test_a_large_array_is_read_as_it_is_used(tmp_path, trace) -> None:
    np.savez(tmp_path / "a.npz", small=np.arange(3), trace=trace, cell_id=["a", "b"])
    found = read(tmp_path / "a.npz")
    assert mapped(found["trace"]) and not mapped(found["small"])
    np.testing.assert_array_equal(found["trace"], trace)
    assert found["trace"].dtype == trace.dtype and type(found["trace"]) is np.ndarray
    assert found["small"].tolist() == [0, 1, 2] and found["cell_id"].tolist() == ["a", "b"]


def test_what_is_written_to_it_is_not_written_to_the_file(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", trace=TRACE)
    before = (tmp_path / "a.npz").read_bytes()
    read(tmp_path / "a.npz")["trace"][:] = 7
    assert (tmp_path / "a.npz").read_bytes() == before


def test_a_packed_array_is_read_at_once(tmp_path) -> None:
    np.savez_compressed(tmp_path / "a.npz", trace=TRACE)
    trace = read(tmp_path / "a.npz")["trace"]
    assert not mapped(trace)
    np.testing.assert_array_equal(trace, TRACE)


def test_a_changed_byte_of_a_large_array_is_refused(tmp_path) -> None:
    file = tmp_path / "a.npz"
    np.savez(file, trace=TRACE)
    content = bytearray(file.read_bytes())
    content[LARGE] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.npz: .*Bad CRC-32"):
        read(file)


@pytest.mark.parametrize("wrong", ["shape", "objects", "text"])
def test_a_large_array_that_is_none_is_refused(tmp_path, wrong) -> None:
    """Its header claims more values than there are, or objects; or there is no header."""
    file = tmp_path / "a.npy"
    np.save(file, TRACE)
    shape, content = str(TRACE.shape).encode(), file.read_bytes()
    content = {
        "shape": content.replace(shape, shape.replace(b"64", b"99")),
        "objects": content.replace(b"<f8", b"|O8"),
        "text": b"no numbers" + content,
    }[wrong]
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("trace.npy", content)
    with pytest.raises(UserError, match=r"a\.npz: (holds pickled objects|cannot be read as npz|is )"):
        read(tmp_path / "a.npz")
