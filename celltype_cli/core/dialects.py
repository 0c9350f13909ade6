"""What a table of text is written in: its encoding, remarks above it, what separates its fields, its decimal mark."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from pathlib import Path

import pandas as pd

from celltype_cli.core.files import why_unreadable
from celltype_cli.core.messages import UserError

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
REMARKS = ("#", "%", "//", ";")  # at the beginning of lines above a table
SEP = re.compile(r"sep=([,;|\t])", re.IGNORECASE)
COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")
QUOTED = re.compile(r'"(?:[^"]|"")+"')  # a line that is quoted as a whole
DOTTED = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+")
BOOKS = {b"PK\x03\x04": "an Excel file", b"\xd0\xcf\x11\xe0": "an old Excel file"}  # what they begin with
SEPARATORS = {
    ",": "",
    ";": "semicolons separate its fields",
    "\t": "tabs separate its fields",
    "|": "bars separate its fields",
}
BLANKS = "blanks separate its fields"
SAMPLED = 200  # lines that say what separates fields


def decoded(key: str, path: Path) -> tuple[str, str]:
    """Returns the text of a file, and its encoding.

    Args:
        key: the setting that names the file, for messages.

    Raises:
        UserError: when it cannot be read, or is no text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{key}={path} cannot be read ({error.strerror})") from error
    if book := next((said for start, said in BOOKS.items() if content.startswith(start)), ""):
        raise UserError(f"{key}={path} is {book}: save its sheet as CSV UTF-8")
    if content and (why := why_unreadable(path)):
        raise UserError(f"{key}={path} {why}")
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), "utf-8")
    zeros = content[:1000].count(0)
    if encoding == "utf-8" and zeros > len(content[:1000]) / 4:  # UTF-16 without its mark: every second byte of text
        encoding = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
    try:
        return content.decode(encoding).rstrip("\x1a"), encoding  # which ends text of DOS
    except UnicodeDecodeError:
        pass
    try:  # what Windows and older Excel write in western Europe
        return content.decode("cp1252"), "cp1252"
    except UnicodeDecodeError as error:
        raise UserError(f"{key}={path} is text in no encoding known here ({error}): save it as CSV UTF-8") from error


def without_remarks(text: str) -> tuple[str, str]:
    """Empties lines above the names of columns; returns the text and the mark that separates fields.

    These are remarks (lines that begin with #, %, // or ;) and Excel's "sep=;". They stay as empty lines, so that lines
    keep their numbers. The last remark holds the names of columns where it has as many fields as the next line, unless
    it begins with a semicolon.
    """
    mark, at, remark, said = "", 0, 0, ""
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        line = text[at:end].strip(" \r\n").strip('"')
        if separates := SEP.fullmatch(line):
            mark = separates[1]
        elif line.startswith(REMARKS) and not (line[0] == ";" and _parts(line) > 1):
            remark, said = at, line if line[0] != ";" else ""
        elif line:
            at = remark if said and _parts(said) == _parts(line) > 0 else at
            break
        at = end
    return "\n" * text.count("\n", 0, at) + text[at:], mark


def _parts(line: str) -> int:
    return max(map(line.count, SEPARATORS))


def separator_of(text: str) -> str:
    """Returns the mark that parts the first line in most fields and the following lines in as many.

    Where none parts the first line, which may be a title, it is that which parts the others in most.
    """
    lines = [line for line in text[:1_000_000].splitlines()[:SAMPLED] if line.strip()]
    if not lines:
        return ","

    def fields(mark: str) -> tuple[bool, int, bool, int]:
        first, *others = counts = [len(row) for row in csv.reader(lines, delimiter=mark)]
        in_others = min(others, default=0) if first == 1 else 0
        return first > 1, in_others, counts.count(first) > len(counts) // 2, first

    return max(SEPARATORS, key=fields)


def spelled_out(text: str) -> tuple[str, str]:
    """Returns text in which tabs take the place of blanks, where nothing but blanks separates fields, and a note on it.

    Lines that are quoted as a whole, as spreadsheets do to a table that they take for one column, lose their quotes.
    """
    first = [line.strip() for line in text[:1_000_000].splitlines()[:SAMPLED] if line.strip()]
    if len(first) < 2:
        return text, ""
    if _parts(first[0]):
        quoted = all(map(QUOTED.fullmatch, first))
        lines = (_fields_of(line, ",")[0] if QUOTED.fullmatch(line.strip()) else line for line in _lines(text))
        return ("\n".join(lines) if quoted else text), ""
    names, *counts = (len(_fields_of(line, " ")) for line in first)
    if names < 2 or {*counts} not in ({names}, {names + 1}):  # R leaves out the name of the column of row names
        return text, ""
    made = io.StringIO()
    csv.writer(made, delimiter="\t", lineterminator="\n").writerows(_fields_of(line, " ") for line in _lines(text))
    return made.getvalue(), BLANKS


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _fields_of(line: str, mark: str) -> list[str]:
    return next(csv.reader([line.strip()], delimiter=mark, skipinitialspace=True), [])


def is_numbers(column: pd.Series) -> bool:
    """Says whether a column was parsed as numbers."""
    return column.dtype.kind in "fiu"


def with_points(column: pd.Series) -> pd.Series:
    """Returns a column of text with points for decimal commas."""
    return column if is_numbers(column) else column.where(~column.str.fullmatch(COMMA), column.str.replace(",", "."))


def refuse_dotted_thousands(text: str, separator: str, path: Path) -> None:
    """Raises a UserError where points part thousands: a column has whole numbers below 1,000 and such as 1.003 only."""
    lines = list(csv.reader(text[:1_000_000].splitlines()[:SAMPLED], delimiter=separator))
    width = Counter(map(len, lines)).most_common(1)[0][0] if lines else 0
    rows = [line for line in lines if len(line) == width][1:]
    for column in zip(*rows):
        entries = [entry.strip() for entry in column if entry.strip()]
        dotted = [entry for entry in entries if DOTTED.fullmatch(entry)]
        if (
            dotted
            and len(dotted) < len(entries)
            and all(entry.isdigit() and int(entry) < 1000 for entry in entries if entry not in dotted)
        ):
            raise UserError(
                f"{path}: {dotted[0]} stands in one column with whole numbers, so that its point seems to part "
                "thousands; write numbers without separators of thousands"
            )


def has_decimal_commas(rows: pd.DataFrame, path: Path) -> bool:
    """Says whether commas are decimal marks.

    Raises:
        UserError: when they may as well part thousands: three digits follow each, and none follows a leading zero.
    """
    found = [
        column[column.str.fullmatch(COMMA)] for column in map(rows.head(SAMPLED).get, rows) if not is_numbers(column)
    ]
    numbers = pd.concat(found) if found else pd.Series(dtype=str)
    if len(numbers) and numbers.str.fullmatch(THOUSANDS).all():
        raise UserError(
            f"{path}: the comma of {' and '.join(numbers.unique()[:3])} may part thousands or be a decimal mark; write "
            "numbers without separators of thousands, and with more digits after a decimal comma"
        )
    return bool(len(numbers))
