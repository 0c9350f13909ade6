"""The picture of a network's codes: training cells faint, test cells in the colours of their types."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from celltype_cli.core.plots import class_colour, styled
from celltype_cli.studies.explain.codes import Map

WITHOUT = "#BBBBBB"  # of cells without a label


@styled
def draw(found: Map, classes: Sequence[str], title: str) -> Figure:
    """Draws a dot for each cell; a ring in the colour of the wrong answer around each test cell that got one."""
    figure = Figure(figsize=(9.5, 7.5), layout="constrained")
    axes = figure.subplots()
    table = found.table
    train, test = (table[table["side"] == side] for side in ("train", "test"))
    without = train[train["label"] == ""]
    if len(without):
        axes.scatter(without["x"], without["y"], s=10, color=WITHOUT, lw=0, label="training, no label", zorder=1)
    for name in classes:
        colour = class_colour(name, classes)
        known, new = train[train["label"] == name], test[test["label"] == name]
        axes.scatter(known["x"], known["y"], s=22, color=colour, alpha=0.25, lw=0, zorder=2)
        axes.scatter(new["x"], new["y"], s=70, color=colour, lw=0, label=f"{name}, {len(new)} tested", zorder=3)
        wrong = new[new["predicted"] != name]
        rings = [class_colour(answer, classes) for answer in wrong["predicted"]]
        axes.scatter(wrong["x"], wrong["y"], s=190, facecolors="none", edgecolors=rings, lw=2.5, zorder=4)
    axes.scatter([], [], s=190, facecolors="none", edgecolors="black", lw=2.5, label="ring: called that type")
    axes.scatter([], [], s=22, color="black", alpha=0.25, lw=0, label="small: training cells")
    shares = [f"component of the codes ({100 * share:.0f} % of variance)" for share in found.shares]
    axes.set(xlabel=f"first {shares[0]}", ylabel=f"second {shares[1]}")
    axes.set_title(title, loc="left")
    figure.legend(loc="outside right center")  # beside the axes, below a long title
    return figure
