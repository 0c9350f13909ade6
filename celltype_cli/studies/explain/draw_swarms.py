"""Draws a table that a model looked at: for each class the columns that count most, a dot per cell (SHAP summaries)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from celltype_cli.core.plots import class_colour, in_two_lines
from celltype_cli.studies.explain.saved import Explanation, Part, summary

SHOWN = 6  # columns of a table
MISSING = "#999999"
DOT = 0.013  # of a panel's width: how far apart dots of a swarm lie


def swarms(explanation: Explanation, part: Part) -> Figure:
    """Draws a panel per class: the columns that count most, a dot per cell at its amount, coloured by its value."""
    mirrored = _mirrored(part)
    classes = [1] if mirrored else range(len(explanation.classes))
    wide = min(len(classes), 2)
    high = -(-len(classes) // wide)
    shown = min(SHOWN, len(part.columns))
    names = [in_two_lines(name.replace("_", " ")) for name in part.columns]
    longest = max(len(line) for name in names for line in name.split("\n"))
    width = 3.3 + 0.1 * longest  # inches, of dots and of letters
    figure = Figure(figsize=(width * wide + 1.2, (1.2 + 0.52 * shown) * high + 1.4), layout="constrained")
    grid = figure.subplots(high, wide, squeeze=False)
    numbers = summary(explanation, part)
    dots = None
    for axes in grid.flat[len(classes) :]:
        axes.set_axis_off()
    for c, axes in zip(classes, grid.flat):
        top = numbers.loc[numbers["class"] == explanation.classes[c], "column"].iloc[:shown]
        if not len(top):
            axes.set_axis_off()
            continue
        rows, attribution = explanation.of_class(part, c)
        columns = [part.columns.index(name) for name in top]
        dots = _swarm(axes, attribution[:, columns], part.values[np.ix_(rows, columns)])
        axes.set_yticks(range(shown), [names[k] for k in columns], fontsize=13)
        name, counted = explanation.classes[c], "" if part.by_class is not None else f": {explanation.counted(c)}"
        colour = class_colour(name, explanation.classes)
        axes.set_title(f"{name}{counted}", color=colour, fontweight="bold", loc="left")
    if dots is not None:
        bar = figure.colorbar(dots, ax=grid, label="value of the column, by rank", shrink=0.6, aspect=30, ticks=[0, 1])
        bar.ax.set_yticklabels(["lowest", "highest"])
    missing = ", grey: not measured" if np.isnan(part.values).any() else ""
    sides = "right: speaks for {1}, left: for {0}" if mirrored else "right: speaks for the class"
    said = f"{sides.format(*explanation.classes)}; a dot is a cell{missing}"
    figure.supxlabel(f"{explanation.quantity}\n{said}", fontsize=15)
    return figure


def _mirrored(part: Part) -> bool:
    """Says whether there are two classes and what speaks for the one speaks against the other: one panel shows both."""
    of = part.by_class
    return of is not None and of.shape[1] == 2 and np.allclose(of[:, 0], -of[:, 1], rtol=1e-3, atol=1e-6)


def _swarm(
    axes: Axes, attribution: Float[np.ndarray, "row column"], values: Float[np.ndarray, "row column"]
) -> PathCollection:
    """Draws one line of dots per column, the first on top; returns the dots for a colour bar."""
    low, high = min(attribution.min(), 0), max(attribution.max(), 0)
    step = DOT * max(high - low, 1e-12)
    for y in range(attribution.shape[1]):
        x, value = attribution[:, y], values[:, y]
        measured = np.isfinite(value)
        height = y + _stacked(np.round(x / step).astype(int))
        axes.scatter(x[~measured], height[~measured], s=16, color=MISSING, linewidths=0, zorder=2)
        rank = np.searchsorted(np.sort(value[measured]), value[measured], side="right") / max(measured.sum(), 1)
        dots = axes.scatter(
            x[measured], height[measured], s=16, c=rank, cmap="coolwarm", vmin=0, vmax=1, linewidths=0, zorder=3
        )
    axes.axvline(0, color="black", linewidth=1, zorder=1)
    axes.set_ylim(attribution.shape[1] - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=5 if high - low > 0.5 else 3)  # of small amounts labels are long
    return dots


def _stacked(place: Int[np.ndarray, " row"]) -> Float[np.ndarray, " row"]:
    """Returns offsets that put dots of one place beside each other, alternately above and below, within 0.4."""
    k = pd.Series(place).groupby(place).cumcount().to_numpy()
    offset = (k + 1) // 2 * np.where(k % 2, 1, -1)
    return offset * min(0.1, 0.4 / max(1, np.abs(offset).max()))
