"""Labels of the ROIs of an NWB 2 file: columns of their PlaneSegmentation, in a copy of the file."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

TEXT = h5py.string_dtype()
COLUMNS = {
    "celltype": ("label", "cell type by celltype predict; empty where it is unsure or the ROI was left out"),
    "celltype_best": ("best", "most likely cell type, however unsure"),
    "celltype_confidence": ("confidence", "calibrated probability of celltype_best; NaN where the ROI was left out"),
}


def beside(path: Path, rows: pd.DataFrame) -> tuple[Path, Callable[[Path], None]]:
    """Returns <name>.celltype.nwb, as `files.beside` yields it."""
    return path.with_name(f"{path.stem}.celltype.nwb"), partial(_write, path, rows)


def _write(source: Path, rows: pd.DataFrame, path: Path) -> None:
    place = rows["cell_id"].str.rsplit("/", n=2, expand=True)  # file, table, id
    shutil.copyfile(source, path)
    with h5py.File(path, "r+") as file:
        for table in _tables(file):
            mine = rows[place[1] == table.name.rpartition("/")[2]]
            if len(mine):
                _add(table, mine.assign(roi=place.loc[mine.index, 2]).set_index("roi"))


def _tables(file: h5py.File) -> Iterator[h5py.Group]:
    found: list[h5py.Group] = []

    def visit(_: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Group) and item.attrs.get("neurodata_type") == "PlaneSegmentation":
            found.append(item)

    file.visititems(visit)
    yield from found


def _add(table: h5py.Group, rows: pd.DataFrame) -> None:
    ids = [str(number) for number in table["id"][:]]
    number, names = 1, [*COLUMNS]
    while any(name in table for name in names):  # the file has such columns already
        number += 1
        names = [f"{name}_{number}" for name in COLUMNS]
    for name, (column, description) in zip(names, COLUMNS.values()):
        values = rows[column].reindex(ids)
        if column == "confidence":
            made = table.create_dataset(name, data=values.to_numpy(np.float64))
        else:
            made = table.create_dataset(name, data=values.fillna("").to_numpy(object), dtype=TEXT)
        made.attrs.update(description=description, namespace="hdmf-common", neurodata_type="VectorData")
        made.attrs["object_id"] = str(uuid.uuid4())
    known = [name.decode() if isinstance(name, bytes) else name for name in table.attrs["colnames"]]
    table.attrs["colnames"] = np.array([*known, *names], dtype=TEXT)
