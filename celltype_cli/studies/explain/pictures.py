"""Pictures of what a model looked at: tables as swarms of cells, attributions over time, maps beside scalograms."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from celltype_cli.cells.about import Axis
from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.core.plots import class_colour, styled
from celltype_cli.studies.explain.draw_swarms import swarms
from celltype_cli.studies.explain.saved import Explanation, Part

EXAMPLES = 2  # traces of each class


@styled
def picture(explanation: Explanation, part: Part) -> Figure:
    """Draws a part as its axes allow: a table as a swarm of cells, a trace over time, all else as maps."""
    draw = swarms if part.columns else {1: _over_time}.get(len(part.axes), _maps)
    figure = draw(explanation, part)
    figure.suptitle(f"{explanation.model} on {explanation.title}\n{explanation.tested}")
    return figure


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
        mean.set_title(explanation.classes[c], color=colour, fontweight="bold", loc="left")
        for axes in (mean, *examples)[1 + len(rows[:EXAMPLES]) if len(rows) else 0 :]:
            axes.set_axis_off()
        if not len(rows):
            continue
        mean.fill_between(at, attribution[rows].mean(axis=(0, 1)), color=colour, alpha=0.6, linewidth=0)
        mean.set(ylim=(0, 1.05 * top), ylabel="mean amount")
        mean.text(1, 1.02, explanation.counted(c), transform=mean.transAxes, ha="right", va="bottom", fontsize=12)
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
        said = f"{explanation.classes[c]}\n{explanation.counted(c)}"
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
