"""Scalograms of many cells on disk: made once, found again by content, and mapped into memory instead of read.

A file's name is a hash of the windows, the settings and the source of the transform, so that a change of any of them
makes a new file, and old ones may be deleted at any time. A file is written to a temporary name, a cell at a time, and
renamed when it is whole; processes that make the same file at once each do the work, and the last to finish stays.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float32

from celltype_cli.core.cache import BROKEN_NPZ
from celltype_cli.core.files import replacing
from celltype_cli.core.messages import UserError
from celltype_cli.core.terminal import track
from celltype_cli.patch_clamp import scalograms as published

BLOCK = 64  # rows hashed at a time
ABANDONED_S = 3600.0  # a temporary file that was not written to for so long belongs to a process that was killed


def scalograms(
    windows: Float32[np.ndarray, "row sweep timesteps"],
    *,
    folder: str | Path,
    transform: ModuleType = published,
    **settings: Any,
) -> Float32[np.ndarray, "row sweep frequency column"]:
    """Returns the scalograms of all windows, read-only and memory-mapped, from the cache or made now.

    Args:
        windows: mV, as `scalograms.stimulus_window` returns them.
        folder: of the cache; made where it is missing.
        transform: the module whose `scalogram` makes an image.
        settings: of `transform.scalogram`.

    Raises:
        UserError: as `transform.scalogram` does, or when the folder cannot be written to.
    """
    if len(windows) == 0:
        raise UserError("scalograms: there is no window to transform; expected at least one cell")
    shape = (len(windows), *transform.scalogram(windows[0], **settings).shape)
    path = Path(folder).expanduser() / f"scalograms-{_key(windows, transform, settings)}.npy"
    return kept(path, shape, (transform.scalogram(window, **settings) for window in windows))


def _key(windows: Float32[np.ndarray, "row sweep timesteps"], transform: ModuleType, settings: dict[str, Any]) -> str:
    digest = hashlib.blake2b(digest_size=12)
    digest.update(Path(transform.__file__).read_bytes())
    digest.update(json.dumps([windows.shape, settings], sort_keys=True, default=list).encode())
    for start in range(0, len(windows), BLOCK):
        digest.update(np.ascontiguousarray(windows[start : start + BLOCK]))
    return digest.hexdigest()


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
    with suppress(*BROKEN_NPZ):
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
