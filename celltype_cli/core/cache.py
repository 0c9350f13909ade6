"""Arrays that take long to make: made once, and found again in a cache folder, which may be deleted at any time."""

from __future__ import annotations

import hashlib
import json
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

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
