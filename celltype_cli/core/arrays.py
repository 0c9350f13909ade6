"""Arrays of npz and npy files that come from outside: plain ones, and only those that are needed."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from celltype_cli.core.cache import BROKEN_NPZ
from celltype_cli.core.files import why_unreadable
from celltype_cli.core.memory import check_room
from celltype_cli.core.messages import UserError

LARGE = 2**20  # bytes of an array that is not read at once
ENCRYPTED = 1  # bit of a flag of zip
COPIES = 3  # of the values that reading takes at its highest


def read_arrays(path: Path, wanted: Callable[[str], bool], what: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """Returns the wanted arrays by name, and the names of all; large ones are read from the disk as they are used.

    Args:
        wanted: says of a name whether it is read.
        what: rows of unequal length are, for messages: traces, sweeps.

    Raises:
        UserError: when the file is broken, holds pickled objects, or needs more memory than there is.
    """
    broken = f"{path}: {why_unreadable(path) or 'cannot be read as npz, it is truncated or in another format'}"
    if not zipfile.is_zipfile(path):
        raise UserError(broken)
    try:
        with np.load(path, allow_pickle=False) as file:
            items = {item.filename.removesuffix(".npy"): item for item in file.zip.infolist()}
            mapped = {name: items[name] for name in filter(wanted, file.files) if _can_be_mapped(items[name])}
            names = [name for name in file.files if wanted(name) and name not in mapped]
            check_room(COPIES * sum(items[name].file_size for name in names), f"{path}: its arrays")
            arrays = {name: file[name] for name in names}
            return arrays | {name: _mapped(path, file.zip, item) for name, item in mapped.items()}, list(file.files)
    except (*BROKEN_NPZ, AttributeError, TypeError, zipfile.LargeZipFile) as error:
        if "Object arrays" in str(error):
            raise UserError(
                f"{path}: holds pickled objects, which could run code; save plain arrays of numbers and strings, with "
                f"{what} of unequal length filled up with NaN at their end"
            ) from error
        raise UserError(f"{broken} ({str(error)[:200]})") from error


def _can_be_mapped(item: zipfile.ZipInfo) -> bool:
    plain = item.compress_type == zipfile.ZIP_STORED and not item.flag_bits & ENCRYPTED
    return plain and item.file_size >= LARGE and item.filename.endswith(".npy")


def _mapped(path: Path, archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> np.ndarray:
    """Returns an array of an archive, read from the disk as it is used; what is written to it stays in memory.

    Raises:
        BadZipFile, ValueError, EOFError: when it is not whole, or holds objects.
    """
    with archive.open(item) as member:
        old = np.lib.format.read_magic(member) == (1, 0)
        read = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
        shape, fortran, kind = read(member)
        if kind.hasobject:
            raise ValueError("Object arrays cannot be loaded when allow_pickle=False")
        start, size = member.tell(), int(np.prod(shape, dtype=float)) * kind.itemsize
        if start + size != item.file_size:
            raise ValueError(f"{item.filename} has {item.file_size - start} bytes, and its header says {size}")
        while member.read(LARGE):  # to its end, where its checksum is compared
            pass
    with path.open("rb") as file:
        file.seek(item.header_offset + 26)  # of the lengths of name and extra field, which end the local header
        start += item.header_offset + 30 + sum(struct.unpack("<2H", file.read(4)))
    return np.asarray(np.memmap(path, kind, "c", start, shape, "F" if fortran else "C"))


def read_array(file: Path) -> np.ndarray:
    """Returns the array of an npy file, which is read from the disk as it is used.

    Raises:
        UserError: when the file is missing, broken, or holds pickled objects or no numbers.
    """
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy raises half a dozen unrelated types for a broken file
        pickled = "objects in dtype" in str(error) or "pickle" in str(error)
        what = why_unreadable(file, error) or (
            "holds pickled objects, which could run code, or is no npy file"
            if pickled
            else "is truncated or no npy file"
        )
        raise UserError(f"{file}: {what}; expected an array of numbers ({str(error)[:100]})") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        raise UserError(f"{file}: holds no array of numbers")
    return array
