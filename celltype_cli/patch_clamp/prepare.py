"""Patched cells as examples: of each cell the two sweeps that stand for it, as features, as scalograms, or as both.

`measure` makes of a whole recording the little that is kept of it, so that recordings can be read one at a time;
`to_cells` makes `Cells` of what was measured. All sources of current-clamp recordings go through these two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from celltype_cli.cells.assemble import confound
from celltype_cli.cells.cells import UNLABELLED, About, Axis, Cells
from celltype_cli.core.messages import UserError, check_choice, few, nearest, raise_faults
from celltype_cli.patch_clamp import scalogram_cache, scalograms
from celltype_cli.patch_clamp.choice import HERO_PA, chosen
from celltype_cli.patch_clamp.features.cell import NAMES, STIMULI
from celltype_cli.patch_clamp.features.cell import features as measured_features
from celltype_cli.patch_clamp.recording import RecordedCell
from celltype_cli.patch_clamp.stimuli import MARGIN_S

CLASSES = ("Pvalb", "Excitatory", "Vip/Lamp5", "Sst")
INPUTS = ("features", "scalogram")
SWEEPS = ("rheobase", "rheobase + 40 pA")
RATE = 4000.0  # Hz, of the windows


@dataclass(frozen=True)
class PatchedCell:
    """What is kept of a recorded cell.

    Attributes:
        cell_id: unique in the dataset.
        label: cell type; empty where it is unknown.
        group: donor animal; empty where it is unknown.
        source: laboratory, dataset or method; empty where nothing is known.
        windows: the responses at rheobase and at rheobase + 40 pA, mV at 4 kHz, from 0.1 s before the step to 0.1 s
            after it, as `scalograms.stimulus_window` returns them.
        features: value of each feature, NaN where it could not be measured; names with units: "tau (ms)".
    """

    cell_id: str
    label: str
    group: str
    source: str
    windows: Float32[np.ndarray, "2 timesteps"]
    features: dict[str, float]


def measure(
    cell: RecordedCell,
    *,
    label: str = "",
    group: str = "",
    source: str = "",
    features: str | None = "two_sweep",
    duration_s: float = 1.0,
    hero_pA: tuple[float, float] = HERO_PA,
) -> PatchedCell:
    """Chooses the two sweeps of a cell, cuts and resamples them, and measures the features.

    Args:
        label, group, source: as in `PatchedCell`.
        features: which set of `ephys_features.features`, "two_sweep", "long_square" or "all"; None for none.
        duration_s: of the long squares of the protocol.
        hero_pA: how far above the rheobase the second sweep lies, limits excluded.

    Raises:
        UserError: with the reason why the cell cannot be used, for instance because it has not both sweeps; the
            caller knows which cell it is.
    """
    two = chosen(cell.sweeps, duration_s, hero_pA=hero_pA)
    windows = [
        scalograms.stimulus_window(
            square.sweep.voltage,
            square.sweep.sampling_rate,
            square.step.onset_s,
            new_rate=RATE,
            before=MARGIN_S,
            duration=duration_s,
            after=MARGIN_S,
        )
        for square in (two.rheobase, two.hero)
    ]
    measured = {} if features is None else measured_features(two, features, cell.sweeps)
    return PatchedCell(cell.cell_id, label, group, source, np.stack(windows), measured)


def to_cells(
    cells: Sequence[PatchedCell],
    *,
    about: About,
    inputs: Sequence[str],
    size: Sequence[int],
    cache: str | Path,
    classes: Sequence[str] = CLASSES,
) -> Cells:
    """Makes examples of measured cells, one row for each.

    Args:
        about: what the dataset is; names of features, axes and notes are added to it.
        inputs: "features" for a table [row, feature], "scalogram" for images [row, 2, frequency, time] of the sweeps
            at rheobase and at rheobase + 40 pA; or both.
        size: of the images, rows and columns.
        cache: folder for the images.
        classes: labels that may occur, in the order of the probabilities.

    Raises:
        UserError: with all faults at once: no cells, unknown labels, ids that are empty or occur twice, windows of
            several lengths, no feature at all.
    """
    where = f"dataset {about.name}"
    check_settings(inputs, None, size)
    raise_faults(where, _faults(cells, classes))
    made: dict[str, np.ndarray] = {}
    notes = [*about.notes]
    if "features" in inputs:
        names, empty = _columns(cells)
        if not names:
            raise UserError(f"{where}: no feature was measured of any of its {len(cells)} cells")
        table = [[cell.features.get(name, np.nan) for name in names] for cell in cells]
        made["features"] = np.array(table, dtype=np.float32)
        about = replace(about, features=names)
        if empty:
            notes.append(f"features left out, measured of no cell ({len(empty)}): {', '.join(few(empty))}")
    if "scalogram" in inputs:
        windows = np.stack([cell.windows for cell in cells])
        made["scalogram"] = scalogram_cache.scalograms(
            windows, folder=cache, size=tuple(map(int, size)), sampling_rate=RATE
        )
        about = replace(about, axes={"scalogram": axes(windows.shape[-1], size)}, channels={"scalogram": SWEEPS})
    index = {"": UNLABELLED, **{name: i for i, name in enumerate(classes)}}
    return Cells(
        inputs=made,
        label=np.array([index[cell.label] for cell in cells]),
        cell_id=np.array([cell.cell_id for cell in cells]),
        group=np.array([cell.group or cell.cell_id for cell in cells]),
        source=np.array([cell.source for cell in cells]),
        classes=tuple(classes),
        about=replace(about, notes=(*notes, *_notes(cells, about))),
    )


def check_settings(inputs: Sequence[str], features: str | None, size: Sequence[int]) -> None:
    """Raises a UserError for inputs, a set of features or a size that there cannot be, before anything is measured."""
    if not inputs:
        raise UserError(f"dataset.inputs is empty; expected one or both of {', '.join(INPUTS)}")
    for name in inputs:
        check_choice("dataset.inputs", name, INPUTS)
    if features is not None:
        check_choice("dataset.features", features, NAMES)
    if len(size) != 2 or not all(isinstance(n, int) and n > 0 for n in size):
        raise UserError(
            f"dataset.size={[*size]}: expected two whole numbers of pixels, frequencies and times: [224,224]"
        )


def axes(timesteps: int, size: Sequence[int]) -> tuple[Axis, Axis]:
    """Returns frequency and time at the centres of the first and the last pixel of a resized scalogram.

    Args:
        timesteps: samples in a window at `RATE`, the first `MARGIN_S` before the onset of the step.
    """
    frequency = scalograms.resize_axis(scalograms.frequencies(), size[0])
    time = scalograms.resize_axis(1e3 * (np.arange(timesteps) / RATE - MARGIN_S), size[1])
    return (
        Axis("frequency", "Hz", float(frequency[0]), float(frequency[-1])),
        Axis("time from the onset of the step", "ms", float(time[0]), float(time[-1])),
    )


def _faults(cells: Sequence[PatchedCell], classes: Sequence[str]) -> Iterator[str]:
    if not cells:
        yield "it holds no cell"
    for cell_id, count in Counter(cell.cell_id for cell in cells).items():
        if not cell_id:
            yield f"the cell_id of {count} cells is empty; name each cell"
        elif count > 1:
            yield f"cell {cell_id} occurs {count} times; make the ids unique"
    for cell in cells:
        if cell.label and cell.label not in classes:
            yield (
                f"cell {cell.cell_id}: its label {cell.label!r} is none of {', '.join(classes)}"
                f"{nearest(cell.label, classes)}; correct it, or add it to dataset.classes"
            )
    lengths = Counter(cell.windows.shape[-1] for cell in cells)
    if len(lengths) > 1:
        found = ", ".join(f"{length / RATE:g} s in {count} cells" for length, count in lengths.most_common())
        yield f"its windows differ in length ({found}); expected steps of one duration"


def _columns(cells: Iterable[PatchedCell]) -> tuple[tuple[str, ...], list[str]]:
    """Returns the features of any cell as they come, and apart from them those of which all values are missing."""
    found: dict[str, bool] = {}
    for cell in cells:
        for name, value in cell.features.items():
            found[name] = found.get(name, False) or not np.isnan(value)
    return tuple(name for name, known in found.items() if known), [name for name, known in found.items() if not known]


def _notes(cells: Sequence[PatchedCell], about: About) -> Iterator[str]:
    if 0 < (unlabelled := sum(not cell.label for cell in cells)) < len(cells):
        yield f"{unlabelled} of {len(cells)} cells have no label and count for no score"
    for stimulus in STIMULI[1:]:
        name = f"threshold_v_{stimulus} (mV)"
        have = [cell for cell in cells if not np.isnan(cell.features.get(name, np.nan))]
        if 0 < len(have) < len(cells):
            counts, of = (Counter(cell.label or "no label" for cell in some) for some in (have, cells))
            shares = ", ".join(f"{label} {counts[label]} of {of[label]}" for label in sorted(of))
            yield f"features of a {stimulus.replace('_', ' ')} are known of {len(have)} of {len(cells)} cells: {shares}"
    alone = sum(not cell.group for cell in cells)
    if alone and not about.simulated:
        yield (
            f"the donor of {alone} of {len(cells)} cells is unknown: each is a group of its own, so that cells of one "
            "animal may stand on both sides of a split"
        )
    yield from confound(cells)
