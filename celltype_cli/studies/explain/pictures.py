"""Pictures of what a model looked at: SHAP summaries of tables, attributions over time, maps beside scalograms."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from celltype_cli.cells.about import Axis
from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.core.plots import class_colour, in_two_lines, styled
from celltype_cli.studies.explain.saved import Explanation, Part, summary

SHOWN = 6  # columns of a table
EXAMPLES = 2  # traces of each class
MISSING = "#999999"
DOT = 0.013  # of a panel's width: how far apart dots of a swarm lie


@styled
def picture(explanation: Explanation, part: Part) -> Figure:
    """Draws a part as its axes allow: a table as a swarm of cells, a trace over time, all else as maps."""
    draw = _swarms if part.columns else {1: _over_time}.get(len(part.axes), _maps)
    figure = draw(explanation, part)
    figure.suptitle(f"{explanation.model} on {explanation.title}\n{explanation.tested}")
    return figure


def _heading(axes: Axes, explanation: Explanation, c: int, *, below: str = "") -> None:
    """Titles a panel with the class in its colour."""
    name = explanation.classes[c]
    colour = class_colour(name, explanation.classes)
    axes.set_title(f"{name}{below}", color=colour, fontweight="bold", loc="left")


def _counted(explanation: Explanation, c: int) -> str:
    rows = explanation.predicted == c
    return f"{rows.sum()} cells, {(rows & (explanation.label == c)).sum()} right"


# Tables


def _swarms(explanation: Explanation, part: Part) -> Figure:
    """One panel per class: the columns that count most, a dot per cell at its attribution, coloured by its value."""
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
        _heading(axes, explanation, c, below="" if part.by_class is not None else f": {_counted(explanation, c)}")
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


# Traces


def _over_time(explanation: Explanation, part: Part) -> Figure:
    """One row per class: mean absolute attribution along the axis, and examples with their own behind the trace."""
    values, attribution = part.channels("values"), np.abs(part.channels("attribution"))
    (axis,) = part.axes
    at = np.linspace(axis.first, axis.last, values.shape[-1])
    n = len(explanation.classes)
    figure = Figure(figsize=(4.3 * (1 + EXAMPLES), 2.3 * n + 1.6), layout="constrained")
    grid = figure.subplots(n, 1 + EXAMPLES, squeeze=False, sharex=True)
    top = max(float(attribution[explanation.predicted == c].mean(axis=(0, 1)).max()) for c in {*explanation.predicted})
    for c, (mean, *examples) in enumerate(grid):
        rows = np.flatnonzero(explanation.predicted == c)
        rows = rows[np.argsort(explanation.label[rows] != c, kind="stable")]  # as examples those that are right
        colour = class_colour(explanation.classes[c], explanation.classes)
        _heading(mean, explanation, c)
        for axes in (mean, *examples)[1 + len(rows[:EXAMPLES]) if len(rows) else 0 :]:
            axes.set_axis_off()
        if not len(rows):
            continue
        mean.fill_between(at, attribution[rows].mean(axis=(0, 1)), color=colour, alpha=0.6, linewidth=0)
        mean.set(ylim=(0, 1.05 * top), ylabel="mean amount")
        mean.text(1, 1.02, _counted(explanation, c), transform=mean.transAxes, ha="right", va="bottom", fontsize=12)
        for axes, row in zip(examples, rows):
            size = attribution[row].mean(axis=0)
            axes.plot(at, values[row].T, color=colour, linewidth=1, zorder=3)
            low, high = axes.get_ylim()
            axes.imshow(size[None], aspect="auto", cmap="Greys", vmin=0, vmax=size.max() * 1.3 or 1, zorder=1,
                        extent=(axis.first, axis.last, low, high), interpolation="nearest")  # fmt: skip
            known = explanation.label[row] != UNLABELLED
            said = f", labelled {explanation.classes[explanation.label[row]]}" if known else ""
            axes.set_title(f"cell {explanation.cell_id[row]}{said}", fontsize=12, loc="right")
            axes.set_ylabel(part.unit)
            axes.locator_params(axis="y", nbins=3)
    grid[0, 0].set_xlim(axis.first, axis.last)
    said = f"amount: {explanation.quantity}; in examples the darker, the more"
    figure.supxlabel(f"{axis.label}\n{said}", fontsize=15)
    return figure


# Maps


def _maps(explanation: Explanation, part: Part) -> Figure:
    """One row per predicted class; for each channel the mean input, and beside it the mean attribution."""
    shown = [c for c in range(len(explanation.classes)) if (explanation.predicted == c).any()]
    inputs, amounts = (
        {c: part.channels(name)[explanation.predicted == c].mean(axis=0) for c in shown}
        for name in ("values", "attribution")
    )
    vertical, horizontal = part.axes
    channels, height, width = inputs[shown[0]].shape
    missed = [name for c, name in enumerate(explanation.classes) if c not in shown]
    how = {
        "extent": (*_edges(horizontal, width), *_edges(vertical, height)),
        "origin": "lower", "aspect": "auto", "interpolation": "nearest",
    }  # fmt: skip
    signed = min(amount.min() for amount in amounts.values()) < 0
    figure = Figure(figsize=(2.5 * 2 * channels + 1.5, 2.1 * len(shown) + 2.2), layout="constrained")
    grid = figure.subplots(len(shown), 2 * channels, squeeze=False, sharex=True, sharey=True)
    for line, c in zip(grid, shown):
        most = np.quantile(np.abs(amounts[c]), 0.998) or 1.0  # a few pixels would else hide all others
        for k, (left, right) in enumerate(line.reshape(channels, 2)):
            low, high = (f([f(mean[k]) for mean in inputs.values()]) for f in (np.min, np.max))
            left.imshow(inputs[c][k], cmap="viridis", vmin=low, vmax=high, **how)
            scaled = amounts[c][k] / most
            image = right.imshow(scaled, cmap="RdBu_r" if signed else "magma", vmin=-1 if signed else 0, vmax=1, **how)
        colour = class_colour(explanation.classes[c], explanation.classes)
        said = f"{explanation.classes[c]}\n{_counted(explanation, c)}"
        line[0].set_ylabel(said, color=colour, fontweight="bold", fontsize=12)
    for k, axes in enumerate(grid[0]):
        what = "mean attribution" if k % 2 else "mean input"
        axes.set_title(what if channels == 1 else f"{part.name_of(k // 2)}\n{what}", fontsize=15)
        axes.locator_params(axis="x", nbins=3)
    ends = {-1: "against the class", 0: "nothing", 1: "for the class" if signed else "most"}
    bar = figure.colorbar(image, ax=grid, shrink=0.6, aspect=30, ticks=[-1, 0, 1] if signed else [0, 1])
    bar.ax.set_yticklabels([ends[t] for t in bar.get_ticks()], rotation=90, va="center")
    figure.supylabel(vertical.label, fontsize=15)
    never = f" (of {', '.join(missed)} no cell)" if missed else ""
    said = f"{explanation.quantity}\neach class on its own scale; rows: predicted class{never}"
    figure.supxlabel(f"{horizontal.label}\n{said}", fontsize=15)
    return figure


def _edges(axis: Axis, n: int) -> tuple[float, float]:
    """Returns where the first pixel begins and the last one ends; the axis holds their centres."""
    half = (axis.last - axis.first) / max(n - 1, 1) / 2
    return axis.first - half, axis.last + half
