"""Calcium recordings become examples: windows of one length at one rate, and what is measured in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from celltype_cli.calcium import traces
from celltype_cli.calcium.features import TRACE_FEATURES, trace_features
from celltype_cli.calcium.recording import SAME_RATE, Recording
from celltype_cli.cells import assemble
from celltype_cli.cells.assemble import Recordings, named, per_class
from celltype_cli.cells.cells import About, Axis, Cells, Input
from celltype_cli.core import signals
from celltype_cli.core.messages import UserError, check_choice, raise_faults

INPUTS = ("trace", "features")
UNITS = {"dff": "dF/F", "raw": "raw fluorescence", "raw_to_dff": "dF/F"}
MODELS = {"trace": ("cnn1d", "rnn", "lstm"), "features": ("forest", "logistic", "noise_floor")}


def windows(
    recordings: Recordings,
    *,
    inputs: Sequence[str],
    timesteps: int | None,
    sampling_rate: float | None,
    signal: str,
    windows: str,
    too_short: str,
) -> Cells:
    """Brings recordings to one rate and cuts them into windows that never cross the end of a segment.

    Args:
        recordings: entries are `calcium.recording.Recording`s.
        inputs: "trace" for windows [row, 1, time], "features" for a table of `features.TRACE_FEATURES`; or both.
        timesteps: samples in a window; None for as many as the shortest recording has.
        sampling_rate: Hz, common to all cells; None where they share one already.
        signal: "dff" or "raw" says what the traces are and leaves them so; "raw_to_dff" converts them.
        windows: "all" that fit without overlap, or the "first" of each cell.
        too_short: "error", or "drop" the cells in which no window fits, with a note.

    Raises:
        UserError: with all faults at once: values missing or not finite, constant traces, unequal rates, unknown
            labels, ids that occur twice, traces shorter than a window, baselines that are not positive.
    """
    _check_settings(inputs, timesteps, sampling_rate, signal, windows, too_short)
    assemble.check_kind(recordings, Recording, "prepare=windows takes calcium traces")
    entries, where = recordings.entries, f"dataset {recordings.about.name}"
    raise_faults(where, [*assemble.faults(recordings), *_faults(entries), *_rate_faults(entries, sampling_rate)])
    rate = float(sampling_rate or np.median([r.sampling_rate for r in entries]))
    lengths = [_longest(r, rate) for r in entries]
    wanted = timesteps or max(2, min(lengths))
    cut, faults = [], []
    for recording in entries:
        try:
            rows = _cut(recording, rate, wanted, signal)
        except ValueError as error:
            faults.append(
                f"{named(recording)}: {error}, which dF/F cannot be taken of; set prepare.signal=raw, "
                "or dff if the values are dF/F already"
            )
            continue
        cut.append(rows[:1] if windows == "first" else rows)
    raise_faults(where, faults)
    short = [r for r, rows in zip(entries, cut, strict=True) if not len(rows)]
    if short and (too_short == "error" or len(short) == len(entries)):
        raise_faults(where, [_too_short(r, rate, wanted) for r in short])
    kept = [(r, rows) for r, rows in zip(entries, cut, strict=True) if len(rows)]
    notes = [*_notes([r for r, _ in kept], short, rate, wanted)]
    if timesteps is None and max(lengths) > wanted:
        notes.append(f"traces are cut to the shortest, {wanted} samples")
    about = _about(recordings.about, inputs, rate, wanted, UNITS[signal], notes)
    trace = np.concatenate([rows for _, rows in kept])[:, None].astype(np.float32)
    made = {"trace": trace, "features": trace_features(trace)} if "features" in inputs else {"trace": trace}
    chosen = {name: made[name] for name in inputs}
    recordings = replace(recordings, about=about)
    return assemble.assemble(recordings, [r for r, _ in kept], chosen, [len(rows) for _, rows in kept])


def _check_settings(inputs, timesteps, sampling_rate, signal, windows, too_short) -> None:
    if not inputs:
        raise UserError(f"prepare.inputs is empty; expected one or both of {', '.join(INPUTS)}")
    for name in inputs:
        check_choice("prepare.inputs", name, INPUTS)
    check_choice("prepare.windows", windows, ("all", "first"))
    check_choice("prepare.too_short", too_short, ("error", "drop"))
    check_choice("prepare.signal", signal, tuple(UNITS))
    if (timesteps is not None and timesteps < 2) or (sampling_rate is not None and not 0 < sampling_rate < np.inf):
        raise UserError(
            f"prepare.timesteps={timesteps} must be at least 2 samples (or null), and prepare.sampling_rate="
            f"{sampling_rate} a positive number of Hz (or null)"
        )


def _about(about: About, inputs: Sequence[str], rate: float, timesteps: int, unit: str, notes: list[str]) -> About:
    time = Axis("time", "s", 0.0, (timesteps - 1) / rate)
    known = {
        "trace": Input(unit, rate, (time,), models=MODELS["trace"]),
        "features": Input(columns=TRACE_FEATURES, models=MODELS["features"]),
    }
    return replace(about, notes=(*about.notes, *notes), inputs={name: known[name] for name in inputs})


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


def _longest(recording: Recording, rate: float) -> int:
    """Returns the samples of the longest uninterrupted stretch, once brought to a rate."""
    return max(_length(segment, recording.sampling_rate, rate) for segment in recording.segments)


def _faults(recordings: Sequence[Recording]) -> Iterator[str]:
    for r in recordings:
        if not 0 < r.sampling_rate < np.inf:
            yield f"{named(r)}: its sampling rate is {r.sampling_rate}; expected a positive number of Hz"
        bad = [~np.isfinite(segment) for segment in r.segments]
        samples = sum(len(segment) for segment in r.segments)
        if samples == 0:
            yield f"{named(r)}: its trace holds no value; leave the cell out"
        elif any(b.any() for b in bad):
            k = next(k for k, b in enumerate(bad) if b.any())
            yield (
                f"{named(r)}: {sum(b.sum() for b in bad)} of {samples} values are NaN or infinite, the first at sample "
                f"{np.argmax(bad[k])} of segment {k}; cut the trace there into two segments, or leave the cell out"
            )
        elif all(np.ptp(segment) == 0 for segment in r.segments if len(segment)):
            yield f"{named(r)}: its trace is constant; expected one that varies; leave the cell out"


def _rate_faults(recordings: Sequence[Recording], sampling_rate: float | None) -> Iterator[str]:
    rates = sorted({r.sampling_rate for r in recordings if r.sampling_rate > 0})
    if sampling_rate is None and rates and not _same(rates[-1], rates[0]):
        slow, fast = (next(r for r in recordings if r.sampling_rate == rate) for rate in (rates[0], rates[-1]))
        yield (
            f"sampling rates differ: {rates[0]:.6g} Hz in {named(slow)}, {rates[-1]:.6g} Hz in {named(fast)}; "
            f"set prepare.sampling_rate={np.floor(rates[0] * 10) / 10 or rates[0]:g} to resample all to one"
        )


def _too_short(r: Recording, rate: float, timesteps: int) -> str:
    longest = _longest(r, rate)
    if longest >= timesteps:
        return f"{named(r)}: nothing varies in any of its windows; leave the cell out, or set prepare.too_short=drop"
    return (
        f"{named(r)}: its longest uninterrupted stretch has {longest} samples at {rate:g} Hz, {timesteps} expected; "
        "set a smaller prepare.timesteps, or prepare.too_short=drop to leave such cells out"
    )


def _notes(kept: list[Recording], short: list[Recording], rate: float, timesteps: int) -> Iterator[str]:
    if short:
        yield f"{len(short)} cells left out, no window of {timesteps} samples fits or varies: {per_class(short)}"
    slower = [r for r in kept if r.sampling_rate < rate and not _same(r.sampling_rate, rate)]
    if slower:
        yield f"{len(slower)} cells were recorded at less than {rate:g} Hz and interpolated: {per_class(slower)}"
