"""Which files an answer makes for the tools that the recordings come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from celltype_cli.calcium.writers import caiman, nwb, suite2p


def beside(path: Path, cells: pd.DataFrame, classes: Sequence[str]) -> Iterator[tuple[Path, Callable[[Path], None]]]:
    """Yields each file: its place beside the recording, and what writes it to a path that it is given.

    Args:
        path: the file or folder that was labelled.
        cells: columns cell_id, file, label, best, confidence, set, votes and note.
        classes: that labels are of; their order numbers them.
    """
    yield from suite2p.beside(path, cells, classes)
    root = path if path.is_dir() else path.parent
    for name, rows in cells[cells["best"] != ""].groupby("file"):
        place = root / name
        if place.suffix.lower() == ".nwb":
            yield nwb.beside(place, rows)
        elif place.suffix.lower() in (".h5", ".hdf5") and caiman.made(place):
            yield caiman.beside(place, rows)
