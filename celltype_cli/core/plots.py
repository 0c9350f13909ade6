"""Pictures of training and scores; one colour per class everywhere.

Importing this file imports matplotlib, so commands import it when they draw. No figure touches pyplot.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from celltype_cli.core.classes import colour_of
from celltype_cli.core.files import replacing

# For classes that conf/classes does not name; these too are told apart by colour-blind readers.
OTHER_COLOURS = ("#E69F00", "#56B4E9", "#8C564B", "#7F7F7F", "#6A3D9A", "#B8B000", "#000000")

# Large enough to be read when a page shows the picture at half its size.
STYLE = {
    "font.size": 15,
    "axes.titlesize": 16,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.constrained_layout.h_pad": 0.12,  # inches
    "figure.constrained_layout.w_pad": 0.12,
    "figure.dpi": 110,
    "savefig.dpi": 110,
}
styled = matplotlib.rc_context(STYLE)


def class_colour(name: str, classes: Sequence[str]) -> str:
    """Returns the colour of a class; where it has none, or an earlier class has taken it, the next free one."""
    taken: dict[str, str] = {}
    for known in sorted(classes, key=lambda known: colour_of(known) is None):
        own = colour_of(known)
        free = [colour for colour in OTHER_COLOURS if colour not in taken.values()] or [OTHER_COLOURS[-1]]
        taken[known] = own if own and own not in taken.values() else free[0]
    return taken[name]


def save(figure: Figure, path: str | Path) -> None:
    """Writes the figure, whole or not at all, in the format of the suffix."""
    with replacing(path) as temporary:
        figure.savefig(temporary)
