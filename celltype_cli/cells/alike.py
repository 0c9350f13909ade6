"""Pairs of rows that hold one recording though their values differ: rescaled (a x + b), shifted in time, or rounded.

Rows are described by a few numbers that scale, offset and shift leave as they are; only the nearest by these are fitted
to each other, so that the cost is near linear in rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

FITTED = 8  # measured columns from which a factor and an offset fitted to them are no accident
RESIDUE = 0.002  # sd that may be left of a row's when it is fitted to another, as rounding leaves it
SERIES = 32  # samples along the last axis from which shifts are looked for
LINES = 64  # lines along the last axis that stand for an image
NUMBERS = 16  # that describe a row when its nearest are looked for
NEAREST = 8  # rows compared with each


def pairs(
    values: Shaped[np.ndarray, "row ..."], cell: Int[np.ndarray, " row"], table: bool
) -> Iterator[tuple[int, int, str]]:
    """Yields two rows, of two cells, and how one becomes the other.

    Args:
        cell: numbers; the rows of one cell follow each other as they were recorded.
        table: the values are columns of measured quantities, with NaN where one could not be measured.
    """
    if len(values) < 2:
        return iter(())
    series = not table and values.ndim > 1 and values.shape[-1] >= SERIES
    return _shifted(values, cell) if series else _alike(values, cell)


def _alike(values: Shaped[np.ndarray, "row ..."], cell: Int[np.ndarray, " row"]) -> Iterator[tuple[int, int, str]]:
    """Yields pairs of rows, of two cells, that are equal but for rounding or, from 8 values on, scale and offset.

    Columns may have different units, so each is compared in its own spread.
    """
    table = values.reshape(len(values), -1).astype(np.float64)
    scaled = table.shape[1] >= FITTED
    kept = np.flatnonzero(np.isfinite(table).sum(axis=1) >= (FITTED if scaled else 2))
    if len(kept) < 2:
        return
    table = table[kept]
    known = np.isfinite(table)
    level, centre, size = _standard(table, known, 1) if scaled else (table, None, None)
    level = np.where(known, _standard(level, known, 0)[0], 0)
    tolerance = 1e-3 if scaled else 1e-5
    numbers = level @ _weights(level.shape[1], NUMBERS) if level.shape[1] > NUMBERS else level
    for i, j in _near(numbers, tolerance * np.sqrt(NUMBERS), cell[kept]):
        if (known[i] == known[j]).all() and np.abs(level[i] - level[j]).max() < tolerance:
            factor = size[j, 0] / size[i, 0] if scaled else 1.0
            offset = (centre[j, 0] - factor * centre[i, 0]) / size[j, 0] if scaled else 0.0
            yield int(kept[i]), int(kept[j]), _words(factor, offset, 0)


def _standard(
    table: Float[np.ndarray, "row column"], known: Bool[np.ndarray, "row column"], axis: int
) -> tuple[Float[np.ndarray, "row column"], Float[np.ndarray, "_ _"], Float[np.ndarray, "_ _"]]:
    """Returns known values less their mean, over their sd, and mean and sd; an sd of zero counts as one."""
    n = np.maximum(known.sum(axis=axis, keepdims=True), 1)
    centre = np.where(known, table, 0).sum(axis=axis, keepdims=True) / n
    size = np.sqrt((np.where(known, table - centre, 0) ** 2).sum(axis=axis, keepdims=True) / n)
    size[size == 0] = 1
    return (table - centre) / size, centre, size


def _shifted(values: Shaped[np.ndarray, "row ..."], cell: Int[np.ndarray, " row"]) -> Iterator[tuple[int, int, str]]:
    """Yields pairs of rows, of two cells, that hold the same samples but for scale, offset and a shift in time.

    Every row is aligned at its steepest rise and fall, its peak and its trough, which travel with the samples, and
    described by means around them; rows with the same description are fitted to each other where they overlap. A row
    reaches into its neighbours of the same cell by a quarter.
    """
    line = _lines(values)
    reach = line.shape[1] // 4
    around = _with_neighbours(line, cell, reach)
    slope = np.diff(around, axis=1)
    slope[:, :reach] = np.nan
    slope[:, around.shape[1] - reach :] = np.nan
    outside = np.isnan(around)
    begin, end = outside[:, :reach].any(axis=1), outside[:, -reach:].any(axis=1)
    slope[begin, : 2 * reach] = np.nan
    slope[end, around.shape[1] - 2 * reach :] = np.nan
    level = np.where(np.isnan(slope), np.nan, around[:, :-1])
    anchors = np.concatenate([find(of, axis=1) for of in (slope, level) for find in (np.nanargmax, np.nanargmin)])
    row = np.tile(np.arange(len(line)), 4)
    sign = np.repeat([1.0, -1.0, 1.0, -1.0], len(line))
    seen = np.take_along_axis(around[row], anchors[:, None] + np.arange(-reach, reach), axis=1)
    edges = np.linspace(0, 2 * reach, NUMBERS + 1).astype(int)
    numbers = np.add.reduceat(seen, edges[:-1], axis=1) / np.diff(edges)
    numbers -= numbers.mean(axis=1, keepdims=True)
    size = np.linalg.norm(numbers, axis=1, keepdims=True)
    kept = np.flatnonzero(size[:, 0] > 1e-6 * np.abs(seen).max(axis=1))
    numbers = (sign[:, None] * numbers / np.where(size > 0, size, 1))[kept]
    recorded, done = _recorded(line), set()
    for p, q in _near(numbers, 10 * RESIDUE, cell[row[kept]]):
        i, j = int(row[kept[p]]), int(row[kept[q]])
        shift = int(anchors[kept[q]] - anchors[kept[p]])
        reached = recorded if abs(shift) <= line.shape[1] / 2 else around
        if (i, j) not in done and (fitted := _fitted(reached[i], reached[j], shift)):
            done.add((i, j))
            yield i, j, _words(*fitted, shift)


def _recorded(line: Float[np.ndarray, "row time"]) -> Float[np.ndarray, "row time"]:
    """Returns lines without the value that is held at their ends, as where a shifted recording was filled up: NaN."""
    inside = line.copy()
    for turned in (inside, inside[:, ::-1]):  # views of it
        held = np.logical_and.accumulate(turned == turned[:, :1], axis=1)
        turned[held & (held.sum(axis=1, keepdims=True) > 1)] = np.nan
    return inside


def _fitted(x: Float[np.ndarray, " time"], y: Float[np.ndarray, " time"], shift: int) -> tuple[float, float] | None:
    """Returns factor, and offset in sd, by which x becomes y where they overlap; None where too much is left over."""
    x, y = x[max(0, -shift) : len(x) - max(0, shift)], y[max(0, shift) : len(y) - max(0, -shift)]
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if len(x) < SERIES / 2 or not (x.std() > 0 and y.std() > 0):
        return None
    factor = ((x - x.mean()) * (y - y.mean())).mean() / x.var()
    left = (y - y.mean() - factor * (x - x.mean())).std()
    return (float(factor), float((y.mean() - factor * x.mean()) / y.std())) if left < RESIDUE * y.std() else None


def _lines(values: Shaped[np.ndarray, "row ..."]) -> Float[np.ndarray, "row time"]:
    """Returns one line for each row: of an image, a mixture of some of its lines, which keeps scale and shift."""
    lines = values.reshape(len(values), -1, values.shape[-1])
    chosen = np.unique(np.linspace(0, lines.shape[1] - 1, min(LINES, lines.shape[1])).astype(int))
    weights = _weights(len(chosen), 1)[:, 0] if len(chosen) > 1 else np.ones(1)
    mixed = [
        np.tensordot(weights, lines[k : k + 512, chosen].astype(np.float64), (0, 1)) for k in range(0, len(lines), 512)
    ]
    return np.concatenate(mixed)


def _with_neighbours(
    line: Float[np.ndarray, "row time"], cell: Int[np.ndarray, " row"], reach: int
) -> Float[np.ndarray, "row longer"]:
    """Puts the end of the row before, and the beginning of the next, around each row; NaN where the cell ends."""
    same = cell[1:] == cell[:-1]
    before, after = (np.full((len(line), reach), np.nan) for _ in range(2))
    before[1:][same] = line[:-1, -reach:][same]
    after[:-1][same] = line[1:, :reach][same]
    return np.concatenate([before, line, after], axis=1)


def _near(
    numbers: Float[np.ndarray, "row number"], radius: float, cell: Int[np.ndarray, " row"]
) -> Iterator[tuple[int, int]]:
    """Yields pairs of rows of two cells that lie this near to each other, a few of each row."""
    from scipy.spatial import cKDTree

    if len(numbers) < 2:
        return
    found = cKDTree(numbers).query(numbers, k=min(NEAREST, len(numbers)), distance_upper_bound=radius)[1]
    pairs = np.stack([np.repeat(np.arange(len(numbers)), found.shape[1]), found.ravel()], axis=1)
    pairs = pairs[pairs[:, 1] < len(numbers)]  # the tree says so where there is none
    pairs = np.unique(np.sort(pairs[cell[pairs[:, 0]] != cell[pairs[:, 1]]], axis=1), axis=0)
    yield from pairs.tolist()


def _weights(n: int, numbers: int) -> Float[np.ndarray, "n numbers"]:
    """Returns fixed random weights whose products keep distances about as they are (Johnson, Lindenstrauss 1984)."""
    return np.random.default_rng(0).normal(size=(n, numbers)) / np.sqrt(numbers)


def _words(factor: float, offset: float, shift: int) -> str:
    rescaled = abs(factor - 1) > 1e-4 or abs(offset) > 1e-4
    moved = f"shifted by {abs(shift)} sample{'s' * (abs(shift) != 1)}" if shift else ""
    return " and ".join(filter(None, ["rescaled" if rescaled else "", moved])) or "equal but for rounding"
