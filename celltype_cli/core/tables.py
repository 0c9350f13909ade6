"""Tables of text, as people and their spreadsheets write them: one reader for every csv that comes from outside."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from celltype_cli.core.cut_off import at_limit
from celltype_cli.core.dialects import (
    COMMA,
    SEPARATORS,
    decoded,
    has_decimal_commas,
    is_numbers,
    refuse_dotted_thousands,
    separator_of,
    spelled_out,
    with_points,
    without_remarks,
)
from celltype_cli.core.messages import UserError, nearest_file, raise_faults
from celltype_cli.core.text import MISSING, as_text

GAPS = sorted({*MISSING, *(turn(word) for word in MISSING for turn in (str.upper, str.title)), "NaN", "NaT", "<NA>"})
NUMBER = re.compile(r"[+-]?\d*[.,]?\d+(?:[eE][+-]?\d+)?")
WHOLE = re.compile(r"-?\d+\.0+")  # a whole number that passed through a float
# pandas reads numbers to the last digit by itself from version 3 on
EXACT = {"float_precision": "round_trip"} if pd.__version__ < "3" else {}


@dataclass(frozen=True)
class Table:
    """A table whose entries are text, "" where nothing is given; decimal commas have become points, and columns of
    whole numbers kept as floats (1.0, 2.0) whole numbers, as `as_text` has them.

    Attributes:
        rows: by column; the index is the line of the file that a row stands in, from 2. A column that is not among
            those asked for is numbers, NaN where nothing is given, if all its entries are.
        notes: how it was read, where that was found out and is not the usual: separator, decimal comma, encoding.
    """

    rows: pd.DataFrame
    notes: tuple[str, ...] = ()


def read_table(key: str, path: Path, columns: tuple[str, ...] = ()) -> Table:
    """Reads a table: separator (comma, semicolon, tab, bar, or blanks alone), decimal comma and encoding are found out.

    Args:
        key: the setting that names the file, for messages.
        columns: those that `as_text` cleans; none for all. The others are numbers, or else text that is only trimmed.

    Raises:
        UserError: when it cannot be read, has a column twice, or a line has more or fewer fields than the first.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise UserError(f"{key}={path} {what}; expected a table (.csv){nearest_file(path)}")
    text, encoding = decoded(key, path)
    text, mark = without_remarks(text)
    text, blanks = (text, "") if mark else spelled_out(text)
    separator = mark or separator_of(text)
    if separator != ",":
        refuse_dotted_thousands(text, separator, path)
    header, numbers, there, unnamed = _fields(key, path, text, separator)
    rows = _parsed(text, separator, header, numbers, there, columns)
    comma = separator != "," and has_decimal_commas(rows, path)
    if comma:
        rows = rows.apply(with_points)
        rows.columns = [name.replace(",", ".") if COMMA.fullmatch(name) else name for name in rows]
    _clean(path, rows, columns or tuple(rows))
    found = [
        blanks or SEPARATORS[separator],
        "its decimal mark is the comma" if comma else "",
        "" if encoding.startswith("utf-8") else f"its encoding is {encoding}",
        unnamed,
    ]
    said = "; ".join(filter(None, found))
    cut = at_limit(numbers[-1], len(header))
    return Table(rows, tuple(f"{path.name}: {one}" for one in (said, cut) if one))


