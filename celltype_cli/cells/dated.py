"""Animals that go by a date: of a session, of which one animal may have several."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from celltype_cli.core.messages import few

DAY, MONTH, YEAR = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])", "(?:19[89][0-9]|20[0-4][0-9])"
TWO = "(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
NAMED = "[0-3]?[0-9][ ._-]?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[ ._-]?(?:20)?[0-9]{2}"
DATE = re.compile(
    rf"(?:{YEAR}([ ._/-]){MONTH}\1{DAY}|{YEAR}{TWO}|[12][0-9]{TWO}|{DAY}([ ._/-]){MONTH}\2{YEAR}"
    rf"|{MONTH}([/-]){DAY}\3{YEAR}|{NAMED})"
    r"(?:[ T_./-]+[0-9]{1,6}(?:[:.-][0-9]{2}){0,2}|[ _./-]?[a-z])?",  # a time, or the number of a recording
    re.IGNORECASE,
)
FEWEST = 2


def notes(entries: Sequence[Any], group: str) -> Iterator[str]:
    """Yields a note where the animals of recordings (`assemble.Entry`s) go by dates, and nothing else.

    Args:
        group: what a group is called.
    """
    known = [entry for entry in entries if entry.label and entry.group not in ("", entry.cell_id)]
    names = sorted({entry.group for entry in known})
    if len(names) >= FEWEST and all(map(DATE.fullmatch, names)):
        yield (
            f"names of {group}s are dates ({', '.join(few(names))}): an animal that was recorded on several of them "
            "counts as several, and its cells may stand on both sides of a split; if there is one, name it in the "
            "column group (of the files, or of dataset.labels=<csv> with cell_id, label and group)"
        )
