"""Traces in long tables, one row per sample; the layout is described in `files`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from celltype_cli.calcium.readers.found import Found, How, flagged, is_flag, without_meaning
from celltype_cli.calcium.readers.rows import as_numbers, one_rate, require
from celltype_cli.calcium.recording import TEXTS, Recording
from celltype_cli.core.called import called, unread
from celltype_cli.core.clock import clock_seconds
from celltype_cli.core.messages import UserError
from celltype_cli.core.signals import split_at_gaps

LAYOUT = (
    "a long table has cell_id, label, value and time_s, or frame and sampling_rate instead of time_s; labels may stand "
    "in dataset.labels, the rate of frames in dataset.frame_rate"
)
SORTED = "rows are out of the order of {0} and were sorted by it: was a clock set back?"
PARTED = "{0} has gaps, or single samples apart from others; no window crosses them"


def from_long(table: pd.DataFrame, path: Path, how: How) -> Found:
    """Makes a recording of the rows of each cell; frames that are missing, or without a value, part its trace.

    Raises:
        UserError: when a column is missing.
    """
    _require(table, path, how)
    timed, found = "time_s" in table, Found()
    table = _named(table, path, found.faults)
    use = ["value", "time_s"] if timed else ["value", "frame", *["sampling_rate"] * ("sampling_rate" in table)]
    numbers, words = _numbers(table[use], path, found.notes)
    flags = [name for name in table if is_flag(name)]
    found.notes += without_meaning({name: table[name].unique() for name in flags}, path.name)
    parted: Counter[str] = Counter()
    found.notes += unread(path.name, table, (*TEXTS, *flags, "value", "time_s", "frame", "sampling_rate"))
    found.notes += _counts_frames(numbers["time_s"], path) if timed and how.frame_rate is None else []
    found.notes += [] if timed else _skips_frames(numbers["frame"], path)
    for cell, at in sorted(table.groupby("cell_id", sort=False).indices.items()):
        where = f"cell {str(cell)[:60]} ({path.name})"
        try:
            bad, flag = flagged({name: table[name].iloc[at].unique()[:2] for name in flags}, where)
            if bad is not None and bad.any():
                found.rejected[flag] = found.rejected.get(flag, 0) + 1
                if not how.keep_rejected:
                    continue
            wrong = {name: at[words[name][at]] for name in use}
            text = {name: _one(table[name].iloc[at], name, where) for name in TEXTS[1:] if name in table}
            _refuse_words({name: table[name].iloc[rows] for name, rows in wrong.items() if len(rows)}, len(at), where)
            trace, odd = _trace({name: values[at] for name, values in numbers.items()}, use[1], how, where)
            parted.update(odd)
            found.recordings.append(Recording(str(cell), **{"label": "", "group": ""} | text, **trace, file=path.name))
        except UserError as error:
            found.faults.append(str(error))
    found.notes += [f"{path.name}: {what.format(use[1])} ({count} cells)" for what, count in parted.items()]
    if timed and "sampling_rate" in table and how.frame_rate is None:
        found.notes += _other_rate(table["sampling_rate"], found.recordings, path)
    return found


def _require(table: pd.DataFrame, path: Path, how: How) -> None:
    """Raises a UserError where a column is missing that every sample needs."""
    require(table.columns, ("cell_id", "value", *["label"] * how.labelled), path, LAYOUT)
    if "time_s" in table:
        return
    if "frame" not in table and called(table, ("time_s",)):  # under another name
        require(table.columns, ("time_s",), path, LAYOUT)
    require(table.columns, ("frame", *["sampling_rate"] * (how.frame_rate is None)), path, LAYOUT)


def _numbers(table: pd.DataFrame, path: Path, notes: list[str]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Returns columns as numbers and which of their entries are words; adds to `notes` where times are of a clock."""
    numbers, words = {}, {}
    for name in table:
        column = pd.Series(one_rate(table[name].to_numpy(object))) if name == "sampling_rate" else table[name]
        if name == "time_s" and column.dtype.kind == "O" and (seconds := clock_seconds(column)) is not None:
            notes.append(f"{path.name}: time_s is a clock ({column.iloc[0]}), read as seconds")
            column = pd.Series(seconds, index=column.index)
        numbers[name], words[name] = as_numbers(column)
    return numbers, words


def _skips_frames(frames: np.ndarray, path: Path) -> list[str]:
    steps = np.diff(np.unique(frames[np.isfinite(frames)]))
    if not len(steps) or (step := float(np.median(steps))) == 1:
        return []
    said = f"{path.name}: frame rises in steps of {step:g}, so that samples are {step:g} frames apart"
    return [f"{said}: sampling_rate is taken to be that of all frames"]


