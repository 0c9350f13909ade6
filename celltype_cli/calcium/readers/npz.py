"""Traces in an npz file: plain arrays, of which only those that are needed are read."""

from __future__ import annotations

from pathlib import Path

from celltype_cli.calcium.readers.found import Found, How, is_flag
from celltype_cli.calcium.readers.rows import from_rows
from celltype_cli.calcium.recording import TEXTS
from celltype_cli.core.arrays import read_arrays
from celltype_cli.core.called import unread


def read(path: Path, how: How) -> Found:
    """Reads arrays trace, label, cell_id, sampling_rate, group, source and flags.

    Raises:
        UserError: when the file is broken, holds pickled objects, needs more memory than there is, or lacks an array.
    """
    known = {"trace", "sampling_rate", *TEXTS}
    arrays, names = read_arrays(path, lambda name: name in known or is_flag(name), "traces")
    found = from_rows(arrays.pop("trace", None), arrays, path, how, names)
    found.notes += unread(path.name, names, {*known, *filter(is_flag, names)})
    return found
