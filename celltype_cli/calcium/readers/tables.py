"""Traces in tables: one row per cell (wide), or one row per sample (long); the layouts are described in `traces`."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float

from celltype_cli.calcium.recording import Recording
from celltype_cli.core.messages import UserError, nearest, raise_faults
from celltype_cli.core.signals import split_at_gaps

TEXT = ("cell_id", "label", "group", "source")
SAMPLE = re.compile(r"([A-Za-z_]*)(\d+(?:\.\d+)?)")


def read_table(path: Path) -> list[Recording]:
    """Reads a csv or parquet file, as a long table where it has a column `value`, else as a wide one.

    Raises:
        UserError: when the file is broken or has other columns, with all faults at once.
    """
    try:
        if path.suffix.lower() == ".csv":
            _check_last_line(path)
            table = pd.read_csv(path, dtype=dict.fromkeys(TEXT, str))
        else:
            table = pd.read_parquet(path)
    except UserError:
        raise
    except Exception as error:  # pandas, pyarrow and csv raise half a dozen unrelated types for a broken file
        raise UserError(f"{path}: cannot be read, it is truncated or in another format ({error})") from error
    table.columns = [str(name).strip() for name in table.columns]
    for name in TEXT:
        if name in table:
            table[name] = table[name].astype(object).map(lambda value: "" if pd.isna(value) else str(value).strip())
    return _long(table, path) if "value" in table else _wide(table, path)


def _check_last_line(path: Path) -> None:
    """A table cut in the middle of a row would otherwise be read with empty values at its end."""
    with path.open("rb") as file:
        header = file.readline()
        file.seek(max(0, path.stat().st_size - max(1_000_000, 50 * len(header))))
        lines = [line for line in file.read().splitlines() if line.strip()] or [b""]
    n_header, n_last = (len(next(csv.reader([line.decode()]), [])) for line in (header, lines[-1]))
    if n_last != n_header:
        raise UserError(f"{path}: its last line has {n_last} fields, its first {n_header}; the file is truncated")


def _require(found, needed: tuple[str, ...], path: Path, layout: str) -> None:
    faults = [f"{name} is missing{nearest(name, set(found) - set(needed))}" for name in needed if name not in found]
    if faults:
        shown = ", ".join(map(str, list(found)[:8])) or "nothing"
        raise UserError(f"{path}: {'; '.join(faults)}; found {shown}; {layout}")


def _wide(table: pd.DataFrame, path: Path) -> list[Recording]:
    layout = (
        "a long table has a column value and a row per sample, a wide one has cell_id, label, sampling_rate and "
        "a column per sample (0, 1, 2 ...)"
    )
    _require(table.columns, ("cell_id", "label", "sampling_rate"), path, layout)
    others = [name for name in table.columns if name not in (*TEXT, "sampling_rate")]
    matches = {name: m for name in others if (m := SAMPLE.fullmatch(name))}
    prefix = Counter(m[1] for m in matches.values()).most_common(1)  # "day1" is no sample among t0, t1, t2 ...
    samples = {name: float(m[2]) for name, m in matches.items() if m[1] == prefix[0][0]}
    if unknown := [name for name in others if name not in samples]:
        shown = ", ".join(unknown[:5])
        raise UserError(f"{path}: columns {shown} are neither samples nor known: remove them; {layout}")
    if not samples:
        raise UserError(f"{path}: no column holds samples; found {', '.join(table.columns)}; {layout}")
    trace = table[sorted(samples, key=samples.get)].apply(pd.to_numeric, errors="coerce")
    words = (table[trace.columns].notna() & trace.isna()).sum(axis=1)
    faults = [f"cell {table.cell_id[row]}: {n} values are no numbers" for row, n in words[words > 0].items()]
    raise_faults(str(path), faults)
    meta = {name: table[name].to_numpy() for name in (*TEXT, "sampling_rate") if name in table}
    return from_rows(trace.to_numpy(np.float64), meta, path)


def from_rows(trace: np.ndarray | None, meta: Mapping[str, np.ndarray], path: Path) -> list[Recording]:
    """Makes a recording of each row of `trace` [cell, time], which may end in NaN where it is shorter than others.

    Raises:
        UserError: when an array is missing or their lengths differ.
    """
    found = [*meta, *["trace"] * (trace is not None)]
    _require(found, ("trace", "cell_id", "label", "sampling_rate"), path, "expected one entry per cell in each")
    if trace.ndim != 2 or trace.dtype.kind not in "fiu":
        raise UserError(f"{path}: trace is {trace.dtype} of shape {trace.shape}; expected numbers, [cell, time]")
    columns = {name: np.ravel(meta[name]) for name in (*TEXT, "sampling_rate") if name in meta}
    if np.ndim(meta["sampling_rate"]) == 0:
        columns["sampling_rate"] = np.repeat(columns["sampling_rate"], len(trace))
    if wrong := [f"{name} has {len(values)}" for name, values in columns.items() if len(values) != len(trace)]:
        raise UserError(f"{path}: trace has {len(trace)} cells, but {', '.join(wrong)} entries")
    text = {name: [_text(value) for value in columns[name]] if name in columns else [""] * len(trace) for name in TEXT}
    rates = pd.to_numeric(pd.Series(columns["sampling_rate"]), errors="coerce").to_numpy(np.float64)
    trace = trace.astype(np.float64)
    return [
        Recording(
            cell_id=text["cell_id"][row],
            label=text["label"][row],
            group=text["group"][row],
            segments=(_without_padding(trace[row]),),
            sampling_rate=float(rates[row]),
            source=text["source"][row],
            file=path.name,
        )
        for row in range(len(trace))
    ]


def _text(value) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _without_padding(trace: Float[np.ndarray, " time"]) -> Float[np.ndarray, " _"]:
    there = np.flatnonzero(~np.isnan(trace))
    return trace[: there[-1] + 1] if len(there) else trace[:0]


def _long(table: pd.DataFrame, path: Path) -> list[Recording]:
    layout = "a long table has cell_id, label, value and time_s, or frame and sampling_rate instead of time_s"
    _require(table.columns, ("cell_id", "label"), path, layout)
    if "time_s" not in table:
        _require(table.columns, ("frame", "sampling_rate"), path, layout)
    recordings, faults = [], []
    for cell, rows in table.groupby("cell_id", sort=True):
        try:
            recordings.append(_cell(str(cell), rows, path.name))
        except UserError as error:
            faults.append(str(error))
    raise_faults(str(path), faults)
    return recordings


def _cell(cell: str, rows: pd.DataFrame, file: str) -> Recording:
    where = f"cell {cell} ({file})"
    text = {}
    for name in TEXT[1:]:
        values = rows[name].unique().tolist() if name in rows else [""]
        if len(values) > 1:
            raise UserError(
                f"{where}: has several values of {name}: {', '.join(values[:3])}; "
                "make cell ids unique, for instance animal_cell"
            )
        text[name] = values[0]
    names = ("value", "time_s") if "time_s" in rows else ("value", "frame", "sampling_rate")
    numbers = {name: pd.to_numeric(rows[name], errors="coerce").to_numpy(np.float64) for name in names}
    if bad := [
        f"{np.isnan(v).sum()} of {len(v)} values of {name} are missing or no numbers, the first in line "
        f"{rows.index[np.isnan(v).argmax()] + 2}"
        for name, v in numbers.items()
        if np.isnan(v).any()
    ]:
        raise UserError(f"{where}: {'; '.join(bad)}; complete them, or leave those rows out (a gap ends a segment)")
    stamp, unit = numbers[names[1]], 1.0
    if "sampling_rate" in numbers:
        if np.ptp(numbers["sampling_rate"]) > 0 or not numbers["sampling_rate"][0] > 0:
            found = ", ".join(map(str, rows.sampling_rate.unique()[:3]))
            raise UserError(f"{where}: sampling_rate must be one positive number; found {found}")
        unit = numbers["sampling_rate"][0]
    order = np.argsort(stamp, kind="stable")
    stamp = stamp[order]
    if len(twice := stamp[:-1][np.diff(stamp) <= 0]):
        raise UserError(f"{where}: {names[1]} {twice[0]:g} occurs twice; give each sample its own")
    segments, rate = split_at_gaps(stamp / unit, numbers["value"][order])
    steps = len(stamp) - 1
    uneven = steps - sum(len(segment) - 1 for segment in segments)
    if uneven > 0.2 * steps:
        raise UserError(
            f"{where}: {uneven} of {steps} steps of {names[1]} differ by more than half from the median; "
            "expected samples at one rate, with few gaps"
        )
    return Recording(cell, text["label"], text["group"], segments, rate, text["source"], file)
