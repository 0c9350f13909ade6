"""Rows of a table of labels that number ROIs in another way than their files: from 1, or the accepted ones alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from celltype_cli.core.messages import UserError

FEWEST = 3  # rows, from which it is no accident that they count what is left


def notes(rows: Mapping[str, Iterable[str]], read: Iterable[str], counted: Mapping[str, int], path: Path) -> list[str]:
    """Returns a note for each recording whose rows number as many ROIs as are left, and flagged ones among them.

    Args:
        rows: by recording, the ids of the rows of the table that are of it.
        read: ids of the cells that were read, <recording>/<number>.
        counted: by recording, how many ROIs there are, flagged ones too, numbered from 0.

    Raises:
        UserError: where rows number the ROIs of a recording from 1.
    """
    there = {*read}
    return [said for name, n in counted.items() for said in _of(name, n, {*_numbers(rows.get(name, ()))}, there, path)]


def _of(name: str, n: int, numbers: set[int], there: set[str], path: Path) -> Iterator[str]:
    if numbers and min(numbers) > 0 and max(numbers) == n:
        raise UserError(
            f"{path}: its rows number ROIs of {name} up to {n}, and there are {n}, which count from 0 to {n - 1} here: "
            "do rows count from 1? each label would be of the next ROI: subtract 1"
        )
    left = [k for k in range(n) if f"{name}/{k}" in there]
    counts = sorted(numbers) in ([*range(len(left))], [*range(1, len(left) + 1)])
    if len(left) >= FEWEST and counts and not numbers <= {*left}:
        yield (
            f"rows of {path.name} number ROIs of {name} {min(numbers)} to {max(numbers)}, as many as are left without "
            f"those flagged as no cells: do they count these alone? the numbers here are of all {n} ROIs, from 0"
        )


def _numbers(ids: Iterable[str]) -> Iterator[int]:
    last = (one.rpartition("/")[2] for one in ids)
    yield from (int(one) for one in last if one.isascii() and one.isdigit())