def _fields(key: str, path: Path, text: str, separator: str) -> tuple[list[str], list[int], np.ndarray, str]:
    """Returns the names of the columns, the numbers of the lines that hold something, which of all lines these are, and
    what was assumed.

    The fields themselves are left to pandas, which keeps millions of them in little room.
    """
    csv.field_size_limit(10_000_000)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    header, numbers, there, uneven, ends = [], [], [], [], []
    try:
        for fields in reader:
            holds = bool(fields) and not "".join(fields).isspace() and any(fields)
            there.append(holds)
            if holds:
                header = header or fields
                numbers.append(reader.line_num)
                if len(fields) != len(header):
                    uneven.append((reader.line_num, len(fields)))
                    ends.append(fields[-1])
    except csv.Error as error:
        raise UserError(f"{key}={path} cannot be read as a table: line {reader.line_num}: {error}") from error
    if not numbers:
        raise UserError(f"{key}={path} is empty; expected a line of column names and a line for each row")
    unnamed = ""
    if uneven and len(uneven) == len(numbers) - 1 and all(count == len(header) + 1 for _, count in uneven):
        # R writes the names of rows without one of their column; others a separator at the end of each row
        header, uneven = (["", *header] if any(ends) else [*header, ""]), []
        unnamed = "its first column has no name, as R writes names of rows" if any(ends) else ""
    header = [" ".join(name.split()) or f"Unnamed: {k}" for k, name in enumerate(header)]
    twice = sorted({name for name in header if header.count(name) > 1}) if len({*header}) < len(header) else []
    if twice and all(map(NUMBER.fullmatch, header)):
        raise UserError(
            f"{path}: line {numbers[0]} holds {len(header)} numbers, some of them twice, where names of columns are "
            "expected: put a line of names above the values"
        )
    faults = [f"column {name} occurs {header.count(name)} times" for name in twice]
    if len({count for _, count in uneven}) == 1 and len(uneven) == len(numbers) - 1 > 1:
        faults.append(
            f"line {numbers[0]} has {len(header)} fields, all others {uneven[0][1]}: is it a title, or cut off? remove "
            "what stands above the names of columns, or begin it with #"
        )
        uneven = []
    faults += [
        f"line {number} has {count} fields, the first line {len(header)}"
        + ("; is the file complete?" if number == numbers[-1] else "")
        for number, count in uneven
    ]
    raise_faults(str(path), faults, "cannot be read as a table")
    return header, numbers, np.array(there), unnamed


def _parsed(
    text: str, separator: str, header: list[str], numbers: list[int], there: np.ndarray, columns: tuple[str, ...]
) -> pd.DataFrame:
    """Returns the rows below the header as text; of a column beside `columns` whose entries all are numbers, these."""
    below, first = io.StringIO(text, newline=""), int(there.argmax()) + 1
    for _ in range(numbers[0]):
        below.readline()
    if not there[first:].any():
        return pd.DataFrame(columns=header, dtype=str)
    words = {k: str for k, name in enumerate(header) if not columns or name in columns}
    missing = {k: GAPS for k in range(len(header)) if k not in words}
    rows = pd.read_csv(below, sep=separator, header=None, names=range(len(header)), index_col=False, dtype=words,
                       keep_default_na=False, na_values=missing, skip_blank_lines=False, low_memory=False,
                       **EXACT)  # fmt: skip
    rows = rows[there[first : first + len(rows)]]
    rows.columns, rows.index = header, numbers[1:]
    texts = {name: rows[name].fillna("").astype(str) for name in rows if not is_numbers(rows[name])}
    empty = [name for name in rows if name.startswith("Unnamed: ") and _is_empty(texts.get(name, rows[name]))]
    return rows.assign(**texts).drop(columns=empty)  # as spreadsheets leave them behind a table


def _is_empty(column: pd.Series) -> bool:
    return bool(column.isna().all() if is_numbers(column) else (column.str.strip() == "").all())


def _clean(path: Path, rows: pd.DataFrame, columns: tuple[str, ...]) -> None:
    faults = []
    for name in rows:
        if name not in columns:
            rows[name] = rows[name] if is_numbers(rows[name]) else rows[name].str.strip()
            continue
        known = {}
        for entry in rows[name].unique():
            try:
                known[entry] = as_text(entry)
            except UserError as error:
                known[entry] = ""
                faults.append(f"line {rows.index[(rows[name] == entry).argmax()]}: {name}: {error}")
        if all(WHOLE.fullmatch(text) for text in known.values() if text):  # as pandas writes numbers of which some miss
            known = {entry: text.partition(".")[0] for entry, text in known.items()}
        rows[name] = rows[name].map(known)
    raise_faults(str(path), faults)
