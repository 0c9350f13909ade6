"""Recordings of arrays that have an entry for each cell: of npz files and of wide tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from celltype_cli.calcium.readers.found import Found, How, flagged, is_flag, without_meaning
from celltype_cli.calcium.recording import TEXTS, Recording, parted
from celltype_cli.core.called import meant
from celltype_cli.core.messages import UserError
from celltype_cli.core.text import MISSING, as_text

THOUSANDS = re.compile(
    "(?<=[0-9])['\u2019\u00a0\u202f ](?=[0-9]{3}(?![0-9]))|(?<=[0-9]),(?=[0-9]{3}(?:,[0-9]{3})*[.][0-9])"  # 1,234.5
)
# What people, spreadsheets and Microsoft's C write where there is no number, beside what is missing in any text.
GAPS = ("-", "--", "---", ".", "..", "n.d.", "nd", "#n/a n/a", "1.#qnan", "-1.#ind", "1.#ind", "-1.#qnan")
SOME, ALIKE, LARGEST = 20, 0.8, 2e7  # samples; how much less neighbours differ; values that are looked at


def require(found: Iterable[str], needed: tuple[str, ...], path: Path, layout: str) -> None:
    """Raises a UserError that names each column that is missing, and those that are there."""
    found = [*map(str, found)]
    faults = [f"{name} is missing{meant(name, set(found) - set(needed))}" for name in needed if name not in found]
    if faults:
        shown = ", ".join(name[:40] for name in found[:8]) or "nothing"
        raise UserError(f"{path}: {'; '.join(faults)}; found {shown}; {layout}")


def needed(how: How, *others: str) -> tuple[str, ...]:
    """Returns the columns that a file must have: id and label where no csv says it, its rate where no setting does."""
    rate = ("sampling_rate",) if how.frame_rate is None else ()
    return (*others, *["cell_id", "label"] * how.labelled, *rate)


def one_rate(values: np.ndarray) -> np.ndarray:
    """Fills a rate that is given once into the entries that are empty."""
    values = np.ravel(values)
    given = np.array([str(value).strip().lower() not in MISSING for value in values], dtype=bool)
    return np.full(len(values), values[given][0]) if given.sum() == 1 else values


def as_numbers(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Returns numbers (of dates and durations the seconds), NaN where nothing is given, and which entries are words."""
    if column.dtype.kind == "m":
        return column.dt.total_seconds().to_numpy(np.float64), np.zeros(len(column), dtype=bool)
    if column.dtype.kind == "M" or isinstance(column.dtype, pd.DatetimeTZDtype):
        return (column - column.min()).dt.total_seconds().to_numpy(np.float64), np.zeros(len(column), dtype=bool)
    if column.dtype.kind in "fiu":
        return column.to_numpy(np.float64), np.zeros(len(column), dtype=bool)
    if column.dtype.kind in "bc":
        return np.full(len(column), np.nan), np.ones(len(column), dtype=bool)
    entries = column.to_numpy(object)
    numbers = pd.to_numeric(pd.Series(entries), errors="coerce").to_numpy(np.float64, copy=True)
    words = np.isnan(numbers)
    others = [_plain(entry) for entry in entries[words]]
    numbers[words] = pd.to_numeric(pd.Series(others, dtype=object), errors="coerce")
    is_word = np.array([text.lower() not in (*MISSING, *GAPS) for text in others], dtype=bool)
    words[words] = is_word & np.isnan(numbers[words])
    return numbers, words


def _plain(entry: object) -> str:
    """Returns an entry without what parts thousands beyond doubt, and with a minus that computers know."""
    return THOUSANDS.sub("", str(entry).strip().replace("\N{MINUS SIGN}", "-"))


def _is_empty(value: object) -> bool:
    try:
        return not as_text(value)
    except UserError:  # which the recording says
        return False


def _turned(trace: np.ndarray, path: Path, *, is_named: bool) -> Iterator[str]:
    """Yields a note where values change less from row to row than along one, and nothing else tells which are cells:
    there are as many rows as samples, or many rows without names."""
    rows, samples = trace.shape
    doubtful = rows == samples or (rows > SOME and not is_named)
    if doubtful and samples > SOME and rows * samples <= LARGEST and np.isfinite(trace).all() and trace.std() > 0:
        along, across = (np.median(np.abs(np.diff(trace, axis=axis))) for axis in (1, 0))
        if across < ALIKE * along:
            many = f"as many cells as samples ({rows})" if rows == samples else f"{rows} cells of {samples} samples"
            yield (
                f"{path.name}: has {many}, and values change less from cell to cell than from sample to sample: "
                "is it turned?"
            )


