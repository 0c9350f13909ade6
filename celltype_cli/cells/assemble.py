"""From recordings to `Cells`: the checks, notes and warnings that all kinds of recording share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from celltype_cli.core.messages import few


def confound(recordings: Sequence[Any]):
    """Yields a warning where sources hold one class only, so that a score may measure the source.

    Sources are laboratories, datasets or methods; nothing is said where there is one source or one class.
    """
    labelled = [r for r in recordings if r.label]
    held = {source: {r.label for r in labelled if r.source == source} for source in {r.source for r in labelled}}
    single = [r for r in labelled if len(held[r.source]) == 1]
    if len(held) < 2 or len({r.label for r in labelled}) < 2 or not single:
        return
    pairs = Counter((r.source or "source not given", r.label) for r in single).most_common()
    named = "; ".join(few(f"{source}: {label} ({count})" for (source, label), count in pairs))
    extent = "label and laboratory coincide: " if len(single) == len(labelled) else ""
    yield (
        f"{extent}{len(single)} of {len(labelled)} cells come from sources that hold one class only, where a score "
        f"may measure the laboratory and not the cell type ({named})"
    )


def per_class(recordings: Sequence[Any]) -> str:
    counts = Counter(r.label or "unlabelled" for r in recordings)
    return ", ".join(f"{label} {count}" for label, count in sorted(counts.items()))
