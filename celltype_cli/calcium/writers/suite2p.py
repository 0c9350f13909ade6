"""Labels of suite2p's ROIs, beside its iscell.npy.

celltype.npy             [ROI] number of the class, -1 where there is no label; in suite2p's window: Load custom mask
celltype_confidence.npy  [ROI] confidence of the best guess, 0 where none was made; likewise
celltype.csv             a row for each ROI that was looked at: its number, that of its class, and the answer in words
Layout: suite2p/gui/io.py, load_custom_mask, takes a plain array of numbers with an entry for each row of F.npy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from celltype_cli.calcium.readers.suite2p import FULL, planes

SAID = ["label", "best", "confidence", "set", "votes", "note"]


def beside(path: Path, cells: pd.DataFrame, classes: Sequence[str]) -> Iterator[tuple[Path, Callable[[Path], None]]]:
    """Yields the files of each plane, as `files.beside` does."""
    where, _, number = (cells["cell_id"].str.rpartition("/")[k] for k in range(3))
    for plane in planes(path) if path.is_dir() else ():
        rows = cells[(where == plane.name) & number.str.isdigit() & (cells["best"] != "")]
        if rows.empty:
            continue
        n, roi = len(np.load(plane.folder / FULL, mmap_mode="r")), number[rows.index].astype(int).to_numpy()
        code, confidence = np.full(n, -1, np.float32), np.zeros(n, np.float32)  # the window scales them in place
        code[roi] = [classes.index(label) if label else -1 for label in rows["label"]]
        confidence[roi] = rows["confidence"]
        yield plane.folder / "celltype.npy", partial(_save, code)
        yield plane.folder / "celltype_confidence.npy", partial(_save, confidence)
        table = rows[SAID].assign(roi=roi, number=code[roi].astype(int))[["roi", "number", *SAID]]
        yield plane.folder / "celltype.csv", partial(table.to_csv, index=False)


def _save(array: np.ndarray, path: Path) -> None:
    np.save(path, array)