def from_rows(
    trace: np.ndarray | None, meta: Mapping[str, np.ndarray], path: Path, how: How, found: Iterable[str] = ()
) -> Found:
    """Makes a recording of each row of `trace` [cell, time], which may end in NaN where it is shorter than others.

    Args:
        meta: an entry for each cell, or one rate for all.
        found: names that the file has, for messages.

    Raises:
        UserError: when an array is missing or their lengths differ.
    """
    there = [*meta, *["trace"] * (trace is not None)]
    hint = "expected one entry per cell in each (labels may stand in dataset.labels, the rate in dataset.frame_rate)"
    require([*there, *(name for name in found if name not in there)], needed(how, "trace"), path, hint)
    is_named = how.labelled or not {*TEXTS}.isdisjoint(meta)
    _check_trace(trace, path, is_named=is_named)
    columns, flags = _columns(trace, meta, path, how)
    bad, flag = flagged(flags, str(path))
    result = Found(rejected={flag: int(bad.sum())} if bad is not None and bad.any() else {})
    result.counted = {path.stem: len(trace)} if "cell_id" not in columns else {}
    result.notes += [*without_meaning(flags, path.name), *_turned(trace, path, is_named=is_named)]
    unnamed = {*np.flatnonzero([_is_empty(cell) for cell in columns.get("cell_id", ())])}
    if len(unnamed) == len(trace):  # of none is known which it is
        unnamed = set()
    elif unnamed:
        first = f"{path.stem}/{min(unnamed)}"
        result.notes.append(f"{path.name}: the cell_id of {len(unnamed)} of {len(trace)} cells is empty, or a word for "
                            f"it (NA, nan): they are named by their rows, the first {first}")  # fmt: skip
    for row in range(len(trace)):
        if bad is not None and bad[row] and not how.keep_rejected:
            continue
        text = {name: columns[name][row] for name in TEXTS if name in columns}
        if "cell_id" not in text or row in unnamed:
            text["cell_id"] = f"{path.stem}/{row}"
        where = f"cell {str(text['cell_id'])[:60]} ({path.name})"
        try:
            rate = how.rate(columns["sampling_rate"][row], where)
            part = parted(trace[row], where)
            text = {"label": "", "group": ""} | text
            result.recordings.append(Recording(**text, **part, sampling_rate=rate, file=path.name))
        except UserError as error:
            result.faults.append(str(error))
    return result


def _check_trace(trace: np.ndarray, path: Path, *, is_named: bool) -> None:
    """Raises a UserError where a trace is no table of numbers, or looks turned and nothing names its rows."""
    if trace.ndim != 2 or trace.dtype.kind not in "fiu":
        one = " (of one cell: trace[None])" if trace.ndim == 1 else ""
        raise UserError(f"{path}: trace is {trace.dtype} of shape {trace.shape}; expected numbers, [cell, time]{one}")
    if not is_named and len(trace) > trace.shape[1]:
        raise UserError(
            f"{path}: holds {len(trace)} rows of {trace.shape[1]} samples, and a row is a cell: it looks turned; save "
            "the transposed table (trace.T), or name the cells (cell_id) if so many were recorded for so short a time"
        )


def _columns(
    trace: np.ndarray, meta: Mapping[str, np.ndarray], path: Path, how: How
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Returns what is known of each cell, its rate (Hz) among it, and apart from that the flags of cells.

    Raises:
        UserError: when one has another number of entries than there are cells.
    """
    flags = {name: np.asarray(values) for name, values in meta.items() if is_flag(name)}
    columns = {name: np.ravel(values) for name, values in meta.items() if name not in flags}
    if how.frame_rate is not None:
        columns["sampling_rate"] = np.array([how.frame_rate])
    columns["sampling_rate"] = one_rate(columns["sampling_rate"])
    for name in {*columns} - {"cell_id"}:  # given once, for all
        if len(columns[name]) == 1:
            columns[name] = np.repeat(columns[name], len(trace))
    lengths = {name: len(values) if np.ndim(values) else 1 for name, values in {**columns, **flags}.items()}
    if wrong := [f"{name} has {length}" for name, length in lengths.items() if length != len(trace)]:
        stamps = lengths.pop("sampling_rate") == trace.shape[1]
        turned = "; save the transposed array, trace.T" if trace.shape[1] in lengths.values() else ""
        turned = turned or "; expected one rate (Hz), and no time of each sample" * stamps
        raise UserError(f"{path}: trace has {len(trace)} cells, but {', '.join(wrong)} entries{turned}")
    return columns, flags
