"""Recordings that go by the name of something else than a cell: rows of means below a table, backgrounds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from celltype_cli.core.messages import few

NO_CELL = re.compile(
    r"(?:grand|overall|total|population|global)?[\s_-]*"
    r"(?:mean|average|avg|ave|median|sum|total|sem|s\.e\.m\.|std|stdev|sd|s\.d\.|var|variance|min|max|minimum|maximum|count)"
    r"|(?:back_?ground|bkgd?|bgd?)(?:[\s_-]*roi)?|f?neu|neuropil|neuropile|blank|whole[\s_-]*(?:field|frame|fov)|fov"
    r"|time|frames?",
    re.IGNORECASE,
)


def notes(entries: Sequence[Any]) -> Iterator[str]:
    """Yields a note where some of many recordings (`assemble.Entry`s) are named as no cell is."""
    names = [entry.cell_id for entry in entries]
    odd = [name for name in names if NO_CELL.fullmatch(name.rpartition("/")[2].strip())]
    if odd and len(odd) < len(names):
        yield f"{len(odd)} of {len(names)} cells go by names of no cell ({', '.join(few(odd))}): leave them out?"
