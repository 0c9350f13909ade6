"""Copies: one recording under two names, found in the arrays alone; exact, rescaled (a x + b), or shifted in time.

No kind of recording is known here. Rows are compared, cells are named: windows of a long trace whose copy begins some
samples later overlap with other windows, and are found as well. On one core, 10,000 traces of 480 samples take 1.4 s
and 1,000 of 1,000 samples 0.05 s. Of the 294 cells of CASCADE (2,081 windows), the 4,472 of the STS paper and the
simulated ones none is found; of 327 units of CellExplorer the pair that its authors listed twice is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Shaped

from celltype_cli.cells import alike
from celltype_cli.core.messages import few

ENOUGH = 5  # values of a row that differ from its commonest one, from which equal rows are no accident
IDENTICAL = "identical values"


@dataclass(frozen=True)
class Copies:
    """Which cells hold one recording.

    Attributes:
        code: by row, the number of the set of copies that its cell is of; -1 for cells without a copy.
        how: of each set, how its cells are alike, for instance "identical values".
        blank: cells that have equal rows in which nothing, or nearly nothing, varies: those are no copies.
    """

    code: Int[np.ndarray, " row"]
    how: tuple[str, ...] = ()
    blank: int = 0

    def __bool__(self) -> bool:
        return bool((self.code >= 0).any())

    def __getitem__(self, rows: Int[np.ndarray, " chosen"]) -> Copies:
        return Copies(self.code[rows], self.how, self.blank)

    def sets(self, names: Shaped[np.ndarray, " row"]) -> list[list[str]]:
        """Returns for each set what its rows are called, by cell, group or class, each name once."""
        return [list(dict.fromkeys(map(str, names[self.code == k].tolist()))) for k in range(len(self.how))]


def find(
    inputs: Mapping[str, Shaped[np.ndarray, "row ..."]],
    tables: Collection[str],
    digest: Shaped[np.ndarray, " row"],
    cell_id: Shaped[np.ndarray, " row"],
) -> Copies:
    """Finds cells that hold rows of one recording.

    Rows that are constant, or nearly so, have no copies: silence looks like silence.

    Args:
        tables: the inputs whose rows are measured quantities, with NaN where one could not be measured.
        digest: equal for rows whose values are equal in all inputs.
    """
    cell = np.unique(cell_id, return_inverse=True)[1]
    first, same = np.unique(digest, return_index=True, return_inverse=True)[1:]
    telling = np.zeros(len(first), bool)
    once = np.bincount(same) == 1
    telling[~once] = [_tells(inputs, row) for row in first[~once].tolist()]
    apart = np.flatnonzero(telling[same] & (cell != cell[first[same]]))
    links = [(int(first[same[row]]), int(row), IDENTICAL) for row in apart]
    alone = np.sort(first)  # one row stands for those that are equal to it
    for name, values in inputs.items():
        several = f" in {name}" if len(inputs) > 1 else ""
        rows = values if len(alone) == len(values) else values[alone]  # a copy, of what may lie on disk
        for i, j, how in alike.pairs(rows, cell[alone], name in tables):
            if _tells({name: values}, int(alone[i])):
                links.append((int(alone[i]), int(alone[j]), how + several))
    code, how = _sets(links, cell)
    other = np.zeros(len(first), bool)
    other[same[cell != cell[first[same]]]] = True  # equal rows of two cells
    return Copies(code, how, len(np.unique(cell[(other & ~telling)[same]])))


def linked(copies: Copies, group: Shaped[np.ndarray, " row"]) -> Shaped[np.ndarray, " row"]:
    """Returns the group of each row, with one name for groups that copies link: "m1 + m2"."""
    if not copies:
        return group
    names, number = np.unique(group.astype(str), return_inverse=True)
    ends = np.stack([number, len(names) + copies.code], axis=1)[copies.code >= 0]
    part = _components(ends, len(names) + len(copies.how))
    of_part: dict[int, list[str]] = {}
    for k, name in enumerate(names.tolist()):
        of_part.setdefault(int(part[k]), []).append(name)
    return np.array([" + ".join(few(of_part[int(part[k])])) for k in range(len(names))])[number]


def notes(
    copies: Copies,
    cell_id: Shaped[np.ndarray, " row"],
    label: Shaped[np.ndarray, " row"],
    group: Shaped[np.ndarray, " row"],
    group_word: str,
) -> list[str]:
    """Says beside every score which cells are copies, which groups that ties together, and which labels contradict.

    Args:
        label: names; empty where it is unknown.
    """
    silent = f"{copies.blank} cells have rows that are equal because hardly anything varies in them"
    blank = [silent] if copies.blank else []
    if not copies:
        return blank
    cells, labels = copies.sets(cell_id), copies.sets(label)
    named = [f"{' = '.join(few(ids))} ({how})" for ids, how in zip(cells, copies.how)]
    said = [f"{sum(map(len, cells))} cells hold a recording that another holds too: {'; '.join(few(named))}"]
    own = {*map(str, group.tolist())}
    if tied := [name for name in dict.fromkeys(linked(copies, group).tolist()) if name not in own]:
        said.append(f"where {group_word}s are kept apart, those with copies count as one: {'; '.join(few(tied))}")
    wrong = [
        " = ".join(few(f"{cell} ({label[cell_id.astype(str) == cell][0] or 'no label'})" for cell in cells[k]))
        for k, names in enumerate(labels)
        if len(set(names) - {""}) > 1
    ]
    if wrong:
        said.append(f"copies with different labels, of which one is wrong: {'; '.join(few(wrong))}")
    return said + blank


def _components(ends: Int[np.ndarray, "link 2"], n: int) -> Int[np.ndarray, " n"]:
    """Returns for each of n items the number of the part that links connect it to."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    return connected_components(coo_array((np.ones(len(ends)), ends.T), shape=(n, n)), directed=False)[1]


def _sets(links: list[tuple[int, int, str]], cell: Int[np.ndarray, " row"]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Joins cells that links connect: the code of each row, and of each set how, in the order in which it was found."""
    if not links:
        return np.full(len(cell), -1), ()
    ends = cell[np.array([link[:2] for link in links])]
    part = _components(ends, int(cell.max()) + 1)
    number = {p: k for k, p in enumerate(dict.fromkeys(part[ends[:, 0]].tolist()))}
    how: list[dict[str, None]] = [{} for _ in number]
    for end, (*_, words) in zip(ends, links):
        how[number[part[end[0]]]].setdefault(words)
    return np.array([number.get(p, -1) for p in part.tolist()])[cell], tuple(", ".join([*h][:2]) for h in how)


def _tells(inputs: Mapping[str, Shaped[np.ndarray, "row ..."]], row: int) -> bool:
    """Says whether enough of a row's values differ from its commonest one (the median, where one value prevails)."""
    found, room = 0, 0
    for values in inputs.values():
        here = np.ravel(values[row]).astype(np.float64)
        here = here[np.isfinite(here)]
        found += int((here != np.median(here)).sum()) if len(here) else 0
        room += max(0, len(here) - 1)
    return found >= max(1, min(ENOUGH, room))
