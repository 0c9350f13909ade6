"""The inputs of cells as tables of named columns: whole, for estimators; and summed up, for an audit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Shaped

from celltype_cli.cells.about import Input
from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError, few, nearest

BLOCKS = 8  # along each axis of an image


def table_of(
    cells: Cells, inputs: Sequence[str], columns: Sequence[str] | None = None
) -> tuple[list[str], Float[np.ndarray, "row column"]]:
    """Returns inputs side by side, in double precision, and the names of their columns.

    Args:
        inputs: which; a table as it is, each value of any other as a column of its own.
        columns: names of those to keep, in this order; None keeps all.

    Raises:
        UserError: when an input or a column is not there.
    """
    if lacking := [name for name in inputs if name not in cells.inputs] or not inputs:
        wanted = ", ".join(lacking) if inputs else "none"
        raise UserError(
            f"trainer.inputs asks for {wanted}, {cells.about.title} gives {', '.join(cells.inputs)}: choose among "
            "them, another model, or what is prepared (prepare.inputs, where it has that setting)"
        )
    names, parts = [], []
    for name in inputs:
        values = _flat(cells.inputs[name])
        names += cells.about.of(name).columns or [f"{name} {k}" for k in range(1, values.shape[1] + 1)]
        parts.append(values)
    table = np.concatenate(parts, axis=1, dtype=np.float64)
    if columns is None:
        return names, table
    if not columns:
        raise UserError("trainer.columns is empty: choose some, or null for all")
    if unknown := [name for name in columns if name not in names]:
        raise UserError(
            f"trainer.columns: {', '.join(unknown)} is no column of {', '.join(inputs)}{nearest(unknown[0], names)}; "
            f"there are {', '.join(few(names))}"
        )
    return list(columns), table[:, [names.index(name) for name in columns]]


def summary_of(cells: Cells) -> tuple[list[str], Float[np.ndarray, "row column"]]:
    """Returns all inputs as named columns: tables as they are, means over blocks of the others."""
    names, parts = [], []
    for name, values in cells.inputs.items():
        about = cells.about.of(name)
        part = values if about.columns else _blocks(values, len(about.axes) or 2)
        names += about.columns or [_place(name, about, at, values.shape[1:]) for at in np.ndindex(part.shape[1:])]
        parts.append(_flat(part).astype(np.float64))
    return names, np.concatenate(parts, axis=1)


def features_of(cells: Cells) -> pd.DataFrame | None:
    """Returns the inputs with named columns as a table, one line per cell; None where there is none.

    Returns:
        cell_id, group, source, label (empty where there is none), and the columns, units in their names; where a cell
        has several rows, the mean of what was measured.
    """
    tables = [name for name in cells.inputs if cells.about.of(name).columns]
    if not tables:
        return None
    names = np.array([*cells.classes, ""])
    ids = {"cell_id": cells.cell_id, "group": cells.group, "source": cells.source, "label": names[cells.label]}
    columns, values = table_of(cells, tables)
    table = pd.DataFrame(values, columns=[name if columns.count(name) == 1 else f"{name} {k}" for k, name in
                                          enumerate(columns, start=1)])  # fmt: skip
    of_cell = pd.DataFrame(ids).astype(str)
    keys = of_cell.pop("cell_id")
    found = [of_cell.groupby(keys, sort=False).first(), table.groupby(keys, sort=False).mean()]
    return pd.concat(found, axis=1).reset_index()


def _flat(values: Shaped[np.ndarray, "row ..."]) -> Shaped[np.ndarray, "row value"]:
    return values.reshape(len(values), int(np.prod(values.shape[1:])))  # -1 would not do for cells without rows


def _blocks(values: Shaped[np.ndarray, "row ..."], n_axes: int) -> Float[np.ndarray, "row ..."]:
    """Averages over at most `BLOCKS` equal parts of each of the last axes; channels before them stay apart."""
    for axis in range(max(1, values.ndim - n_axes), values.ndim):
        edges = _edges(values.shape[axis])
        sizes = np.diff(edges).reshape([-1 if a == axis else 1 for a in range(values.ndim)])
        values = np.add.reduceat(values, edges[:-1], axis=axis, dtype=np.float64) / sizes
    return values


def _edges(size: int) -> Int[np.ndarray, " edge"]:
    return np.linspace(0, size, min(BLOCKS, size) + 1).astype(int)


def _place(name: str, about: Input, at: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """Names a block of a row by its channel and by where its middle lies on the axes, as far as these are known."""
    words, first = [], len(at) - len(about.axes)
    for k, (place, size) in enumerate(zip(at, shape)):
        if k >= first >= 0:
            axis = about.axes[k - first]
            pixel = (_edges(size)[place : place + 2].sum() - 1) / 2
            middle = axis.first + (axis.last - axis.first) * pixel / max(1, size - 1)
            words.append(f"{float(f'{middle:.3g}'):g} {axis.unit}".strip())  # 1020, not 1.02e+03
        elif k == first - 1 and about.channels:
            words.append(about.channels[place])
        elif size > 1:
            words.append(f"{place + 1}")
    return f"{name} at {', '.join(words)}" if words else name
