"""What one file of calcium traces holds of one cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

SAME_RATE = 1e-3  # rates this close are one rate: half a sample in a window of 480


@dataclass(frozen=True)
class Recording:
    """One cell's trace, as it came from its file.

    Attributes:
        cell_id: unique in the dataset.
        label: cell type; empty where it is unknown.
        group: animal; the cell itself, or empty, where the animal is unknown.
        segments: uninterrupted stretches, in time order.
        sampling_rate: Hz.
        source: laboratory, dataset or method; empty where nothing is known.
        file: where the trace was read from, for messages.
    """

    cell_id: str
    label: str
    group: str
    segments: tuple[Float[np.ndarray, " _"], ...]
    sampling_rate: float
    source: str = ""
    file: str = ""
