"""The inputs of cells as a table of named columns, whatever they are."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Shaped

from celltype_cli.calcium.features import TRACE_FEATURES, trace_features
from celltype_cli.cells.cells import Cells

BLOCKS = 8  # along each axis of an image


def columns_of(cells: Cells) -> tuple[list[str], Float[np.ndarray, "row column"]]:
    """Returns the inputs as named columns: features as they are, `trace_features`, means over blocks of the others."""
    names, parts = [], []
    for name, values in cells.inputs.items():
        if name == "features":
            new, part = cells.about.features, values
        elif name == "trace":
            new, part = TRACE_FEATURES, trace_features(values)
        else:
            part = _blocks(values)
            new = [f"{name}[{', '.join(map(str, at))}]" for at in np.ndindex(part.shape[1:])]
        names += new
        parts.append(part.reshape(len(cells), -1).astype(np.float64))
    return names, np.concatenate(parts, axis=1)


def _blocks(values: Shaped[np.ndarray, "row ..."]) -> Float[np.ndarray, "row ..."]:
    """Averages over at most `BLOCKS` equal parts of each of the last two axes."""
    for axis in range(max(1, values.ndim - 2), values.ndim):
        edges = np.unique(np.linspace(0, values.shape[axis], min(BLOCKS, values.shape[axis]) + 1).astype(int))
        sizes = np.diff(edges).reshape([-1 if a == axis else 1 for a in range(values.ndim)])
        values = np.add.reduceat(values, edges[:-1], axis=axis, dtype=np.float64) / sizes
    return values
