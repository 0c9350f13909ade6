"""Labels of clusters, as Phy shows them: a tsv for each column, with a row for every cluster of the folder.

The first four have the names and columns that scripts join by (cluster_id; Beau et al. 2025, Cell). Cells that are
left blank were not looked at, or have no sure label; their note says which, and that of a
labelled cell which sorting errors the label survives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from celltype_cli.core.arrays import read_array
from celltype_cli.extracellular.readers.clusters import table
from celltype_cli.extracellular.readers.phy import Folder

# By the column of the tsv, and of its name cluster_<column>.tsv: the column of an answer.
COLUMNS = {
    "predicted_cell_type": "label",
    "pred_probability": "confidence",
    "confidence_ratio": "confidence_ratio",
    "model_votes": "votes",
    "celltype_set": "set",
    "celltype_note": "note",
}
SURE = ("predicted_cell_type", "pred_probability", "confidence_ratio", "model_votes")  # blank where there is no label
NOT_ASKED = "not looked at"


def beside(of: Folder, rows: pd.DataFrame) -> Iterator[tuple[Path, Callable[[Path], None]]]:
    """Yields the files of a folder, as `files.beside` does.

    Args:
        rows: of an answer, with a column cluster_id.
    """
    answer = rows.set_index("cluster_id").reindex(every_cluster(of.folder))
    unsure = answer["label"].isna() | (answer["label"] == "")
    answer["note"] = answer["note"].where(answer["note"].notna(), NOT_ASKED)
    if "stress" in answer:
        answer["note"] = (answer["note"] + "; " + answer["stress"].fillna("")).str.strip("; ")
    guess = answer["best"].fillna("")
    answer["note"] = answer["note"].mask(unsure & (answer["note"] == "") & (guess != ""), "unsure, best " + guess)
    for column, name in COLUMNS.items():
        values = answer[name].mask(unsure) if column in SURE else answer[name]
        file = pd.DataFrame({column: values}).rename_axis("cluster_id")
        place = of.folder / f"cluster_{column}.tsv"
        yield place, partial(file.to_csv, sep="\t", na_rep="", float_format="%.4g")


def every_cluster(folder: Path) -> np.ndarray:
    """Returns the numbers of all clusters that have spikes or are listed, ascending."""
    name = next(name for name in ("spike_clusters.npy", "spike_templates.npy") if (folder / name).is_file())
    there = np.unique(read_array(folder / name)).astype(np.int64)
    return np.array(sorted({*map(int, there), *table(folder).listed}), dtype=np.int64)
