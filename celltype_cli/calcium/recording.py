"""What one file of calcium traces holds of one cell, validated where it is born; and the parts of one cell, joined."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from celltype_cli.cells.about import Condition
from celltype_cli.core.messages import UserError
from celltype_cli.core.signals import resample
from celltype_cli.core.text import as_text

SAME_VALUES = 1e-3  # of the standard deviation of a trace, by which a copy of it may be rounded
SAME_RATE = 1e-3  # rates this close are one rate: half a sample in a window of 480
TEXTS = ("cell_id", "label", "group", "source")
# Frames that were not recorded are interpolated, and smoother than others; those of a faster recording are filtered.
# The length says how many windows a cell has.
CONDITIONS = {
    "recorded rate": Condition("Hz", noted=(0.8, 1.5), withheld=(0.6, np.inf)),
    "recorded length": Condition("s", noted=(0.2, 5.0)),
}
SIGNALS = {"dff": "dF/F", "percent": "dF/F in percent", "raw": "raw fluorescence"}


@dataclass(frozen=True)
class Recording:
    """One cell's trace, as it came from its file.

    Attributes:
        cell_id: unique in the dataset.
        label: cell type; empty where it is unknown.
        group: animal; the cell itself, or empty, where the animal is unknown.
        segments: uninterrupted stretches, in time order.
        sampling_rate: Hz.
        source: laboratory, dataset or method; empty where nothing is known.
        file: where the trace was read from, for messages.
        signal: one of `SIGNALS`, where the file says what its values are; empty where it does not.
        missing: samples that were NaN between others; the trace is parted there.
        still: samples that were left out where frames are filled up, see `filled`.

    Raises:
        UserError: when what should be text is none, see `as_text`.
    """

    cell_id: str
    label: str
    group: str
    segments: tuple[Float[np.ndarray, " _"], ...]
    sampling_rate: float
    source: str = ""
    file: str = ""
    signal: str = ""
    missing: int = 0
    still: int = 0

    def __post_init__(self) -> None:
        for name in TEXTS:
            try:
                object.__setattr__(self, name, as_text(getattr(self, name)))
            except UserError as error:
                cell = self.cell_id if isinstance(self.cell_id, str) else ""
                raise UserError(f"cell {cell[:60]} ({self.file}): {name}: {error}") from error


def is_percent(unit: str) -> bool:
    """Says whether a unit is percent, or names it: "dF/F (%)"."""
    return "%" in unit or bool(re.search(r"\b(?:percent\w*|pct)\b", unit.lower()))


def parted(trace: np.ndarray, where: str) -> dict[str, Any]:
    """Returns the `segments` and `missing` of a trace in which NaN stands for frames that are missing.

    NaN after the last value fill up a shorter trace, and count for nothing; stretches of one sample are left out.

    Raises:
        UserError: when it is no array [time] of real numbers.
    """
    trace = np.asarray(trace)
    if trace.ndim != 1 or trace.dtype.kind not in "fiu":
        raise UserError(f"{where}: the trace is {trace.dtype} of shape {trace.shape}; expected numbers [time]")
    if trace.dtype != np.float32:  # which is kept as it is, half as large
        trace = trace.astype(np.float64, copy=False)  # a row of many is no copy of it
    there = ~np.isnan(trace)
    if there.all():
        return {"segments": (trace,), "missing": 0}
    stop = len(there) - int(np.argmax(there[::-1])) if there.any() else 0
    trace, there = trace[:stop], there[:stop]
    edges = np.flatnonzero(np.diff(there)) + 1
    pieces = [(a, b) for a, b in zip([0, *edges], [*edges, stop], strict=True) if b - a > 1 and there[a]]
    return {"segments": tuple(trace[a:b] for a, b in pieces), "missing": int(stop - there.sum())}


def as_rate(value: Any, where: str, name: str = "sampling_rate") -> float:
    """Returns a rate in Hz, whose range `prepare` judges.

    Raises:
        UserError: when it is not one real number.
    """
    found = np.asarray(value)
    try:
        single = as_text(value) or "nan" if found.dtype.kind in "SUOT" else found.item()
        if isinstance(single, (bool, complex)):
            raise ValueError("is no real number")
        return float(re.sub(r"\s*(?:hz|fps)$", "", single, flags=re.IGNORECASE) if isinstance(single, str) else single)
    except (ValueError, TypeError, UserError) as error:
        raise UserError(f"{where}: {name} is {_shown(value)}; expected one number of Hz") from error


def _shown(value: Any) -> str:
    shown = " ".join(str(value).split()) or "empty"
    return shown if len(shown) <= 60 else f"{shown[:60]} ..."


def made(recordings: Sequence[Recording]) -> dict[str, list[float]]:
    """Returns how each was recorded, as `CONDITIONS` has it."""
    rates = [recording.sampling_rate for recording in recordings]
    lengths = [sum(map(len, recording.segments)) / rate for recording, rate in zip(recordings, rates)]
    return {"recorded rate": rates, "recorded length": lengths}


def without_copies(parts: Sequence[Recording]) -> list[Recording]:
    """Returns the recordings of a cell without those that hold the values of one before, as in files of two formats."""
    kept: list[Recording] = []
    for part in parts:
        kept += [] if any(_is_copy(part, other) for other in kept) else [part]
    return kept


def _is_copy(one: Recording, other: Recording) -> bool:
    if [*map(len, one.segments)] != [*map(len, other.segments)] or not one.segments:
        return False
    values = np.concatenate(other.segments)
    return np.allclose(np.concatenate(one.segments), values, rtol=0, atol=SAME_VALUES * values.std(), equal_nan=True)


def joined(parts: Sequence[Recording]) -> Recording:
    """Makes one recording of several of one cell, in their order; all are brought to the slowest rate.

    What one of them leaves empty, the others say.

    Raises:
        UserError: when they say different things of the cell.
    """
    same = {}
    for name in ("label", "group", "source", "signal"):
        if len(said := sorted({getattr(part, name) for part in parts} - {""})) > 1:
            raise UserError(
                f"cell {parts[0].cell_id} ({', '.join(part.file for part in parts[:3])}): has several values of "
                f"{name}: {', '.join(map(repr, said[:3]))}; one cell has one"
            )
        same[name] = said[0] if said else ""
    slowest = min(part.sampling_rate for part in parts)
    if not all(0 < part.sampling_rate < np.inf for part in parts):
        rates = ", ".join(f"{part.sampling_rate:g}" for part in parts[:3])
        raise UserError(f"cell {parts[0].cell_id} ({parts[0].file}): its rates are {rates}; expected positive Hz")
    segments = tuple(
        segment if part.sampling_rate / slowest - 1 < SAME_RATE else resample(segment, part.sampling_rate, slowest)
        for part in parts
        for segment in part.segments
    )
    missing = sum(part.missing for part in parts)
    return replace(parts[0], segments=segments, sampling_rate=slowest, missing=missing, **same)
