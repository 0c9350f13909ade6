"""What a dataset can show of a recording beside its inputs: lines over a common axis, with marks at what was found, and
pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from celltype_cli.cells.about import Axis


@dataclass(frozen=True)
class Line:
    """One recorded or applied quantity.

    Attributes:
        values: evenly along the axis of the panel.
        unit: of the values.
        marks: places on the axis at which something was found.
        marked: what that is, "spikes".
        share: of the panel's height, compared with its other lines.
    """

    values: Shaped[np.ndarray, " place"]
    unit: str
    marks: Float[np.ndarray, " mark"] | tuple[float, ...] = ()
    marked: str = ""
    share: float = 1.0


@dataclass(frozen=True)
class Panel:
    """Lines above each other over one axis; `title` says what they are."""

    title: str
    axis: Axis
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Picture:
    """Values over two axes, down and across; `title` says what they are."""

    title: str
    axes: tuple[Axis, Axis]
    values: Shaped[np.ndarray, "down across"]
    unit: str
