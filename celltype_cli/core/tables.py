"""Tables of text, as people and their spreadsheets write them: one reader for every csv that comes from outside."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from celltype_cli.core.files import why_unreadable
from celltype_cli.core.messages import UserError, nearest_file, raise_faults
from celltype_cli.core.text import as_text

MARKS = (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")
SEP = re.compile(r"sep=([,;|\t])", re.IGNORECASE)
COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
SEPARATORS = {
    ",": "",
    ";": "semicolons separate its fields",
    "\t": "tabs separate its fields",
    "|": "bars separate its fields",
}
SAMPLED = 200  # lines that say what separates fields


@dataclass(frozen=True)
class Table:
    """A table whose entries are text, "" where nothing is given; decimal commas have become points.

    Attributes:
        rows: by column; the index is the line of the file that a row stands in, from 2.
        notes: how it was read, where that was found out and is not the usual: separator, decimal comma, encoding.
    """

    rows: pd.DataFrame
    notes: tuple[str, ...] = ()


def read_table(key: str, path: Path, columns: tuple[str, ...] = ()) -> Table:
    """Reads a table: separator (comma, semicolon, tab, bar), decimal comma and encoding are found out.

    Args:
        key: the setting that names the file, for messages.
        columns: those that `as_text` cleans; none for all. The others, which are many numbers, are only trimmed.

    Raises:
        UserError: when it cannot be read, has a column twice, or a line has more or fewer fields than the first.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise UserError(f"{key}={path} {what}; expected a table (.csv){nearest_file(path)}")
    text, encoding = _decoded(key, path)
    text, mark = _without_remarks(text)
    separator = mark or _separator(text)
    header, numbers, there = _fields(key, path, text, separator)
    rows = pd.read_csv(io.StringIO(text, newline=""), sep=separator, header=None, names=range(len(header)), dtype=str,
                       keep_default_na=False, skip_blank_lines=False)  # fmt: skip
    rows = rows[there[: len(rows)]].iloc[1:].fillna("")
    rows.columns, rows.index = header, numbers[1:]
    unnamed = [name for name in rows if name.startswith("Unnamed: ")]  # as spreadsheets leave behind a table
    rows = rows.drop(columns=[name for name in unnamed if (rows[name].str.strip() == "").all()])
    comma = separator != "," and _has_decimal_commas(rows)
    if comma:
        rows = rows.apply(lambda column: column.where(~column.str.fullmatch(COMMA), column.str.replace(",", ".")))
    _clean(path, rows, columns or tuple(rows))
    found = [
        SEPARATORS[separator],
        "its decimal mark is the comma" if comma else "",
        "" if encoding.startswith("utf-8") else f"its encoding is {encoding}",
    ]
    said = "; ".join(filter(None, found))
    return Table(rows, (f"{path.name}: {said}",) if said else ())


def _decoded(key: str, path: Path) -> tuple[str, str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{key}={path} cannot be read ({error.strerror})") from error
    if content and (why := why_unreadable(path)):
        raise UserError(f"{key}={path} {why}")
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), "utf-8")
    zeros = content[:1000].count(0)
    if encoding == "utf-8" and zeros > len(content[:1000]) / 4:  # UTF-16 without its mark: every second byte of text
        encoding = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
    try:
        return content.decode(encoding), encoding
    except UnicodeDecodeError:
        pass
    try:  # what Windows and older Excel write in western Europe
        return content.decode("cp1252"), "cp1252"
    except UnicodeDecodeError as error:
        raise UserError(f"{key}={path} is text in no encoding known here ({error}): save it as CSV UTF-8") from error


def _without_remarks(text: str) -> tuple[str, str]:
    """Empties lines above the names of columns, remarks (#) and Excel's "sep=;"; returns the text and the mark.

    They stay as empty lines, so that lines keep their numbers. The last that begins with # holds the names of columns
    where it has as many fields as the next line.
    """
    mark, at, remark, said = "", 0, 0, ""
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        line = text[at:end].strip(" \r\n").strip('"')
        if separates := SEP.fullmatch(line):
            mark = separates[1]
        elif line.startswith("#"):
            remark, said = at, line
        elif line:
            at = remark if said and _parts(said) == _parts(line) > 0 else at
            break
        at = end
    return "\n" * text.count("\n", 0, at) + text[at:], mark


def _parts(line: str) -> int:
    return max(map(line.count, SEPARATORS))


def _separator(text: str) -> str:
    """Returns the mark that parts the first line in most fields and the following lines in as many."""
    lines = [line for line in text[:1_000_000].splitlines()[:SAMPLED] if line.strip()]
    if not lines:
        return ","

    def fields(mark: str) -> tuple[bool, int]:
        counts = [len(row) for row in csv.reader(lines, delimiter=mark)]
        return counts.count(counts[0]) > len(counts) // 2, counts[0]

    return max(SEPARATORS, key=lambda mark: (fields(mark)[1] > 1, *fields(mark)))


def _fields(key: str, path: Path, text: str, separator: str) -> tuple[list[str], list[int], np.ndarray]:
    """Returns the names of the columns, the numbers of the lines that hold something, and which of all lines these are.

    The fields themselves are left to pandas, which keeps millions of them in little room.
    """
    csv.field_size_limit(10_000_000)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    header, numbers, there, uneven = [], [], [], []
    try:
        for fields in reader:
            holds = bool(fields) and not "".join(fields).isspace() and any(fields)
            there.append(holds)
            if holds:
                header = header or fields
                numbers.append(reader.line_num)
                if len(fields) != len(header):
                    uneven.append((reader.line_num, len(fields)))
    except csv.Error as error:
        raise UserError(f"{key}={path} cannot be read as a table: line {reader.line_num}: {error}") from error
    if not numbers:
        raise UserError(f"{key}={path} is empty; expected a line of column names and a line for each row")
    header = [" ".join(name.split()) or f"Unnamed: {k}" for k, name in enumerate(header)]
    twice = sorted({name for name in header if header.count(name) > 1}) if len({*header}) < len(header) else []
    faults = [f"column {name} occurs {header.count(name)} times" for name in twice]
    faults += [
        f"line {number} has {count} fields, the first line {len(header)}"
        + ("; is the file complete?" if number == numbers[-1] else "")
        for number, count in uneven
    ]
    raise_faults(str(path), faults, "cannot be read as a table")
    return header, numbers, np.array(there)


def _has_decimal_commas(rows: pd.DataFrame) -> bool:
    head = rows.head(SAMPLED)
    return any(head[name].str.fullmatch(COMMA).any() for name in head)


def _clean(path: Path, rows: pd.DataFrame, columns: tuple[str, ...]) -> None:
    faults = []
    for name in rows:
        if name not in columns:
            rows[name] = rows[name].str.strip()
            continue
        known = {}
        for entry in rows[name].unique():
            try:
                known[entry] = as_text(entry)
            except UserError as error:
                known[entry] = ""
                faults.append(f"line {rows.index[(rows[name] == entry).argmax()]}: {name}: {error}")
        rows[name] = rows[name].map(known)
    raise_faults(str(path), faults)
