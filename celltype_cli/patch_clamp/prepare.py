"""Current-clamp recordings become examples: of each cell two sweeps, as features, as scalograms, or as both."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Len
from jaxtyping import Float32

from celltype_cli.cells import assemble
from celltype_cli.cells.about import Axis, Condition, Input
from celltype_cli.cells.assemble import Recordings, named, per_class
from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import SHOWN, UserError, check_choice, few, raise_faults
from celltype_cli.core.ranges import Pixels, Positive, held
from celltype_cli.patch_clamp import examples, scalogram_cache, scalograms, wide_scalograms
from celltype_cli.patch_clamp.choice import HERO_PA
from celltype_cli.patch_clamp.features.cell import NAMES, STIMULI
from celltype_cli.patch_clamp.measure import RATE, Found, Measured, measured
from celltype_cli.patch_clamp.recording import Entry, kind_of, reasons
from celltype_cli.patch_clamp.stimuli import MARGIN_S

INPUTS = ("features", "scalogram")
TRANSFORMS = {"published": scalograms, "wide": wide_scalograms}
SWEEPS = ("rheobase", "rheobase + 40 pA")
CONDITIONS = {
    "recorded rate": Condition("Hz", noted=(0.6, 1.7), withheld=(0.15, np.inf)),  # below some 8 kHz spikes lose shape
    "step": Condition("s", noted=(0.95, 1.05), withheld=(0.75, 1.33)),  # rates, adaptation and the sag depend on it
}
TREES = ("lightgbm", "forest", "logistic")
logger = logging.getLogger("celltype")


@held
def two_sweeps(
    recordings: Recordings,
    *,
    inputs: Sequence[str],
    feature_set: str,
    scalogram: Literal["published", "wide"],
    size: Pixels,
    duration_s: Positive,
    hero_pA: Annotated[Sequence[Positive], Len(2, 2)],
    unusable: Literal["drop", "error"],
    implausible: Literal["error", "keep"],
    cache: str | Path,
) -> Cells:
    """Measures the recordings one at a time, and makes an example of each that can be used.

    Args:
        recordings: entries are `patch_clamp.recording.Entry`s.
        inputs: "features" for a table [row, feature], "scalogram" for images [row, 2, frequency, time] of the sweeps at
            rheobase and at rheobase + 40 pA; or both.
        feature_set, duration_s, hero_pA: as in `measure.measure`.
        scalogram: "published", as in `scalograms`, or "wide", as in `wide_scalograms`.
        size: of the images, rows and columns.
        unusable: "drop" recordings that cannot be used, with a line for each, or "error".
        implausible: "error": sweeps of which `plausible` finds that they hold no membrane potential are left out, and a
            recording of such sweeps only cannot be used; "keep" takes them.
        cache: folder for what was measured and for the images.

    Raises:
        UserError: with all faults at once: settings, no recordings, unknown labels, ids that are empty or occur twice,
            recordings that cannot be used (none can, or `unusable` is "error"), no feature at all.
    """
    _check_settings(inputs, feature_set, hero_pA, unusable)
    assemble.check_kind(recordings, Entry, "prepare=sweeps takes current-clamp recordings")
    assemble.check(recordings)
    choice = {"duration_s": float(duration_s), "hero_pA": (float(hero_pA[0]), float(hero_pA[1]))}
    found = measured(
        recordings.entries,
        Path(cache).expanduser(),
        feature_set=feature_set if "features" in inputs else None,
        implausible=implausible,
        **choice,
    )
    _report(recordings.about.name, found, unusable, duration_s)
    entries, kept = [entry for entry, _ in found.used], [one for _, one in found.used]
    notes = [*_left_out(found, len(recordings.entries)), *_remarks(found)]
    made: dict[str, np.ndarray] = {}
    about: dict[str, Input] = {}
    if "features" in inputs:
        made["features"], about["features"], said = _table(recordings.about.name, found)
        notes += said
    if "scalogram" in inputs:
        windows = np.stack([one.windows for one in kept])
        made["scalogram"] = scalogram_cache.scalograms(
            windows, folder=cache, transform=TRANSFORMS[scalogram], size=tuple(map(int, size)), sampling_rate=RATE
        )
        about["scalogram"] = scalogram_input(windows.shape[-1], size, wide=scalogram == "wide")
        if duration_s != 1:
            notes.append(f"steps last {duration_s:g} s: their scalograms are not comparable with those of steps of 1 s")
    if choice["hero_pA"] != HERO_PA:
        low, high, of = *choice["hero_pA"], "{:g} to {:g} pA".format(*HERO_PA)
        notes.append(f"second sweeps {low:g} to {high:g} pA above the rheobase are not comparable with those of {of}")
    notes = (*recordings.about.notes, *notes)
    described = replace(recordings.about, inputs=about, notes=notes, conditions=CONDITIONS)
    conditions = {"recorded rate": [one.rate for one in kept], "step": [one.step for one in kept]}
    cells = assemble.assemble(replace(recordings, about=described), entries, made, conditions=conditions)
    by_id = {entry.cell_id: entry for entry in entries}
    return replace(cells, recorded=partial(examples.two_sweeps, entries=by_id, names=SWEEPS, **choice))


def pinned(settings: dict[str, Any], cells: Cells) -> dict[str, Any]:
    """Returns the settings of `two_sweeps` that make of new recordings what these are, and name each that cannot."""
    return {**settings, "unusable": "error"}


def scalogram_input(timesteps: int, size: Sequence[int], *, wide: bool = False) -> Input:
    """Describes scalograms: frequency and time at the centres of the first and the last pixel of a resized one.

    Args:
        timesteps: samples in a window at `RATE`, the first `MARGIN_S` before the onset of the step.
        wide: whether rows are those of `wide_scalograms`, whose frequencies rise in equal ratios.
    """
    frequency = scalograms.resize_axis(scalograms.frequencies(), size[0])
    rows = Axis("frequency", "Hz", float(frequency[0]), float(frequency[-1]))
    if wide:
        low, *_, high = wide_scalograms.frequencies(max(2, size[0]))
        rows = Axis("frequency", f"octaves above {low:g} Hz", 0.0, float(np.log2(high / low)))
    time = scalograms.resize_axis(1e3 * (np.arange(timesteps) / RATE - MARGIN_S), size[1])
    axes = (
        rows,
        Axis("time from the onset of the step", "ms", float(time[0]), float(time[-1])),
    )
    return Input(axes=axes, channels=SWEEPS, models=("scalogram_cnn",))


def _check_settings(inputs, feature_set, hero_pA, unusable) -> None:
    """Raises a UserError for what cannot be, before anything is measured."""
    if not inputs:
        raise UserError(f"prepare.inputs is empty; expected one or both of {', '.join(INPUTS)}")
    for name in inputs:
        check_choice("prepare.inputs", name, INPUTS)
    check_choice("prepare.feature_set", feature_set, NAMES)
    check_choice("prepare.unusable", unusable, ("drop", "error"))
    if not hero_pA[0] < hero_pA[1]:
        raise UserError(f"prepare.hero_pA={[*hero_pA]} must be two rising numbers of pA above the rheobase")


def _report(name: str, found: Found, unusable: str, duration_s: float) -> None:
    """Logs a line for each recording left out; raises a UserError when it should, or when nothing is left."""
    lines = [*_lines(found.left_out)]
    left_out = len(found.left_out)
    counted = f"{left_out} of {len(found.used) + left_out} recordings of {name}"
    if not found.used:
        raise_faults(f"{counted}, for steps of prepare.duration_s={duration_s:g} s,", lines)
    if unusable == "error":
        raise_faults(f"{counted} (prepare.unusable=drop leaves them out)", lines)
    for line in lines:
        logger.warning("left out: %s", line)


def _lines(left_out: Sequence[tuple[Entry, str]]) -> Iterator[str]:
    """Yields a line for each recording left out; where many have a reason in common, one for all of them."""
    alike = defaultdict(list)
    for entry, reason in left_out:
        alike[kind_of(reason)].append((entry, reason))
    for alike_ones in alike.values():
        if len(alike_ones) <= SHOWN:
            yield from (f"{named(entry)}: {reason}" for entry, reason in alike_ones)
        else:
            cells = ", ".join(few(entry.cell_id for entry, _ in alike_ones))
            yield f"{len(alike_ones)} cells ({cells}), the first: {alike_ones[0][1]}"


def _left_out(found: Found, of: int) -> Iterator[str]:
    """Yields counts of what was left out, of cells by class and by what the reasons have in common."""
    if found.left_out:
        kinds = Counter(kind_of(reason) for _, reason in found.left_out)
        classes = per_class([entry for entry, _ in found.left_out])
        yield f"{len(found.left_out)} of {of} recordings cannot be used and were left out ({classes}): {reasons(kinds)}"
    if found.sweeps_left_out:
        yield f"{found.sweeps_left_out.total()} sweeps were left out ({reasons(found.sweeps_left_out)})"


def _remarks(found: Found) -> Iterator[str]:
    """Yields what was assumed of recordings, and of which."""
    of = defaultdict(list)
    for entry, one in found.used:
        for note in one.notes:
            of[note].append(entry.cell_id)
    for note, cells in of.items():
        yield f"{len(cells)} of {len(found.used)} cells: {note} ({', '.join(few(cells))})"


def _table(dataset: str, found: Found) -> tuple[Float32[np.ndarray, "row feature"], Input, list[str]]:
    """Returns the features that were measured of any cell, what they are, and notes on those that were not.

    Raises:
        UserError: when there are none.
    """
    entries, kept = [entry for entry, _ in found.used], [one for _, one in found.used]
    names, empty = _columns(kept)
    if not names:
        said = "".join(f"; {remark}" for remark in _remarks(found))
        raise UserError(
            f"dataset {dataset}: no feature was measured of any of its {len(kept)} cells: allensdk found no spike that "
            f"it could measure{said}; prepare.inputs=[scalogram] takes them without features"
        )
    table = np.array([[one.features.get(name, np.nan) for name in names] for one in kept], dtype=np.float32)
    notes = [f"features left out, measured of no cell ({len(empty)}): {', '.join(few(empty))}"] if empty else []
    return table, Input(columns=names, models=TREES), [*notes, *_partly_measured(entries, kept)]


def _columns(kept: Iterable[Measured]) -> tuple[tuple[str, ...], list[str]]:
    """Returns the features of any cell as they come, and apart from them those of which all values are missing."""
    found: dict[str, bool] = {}
    for one in kept:
        for name, value in one.features.items():
            found[name] = found.get(name, False) or not np.isnan(value)
    return tuple(name for name, known in found.items() if known), [name for name, known in found.items() if not known]


def _partly_measured(entries: Sequence[Entry], kept: Sequence[Measured]) -> Iterator[str]:
    for stimulus in STIMULI[1:]:
        name = f"threshold_v_{stimulus} (mV)"
        have = [entry for entry, one in zip(entries, kept) if not np.isnan(one.features.get(name, np.nan))]
        if 0 < len(have) < len(entries):
            counts, of = (Counter(entry.label or "no label" for entry in some) for some in (have, entries))
            shares = ", ".join(f"{label} {counts[label]} of {of[label]}" for label in sorted(of))
            said = stimulus.replace("_", " ")
            yield f"features of a {said} are known of {len(have)} of {len(entries)} cells: {shares}"
