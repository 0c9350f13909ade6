"""Arrays of npz and npy files that come from outside: plain ones, and only those that are needed."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from celltype_cli.core.cache import BROKEN_NPZ
from celltype_cli.core.files import why_unreadable
from celltype_cli.core.memory import check_room
from celltype_cli.core.messages import UserError

COPIES = 3  # of the values that reading takes at its highest


def read_arrays(path: Path, wanted: Callable[[str], bool], what: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """Returns the wanted arrays by name, and the names of all.

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
            sizes = {item.filename.removesuffix(".npy"): item.file_size for item in file.zip.infolist()}
            names = [name for name in file.files if wanted(name)]
            check_room(COPIES * sum(sizes[name] for name in names), f"{path}: its arrays")
            return {name: file[name] for name in names}, list(file.files)
    except (*BROKEN_NPZ, AttributeError, TypeError, zipfile.LargeZipFile) as error:
        if "Object arrays" in str(error):
            raise UserError(
                f"{path}: holds pickled objects, which could run code; save plain arrays of numbers and strings, with "
                f"{what} of unequal length filled up with NaN at their end"
            ) from error
        raise UserError(f"{broken} ({str(error)[:200]})") from error


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
