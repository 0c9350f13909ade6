"""Two datasets as one: cells to train and test on, and new cells, of another laboratory or task, to test on only.

Source of the idea: Troullinou et al., arXiv:1911.09977, section 4.6, where the traces of the first dataset are cut to
the length of the second. `new_cells.with_new` is the split that goes with it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from celltype_cli.cells.cells import UNLABELLED, About, Cells
from celltype_cli.core.messages import raise_faults

KNOWN, NEW = "known", "new"


def load(*, known: Cells, new: Cells) -> Cells:
    """Joins two datasets of traces, cut to the shorter length; `source` says where a row is from.

    Names of cells and groups get "known_" or "new_" in front, so that none is taken for one of the other dataset.

    Args:
        known: its classes are those of the result.
        new: its classes are some of them, in any order.

    Raises:
        UserError: when inputs, classes, sampling rates or units do not agree.
    """
    raise_faults(f"dataset {known.about.title} with new cells of {new.about.title}", _faults(known, new))
    timesteps = min(cells.inputs["trace"].shape[-1] for cells in (known, new))
    parts = {KNOWN: known, NEW: new}
    index = {name: c for c, name in enumerate(known.classes)}
    place = np.array([*(index.get(name, UNLABELLED) for name in new.classes), UNLABELLED])  # UNLABELLED is the last

    def named(column: str) -> np.ndarray:
        return np.concatenate([[f"{part}_{name}" for name in getattr(cells, column)] for part, cells in parts.items()])

    return Cells(
        inputs={"trace": np.concatenate([cells.inputs["trace"][..., :timesteps] for cells in parts.values()])},
        label=np.concatenate([known.label, place[new.label]]),
        cell_id=named("cell_id"),
        group=named("group"),
        classes=known.classes,
        about=_about(known, new, timesteps),
        source=np.repeat([*parts], [len(cells) for cells in parts.values()]),
    )


def _about(known: Cells, new: Cells, timesteps: int) -> About:
    first, second = known.about, new.about
    notes = [f"{new.n_cells} new cells of {second.title} are tested only", f"traces are cut to {timesteps} samples"]
    return About(
        name=f"{first.name} with new cells of {second.name}",
        simulated=first.simulated or second.simulated,
        sampling_rate=first.sampling_rate,
        unit=first.unit,
        citation="; ".join(dict.fromkeys(filter(None, [first.citation, second.citation]))),
        notes=tuple(dict.fromkeys([*first.notes, *second.notes, *notes])),
    )


def _faults(known: Cells, new: Cells) -> Iterator[str]:
    for part, cells in ((KNOWN, known), (NEW, new)):
        if set(cells.inputs) != {"trace"}:
            yield f"dataset.{part} has the inputs {', '.join(cells.inputs)}, expected trace alone"
        if not len(cells):
            yield f"dataset.{part} has no cells"
    unknown = [name for name in new.classes if name not in known.classes and name in _present(new)]
    if unknown:
        yield f"dataset.new has the classes {', '.join(unknown)}, expected some of {', '.join(known.classes)}"
    for name, unit in (("sampling_rate", " Hz"), ("unit", "")):
        first, second = getattr(known.about, name), getattr(new.about, name)
        if first != second:
            yield f"{name}: {first}{unit} in dataset.known, {second}{unit} in dataset.new; bring both to one"


def _present(cells: Cells) -> set[str]:
    return {cells.classes[label] for label in cells.label if label != UNLABELLED}
