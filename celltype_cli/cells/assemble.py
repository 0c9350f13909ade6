"""From recordings to `Cells`: the choice, checks, notes and warnings that all kinds of recording share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Shaped

from celltype_cli.cells.about import About
from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.cells.notes import notes
from celltype_cli.core.classes import in_order
from celltype_cli.core.messages import UserError, few, grouped, nearest, raise_faults

Item = TypeVar("Item")
CHOSEN = "leave out `prepare=`, the dataset chooses one"


@runtime_checkable
class Entry(Protocol):
    """What every kind of recording says of the cell it is of.

    Attributes:
        cell_id: unique in the dataset.
        label: cell type; empty where it is unknown.
        group: animal, donor or recording; empty where it is unknown, and the cell is then a group of its own.
        source: laboratory, dataset or method; empty where nothing is known.
        file: where it was read from, for messages.
    """

    cell_id: str
    label: str
    group: str
    source: str
    file: str


@dataclass(frozen=True)
class Recordings:
    """What a dataset returns: its recordings, which a `prepare` makes `Cells` of.

    Attributes:
        entries: one recording a cell.
        about: what the dataset is; `prepare` adds what the inputs are.
        classes: labels that may occur, in the order of the probabilities; None for those that do.
        lost: cells and files that could not be read, a line "<where>: <what is wrong>" each.
    """

    entries: Sequence[Any]
    about: About
    classes: tuple[str, ...] | None = None
    lost: tuple[str, ...] = ()


def finished(cells: Cells | Recordings) -> Cells:
    """Passes on what a dataset has measured already."""
    if not isinstance(cells, Cells):
        raise UserError(
            f"prepare=finished takes tables and finished images; {cells.about.title} gives recordings: {CHOSEN}"
        )
    return cells


def check_kind(recordings: Any, kind: type, wanted: str, instead: str = CHOSEN) -> None:
    """Raises a UserError unless a dataset gave recordings of a kind.

    Args:
        wanted: who takes what: "prepare=windows takes calcium traces".
        instead: what to type.
    """
    if not isinstance(recordings, Recordings):
        raise UserError(f"{wanted}; {recordings.about.title} gives finished tables or images: {instead}")
    if other := next((entry for entry in recordings.entries if not isinstance(entry, kind)), None):
        raise UserError(f"{wanted}; {recordings.about.title} gives others, the first {named(other)}: {instead}")


def check(recordings: Recordings) -> None:
    """Raises a UserError with all faults of ids and labels at once: none, empty, repeated, or not among the classes."""
    raise_faults(f"dataset {recordings.about.name}", faults(recordings))


def faults(recordings: Recordings) -> Iterator[str]:
    entries, classes = recordings.entries, recordings.classes
    if not entries:
        yield "it holds no recording"
    for cell, count in Counter(entry.cell_id for entry in entries).items():
        if cell and count == 1:
            continue
        files = sorted({entry.file for entry in entries if entry.cell_id == cell} - {""})
        where = f" ({', '.join(few(files))})" if files else ""
        if not cell:
            yield f"the cell_id of {count} cells is empty{where}; name each cell"
        else:
            yield f"cell {cell} occurs {count} times{where}; make the ids unique, or join its recordings"
    for entry in entries:
        if classes is not None and entry.label and entry.label not in classes:
            yield (
                f"{named(entry)}: its label {entry.label!r} is none of {', '.join(classes)}"
                f"{nearest(entry.label, classes)}; correct it, or add it to dataset.classes"
            )


def assemble(
    recordings: Recordings,
    kept: Sequence[Entry],
    inputs: dict[str, Shaped[np.ndarray, "row ..."]],
    counts: Sequence[int] | None = None,
    conditions: Mapping[str, Sequence[float]] | None = None,
) -> Cells:
    """Lays rows out as `Cells`, with the notes that belong beside every score.

    Args:
        recordings: what the dataset gave; its `about` describes the inputs.
        kept: the recordings that rows were made of.
        inputs: by name, the rows of the first recording first.
        counts: rows of each recording; None for one each.
        conditions: by name, how each recording was made (`Cells.conditions`), which its `about` describes.

    Raises:
        UserError: as `Cells` does.
    """
    about = recordings.about
    classes = recordings.classes or tuple(in_order({entry.label for entry in kept} - {""}))
    index = {"": UNLABELLED, **{name: i for i, name in enumerate(classes)}}
    row = np.repeat(np.arange(len(kept)), 1 if counts is None else counts)
    return Cells(
        inputs=inputs,
        label=np.array([index[entry.label] for entry in kept])[row],
        cell_id=np.array([entry.cell_id for entry in kept])[row],
        group=np.array([entry.group or entry.cell_id for entry in kept])[row],
        source=np.array([entry.source for entry in kept])[row],
        classes=tuple(classes),
        conditions={name: np.array(values, dtype=float)[row] for name, values in (conditions or {}).items()},
        about=replace(about, notes=(*about.notes, *_lost(recordings.lost), *notes(kept, about.group))),
    )


def _lost(lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{len(lines)} cells or files that cannot be read are left out: {'; '.join(few(grouped(lines)))}"


def named(entry: Entry) -> str:
    """Names a recording in a message."""
    return f"cell {entry.cell_id} ({entry.file})" if entry.file else f"cell {entry.cell_id}"


def per_class(entries: Sequence[Entry]) -> str:
    """Counts recordings by class: "PV 3, SOM 1"."""
    counts = Counter(entry.label or "unlabelled" for entry in entries)
    return ", ".join(f"{label} {count}" for label, count in sorted(counts.items()))


def spread(
    items: Sequence[Item],
    per_class: int,
    classes: Sequence[str],
    label: Callable[[Item], str],
    origin: Callable[[Item], tuple[str, str]],
) -> list[Item]:
    """Chooses a few of each class, in turn, from the animal, then the Cre line, of which least was chosen.

    Those chosen for a smaller number are the first of those chosen for a larger one.

    Args:
        origin: animal and Cre line of an item, or what stands for the line.
    """
    chosen = []
    for name in classes:
        waiting, animals, lines = [item for item in items if label(item) == name], Counter(), Counter()
        for _ in range(min(per_class, len(waiting))):
            best = min(waiting, key=lambda item: (animals[origin(item)[0]], lines[origin(item)[1]]))
            waiting.remove(best)
            animals[origin(best)[0]] += 1
            lines[origin(best)[1]] += 1
            chosen.append(best)
    return chosen
