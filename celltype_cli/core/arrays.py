"""Arrays of an npz file that comes from outside: plain ones, and only those that are needed."""

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
