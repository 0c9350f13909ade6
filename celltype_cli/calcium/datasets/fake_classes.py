"""The null that keeps a score honest: cells of one true class, labelled by where they come from.

Sources are laboratory, indicator and preparation. A model that tells the sources of one class apart as well as it tells
the classes apart has shown that it can tell laboratories; its score on the classes is then no evidence of more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from celltype_cli.calcium.recording import Recording
from celltype_cli.core.messages import UserError

LEAST_CELLS = 5  # of a source, so that the usual five folds test each in turn


def fake_classes(recordings: Sequence[Recording]) -> tuple[list[Recording], tuple[str, ...]]:
    """Keeps the class that most sources hold, and makes its sources the labels.

    As many sources are kept as there are true classes, so that chance is the same for both: the largest of each
    laboratory (what stands before the first comma of a source), then second ones, none of fewer than five cells.

    Returns:
        the kept recordings under their new labels, and the warnings that belong beside every score of them.

    Raises:
        UserError: when no class comes from two sources with enough cells.
    """
    sizes = Counter((r.label, r.source) for r in recordings if r.label)
    enough = [pair for pair, count in sizes.items() if count >= LEAST_CELLS]
    sources = Counter(label for label, _ in enough)
    n_classes = len({label for label, _ in sizes})
    true = max(sorted(sources), key=sources.get, default="")
    if sources[true] < 2:
        raise UserError(
            f"dataset.null=fake_classes needs a class with {LEAST_CELLS} or more cells from each of two "
            f"sources; found {_listed(sizes)}; choose a dataset.subset of several laboratories, as all"
        )
    by_size = sorted((source for label, source in enough if label == true), key=lambda s: (-sizes[true, s], s))
    laboratory = [source.split(",")[0] for source in by_size]
    turn = [laboratory[:k].count(laboratory[k]) for k in range(len(by_size))]
    chosen = [by_size[k] for k in np.argsort(turn, kind="stable")[:n_classes]]
    kept = [
        replace(r, label=r.source.replace(",", ""), source="")
        for r in recordings
        if r.label == true and r.source in chosen
    ]
    fewer = f", though the real ones are {n_classes}" if len(chosen) < n_classes else ""
    notes = (
        f"this is a null: all cells are {true}, and the {len(chosen)} classes are where they come from, not cell types"
        f"{fewer}; a model that scores as high on the real classes may have learned the laboratory",
    )
    return kept, notes


def _listed(sizes: Counter) -> str:
    pairs = "; ".join(f"{label}: {source} ({count})" for (label, source), count in sizes.most_common(6))
    return pairs or "no labelled cell"
