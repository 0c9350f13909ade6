"""Which files an answer makes for the tools that the recordings come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from celltype_cli.extracellular.readers.phy import folders
from celltype_cli.extracellular.writers import phy


def beside(path: Path, cells: pd.DataFrame, classes: Sequence[str]) -> Iterator[tuple[Path, Callable[[Path], None]]]:
    """Yields each file: its place beside the recording, and what writes it to a path that it is given.

    Args:
        path: the file or folder that was labelled.
        cells: columns cell_id, file, label, best, confidence, confidence_ratio, set, votes, note and stress.
        classes: that labels are of.
    """
    for of in folders(path if path.is_dir() else path.parent):
        name, _, cluster = (cells["cell_id"].str.rpartition("/")[k] for k in range(3))
        rows = cells[(name == of.name) & cluster.str.isdigit()]
        if len(rows):
            yield from phy.beside(of, rows.assign(cluster_id=cluster[rows.index].astype(int)))