def _named(table: pd.DataFrame, path: Path, faults: list[str]) -> pd.DataFrame:
    """Returns the rows that name a cell, and adds to `faults` how many do not.

    Raises:
        UserError: when none does.
    """
    empty = table["cell_id"].astype(str) == ""
    if not (n := int(empty.sum())):
        return table
    said = f"cell_id is empty in {n} of {len(table)} rows; name the cell of each sample"
    if n == len(table):
        raise UserError(f"{path}: {said}")
    faults.append(f"{path.name}: {said}, these are left out")
    return table[~empty]


def _other_rate(column: pd.Series, recordings: Sequence[Recording], path: Path) -> list[str]:
    said = as_numbers(column)[0]
    rates = np.array([one.sampling_rate for one in recordings])
    if not np.isfinite(said).any() or not len(rates) or np.isclose(np.nanmedian(said), np.median(rates), rtol=0.05):
        return []
    by_time, by_name = np.median(rates), np.nanmedian(said)
    return [f"{path.name}: sampling_rate says {by_name:.4g} Hz and time_s {by_time:.4g} Hz, which counts"]


def _counts_frames(stamps: np.ndarray, path: Path) -> list[str]:
    steps = np.diff(stamps)
    if len(steps) and (stamps == np.floor(stamps)).all() and np.median(steps) == 1:
        said = "if it counts frames, call the column frame and give sampling_rate"
        return [f"{path.name}: time_s rises by exactly 1 s from sample to sample, which makes 1 Hz; {said}"]
    return []


def _one(values: pd.Series, name: str, where: str) -> str:
    found = sorted({*values.unique()} - {""})
    if len(found) > 1:
        raise UserError(
            f"{where}: has several values of {name}: {', '.join(found[:3])}; "
            "make cell ids unique, for instance animal_cell"
        )
    return found[0] if found else ""


def _refuse_words(wrong: dict[str, pd.Series], n: int, where: str) -> None:
    bad = [
        f"{len(rows)} of {n} values of {name} are no numbers, the first in line {rows.index[0]}: "
        f"{str(rows.iloc[0])[:40]}"
        for name, rows in wrong.items()
    ]
    if bad:
        raise UserError(f"{where}: {'; '.join(bad)}; correct them, or leave them empty (a gap ends a segment)")


def _trace(numbers: dict[str, np.ndarray], stamped: str, how: How, where: str) -> tuple[dict, list[str]]:
    """Returns what a `Recording` takes of the samples of a cell, and what of `SORTED` and `PARTED` is to be noted."""
    stamp, value, unit = numbers[stamped], numbers["value"], 1.0
    if not np.isfinite(stamp).all():
        lost = int((~np.isfinite(stamp)).sum())
        raise UserError(f"{where}: {lost} of {len(stamp)} values of {stamped} are missing; complete them")
    if stamped == "frame":
        rates = numbers.get("sampling_rate", np.array([]))
        rates = np.unique(rates[~np.isnan(rates)])
        if how.frame_rate is None and (len(rates) != 1 or not rates[0] > 0):
            found = ", ".join(f"{rate:g}" for rate in rates[:3]) or "none"
            raise UserError(f"{where}: sampling_rate must be one positive number; found {found}")
        unit = how.frame_rate or float(rates[0])
    order = np.argsort(stamp, kind="stable")
    odd = [SORTED] if (np.diff(stamp) < 0).any() else []
    stamp, value = stamp[order], value[order]
    if len(twice := stamp[:-1][np.diff(stamp) <= 0]):
        raise UserError(
            f"{where}: {stamped} {twice[0]:g} occurs twice; give each sample its own (were they rounded, or do they "
            "begin anew in each trial?)"
        )
    there = ~np.isnan(value)
    if not there.any():
        return {"segments": (), "sampling_rate": unit, "missing": 0}, odd
    try:
        pieces, rate = split_at_gaps(stamp / unit, value)  # the rate of the clock, whether or not values are missing
        segments, _ = split_at_gaps(stamp[there] / unit, value[there], even=False)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from error
    last = len(there) - int(np.argmax(there[::-1]))
    odd += [PARTED] if len(pieces) != 1 or len(pieces[0]) < len(value) else []
    missing = int((~there[:last]).sum())
    return {"segments": segments, "sampling_rate": how.frame_rate or rate, "missing": missing}, odd
