"""Calcium recordings become examples: windows of one length at one rate, and what is measured in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge
from jaxtyping import Float

from celltype_cli.calcium import plausible, traces
from celltype_cli.calcium.features import TRACE_FEATURES, trace_features
from celltype_cli.calcium.recording import CONDITIONS, SAME_RATE, Recording, made
from celltype_cli.cells import assemble
from celltype_cli.cells.about import About, Axis, Input
from celltype_cli.cells.assemble import Recordings, named, per_class
from celltype_cli.cells.cells import Cells
from celltype_cli.core import signals
from celltype_cli.core.memory import check_room
from celltype_cli.core.messages import UserError, check_choice, counted, few, grouped, raise_faults
from celltype_cli.core.ranges import Rate, held

INPUTS = ("trace", "features")
UNITS = {"dff": "dF/F", "percent": "dF/F", "raw": "raw fluorescence", "raw_to_dff": "dF/F"}
MODELS = {"trace": ("cnn1d", "rnn", "lstm"), "features": ("forest", "logistic", "noise_and_mean_floor")}
ALL_64S = "; prepare=windows_64s does both: 64 s at 7.5 Hz, without the cells that are shorter"
BYTES = 40  # of memory that each sample takes while windows and features are made of it


@held
def windows(
    recordings: Recordings,
    *,
    inputs: Sequence[str],
    timesteps: Annotated[int, Ge(2)] | None,
    sampling_rate: Rate | None,
    signal: str,
    windows: Literal["all", "first"],
    too_short: Literal["error", "drop"],
    unusable: Literal["error", "drop"],
    implausible: Literal["error", "keep"],
) -> Cells:
    """Brings recordings to one rate and cuts them into windows that never cross the end of a segment.

    Args:
        recordings: entries are `calcium.recording.Recording`s.
        inputs: "trace" for windows [row, 1, time], "features" for a table of `features.TRACE_FEATURES`; or both.
        timesteps: samples in a window; None for as many as the shortest recording has.
        sampling_rate: Hz, common to all cells; None where they share one already.
        signal: "dff", "percent" (of dF/F, divided by 100) or "raw" says what traces are; "raw_to_dff" converts them.
        windows: "all" that fit without overlap, or the "first" of each cell.
        too_short: "error", or "drop" the cells in which no window fits, with a note.
        unusable: "error", or "drop" the cells whose values or rate cannot be used, with a note.
        implausible: "error" where rates or values are none of calcium imaging, see `plausible`: such cells cannot be
            used, and where too many are on another scale, none can; or "keep" them.

    Raises:
        UserError: with all faults at once: values not finite, constant traces, unequal rates, unknown labels, ids that
            occur twice, traces shorter than a window, baselines that are not positive, more samples than fit in memory.
    """
    _check_settings(inputs, sampling_rate, signal, implausible)
    assemble.check_kind(recordings, Recording, "prepare=windows takes calcium traces")
    where = f"dataset {recordings.about.name}"
    entries, lost, doubts, notes = plausible.usable(recordings.entries, signal, implausible == "keep")
    fatal = lost if unusable == "error" or not entries else []
    rates = [] if doubts else _rate_faults(entries, sampling_rate)
    raise_faults(where, [*assemble.faults(recordings), *grouped(fatal), *doubts, *rates])
    rate = float(sampling_rate or np.median([r.sampling_rate for r in entries]))
    lengths = [_longest(r, rate) for r in entries]
    wanted = timesteps or max(2, min(lengths))
    samples = sum(_length(s, r.sampling_rate, rate) for r in entries for s in r.segments)
    check_room(BYTES * samples, f"{where}: {samples:.3g} samples at {rate:g} Hz")
    kept, short, faults = _windows(entries, rate, wanted, signal, windows == "first", implausible == "keep")
    if faults and (unusable == "error" or not kept):
        raise_faults(where, grouped(faults))
    if short and (too_short == "error" or not kept):
        raise_faults(where, [_too_short(r, rate, wanted) for r in short])
    if lost or faults:
        left = "; ".join(few(grouped([*lost, *faults])))
        notes.append(f"{len(lost) + len(faults)} cells that cannot be used are left out: {left}")
    notes += _notes([r for r, _ in kept], short, rate, wanted, signal)
    if timesteps is None and max(lengths) > wanted:
        notes.append(f"traces are cut to the shortest, {wanted} samples")
    about = _about(recordings.about, inputs, rate, wanted, UNITS[signal], notes)
    trace = np.concatenate([rows for _, rows in kept])[:, None].astype(np.float32)
    known = {"trace": trace, "features": trace_features(trace)} if "features" in inputs else {"trace": trace}
    chosen, whose = {name: known[name] for name in inputs}, [r for r, _ in kept]
    n_rows = [len(rows) for _, rows in kept]
    return assemble.assemble(replace(recordings, about=about), whose, chosen, n_rows, made(whose))


def pinned(settings: dict[str, Any], cells: Cells) -> dict[str, Any]:
    """Returns the settings of `windows` that make of new recordings what these cells are, and name each that cannot.

    Raises:
        UserError: when the cells do not say how long a window is.
    """
    about = cells.about.inputs.get("trace")
    timesteps = settings["timesteps"] or (about and cells.shapes["trace"][-1])
    rate = settings["sampling_rate"] or (about and about.sampling_rate)
    if not timesteps or not rate:
        raise UserError("prepare.timesteps and prepare.sampling_rate are not known: train with both set")
    return {**settings, "timesteps": int(timesteps), "sampling_rate": float(rate)} | {
        name: "error" for name in ("too_short", "unusable")
    }


def _check_settings(inputs, sampling_rate, signal, implausible) -> None:
    if not inputs:
        raise UserError(f"prepare.inputs is empty; expected one or both of {', '.join(INPUTS)}")
    for name in inputs:
        check_choice("prepare.inputs", name, INPUTS)
    check_choice("prepare.signal", signal, tuple(UNITS))
    if sampling_rate is not None and implausible == "error" and not plausible.is_rate(sampling_rate):
        raise UserError(
            f"prepare.sampling_rate={sampling_rate:g} Hz is no rate of calcium imaging ({plausible.SLOWEST:g} to "
            f"{plausible.FASTEST:g} Hz); {plausible.INSIST}"
        )


def _about(about: About, inputs: Sequence[str], rate: float, timesteps: int, unit: str, notes: list[str]) -> About:
    time = Axis("time", "s", 0.0, (timesteps - 1) / rate)
    known = {
        "trace": Input(unit, rate, (time,), models=MODELS["trace"]),
        "features": Input(columns=TRACE_FEATURES, models=MODELS["features"]),
    }
    inputs = {name: known[name] for name in inputs}
    return replace(about, notes=(*about.notes, *notes), inputs=inputs, conditions=CONDITIONS)


def _windows(
    entries: Sequence[Recording], rate: float, timesteps: int, signal: str, first: bool, insist: bool
) -> tuple[list[tuple[Recording, Float[np.ndarray, "window timesteps"]]], list[Recording], list[str]]:
    """Returns recordings with their windows, those in which none fits or varies, and why others cannot be used."""
    kept, short, faults = [], [], []
    for recording in entries:
        try:
            rows = _cut(recording, rate, timesteps, signal)
        except ValueError as error:
            faults.append(
                f"{named(recording)}: {error}, which dF/F cannot be taken of; set prepare.signal=raw, "
                f"or dff if the values are dF/F already{plausible.or_else(recording)}"
            )
            continue
        if not len(rows):
            short.append(recording)
        elif signal == "raw_to_dff" and not insist and (said := plausible.of_dff(rows.ravel())):
            faults.append(f"{named(recording)}: {said}; {plausible.INSIST}")
        else:
            kept.append((recording, rows[:1] if first else rows))
    return kept, short, faults


def _cut(recording: Recording, rate: float, timesteps: int, signal: str) -> Float[np.ndarray, "window timesteps"]:
    """Returns the windows of a cell, without those in which nothing varies (a dead stretch tells no cells apart)."""
    rows, percent = [np.empty((0, timesteps))], signal == "percent" or _says_percent(recording, signal)
    for segment in recording.segments:
        if _length(segment, recording.sampling_rate, rate) < timesteps:
            continue
        same = _same(recording.sampling_rate, rate)
        segment = segment.astype(np.float64, copy=False)
        trace = segment if same else signals.resample(segment, recording.sampling_rate, rate)
        trace = traces.dff(trace, rate) if signal == "raw_to_dff" else trace / 100 if percent else trace
        rows.append(traces.windows(trace, timesteps))
    cut = np.concatenate(rows)
    return cut[np.ptp(cut, axis=1) > 0]


def _says_percent(recording: Recording, signal: str) -> bool:
    return recording.signal == "percent" and signal == "dff"


def _same(rate: float, other: float) -> bool:
    return abs(rate / other - 1) < SAME_RATE


def _length(segment: Float[np.ndarray, " _"], rate: float, new_rate: float) -> int:
    return len(segment) if _same(rate, new_rate) else int((len(segment) - 1) * new_rate / rate) + 1


def _longest(recording: Recording, rate: float) -> int:
    """Returns the samples of the longest uninterrupted stretch, once brought to a rate."""
    return max(_length(segment, recording.sampling_rate, rate) for segment in recording.segments)


def _rate_faults(recordings: Sequence[Recording], sampling_rate: float | None) -> Iterator[str]:
    rates = sorted({r.sampling_rate for r in recordings if r.sampling_rate > 0})
    if sampling_rate is None and rates and not _same(rates[-1], rates[0]):
        slow, fast = (next(r for r in recordings if r.sampling_rate == rate) for rate in (rates[0], rates[-1]))
        yield (
            f"sampling rates differ: {rates[0]:.6g} Hz in {named(slow)}, {rates[-1]:.6g} Hz in {named(fast)}; "
            f"set prepare.sampling_rate={np.floor(rates[0] * 10) / 10 or rates[0]:g} to resample all to one{ALL_64S}"
        )


def _too_short(r: Recording, rate: float, timesteps: int) -> str:
    longest = _longest(r, rate)
    if longest >= timesteps:
        return f"{named(r)}: nothing varies in any of its windows; leave the cell out, or set prepare.too_short=drop"
    at = f"{rate:g} Hz" + ("" if _same(r.sampling_rate, rate) else f" (recorded at {r.sampling_rate:g} Hz)")
    parted = f"; {r.missing} are missing and {r.still} hold still (filled up, or artefacts)" * bool(
        r.missing or r.still
    )
    return (
        f"{named(r)}: its longest uninterrupted stretch has {longest} samples at {at}, {timesteps} expected"
        f"{parted}; set a smaller prepare.timesteps, or prepare.too_short=drop to leave such cells out{ALL_64S}"
    )


def _notes(kept: list[Recording], short: list[Recording], rate: float, timesteps: int, signal: str) -> Iterator[str]:
    if short:
        lost = counted(len(short), "cell")
        yield f"{lost} left out, no window of {timesteps} samples fits or varies: {per_class(short)}"
    slower = [r for r in kept if r.sampling_rate < rate and not _same(r.sampling_rate, rate)]
    if slower:
        yield f"{len(slower)} cells were recorded at less than {rate:g} Hz and interpolated: {per_class(slower)}"
    if parted := [r for r in kept if r.missing]:
        missing = sum(r.missing for r in parted)
        yield f"{missing} samples of {len(parted)} cells are missing (NaN); no window crosses such a gap"
    if still := [r for r in kept if r.still]:
        yield (
            f"{sum(r.still for r in still)} samples of {len(still)} cells hold still (one value, amid noise or far "
            "from all others), as where frames are filled up; no window crosses them"
        )
    if percent := sum(_says_percent(r, signal) for r in kept):
        yield f"the values of {percent} cells are percent, as their files say, and were divided by 100"
