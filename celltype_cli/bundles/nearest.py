"""A cell among its nearest training cells, whatever their type: who they are, and what each looks like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from celltype_cli.bundles.answer import Answer
from celltype_cli.bundles.bundle import Bundle
from celltype_cli.bundles.called import call
from celltype_cli.bundles.predict import predict
from celltype_cli.bundles.recordings import recordings_of
from celltype_cli.bundles.training import describe
from celltype_cli.cells.about import About, Axis, Input
from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.core.messages import UserError, few


@dataclass(frozen=True)
class Nearest:
    """The nearest training cells of one cell.

    Attributes:
        table: nearest first: cell_id, label (empty where unknown), group, source, and distance in robust standard
            deviations per quantity.
        examples: of each input of which the bundle keeps examples, the first row of the cell and of each of them.
    """

    table: pd.DataFrame
    examples: dict[str, Float[np.ndarray, "one_and_neighbours ..."]]


def nearest(bundle: Bundle, answer: Answer, k: int) -> Nearest:
    """Returns the training cells that lie nearest to the k-th of the cells that were used."""
    training, near = bundle.training, answer.verdict.neighbours[k]
    columns = {name: getattr(training, name)[near] for name in ("cell_id", "label", "group", "source")}
    table = pd.DataFrame({**columns, "distance": answer.verdict.distance[k]})
    return Nearest(table, {name: np.stack([rows[k], *training.examples[name][near]])
                           for name, rows in answer.examples.items()})  # fmt: skip


def of_cell(
    bundle: Bundle, path: Path, cell: str, *, dataset: Mapping[str, Any], prepare: Mapping[str, Any]
) -> tuple[pd.Series, Cells, Nearest, tuple[str, ...]]:
    """Labels one cell of recordings and finds its nearest training cells.

    Args:
        path: file or folder of the recordings.
        cell: its id, or what stands after its last / where that is enough.
        dataset, prepare: settings, as in `predict`.

    Returns:
        its line, as `predict` has it; its rows, with the inputs of the bundle; its neighbours; notes of the reader.

    Raises:
        UserError: when the recordings hold no such cell, or it cannot be used.
    """
    recordings = recordings_of(bundle, path, **dataset)
    known = [entry.cell_id for entry in recordings.entries]
    fits = [cell] if cell in known else [name for name in known if cell and name.endswith(f"/{cell}")]
    if len(fits) > 1:
        raise UserError(
            f"cell={cell} fits {len(fits)} cells of {path}: type the whole id of one, {', '.join(few(fits))}"
        )
    entries = [entry for entry in recordings.entries if entry.cell_id in fits]
    if not entries:
        close = get_close_matches(cell, known, n=3, cutoff=0.0) or known[:3]
        raise UserError(f"{path} has no cell {cell}; nearest of its {len(known)}: {', '.join(close)}")
    one = replace(recordings, entries=entries, lost=())
    answer = predict(bundle, one, prepare=prepare, force=True)
    line = answer.cells.iloc[0]
    if answer.used.empty:
        raise UserError(f"cell {cell} of {path} cannot be used: {line['note']}")
    cells = bundle.aligned(call(bundle.about["prepare"], one, **prepare))
    return line, cells, nearest(bundle, answer, 0), answer.notes


def quantities(bundle: Bundle, cells: Cells, near: Nearest) -> pd.DataFrame:
    """Returns what the distance is made of: a line for each quantity, a column for the cell ("this cell") and for each
    neighbour (by its id), in robust standard deviations from the training median.

    Args:
        cells: the rows of the cell.
    """
    training = bundle.training
    place = pd.Index(training.cell_id).get_indexer(near.table["cell_id"])
    values = training.scaled(np.concatenate([describe(cells)[1], training.values[place]]))
    return pd.DataFrame(values.T, index=list(training.names), columns=["this cell", *near.table["cell_id"]])


def cells_kept(bundle: Bundle, names: Iterable[str]) -> Cells | None:
    """Returns a row of each training cell with such inputs; None where the bundle keeps none of one of them."""
    training = bundle.training
    kept = {**training.examples, **training.tables}
    if not {*names} <= {*kept}:
        return None
    inputs = {name: kept[name] for name in names}
    label = np.full(len(training.cell_id), UNLABELLED)
    return Cells(inputs, label, training.cell_id, training.group, bundle.classes, about_of(bundle), training.source)


def about_of(bundle: Bundle) -> About:
    """Returns what bundle.yaml says of the inputs: units, axes and names of columns."""
    known = {}
    for name, said in bundle.about["inputs"].items():
        axes = tuple(Axis(**axis) for axis in said.get("axes", ()))
        names = {key: tuple(said.get(key, ())) for key in ("channels", "columns")}
        known[name] = Input(said.get("unit", ""), said.get("sampling_rate"), axes, **names)
    data = bundle.about["data"]
    return About(bundle.name, data["simulated"], group=bundle.about["group"], inputs=known)
