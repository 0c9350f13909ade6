"""Scalograms of many cells on disk: made once, found again by content, and mapped into memory instead of read.

A file's name is a hash of the windows, the settings and the source of the transform, so that a change of any of them
makes a new file, and old ones may be deleted at any time. A file is written to a temporary name, a block at a time, and
renamed when it is whole; processes that make the same file at once each do the work, and the last to finish stays.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float32

from celltype_cli.core.cache import kept
from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp import scalograms as published

BLOCK = 64  # rows hashed at a time


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
