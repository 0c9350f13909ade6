"""Arrays that take long to make: made once, and found again in a cache folder, which may be deleted at any time."""

from __future__ import annotations

import hashlib
import json
import struct
import time
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from celltype_cli.core.files import replacing
from celltype_cli.core.messages import UserError

# What numpy and zipfile raise for a file that is missing, cut off, overwritten or encrypted.
BROKEN_NPZ = (OSError, ValueError, LookupError, EOFError, RuntimeError, SyntaxError, MemoryError, OverflowError,
              struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error)  # fmt: skip


def cached(folder: str | Path, made_of: Any, make: Callable[[], dict[str, np.ndarray | str]]) -> dict[str, np.ndarray]:
    """Returns the arrays that `make` gives, from the folder where it gave them before.

    Args:
        folder: of the cache; made where it is missing.
        made_of: all that the arrays depend on, as JSON takes it: settings, a hash of the code, sizes of files.

    Raises:
        UserError: when the folder cannot be written to.
    """
    key = hashlib.blake2b(json.dumps(made_of, sort_keys=True).encode(), digest_size=12).hexdigest()
    entry = Path(folder).expanduser() / f"{key}.npz"
    with suppress(*BROKEN_NPZ), np.load(entry, allow_pickle=False) as stored:
        return dict(stored)
    arrays = {name: np.asarray(array) for name, array in make().items()}
    try:
        with replacing(entry) as temporary:
            np.savez(temporary, **arrays)
    except OSError as error:
        raise UserError(
            f"{entry.parent} cannot be written to ({error}); choose another folder (the setting `cache`)"
        ) from error
    return arrays


ABANDONED_S = 3600.0  # a temporary file that was not written to for so long belongs to a process that was killed

# What numpy raises for a file that is cut off, overwritten or in another format.
BROKEN = (OSError, ValueError, EOFError, SyntaxError)


def kept(
    path: Path, shape: tuple[int, int, int, int], images: Iterable[Float32[np.ndarray, "sweep frequency column"]]
) -> Float32[np.ndarray, "row sweep frequency column"]:
    """Returns the images of a file of the cache, read-only and memory-mapped; the file is made where it is not whole.

    Args:
        path: names, by a hash, all that the images depend on; its folder is made where it is missing.
        shape: of all images together.
        images: of each row; asked for only where they have to be made.

    Raises:
        UserError: when the folder cannot be written to.
    """
    from celltype_cli.core.terminal import track

    if (found := _opened(path, shape)) is not None:
        return found
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        with replacing(path) as temporary:
            _write(temporary, shape, track(images, f"scalograms of {shape[0]} cells", shape[0]))
    except OSError as error:
        gigabytes = 4e-9 * np.prod(shape)
        raise UserError(
            f"{path.parent}: {gigabytes:.2g} GB of scalograms cannot be written ({error.strerror or error}); make "
            "room, or choose another folder (the setting `cache`)"
        ) from error
    if (made := _opened(path, shape)) is None:
        raise UserError(f"{path}: was written and cannot be read; is its disk in order?")
    return made


def _opened(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """Returns the array of an intact file, None where there is none: a shorter file than its header says is refused."""
    with suppress(*BROKEN):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if array.shape == shape and array.dtype == np.float32:
            return array
    return None


def _write(path: Path, shape: tuple[int, ...], images: Iterable[np.ndarray]) -> None:
    """Writes an npy file row by row: memory holds one row, and a full disk raises, as it would not in a mapped file."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for image in images:
            file.write(np.ascontiguousarray(image))


def _remove_abandoned(path: Path) -> None:
    for left in path.parent.glob(f".{path.stem}-*{path.suffix}"):
        with suppress(FileNotFoundError):  # another process was first
            if time.time() - left.stat().st_mtime > ABANDONED_S:
                left.unlink()
