"""The user's own sorted units: `celltype_cli.extracellular.readers.files` describes the layouts.

Labels stand in a csv: cell_id (that of a Phy folder is <folder>/<cluster>, or the cluster alone), label and, optional,
group (recording or animal) and source. Layers stand in a table: cell_id or cluster_id, and layer (unknown, GCL, PCL
or ML); in a Phy folder as cluster_layer.tsv they are found of themselves.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from celltype_cli.cells import dated
from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings
from celltype_cli.cells.labels import read_labels, with_labels
from celltype_cli.core.messages import UserError, check_choice, few, raise_faults
from celltype_cli.core.tables import read_table
from celltype_cli.extracellular.readers.files import read
from celltype_cli.extracellular.readers.found import How
from celltype_cli.extracellular.recording import LAYERS, Recording, layer_of

ARRAYS = ("waveform", "spike_times")  # of a cell, beside its sampling_rate, as in an npz file


def load(
    *,
    path: str | Path | Any,
    labels: str | Path | None,
    units: Sequence[int] | None,
    quality: str,
    layers: str | Path | None,
    sampling_rate: float | None,
    arrays: Mapping[str, str] | None,
    label: str | None,
    classes: Sequence[str] | None,
) -> Recordings:
    """Reads all units of a file, or of a folder and below.

    Args:
        path: of the file or folder; or a Sorting or SortingAnalyzer of SpikeInterface.
        labels: a csv as described above; None for what the files say, which of Phy folders is nothing.
        units: numbers of the units to take (of a Phy folder the clusters), whatever their quality; None for those of
            `quality`.
        quality: "good" takes units that are sorted as good, of a Phy folder by hand or else by Kilosort; "all" all.
        layers: a table as described above; None for what the files say.
        sampling_rate: Hz, in place of what files say; None for what they say.
        arrays: of npz and HDF5 files, by the names of `readers.files` those of the file; None where they have these.
        label: column or field of the file that holds cell types; None for the first that its format has.
        classes: labels that may occur, in the order of the probabilities; None for those that do.

    Raises:
        UserError: when the path is missing, nothing in it can be used, or tables do not fit.
    """
    check_choice("dataset.quality", quality, ("good", "all"))
    if sampling_rate is not None and not 0 < sampling_rate < float("inf"):
        raise UserError(f"dataset.sampling_rate={sampling_rate} must be a positive number of Hz, or null")
    path = Path(path).expanduser() if isinstance(path, (str, PathLike)) else path
    name = Path(os.path.realpath(path)).name if isinstance(path, Path) else type(path).__name__
    found = read(path, How(quality, units, sampling_rate, arrays, label))
    cells, notes = found.recordings, [*found.notes]
    if not cells:
        where = f"dataset.path={path}" if isinstance(path, Path) else name
        raise_faults(where, found.lost or ["it holds no unit"])
    if labels is not None:
        cells, said = with_labels(cells, read_labels(Path(labels).expanduser(), classes, _whole))
        notes += said
    if layers is not None:
        cells, said = _with_layers(cells, Path(layers).expanduser())
        notes += said
    notes += dated.notes(cells, "recording")
    about = About(f"units {name}", notes=tuple(notes), group="recording")
    return Recordings(cells, about, tuple(classes) if classes else None, tuple(found.lost))


def _whole(name: str) -> str:
    """Returns the name of a unit whose number passed through a float on its way into a table: 12.0, rec/12.0."""
    return re.sub(r"(^|/)(\d+)\.0+$", r"\1\2", name)


def _with_layers(cells: Sequence[Recording], path: Path) -> tuple[list[Recording], list[str]]:
    """Returns units with the layers of a table, and notes on those that it lacks."""
    rows = read_table("dataset.layers", path).rows
    key = next((name for name in ("cell_id", "cluster_id") if name in rows), None)
    if key is None or "layer" not in rows:
        raise UserError(f"{path}: found {', '.join(rows)}; expected columns cell_id (or cluster_id) and layer")
    twice = rows[key][rows[key].duplicated()]
    faults = [f"{key} {name} is listed more than once" for name in twice.unique()]
    rows = rows.assign(layer=rows["layer"].map(layer_of))
    faults += [f"layer {text!r} is none of {', '.join(LAYERS)}" for text in sorted({*rows["layer"]} - {"", *LAYERS})]
    raise_faults(str(path), faults)
    layer = dict(zip(rows[key], rows["layer"]))
    ids = [cell.cell_id for cell in cells]
    names = [next((name for name in (one, one.rpartition("/")[2]) if name in layer), None) for one in ids]
    if not any(names):
        raise UserError(f"{path}: none of its {len(layer)} rows names a unit; the first row is for "
                        f"{next(iter(layer), 'none')}, the first unit is {ids[0]}")  # fmt: skip
    without = [one for one, name in zip(ids, names) if name is None]
    said = f"{len(without)} of {len(cells)} units are without a row in {path.name}, their layer is unknown: "
    notes = [said + ", ".join(few(without))] if without else []
    return [cell if name is None else replace(cell, layer=layer[name]) for cell, name in zip(cells, names)], notes
