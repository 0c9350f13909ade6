"""Pictures of training and scores; one colour per class everywhere.

Importing this file imports matplotlib, so commands import it when they draw. No figure touches pyplot.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from celltype_cli.core.classes import colour_of
from celltype_cli.core.files import replacing

# For classes that conf/classes does not name; these too are told apart by colour-blind readers.
OTHER_COLOURS = ("#E69F00", "#56B4E9", "#8C564B", "#7F7F7F", "#6A3D9A", "#B8B000", "#000000")

THIS_CELL, NO_TYPE = "#7A7A7A", "#BBBBBB"  # the cell that is asked about, and one whose type is unknown: of no class

# Large enough to be read when a page shows the picture at half its size.
STYLE = {
    "font.size": 15,
    "axes.titlesize": 16,
    "figure.titlesize": 16,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.constrained_layout.h_pad": 0.12,  # inches
    "figure.constrained_layout.w_pad": 0.12,
    "figure.dpi": 110,
    "pdf.fonttype": 42,  # letters stay letters, which journals and editors of pictures ask for
    "svg.fonttype": "none",
    "svg.hashsalt": "celltype",  # the same picture has the same bytes
}
LONG = 28  # letters of a name that stands in two lines
PNG_DPI = 200  # in print
PRINTED = 0.75  # of the inches at which a figure is drawn; its letters then have 11 points
DATES = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
styled = matplotlib.rc_context(STYLE)


def class_colour(name: str, classes: Sequence[str]) -> str:
    """Returns the colour of a class; where it has none, or an earlier class has taken it, the next free one."""
    taken: dict[str, str] = {}
    for known in sorted(classes, key=lambda known: colour_of(known) is None):
        own = colour_of(known)
        free = [colour for colour in OTHER_COLOURS if colour not in taken.values()] or [OTHER_COLOURS[-1]]
        taken[known] = own if own and own not in taken.values() else free[0]
    return taken[name]


def in_two_lines(name: str) -> str:
    """Breaks a long name before its unit, or at the underscore or blank next to its middle."""
    if len(name) <= LONG:
        return name
    if " (" in name:
        return name.replace(" (", "\n(")
    breaks = [k for k, letter in enumerate(name) if letter in "_ "] or [len(name)]
    middle = min(breaks, key=lambda k: abs(k - len(name) / 2))
    return f"{name[: middle + 1]}\n{name[middle + 1 :]}"


def width(text: str, weight: str = "normal") -> float:
    """Returns how many inches a line of text in a picture is long."""
    return TextPath((0, 0), text, prop=FontProperties(size=STYLE["font.size"], weight=weight)).get_extents().x1 / 72


def save(figure: Figure, stem: str | Path, formats: Sequence[str]) -> list[Path]:
    """Writes the figure as `<stem>.<format>` in each of the formats, whole or not at all, and returns the files."""
    files = {format: Path(f"{stem}.{format}") for format in formats}
    for format, file in files.items():
        content = drawn(figure, format)
        with replacing(file) as temporary:
            temporary.write_bytes(content)
    return [*files.values()]


@styled
def drawn(figure: Figure, format: str, said: str = "") -> bytes:
    """Returns the figure as pdf, svg, or png (of `PNG_DPI` when it is printed at `PRINTED` of its size).

    Args:
        said: a line that the file carries besides, unseen.
    """
    buffer = io.BytesIO()
    carried = {{"pdf": "Subject"}.get(format, "Description"): said} if said else {}
    dots = {"dpi": PNG_DPI * PRINTED, "pil_kwargs": {"dpi": (PNG_DPI, PNG_DPI)}} if format == "png" else {}
    figure.savefig(buffer, format=format, metadata={**DATES.get(format, {}), **carried}, **dots)
    return buffer.getvalue()
