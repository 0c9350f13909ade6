"""Draws recordings as a dataset shows them: of one cell per class its panels side by side, lines above each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure, SubFigure

from celltype_cli.cells.examples import Panel, Picture
from celltype_cli.core.plots import styled

ROW, WIDTH = 2.9, 6.0  # inches of a panel
MARK = "#D00000"


@styled
def recordings(shown: Sequence[tuple[str, str, str, Sequence[Panel | Picture]]], title: str) -> Figure:
    """Draws a row per cell.

    Args:
        shown: class, its colour, name of the cell and its panels.
    """
    columns = max(len(panels) for *_, panels in shown)
    figure = Figure(figsize=(WIDTH * columns, 1.5 + ROW * len(shown)), layout="constrained")
    grid = figure.subfigures(len(shown), columns, squeeze=False)
    for row, (name, colour, cell, panels) in zip(grid, shown):
        for part, panel in zip(row, panels):
            if isinstance(panel, Picture):
                _picture(part, panel)
            else:
                _panel(part, panel, colour, f"{name}, cell {cell}" if part is row[0] else "", part in grid[-1])
    lined = [(part, panel) for part, panel in zip(grid[-1], shown[-1][-1]) if isinstance(panel, Panel)]
    labels = {panel.axis.label for _, panel in lined}
    for part, panel in lined if len(labels) > 1 or len(lined) < columns else ():
        part.axes[-1].set_xlabel(panel.axis.label)
    shared = labels.pop() if len(labels) == 1 and len(lined) == columns else ""
    marked = {line.marked: None for *_, panels in shown for panel in panels for line in getattr(panel, "lines", ())
              if len(line.marks)}  # fmt: skip
    found = f"\nred: {', '.join(marked)} found" if marked else ""
    figure.supxlabel(f"{shared}{found}".strip(), fontsize=15)
    figure.suptitle(title)
    return figure


def _panel(part: SubFigure, panel: Panel, colour: str, cell: str, last: bool) -> None:
    axis = panel.axis
    ratios = [line.share for line in panel.lines]
    column = part.subplots(len(panel.lines), 1, squeeze=False, sharex=True, height_ratios=ratios)[:, 0]
    for k, (axes, line) in enumerate(zip(column, panel.lines)):
        at = np.linspace(axis.first, axis.last, len(line.values))
        axes.plot(at, line.values, color="#333333" if k else colour, linewidth=1)
        if len(line.marks):
            low, high = axes.get_ylim()
            axes.vlines(line.marks, high, high + 0.09 * (high - low), color=MARK, linewidth=1)
        axes.set_ylabel(line.unit)
        axes.locator_params(axis="y", nbins=2 if k else 5)
        axes.tick_params(labelbottom=last and axes is column[-1])
    column[0].set_xlim(axis.first, axis.last)
    column[0].set_title(panel.title, loc="right", fontsize=13)
    column[0].set_title(f"{cell}\n", loc="left", fontsize=13, color=colour, fontweight="bold")  # a line higher
    part.align_ylabels(column)


def _picture(part: SubFigure, picture: Picture) -> None:
    axes, (down, across) = part.subplots(), picture.axes
    extent = (across.first, across.last, down.last, down.first)
    shown = axes.imshow(picture.values, aspect="auto", cmap="viridis", extent=extent, interpolation="nearest")
    axes.set_title(picture.title, loc="right", fontsize=13)
    axes.set(xlabel=across.label, ylabel=down.label)
    part.colorbar(shown, ax=axes, label=picture.unit)
