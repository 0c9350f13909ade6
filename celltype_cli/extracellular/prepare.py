"""Sorted units become examples, one row each: waveform, histograms, 3D autocorrelogram, layer and features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Interval
from jaxtyping import Shaped

from celltype_cli.cells import assemble
from celltype_cli.cells.about import About, Axis, Input
from celltype_cli.cells.assemble import Recordings, named
from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError, check_choice, few, grouped, raise_faults
from celltype_cli.core.ranges import SeedNumber, held
from celltype_cli.extracellular import acg, counts, examples, features, waveforms
from celltype_cli.extracellular.recording import LAYERS, Recording

INPUTS = ("waveform", "correlogram", "isi", "features", "acg", "layer")
MODELS = ("forest", "lightgbm")
LENGTH = waveforms.SAMPLES / waveforms.RATE * 1000  # ms
Before = Annotated[float, Interval(ge=0.5, le=2.5)]


@held
def units(
    recordings: Recordings,
    *,
    inputs: Sequence[str],
    before: Before | None,
    min_spikes: SeedNumber,
    unusable: Literal["error", "drop"],
) -> Cells:
    """Makes one row of each unit.

    Args:
        recordings: entries are `extracellular.recording.Recording`s.
        inputs: of "waveform" [row, 1, 90], "correlogram" [row, 1, 100], "isi" [row, 1, 100], "features" (a table of
            `features.FEATURES`), "acg" [row, 1, 10, 101] and "layer" (a table of `LAYERS`).
        before: ms of a waveform before its peak; None for as finished waveforms have it, else 1.
        min_spikes: fewest spikes of a unit, where they are known.
        unusable: "error", or "drop" the units that an input cannot be made of, with a note.

    Raises:
        UserError: with all faults at once: inputs that cannot be made, unknown labels, ids that occur twice.
    """
    if not inputs:
        raise UserError(f"prepare.inputs is empty; expected some of {', '.join(INPUTS)}")
    for name in inputs:
        check_choice("prepare.inputs", name, INPUTS)
    assemble.check_kind(recordings, Recording, "prepare=units takes sorted units")
    where = f"dataset {recordings.about.name}"
    raise_faults(where, assemble.faults(recordings))
    before, notes = _before(recordings.entries, before)
    kept, rows, lost = [], [], []
    for unit in recordings.entries:
        try:
            rows.append(_row(unit, inputs, before, min_spikes))
            kept.append(unit)
        except ValueError as error:
            lost.append(f"{named(unit)}: {error}")
    if lost and (unusable == "error" or not kept):
        raise_faults(where, grouped(lost))
    if lost:
        notes.append(f"{len(lost)} units that cannot be used are left out: {'; '.join(few(grouped(lost)))}")
    made = {name: np.stack([row[name] for row in rows]) for name in inputs}
    notes += _notes(kept, inputs)
    about = _about(recordings.about, inputs, before, notes)
    cells = assemble.assemble(replace(recordings, about=about), kept, made)
    return replace(cells, recorded=partial(examples.recorded, entries={unit.cell_id: unit for unit in kept}))


def pinned(settings: dict[str, Any], cells: Cells) -> dict[str, Any]:
    """Returns the settings of `units` that make of new recordings what these cells are, and name each that cannot."""
    before = settings["before"]
    if before is None and (about := cells.about.inputs.get("waveform")):
        before = -about.axes[-1].first
    return {**settings, "before": before, "unusable": "error"}


def _before(units: Sequence[Recording], before: float | None) -> tuple[float, list[str]]:
    """Says how many ms before the peak waveforms begin, and what does not agree with that."""
    finished = [u.waveform for u in units if waveforms.is_finished(u.waveform, u.waveform_rate)]
    theirs = float(np.median([waveforms.peak_of_finished(w) for w in finished])) if finished else waveforms.BEFORE
    if before is None:
        before = round(min(max(theirs, 0.5), 2.5), 4)
    notes = []
    if finished and before != waveforms.BEFORE and abs(before - theirs) < 0.02:
        notes.append(
            f"waveforms that are finished in their file have their peak after {before:g} ms (published: "
            f"{waveforms.BEFORE:g}); all are cut so"
        )
    elif finished and abs(before - theirs) >= 0.02:
        notes.append(
            f"{len(finished)} waveforms that are finished in their file have their peak after {theirs:.3g} ms, "
            f"prepare.before is {before:g}: they do not compare with the others"
        )
    return before, notes


def _row(unit: Recording, inputs: Sequence[str], before: float, min_spikes: int) -> dict[str, np.ndarray]:
    """Returns what was asked for of one unit.

    Raises:
        ValueError: with why an input cannot be made.
    """
    if unit.spikes is not None and len(unit.spikes) < min_spikes:
        raise ValueError(f"it has {len(unit.spikes)} spikes; expected {min_spikes} or more (prepare.min_spikes)")
    if unit.spikes is not None and not np.isfinite(unit.spikes).all():
        raise ValueError("its spike times are not all finite")
    parts: dict[str, Any] = {}
    for name in ("waveform", "correlogram", "isi"):
        try:
            parts[name] = _part(unit, name, before)
        except ValueError:
            if name in inputs or (name == "waveform" and unit.waveform.size):
                raise
            parts[name] = None
    row = {name: parts[name][None] for name in parts if name in inputs}
    if "features" in inputs:
        row["features"] = features.of_unit(parts["waveform"], unit.spikes, parts["correlogram"], parts["isi"])
        if np.isnan(row["features"]).all():
            raise ValueError("nothing of it can be measured")
    if "acg" in inputs:
        if unit.spikes is None:
            raise ValueError("its file holds no spike times, which acg is made of; leave acg out of prepare.inputs")
        row["acg"] = acg.acg_3d(unit.spikes)[None]
    if "layer" in inputs:
        row["layer"] = np.eye(len(LAYERS))[LAYERS.index(unit.layer or "unknown")]
    return row


def _part(unit: Recording, name: str, before: float) -> Shaped[np.ndarray, " _"]:
    if name == "waveform":
        return waveforms.normalised(unit.waveform, unit.waveform_rate, before)
    if unit.spikes is not None:
        return (counts.correlogram if name == "correlogram" else counts.intervals)(unit.spikes)
    if name not in unit.counts:
        raise ValueError(f"its file holds neither spike times nor a finished {name}")
    return counts.scaled(unit.counts[name], name)


def _notes(kept: Sequence[Recording], inputs: Sequence[str]) -> Iterator[str]:
    for note, n in Counter(note for unit in kept for note in unit.notes).items():
        yield f"{note} ({n} units)"
    of_counts = sum(unit.spikes is None for unit in kept)
    if of_counts and "features" in inputs:
        yield f"{of_counts} units without spike times: {', '.join(features.OF_SPIKES)} of them are not measured"
    unknown = sum(unit.layer in ("", "unknown") for unit in kept)
    if "layer" in inputs and unknown:
        yield f"the layer of {unknown} of {len(kept)} units is unknown"


def _about(about: About, inputs: Sequence[str], before: float, notes: list[str]) -> About:
    time = Axis("time", "ms", -before, LENGTH - before - 1000 / waveforms.RATE)
    level = Axis("level of firing rate", "", 1, acg.LEVELS)
    lag = Axis("lag", "place on a log scale, 1 to 1000 ms", 0, acg.LAGS)
    known = {
        "waveform": Input("of the peak", waveforms.RATE, (time,), models=MODELS),
        "correlogram": Input("share", None, (Axis("lag", "ms", 1, counts.BINS),), models=MODELS),
        "isi": Input("share", None, (Axis("interval", "ms", 0.5, counts.BINS - 0.5),), models=MODELS),
        "features": Input(columns=features.FEATURES, models=MODELS),
        "acg": Input("100 Hz", None, (level, lag), models=MODELS),
        "layer": Input(columns=LAYERS, models=MODELS),
    }
    return replace(about, notes=(*about.notes, *notes), inputs={name: known[name] for name in inputs})
