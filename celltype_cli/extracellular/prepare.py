"""Sorted units become examples, one row each: waveform, histograms, 3D autocorrelogram, layer and features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Interval

from celltype_cli.cells import assemble
from celltype_cli.cells.about import About, Axis, Condition, Input
from celltype_cli.cells.assemble import Recordings, named
from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError, check_choice, few, grouped, raise_faults
from celltype_cli.core.ranges import SeedNumber, held
from celltype_cli.extracellular import acg, counts, examples, features, plausible, waveforms
from celltype_cli.extracellular.altered import Altered
from celltype_cli.extracellular.quality import Profile, passed
from celltype_cli.extracellular.recording import LAYERS, Recording
from celltype_cli.extracellular.rows import COLUMNS, INPUTS, row_of

MODELS = ("units_forest", "forest", "lightgbm")
CODED = (*MODELS, "fusion")  # of inputs that the network takes, too
OF_LONG = ("units_logistic", *MODELS)
CONDITIONS = {
    "recorded rate": Condition("Hz", noted=(0.6, 1.7), withheld=(0.3, np.inf)),  # of the waveform, some 1 ms wide
    "recorded length": Condition("s", noted=(0.2, 10.0)),  # histograms of few spikes are noisy
}
LENGTH = waveforms.SAMPLES / waveforms.RATE * 1000  # ms
Before = Annotated[float, Interval(ge=0.5, le=2.5)]


@held
def units(
    recordings: Recordings,
    *,
    inputs: Sequence[str],
    before: Before | None,
    min_spikes: SeedNumber,
    quality: Profile,
    unusable: Literal["error", "drop"],
) -> Cells:
    """Makes one row of each unit.

    Args:
        recordings: entries are `extracellular.recording.Recording`s.
        inputs: of "waveform" [row, 1, 90]; the `HISTOGRAMS` [row, 1, 100], "correlogram" and "isi" to 100 ms,
            "log_correlogram" and "log_isi" to 10 s on a log scale; "features" (a table of `features.FEATURES`),
            "waveform_features" and "firing_features" (the two parts of that); "acg" [row, 1, 10, 101]; "layer" (a table
            of `LAYERS`).
        before: ms of a waveform before its peak; None for as finished waveforms have it, else 1.
        min_spikes: fewest spikes of a unit, where they are known.
        quality: which units are isolated well enough, and "c4" also which of their spikes, see `quality.passed`.
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
            unit = passed(unit, quality)
            rows.append(row_of(unit, inputs, before, min_spikes))
            kept.append(unit)
        except ValueError as error:
            lost.append(f"{named(unit)}: {error}{_noted(unit)}")
    if lost and (unusable == "error" or not kept):
        raise_faults(where, grouped(lost))
    if lost:
        notes.append(f"{len(lost)} units that cannot be used are left out: {'; '.join(few(grouped(lost)))}")
    made = {name: np.stack([row[name] for row in rows]) for name in inputs}
    notes += [*_notes(kept, inputs), *plausible.notes_on(kept)]
    about = _about(recordings.about, inputs, before, notes)
    conditions = {
        "recorded rate": [unit.waveform_rate for unit in kept],
        "recorded length": [unit.duration for unit in kept],
    }
    cells = assemble.assemble(replace(recordings, about=about), kept, made, conditions=conditions)
    entries = {unit.cell_id: unit for unit in kept}
    return replace(cells, recorded=partial(examples.recorded, entries=entries), altered=Altered(entries, inputs))


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


def _noted(unit: Recording) -> str:
    return f" ({'; '.join(unit.notes)})" if unit.notes else ""


def _notes(kept: Sequence[Recording], inputs: Sequence[str]) -> Iterator[str]:
    for note, n in Counter(note for unit in kept for note in unit.notes).items():
        yield f"{note} ({n} units)"
    of_counts = sum(unit.spikes is None for unit in kept)
    if of_counts and {"features", "firing_features"} & {*inputs}:
        yield f"{of_counts} units without spike times: {', '.join(features.OF_SPIKES)} of them are not measured"
    unknown = sum(unit.layer in ("", "unknown") for unit in kept)
    if "layer" in inputs and unknown:
        yield f"the layer of {unknown} of {len(kept)} units is unknown"


def _about(about: About, inputs: Sequence[str], before: float, notes: list[str]) -> About:
    time = Axis("time", "ms", -before, LENGTH - before - 1000 / waveforms.RATE)
    log = Axis("log10 of the time in ms", "", 0, 4)
    known = {
        "waveform": Input("of the peak", waveforms.RATE, (time,), models=CODED),
        "correlogram": Input("share", None, (Axis("lag", "ms", 1, counts.BINS),), models=CODED),
        "isi": Input("share", None, (Axis("interval", "ms", 0.5, counts.BINS - 0.5),), models=CODED),
        "log_correlogram": Input("share", None, (log,), models=OF_LONG),
        "log_isi": Input("share", None, (log,), models=OF_LONG),
        **{name: Input(columns=columns, models=MODELS) for name, columns in COLUMNS.items()},
        "acg": Input("100 Hz", None, acg.AXES, models=CODED),
        "layer": Input(columns=LAYERS, models=CODED),
    }
    inputs = {name: known[name] for name in inputs}
    return replace(about, notes=(*about.notes, *notes), inputs=inputs, conditions=CONDITIONS)
