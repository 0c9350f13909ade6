"""Two datasets as one: cells to train and test on, and new cells, of another laboratory or task, to test on only.

Source of the idea: Troullinou et al., arXiv:1911.09977, section 4.6, where the traces of the first dataset are cut to
the length of the second. `splits.wrapped.with_new` is the split that goes with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from celltype_cli.calcium.recording import Recording
from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings, check_kind
from celltype_cli.core.messages import raise_faults

KNOWN, NEW = "known", "new"


def load(*, known: Recordings, new: Recordings) -> Recordings:
    """Joins two datasets of traces; `source` says where a recording is from.

    Names of cells and groups get "known_" or "new_" in front, so that none is taken for one of the other dataset.

    Args:
        known: its classes are those of the result.
        new: its classes are some of them, in any order.

    Raises:
        UserError: when one is of another kind or has no cells, or classes do not agree.
    """
    for part, recordings in ((KNOWN, known), (NEW, new)):
        check_kind(recordings, Recording, f"dataset.{part} takes calcium traces", "choose another dataset")
    raise_faults(f"dataset {known.about.title} with new cells of {new.about.title}", _faults(known, new))
    entries = [
        replace(r, cell_id=f"{part}_{r.cell_id}", group=f"{part}_{r.group or r.cell_id}", source=part)
        for part, recordings in ((KNOWN, known), (NEW, new))
        for r in recordings.entries
    ]
    return Recordings(entries, _about(known.about, new), known.classes)


def _about(first: About, new: Recordings) -> About:
    second = new.about
    note = f"{len(new.entries)} new cells of {second.title} are tested only"
    return About(
        name=f"{first.name} with new cells of {second.name}",
        simulated=first.simulated or second.simulated,
        citation="; ".join(dict.fromkeys(filter(None, [first.citation, second.citation]))),
        notes=tuple(dict.fromkeys([*first.notes, *second.notes, note])),
        group=first.group,
    )


def _faults(known: Recordings, new: Recordings) -> Iterator[str]:
    for part, recordings in ((KNOWN, known), (NEW, new)):
        if not recordings.entries:
            yield f"dataset.{part} has no cells"
    there = {entry.label for entry in known.entries}
    classes = known.classes or tuple(sorted(there))
    if unknown := sorted({entry.label for entry in new.entries} - {"", *classes}):
        yield f"dataset.new has the classes {', '.join(unknown)}, expected some of {', '.join(classes)}"
