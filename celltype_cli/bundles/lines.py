"""The lines of an answer: what a bundle says of a cell, or why it says nothing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from celltype_cli.bundles.bundle import Bundle
from celltype_cli.cells.assemble import Entry, named
from celltype_cli.cells.cells import Cells
from celltype_cli.evaluation.calibration import confidence_ratio

NUMBER = re.compile(r"\d[\d.,]*(?:e[+-]?\d+)?")
NAMED = re.compile(r"cell (?P<cell>.+?)(?: \((?P<file>[^()]*)\))?")  # as `assemble.named` does


def lines_of(bundle: Bundle, cells: Cells) -> tuple[list[dict[str, Any]], Float[np.ndarray, " cell"]]:
    """Returns the line of each cell, without a label, in the order of their first rows, and how sure models are of it
    each by itself (`HeldOut.sureness`)."""
    each = bundle.proba(cells)  # of model, row, class
    ids, first, code = np.unique(cells.cell_id, return_index=True, return_inverse=True)
    rows = np.bincount(code)
    of_cell = np.stack([_mean_by(code, proba) for proba in each])
    mean = of_cell.mean(axis=0)
    chosen = mean.argmax(axis=1)
    votes = (of_cell.argmax(axis=2) == chosen).sum(axis=0)
    calibrated, inside = bundle.held_out.calibrated(mean), bundle.held_out.sets(mean)
    ratio = confidence_ratio(mean)
    order = np.argsort(first)
    lines = [
        {
            "cell_id": str(ids[k]),
            "label": "",
            "best": bundle.classes[chosen[k]],
            "confidence": float(calibrated[k].max()),
            "confidence_ratio": float(ratio[k]),
            "set": " ".join(name for name, there in zip(bundle.classes, inside[k]) if there),
            "votes": f"{votes[k]}/{len(each)}",
            "note": "",
            **{f"p_{name}": float(p) for name, p in zip(bundle.classes, calibrated[k])},
            "rows": int(rows[k]),
        }
        for k in order
    ]
    return lines, bundle.held_out.sureness(of_cell)[order]


def _mean_by(code: np.ndarray, proba: Float[np.ndarray, "row class"]) -> Float[np.ndarray, "cell class"]:
    total = np.zeros((code.max() + 1, proba.shape[1]))
    np.add.at(total, code, proba)
    return total / np.bincount(code)[:, None]


def unused_line(bundle: Bundle, entry: Entry, reason: str) -> dict[str, Any]:
    """Returns the line of a cell that cannot be used, by what `prepare` says of it, or of it among others."""
    note = said_of(entry, reason) or reason.splitlines()[-1].strip()
    note = note.partition("; set a smaller ")[0]  # what a bundle takes is fixed
    return _nothing(bundle, entry.cell_id, note) | {"group": entry.group, "file": entry.file}


def said_of(entry: Entry, reason: str) -> str:
    """Returns what a message of many lines says of a cell; empty where it does not name it."""
    for line in map(str.strip, reason.splitlines()):
        if line.startswith(f"{named(entry)}: ") or line.startswith(f"{named(entry)} and "):
            return line.removeprefix(f"{named(entry)}: ")
    return ""


def lost_line(bundle: Bundle, line: str) -> dict[str, Any]:
    """Returns the line of a cell or file that could not be read, by what the reader says of it."""
    where, _, reason = line.partition(": ")
    found = NAMED.fullmatch(where)
    cell, file = (found["cell"], found["file"] or "") if found else (where, where)
    return _nothing(bundle, cell, reason or line) | {"file": file}


def notes_of(parts: Sequence[tuple[int, Sequence[str]]]) -> Iterator[str]:
    """Yields what is said of cells that were prepared in parts; what differs in numbers only is said of the first.

    Args:
        parts: how many cells each has, and the notes on them.
    """
    stop, alike = 0, defaultdict(list)
    for n, notes in parts:
        for note in notes:
            alike[NUMBER.sub("#", note)].append(f"{note} (cells {stop + 1} to {stop + n})" if len(parts) > 1 else note)
        stop += n
    for first, *others in alike.values():
        yield first + (f"; and alike of cells in {len(others)} other parts" if others else "")


def _nothing(bundle: Bundle, cell_id: str, note: str) -> dict[str, Any]:
    nothing = {"label": "", "best": "", "confidence": np.nan, "confidence_ratio": np.nan, "set": "", "votes": ""}
    proba = {f"p_{name}": np.nan for name in bundle.classes}
    return {"cell_id": cell_id, **nothing, "note": note, **proba, "rows": 0, "group": "", "file": ""}
