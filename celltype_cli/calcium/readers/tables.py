"""Traces in tables: one row per cell (wide), or one row per sample (long); the layouts are described in `files`."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from celltype_cli.calcium.readers.found import Found, How, is_flag
from celltype_cli.calcium.readers.long_tables import from_long
from celltype_cli.calcium.readers.rows import as_numbers, from_rows, needed, require
from celltype_cli.calcium.recording import TEXTS
from celltype_cli.core import cut_off
from celltype_cli.core.called import called, unread
from celltype_cli.core.files import cannot_read
from celltype_cli.core.memory import check_room
from celltype_cli.core.messages import UserError, few
from celltype_cli.core.tables import NUMBER, read_table
from celltype_cli.core.text import as_text

SAMPLE = re.compile(r"([A-Za-z_ =]*)(-?\d+(?:\.\d+)?)(?: ?m?s)?")  # 0, t0, Frame 0, t=0, 0.033 s
BYTES = 100  # of memory that an entry of a table takes while it is read, where it is text
BYTES_OF_TEXT = 15  # of memory that a byte of a csv takes while it is read: 620 MB for 48 MB
FURTHEST = 10  # times as many samples as there are columns, when columns are missing


def read_csv(path: Path, how: How) -> Found:
    """Reads a csv file, as a long table where it has a column `value`, else as a wide one.

    Raises:
        UserError: when the file is broken or has other columns, with all faults at once.
    """
    check_room(BYTES_OF_TEXT * path.stat().st_size, f"{path}: its text")
    read = read_table("dataset.path", path, TEXTS)
    found = _of(read.rows, path, how)
    found.notes[:0] = [*read.notes, *cut_off.notes(path)]
    return found


def read_parquet(path: Path, how: How) -> Found:
    """Reads a parquet file, likewise.

    Raises:
        UserError: when the file is broken, needs more memory than there is, or has other columns.
    """
    import pyarrow.parquet as pq

    try:
        about = pq.read_metadata(path)
        check_room(BYTES * about.num_rows * about.num_columns, f"{path}: its {about.num_rows} rows")
        table = pd.read_parquet(path)
    except UserError:
        raise
    except Exception as error:  # pyarrow and pandas raise half a dozen unrelated types for a broken file
        raise cannot_read(path, "parquet", error) from error
    if any(table.index.names):  # an index with a name is a column
        table = table.reset_index()
    table.columns = [str(name).strip() for name in table.columns]
    table.index = np.arange(1, len(table) + 1)
    faults = []
    for name in TEXTS:
        if name in table:
            table[name] = _texts(table[name], faults)
    if faults:
        raise UserError("\n  ".join([f"{path} cannot be used:", *few(faults)]))
    return _of(table, path, how)


def _texts(column: pd.Series, faults: list[str]) -> pd.Series:
    known, cleaned = {}, []
    for row, value in column.astype(object).items():
        key = value if isinstance(value, (str, bytes, int)) else id(value)
        if key not in known:
            try:
                known[key] = as_text(value)
            except UserError as error:
                faults.append(f"row {row}: {column.name}: {error}")
                known[key] = ""
        cleaned.append(known[key])
    return pd.Series(cleaned, index=column.index, dtype=object)


def _of(table: pd.DataFrame, path: Path, how: How) -> Found:
    counts = [name for name in table if _is_index(name, table[name])]
    table = table.drop(columns=counts)  # the index of a data frame
    if "trace" in table and table["trace"].map(lambda one: one is None or isinstance(one, np.ndarray)).all():
        return _of_lists(table, path, how)
    by_other_names = all(called(table.columns, (name,)) for name in ("value", "time_s"))
    is_long = by_other_names or not {"value", "time_s", "frame"}.isdisjoint(table.columns)
    return from_long(table, path, how) if is_long else _wide(table, path, how)


def _of_lists(table: pd.DataFrame, path: Path, how: How) -> Found:
    """Reads a table whose column `trace` holds the samples of a cell as a list."""
    rows = [np.full(1, np.nan) if one is None else np.asarray(one).ravel() for one in table["trace"]]
    if wrong := next((row.dtype for row in rows if row.dtype.kind not in "fiu"), None):
        raise UserError(f"{path}: its traces are lists of {wrong}; expected numbers")
    trace = np.full((len(rows), max(map(len, rows), default=0)), np.nan)
    for row, values in zip(trace, rows):
        row[: len(values)] = values
    known = [name for name in table if name in (*TEXTS, "sampling_rate") or is_flag(name)]
    found = from_rows(trace, {name: table[name].to_numpy(object) for name in known}, path, how)
    found.notes += unread(path.name, table, (*known, "trace"))
    return found


def _is_index(name: str, column: pd.Series) -> bool:
    """Says whether a column is the index of a data frame: it counts rows, or has no name and holds places of rows."""
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    if not len(numbers) or not re.fullmatch(r"Unnamed: \d+|index|level_0", name):
        return False
    rises = (numbers == np.floor(numbers)).all() and (np.diff(numbers) > 0).all()  # of rows that were chosen
    return (rises and name == "Unnamed: 0") or np.array_equal(np.sort(numbers), np.arange(len(numbers)) + numbers.min())


def _refuse_values(names: list[str], path: Path) -> None:
    """Raises a UserError where numbers stand in place of the names of columns, and are none of samples."""
    numbers = [float(name.replace(",", ".")) for name in names if NUMBER.fullmatch(name)]
    if len(numbers) == len(names) > 1 and sorted(numbers) != numbers:
        raise UserError(
            f"{path}: its first line holds numbers that do not rise ({', '.join(names[:4])} ...): values, and no names "
            "of columns? put a line of names above them (0, 1, 2 ... for samples)"
        )


def _wide(table: pd.DataFrame, path: Path, how: How) -> Found:
    _refuse_values([*table.columns], path)
    layout = (
        "a long table has a column value and a row per sample, a wide one has cell_id, label, sampling_rate and "
        "a column per sample (0, 1, 2 ...); labels may stand in dataset.labels, the rate in dataset.frame_rate"
    )
    known = {*TEXTS, "sampling_rate"}
    if known.isdisjoint(table.columns) or not known.isdisjoint(table.iloc[:, 0] if len(table.columns) else ()):
        layout += "; a column for each cell and a row for each time are to be turned: a row for each cell"
    require(table.columns, needed(how), path, layout)
    known = [name for name in table.columns if name in (*TEXTS, "sampling_rate") or is_flag(name)]
    others = [name for name in table.columns if name not in known]
    matches = {name: m for name in others if (m := SAMPLE.fullmatch(name))}
    prefix = Counter(m[1] for m in matches.values()).most_common(1)  # "day1" is no sample among t0, t1, t2 ...
    samples = {name: float(m[2]) for name, m in matches.items() if m[1] == prefix[0][0]}
    if unknown := [name for name in others if name not in samples]:
        shown = ", ".join(name[:40] for name in unknown[:5])
        said = called(unknown, {*TEXTS, "sampling_rate"} - {*known})
        raise UserError(f"{path}: columns {shown} are neither samples nor known: remove them{said}; {layout}")
    if not samples:
        raise UserError(f"{path}: no column holds samples; found {', '.join(table.columns[:8])}; {layout}")
    names = sorted(samples, key=samples.get)
    place, notes = _places(names, np.array([samples[name] for name in names]), path)
    trace, words = np.full((len(table), place[-1] + 1), np.nan), np.zeros(len(table), dtype=int)
    first = {}
    numbers = table[names].dtypes.map(lambda kind: kind.kind in "fiu").to_numpy(bool)
    trace[:, place[numbers]] = table[[name for name, fits in zip(names, numbers) if fits]].to_numpy(np.float64)
    for name, at in ((name, at) for name, at, fits in zip(names, place, numbers, strict=True) if not fits):
        trace[:, at], wrong = as_numbers(table[name])
        words += wrong
        for row in np.flatnonzero(wrong):
            first.setdefault(row, f"{str(table[name].iloc[row])[:40]!r} in column {name}")
    cells = table["cell_id"].to_numpy(object) if "cell_id" in table else [f"{path.stem}/{k}" for k in range(len(table))]
    faults = [
        f"cell {cells[row]} ({path.name}): {words[row]} values are no numbers, the first {first[row]}; correct them, "
        "or leave them empty (a gap)"
        for row in np.flatnonzero(words)
    ]
    usable = words == 0
    meta = {name: table[name].to_numpy(object)[usable] for name in known}
    found = from_rows(trace[usable], meta, path, how)
    found.faults, found.notes = [*faults, *found.faults], [*notes, *found.notes]
    return found


def _places(names: list[str], numbers: np.ndarray, path: Path) -> tuple[np.ndarray, list[str]]:
    """Returns where each sample stands, in steps of the usual distance of their names, and a note on those missing."""
    steps = np.diff(numbers)
    step = np.median(steps) if len(steps) else 1.0
    apart = np.round(steps / step) if step > 0 else steps  # of neighbours: rounded names must not add up
    if step <= 0 or (apart < 1).any():
        twice = names[int(np.argmax(apart < 1))] if len(apart) else names[0]
        raise UserError(
            f"{path}: two columns name the sample {twice} ({', '.join(names[:6])} ...), as 0 and 0.1 do where a table "
            "had it twice; remove one"
        )
    whole = np.concatenate([[0], np.cumsum(apart)]).astype(np.int64)
    if (np.abs(steps / step - apart) > 0.25).any() or whole[-1] >= FURTHEST * len(names):
        raise UserError(
            f"{path}: the names of its sample columns ({names[0]}, {names[1]} ... {names[-1]}) are not evenly spaced; "
            "number the samples 0, 1, 2 ..."
        )
    lost = np.setdiff1d(np.arange(whole[-1] + 1), whole)
    at = ", ".join(few(f"{numbers[0] + k * step:g}" for k in lost))
    notes = [f"{path.name}: {len(lost)} sample columns are missing ({at}) and count as a gap"] if len(lost) else []
    if step != 1:
        said = "they are taken for neighbours, sampling_rate apart"
        notes.append(
            f"{path.name}: its sample columns are named in steps of {step:.4g} ({names[0]}, {names[1]} ...): {said}"
        )
    return whole, notes
