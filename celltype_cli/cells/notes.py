"""What belongs beside every score: unlabelled cells, unknown animals, names that look alike, confounds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from celltype_cli.core.classes import synonyms
from celltype_cli.core.messages import few
from celltype_cli.core.names import alike, mistyped, probes, sessions, several, shortened, sides

# Words in place of a cell type, in lower case; a class may be meant so, and a note asks.
NO_TYPE = ("?", "??", "-", "--", ".", "-1", "unknown", "unk", "undefined", "unclassified", "unclear", "unsure",
           "undetermined", "unlabeled", "unlabelled", "unassigned", "unidentified", "not assigned", "not determined",
           "ambiguous", "tbd", "missing", "n.d.", "nd", "n.a.", "excluded", "exclude",
           "unsorted", "noise", "mua", "multiunit", "multi-unit", "artifact", "artefact", "bad", "junk")  # fmt: skip
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
MANY = 5  # labels of one cell each, from which they are no accident


def notes(entries: Sequence[Any], group: str) -> Iterator[str]:
    """Yields what must be known of recordings (`assemble.Entry`s) beside every score of them.

    Args:
        group: what a group is called.
    """
    if 0 < (unlabelled := sum(not entry.label for entry in entries)) < len(entries):
        yield f"{unlabelled} of {len(entries)} cells have no label and count for no score"
    if alone := sum(entry.group in ("", entry.cell_id) for entry in entries):
        yield (
            f"the {group} of {alone} of {len(entries)} cells is unknown: each is a group of its own, so that "
            f"cells of one {group} may stand on both sides of a split"
        )
    if doubtful := sorted({entry.label for entry in entries if entry.label.lower() in NO_TYPE}):
        words = ", ".join(doubtful)
        yield f"labels that look like no cell type are classes of their own: {words}; leave them empty if they are none"
    known = [entry for entry in entries if entry.group and entry.label]
    if known and all(entry.group.casefold() == entry.label.casefold() for entry in known):
        yield f"the {group} of each cell has the name of its label: is the column of {group}s that of cell types?"
    yield from _single(entries)
    yield from _alike(entries, group)
    yield from confound(entries)


def _single(entries: Sequence[Any]) -> Iterator[str]:
    """Yields a warning where most labels are of one cell, as where they say more than the type."""
    counts = Counter(entry.label for entry in entries if entry.label)
    single = sorted(label for label, count in counts.items() if count == 1)
    if len(single) >= MANY and 2 * len(single) > len(counts):
        yield (
            f"{len(single)} of {len(counts)} labels are of one cell each ({', '.join(few(single))}): do they say more "
            "than the cell type?"
        )


def _alike(entries: Sequence[Any], group: str) -> Iterator[str]:
    """Yields a warning where names may mean one thing: two classes, or one animal on both sides of a split."""
    for what, of in (("labels", "label"), (f"names of {group}s", "group"), ("sources", "source")):
        names = {getattr(entry, of) for entry in entries} - {""}
        if lost := shortened(names):
            yield (
                f"{what} are numbers that lost their last digits in a spreadsheet ({', '.join(few(lost))}), so that "
                "several may have become one: save them as text"
            )
        if pairs := alike(names):
            yield f"{what} look alike: {'; '.join(few(map(' and '.join, pairs)))}; write them alike if they are one"
    labels = {entry.label for entry in entries} - {""}
    if pairs := mistyped(labels):
        yield f"labels look like one with a mistake: {'; '.join(few(map(' and '.join, pairs)))}; correct it if it is"
    if both := several(labels):
        yield f"labels that name several types are classes of their own: {', '.join(few(both))}; is one of them meant?"
    if 0 < len(numbers := sorted(label for label in labels if NUMBER.fullmatch(label))) < len(labels):
        yield f"labels are in part numbers ({', '.join(few(numbers))}) and in part names: are the numbers cell types?"
    if pairs := [group for group in synonyms(labels) if len({n.casefold() for n in group}) > 1]:
        said = "; ".join(few(map(" and ".join, pairs)))
        yield f"labels that name one type are classes of their own: {said}; write them alike, unless they differ here"
    groups = {entry.group for entry in entries if entry.group != entry.cell_id}
    for what, found in (("sessions", sessions), ("probes", probes), ("the two hemispheres", sides)):
        pairs = found(groups)
        if pairs:
            said = "; ".join(few(map(" and ".join, pairs)))
            yield f"names of {group}s look like {what} of one {group}, which may stand on both sides of a split: {said}"


def confound(entries: Sequence[Any]) -> Iterator[str]:
    """Yields a warning where sources hold one class only, so that a score may measure the source.

    Sources are laboratories, datasets or methods; nothing is said where there is one source or one class.
    """
    labelled = [entry for entry in entries if entry.label]
    held = {source: {e.label for e in labelled if e.source == source} for source in {e.source for e in labelled}}
    single = [entry for entry in labelled if len(held[entry.source]) == 1]
    if len(held) < 2 or len({entry.label for entry in labelled}) < 2 or not single:
        return
    pairs = Counter((entry.source or "source not given", entry.label) for entry in single).most_common()
    said = "; ".join(few(f"{source}: {label} ({count})" for (source, label), count in pairs))
    extent = "label and laboratory coincide: " if len(single) == len(labelled) else ""
    yield (
        f"{extent}{len(single)} of {len(labelled)} cells come from sources that hold one class only, where a score "
        f"may measure the laboratory and not the cell type ({said})"
    )
