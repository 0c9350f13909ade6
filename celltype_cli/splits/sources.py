"""Train on some sources (laboratories, datasets, kinds of session), test on another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from celltype_cli.cells import UNLABELLED, Cells
from celltype_cli.errors import UserError
from celltype_cli.folds import Fold
from celltype_cli.groups import Fraction, validation_groups


def other_source(
    cells: Cells, *, source: str | None, valid_fraction: Fraction, seed: int | np.integer
) -> Iterator[Fold]:
    """Tests the labelled rows of one source and trains on the rows of all others; null tests each source in turn.

    Validation takes whole groups from training, as in `splits.grouped_kfold`.

    Raises:
        UserError: when there is one source only, or `source` is none of them.
    """
    here = np.unique(cells.source).tolist()
    tested = [name for name in here if (cells.label[cells.source == name] != UNLABELLED).any()]
    if len(here) < 2 or (source is not None and source not in tested):
        needed = (
            "two are needed (of own recordings: column source of the labels)"
            if len(here) < 2
            else f"split.source={source} has no row with a label"
        )
        raise UserError(f"dataset {cells.about.title} has the sources {', '.join(map(repr, here))}: {needed}")
    chosen = tested if source is None else [source]
    for name, stream in zip(chosen, np.random.SeedSequence(int(seed)).spawn(len(chosen))):
        other = cells.source != name
        groups, reason = validation_groups(cells, np.flatnonzero(other), valid_fraction, np.random.default_rng(stream))
        valid, labelled = other & np.isin(cells.group, groups), cells.label != UNLABELLED
        yield Fold(
            train=np.flatnonzero(other & ~valid),
            valid=np.flatnonzero(valid & labelled),
            test=np.flatnonzero(~other & labelled),
            note="; ".join(filter(None, [f"{name} is tested, the other sources train", reason])),
        )
