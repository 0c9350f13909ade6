"""Labels of CaImAn's components: a csv beside its file, by their number in `estimates`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import pandas as pd

from celltype_cli.calcium.writers.suite2p import SAID


def made(path: Path) -> bool:
    """Says whether CaImAn made a file, which can be read."""
    with h5py.File(path, "r") as file:
        return isinstance(file.get("estimates"), h5py.Group)


def beside(path: Path, rows: pd.DataFrame) -> tuple[Path, Callable[[Path], None]]:
    """Returns <name>.celltype.csv, as `files.beside` yields it."""
    component = rows["cell_id"].str.rpartition("/")[2]
    table = rows[SAID].assign(component=component)[["component", *SAID]]
    return path.with_name(f"{path.stem}.celltype.csv"), partial(table.to_csv, index=False)
