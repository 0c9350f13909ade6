"""Pictures that compare models: with the published figures, and class by class.

One colour per class, as in `plots`, and one per model; no colour means both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isnan

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from celltype_cli.core.plots import class_colour, styled
from celltype_cli.studies.papers.report.lines import Line

# After Tol's "muted" palette, made for colour-blind readers; dark enough for text on white.
MODEL_COLOURS = {
    "cnn1d": "#332288",
    "rnn": "#117733",
    "lstm": "#AA4499",
    "svm_rbf": "#8A8A1F",
    "svm_linear": "#2A9D8F",
    "svm_poly": "#8C564B",
    "adaboost": "#882255",
    "mobilenet_v2": "#5B2A86",
    "inception_v3": "#2C6E91",
    "densenet121": "#3B7A1F",
    "resnet18": "#B5446E",
    "lightgbm": "#A63603",
    "lightgbm_svm": "#3A3F5C",
}
OTHER_MODELS = ("#CC6677", "#6699CC", "#555555", "#B8860B", "#000000")
FLOOR = "#D00000"


def model_colour(name: str, models: Sequence[str]) -> str:
    """Returns a model's colour; one that has none takes the next free one, in the order given."""
    others = [model for model in dict.fromkeys(models) if model not in MODEL_COLOURS]
    return MODEL_COLOURS.get(name) or OTHER_MODELS[others.index(name) % len(OTHER_MODELS)]


@styled
def published_dots(lines: Sequence[Line], colour: Callable[[Line], str], score: str, title: str) -> Figure:
    """Draws published, ours and ours with animals kept apart, a line each; bars are sd, sd and the 95 % interval."""
    starts = [i for i, line in enumerate(lines) if i and line.group != lines[i - 1].group]
    y = np.array([i + 0.5 * sum(start <= i for start in starts) for i in range(len(lines))])
    figure = Figure(figsize=(12, 2.6 + 0.5 * (y[-1] + 1)), layout="constrained")
    axes = figure.subplots()
    for place, line in zip(y, lines):
        own = colour(line)
        axes.axhspan(place - 0.44, place + 0.44, color=own, alpha=0.06, linewidth=0)
        if not isnan(line.floor):
            axes.plot([line.floor] * 2, [place - 0.44, place + 0.44], color=FLOOR, linewidth=2)
        low, high = line.published - line.published_sd, line.published + line.published_sd
        _mark(axes, place - 0.24, line.published, low, high, "black", "D", "white")
        _mark(axes, place, line.ours, line.ours - line.ours_sd, line.ours + line.ours_sd, own, "o", own)
        _mark(axes, place + 0.24, line.apart, line.apart_low, line.apart_high, own, "o", "white")
    axes.set_yticks(y, [line.name for line in lines])
    for label, line in zip(axes.get_yticklabels(), lines):
        label.set_color(colour(line))
    for i, (place, line) in enumerate(zip(y, lines)):
        if (i == 0 or i in starts) and len(starts) < len(lines) - 1:
            own = colour(line) if all(colour(o) == colour(line) for o in lines if o.group == line.group) else "black"
            text = {"ha": "left", "va": "center", "fontweight": "bold", "color": own}
            axes.text(1.01, place, line.group, transform=axes.get_yaxis_transform(), **text)
    axes.set(ylim=(y[-1] + 0.6, -0.6), xlabel=score)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    figure.legend(handles=_dots_legend(lines), loc="outside lower center", ncols=2)
    figure.suptitle(title)
    return figure


@styled
def confusions(rows: Mapping[str, Mapping[str, pd.DataFrame]], columns: Sequence[str], title: str) -> Figure:
    """Draws matrices of shares of the true class side by side: a column per model, a row per way of testing.

    Args:
        rows: by way of testing, by column: shares, true class by predicted class; what there is not stays empty.
    """
    n = max(len(shares) for row in rows.values() for shares in row.values())
    side = 0.5 + 0.85 * n
    figure = Figure(figsize=(2.6 + side * len(columns), 1.5 + side * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), len(columns), squeeze=False)
    mesh = None
    for place, (axes_of_row, (way, row)) in enumerate(zip(grid, rows.items())):
        for axes, column in zip(axes_of_row, columns):
            axes.tick_params(length=0, labelbottom=place == len(rows) - 1)
            axes.spines[:].set_visible(False)
            if place == 0:
                axes.set_title(column, fontweight="bold")
            if column in row:
                mesh = _matrix(axes, row[column], named=column == next(c for c in columns if c in row))
            else:
                axes.set(xticks=[], yticks=[], box_aspect=1)
                axes.text(0.5, 0.5, "not run", ha="center", va="center", transform=axes.transAxes, color="#777777")
        axes_of_row[0].set_ylabel(f"{way}\n\ntrue")
    for axes in grid[-1]:
        axes.set_xlabel("predicted")
    figure.colorbar(mesh, ax=grid, label="share of the true class", shrink=0.6, aspect=30)
    figure.suptitle(title)
    return figure


def _matrix(axes: Axes, shares: pd.DataFrame, named: bool) -> QuadMesh:
    names = [*shares.index]
    values: Float[np.ndarray, "true predicted"] = shares.to_numpy(float)
    mesh = axes.pcolormesh(values, cmap="Blues", vmin=0, vmax=1, edgecolors="white", linewidth=1.5)
    for row, column in np.ndindex(values.shape):
        if not isnan(values[row, column]):
            colour = "white" if values[row, column] > 0.55 else "black"
            text = f"{values[row, column]:.2f}"
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=colour)
    axes.set(aspect="equal", ylim=(len(names), 0))
    for axis, labels in ((axes.xaxis, names), (axes.yaxis, names if named else [""] * len(names))):
        axis.set_ticks(np.arange(len(names)) + 0.5, labels)
        for label, name in zip(axis.get_ticklabels(), names):
            label.set(color=class_colour(name, names), fontweight="bold")
    return mesh


def _mark(axes: Axes, y: float, value: float, low: float, high: float, colour: str, marker: str, face: str) -> None:
    if isnan(value):
        return
    if not isnan(low):
        axes.plot([low, high], [y, y], color=colour, linewidth=2.2, solid_capstyle="butt")
    axes.plot(value, y, marker, markersize=7.5, markerfacecolor=face, markeredgecolor=colour, markeredgewidth=1.8)


def _dots_legend(lines: Sequence[Line]) -> list[Line2D]:
    """Explains the marks that are drawn; ours always."""
    shared = {"markersize": 8, "linewidth": 2.2}
    paper = Line2D([], [], color="black", marker="D", markerfacecolor="white", label="published, mean and sd", **shared)
    entries = [
        *([paper] if any(not isnan(line.published) for line in lines) else []),
        Line2D([], [], color="#444444", marker="o", label="ours, random splits, mean and sd", **shared),
        Line2D([], [], color="#444444", marker="o", markerfacecolor="white",
               label="ours, animals kept apart, 95 % interval", **shared),
    ]  # fmt: skip
    guess = Line2D([], [], color=FLOOR, linewidth=2, label="guessing the most frequent class")
    return [*entries, *([guess] if any(not isnan(line.floor) for line in lines) else [])]
