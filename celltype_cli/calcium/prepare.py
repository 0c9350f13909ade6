"""Continuous recordings of single cells, and how they become equally long examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from celltype_cli.calcium import traces
from celltype_cli.calcium.recording import SAME_RATE, Recording
from celltype_cli.cells.assemble import confound, per_class
from celltype_cli.cells.cells import UNLABELLED, About, Cells
from celltype_cli.core import signals
from celltype_cli.core.messages import UserError, check_choice, nearest, raise_faults

UNITS = {"dff": "dF/F", "raw": "raw fluorescence", "raw_to_dff": "dF/F"}


def to_cells(
    recordings: Sequence[Recording],
    *,
    about: About,
    timesteps: int,
    sampling_rate: float | None = None,
    classes: Sequence[str] | None = None,
    windows: str = "all",
    too_short: str = "error",
    signal: str = "dff",
) -> Cells:
    """Brings recordings to one rate and cuts them into windows that never cross the end of a segment.

    Args:
        about: what the dataset is; rate, unit and warnings are added to it.
        timesteps: samples in a window.
        sampling_rate: Hz, common to all cells; None where they share one already.
        classes: labels that may occur, in the order of the probabilities; None for those that do, sorted.
        windows: "all" that fit without overlap, or the "first" of each cell.
        too_short: "error", or "drop" the cells in which no window fits, with a note.
        signal: "dff" or "raw" says what the traces are and leaves them so; "raw_to_dff" converts them.

    Raises:
        UserError: with all faults at once: values missing or not finite, constant traces, unequal rates, unknown
            labels, ids that occur twice, traces shorter than a window, baselines that are not positive.
    """
    check_choice("dataset.windows", windows, ("all", "first"))
    check_choice("dataset.too_short", too_short, ("error", "drop"))
    check_choice("dataset.signal", signal, tuple(UNITS))
    if timesteps < 2 or (sampling_rate is not None and not 0 < sampling_rate < np.inf):
        raise UserError(
            f"dataset {about.name}: timesteps={timesteps} must be at least 2 samples, and "
            f"sampling_rate={sampling_rate} a positive number of Hz (or null)"
        )
    raise_faults(f"dataset {about.name}", [*_faults(recordings, classes), *_rate_faults(recordings, sampling_rate)])
    rate = float(sampling_rate or np.median([r.sampling_rate for r in recordings]))
    cut, faults = [], []
    for recording in recordings:
        try:
            rows = _cut(recording, rate, timesteps, signal)
        except ValueError as error:
            faults.append(
                f"{recording}: {error}, which dF/F cannot be taken of; set dataset.signal=raw, "
                "or dff if the values are dF/F already"
            )
            continue
        cut.append(rows[:1] if windows == "first" else rows)
    raise_faults(f"dataset {about.name}", faults)
    kept = [(r, rows) for r, rows in zip(recordings, cut, strict=True) if len(rows)]
    short = [r for r, rows in zip(recordings, cut, strict=True) if not len(rows)]
    if short and (too_short == "error" or not kept):
        raise_faults(f"dataset {about.name}", [_too_short(r, rate, timesteps) for r in short])
    notes = [*about.notes, *_notes([r for r, _ in kept], short, rate, timesteps)]
    about = replace(about, sampling_rate=rate, unit=UNITS[signal], notes=tuple(notes))
    return _assemble(kept, about, classes)


def _assemble(kept, about: About, classes: Sequence[str] | None) -> Cells:
    classes = tuple(classes or sorted({r.label for r, _ in kept} - {""}))
    index = {"": UNLABELLED, **{name: i for i, name in enumerate(classes)}}
    row = np.repeat(np.arange(len(kept)), [len(rows) for _, rows in kept])
    return Cells(
        inputs={"trace": np.concatenate([rows for _, rows in kept])[:, None].astype(np.float32)},
        label=np.array([index[r.label] for r, _ in kept])[row],
        cell_id=np.array([r.cell_id for r, _ in kept])[row],
        group=np.array([r.group or r.cell_id for r, _ in kept])[row],
        source=np.array([r.source for r, _ in kept])[row],
        classes=classes,
        about=about,
    )


def _cut(recording: Recording, rate: float, timesteps: int, signal: str) -> Float[np.ndarray, "window timesteps"]:
    """Returns the windows of a cell, without those in which nothing varies (a dead stretch tells no cells apart)."""
    rows = [np.empty((0, timesteps))]
    for segment in recording.segments:
        if _length(segment, recording.sampling_rate, rate) < timesteps:
            continue
        same = _same(recording.sampling_rate, rate)
        trace = segment if same else signals.resample(segment, recording.sampling_rate, rate)
        rows.append(traces.windows(traces.dff(trace, rate) if signal == "raw_to_dff" else trace, timesteps))
    cut = np.concatenate(rows)
    return cut[np.ptp(cut, axis=1) > 0]


def _same(rate: float, other: float) -> bool:
    return abs(rate / other - 1) < SAME_RATE


def _length(segment: Float[np.ndarray, " _"], rate: float, new_rate: float) -> int:
    return len(segment) if _same(rate, new_rate) else int((len(segment) - 1) * new_rate / rate) + 1


def _faults(recordings: Sequence[Recording], classes: Sequence[str] | None):
    for cell, count in Counter(r.cell_id for r in recordings).items():
        if count > 1:
            files = sorted({r.file for r in recordings if r.cell_id == cell})
            yield f"cell {cell} occurs {count} times ({', '.join(files)}); make the ids unique, or join its segments"
    for r in recordings:
        if not r.cell_id:
            yield f"{r}: its cell_id is empty; name each cell"
        if not 0 < r.sampling_rate < np.inf:
            yield f"{r}: its sampling rate is {r.sampling_rate}; expected a positive number of Hz"
        if classes is not None and r.label and r.label not in classes:
            yield (
                f"{r}: its label {r.label!r} is none of {', '.join(classes)}{nearest(r.label, classes)}; "
                "correct it, or add it to dataset.classes"
            )
        bad = [~np.isfinite(segment) for segment in r.segments]
        samples = sum(len(segment) for segment in r.segments)
        if samples == 0:
            yield f"{r}: its trace holds no value; leave the cell out"
        elif any(b.any() for b in bad):
            k = next(k for k, b in enumerate(bad) if b.any())
            yield (
                f"{r}: {sum(b.sum() for b in bad)} of {samples} values are NaN or infinite, the first at sample "
                f"{np.argmax(bad[k])} of segment {k}; cut the trace there into two segments, or leave the cell out"
            )
        elif all(np.ptp(segment) == 0 for segment in r.segments if len(segment)):
            yield f"{r}: its trace is constant; expected one that varies; leave the cell out"


def _rate_faults(recordings: Sequence[Recording], sampling_rate: float | None):
    if not recordings:
        yield "it holds no recording"
    rates = sorted({r.sampling_rate for r in recordings if r.sampling_rate > 0})
    if sampling_rate is None and rates and not _same(rates[-1], rates[0]):
        slow, fast = (next(r for r in recordings if r.sampling_rate == rate) for rate in (rates[0], rates[-1]))
        yield (
            f"sampling rates differ: {rates[0]:.6g} Hz in {slow}, {rates[-1]:.6g} Hz in {fast}; "
            f"set dataset.sampling_rate={np.floor(rates[0] * 10) / 10 or rates[0]:g} to resample all to one"
        )


def _too_short(r: Recording, rate: float, timesteps: int) -> str:
    longest = max(_length(segment, r.sampling_rate, rate) for segment in r.segments)
    if longest >= timesteps:
        return f"{r}: nothing varies in any of its windows; leave the cell out, or set dataset.too_short=drop"
    return (
        f"{r}: its longest uninterrupted stretch has {longest} samples at {rate:g} Hz, {timesteps} expected; "
        "set a smaller dataset.timesteps, or dataset.too_short=drop to leave such cells out"
    )


def _notes(kept: list[Recording], short: list[Recording], rate: float, timesteps: int):
    if short:
        yield (f"{len(short)} cells left out, no window of {timesteps} samples fits or varies: " + per_class(short))
    slower = [r for r in kept if r.sampling_rate < rate and not _same(r.sampling_rate, rate)]
    if slower:
        yield f"{len(slower)} cells were recorded at less than {rate:g} Hz and interpolated: {per_class(slower)}"
    alone = [r for r in kept if r.group in ("", r.cell_id)]
    if alone:
        yield (
            f"the animal of {len(alone)} of {len(kept)} cells is unknown: each is a group of its own, so that "
            "cells of one animal may stand on both sides of a split"
        )
    yield from confound(kept)
