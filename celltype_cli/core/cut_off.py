"""Whether a table of text is cut off: in the middle of a number, as files do that were copied while they were written,
or where a sheet of Excel ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

TAIL = 200_000  # bytes at the end that are looked at
NUMBER = re.compile(r"[+-]?[0-9]*[.,]?[0-9]+(?:e[+-]?[0-9]+)?", re.IGNORECASE)
LINES, COLUMNS = {1_048_576: "Excel", 65_536: "old Excel (.xls)"}, 16_384  # that its sheets hold at most
FEWEST, RARE = 5, 0.01  # other numbers, to compare the last one with; share of them that may be as short


def notes(path: Path) -> Iterator[str]:
    """Yields a note where the last line of a table does not end, and its last number is shorter than nearly all."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        tail = file.read()
    if b"\0" in tail or not tail or tail[-1:] in b"\r\n":
        return
    *above, last = tail.decode("latin-1").splitlines()
    mark = next((one for one in ";\t|" if one in last), ",")  # of decimal commas too
    fields = last.split(mark)
    if len(fields) < 2 or not NUMBER.fullmatch(fields[-1].strip()):
        return
    others = [line.split(mark)[-1] for line in above[1:] if line.count(mark) == len(fields) - 1]
    for compared in (others, fields[1:-1]):  # of its column, or where there are few rows of its line
        lengths = [len(_digits(entry)) for entry in compared if NUMBER.fullmatch(entry.strip())]
        if len(lengths) >= FEWEST:
            if sum(length <= len(_digits(fields[-1])) for length in lengths) <= RARE * len(lengths):
                yield (
                    f"{path.name}: its last line does not end, and its last number ({fields[-1].strip()}) has fewer "
                    "digits than nearly all others: is the file complete?"
                )
            return


def at_limit(lines: int, columns: int) -> str:
    """Says of a table that it ends exactly where a sheet of Excel does, or nothing."""
    said = f"it has {lines:,} lines, as many as a sheet of {LINES[lines]} holds" if lines in LINES else ""
    said = said or (f"it has {columns:,} columns, as many as a sheet of Excel holds" if columns == COLUMNS else "")
    return said and f"{said}: was it cut off there? write it again without a spreadsheet"


def _digits(entry: str) -> str:
    return entry.strip().lstrip("+-")
