"""What a bundle says of recordings, as it is handed on to files and pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from celltype_cli.bundles.familiar import Verdict


@dataclass(frozen=True)
class Answer:
    """What a bundle says of recordings.

    Attributes:
        cells: a line each, in the order of the recordings; those that could not be used have a note and nothing else.
        notes: what the reader of the files and `prepare` have to say.
        verdict: how the cells that were used compare with the training cells; its entries are in the order of `used`.
        examples: the first row of each cell that was used, of the inputs of which the bundle keeps examples.
        unlike: of each of these cells, whether it is unlike training cells of the type that it is taken for.
        recorded: by cell, what gives what there is to see of its recording (`cells.examples`).
        foreign: of each, whether it is of a recording that does not look like the training cells, among others that do.
        accuracy: that cells with a label shall have; None: all have one.
        forced: whether cells have labels whatever the verdict.
        stress: what became of labels when cells were labelled again with errors (`bundles.stress`); None: not tried.
    """

    cells: pd.DataFrame
    notes: tuple[str, ...]
    verdict: Verdict | None
    examples: dict[str, Float[np.ndarray, "cell ..."]]
    unlike: Bool[np.ndarray, " used"]
    foreign: Bool[np.ndarray, " used"]
    recorded: Mapping[str, Callable[[str], Sequence[Any]]]
    accuracy: float | None = None
    forced: bool = False
    stress: pd.DataFrame | None = None

    @property
    def used(self) -> pd.DataFrame:
        """The lines of the cells that could be used."""
        return self.cells[self.cells["best"] != ""]

    @property
    def unused(self) -> pd.DataFrame:
        """The lines of those that could not."""
        return self.cells[self.cells["best"] == ""]
