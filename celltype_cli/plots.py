"""Pictures of cells, training and scores; one colour per class everywhere.

Importing this file imports matplotlib, so commands import it when they draw. No figure touches pyplot.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from celltype_cli.cells import UNLABELLED, Cells
from celltype_cli.evaluation import confusion
from celltype_cli.files import replacing

# Okabe and Ito's palette, told apart by colour-blind readers; what biologists call one class has one colour.
CLASS_COLOURS = {
    **dict.fromkeys(("PY", "EXC", "Excitatory", "Pyramidal"), "#D55E00"),
    **dict.fromkeys(("PV", "Pvalb"), "#0072B2"),
    **dict.fromkeys(("SOM", "SST", "Sst"), "#009E73"),
    **dict.fromkeys(("VIP", "Vip", "Lamp5"), "#CC79A7"),
}
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
    for known in sorted(classes, key=lambda known: known not in CLASS_COLOURS):
        own = CLASS_COLOURS.get(known)
        free = [colour for colour in OTHER_COLOURS if colour not in taken.values()] or [OTHER_COLOURS[-1]]
        taken[known] = own if own and own not in taken.values() else free[0]
    return taken[name]


def save(figure: Figure, path: str | Path) -> None:
    """Writes the figure, whole or not at all, in the format of the suffix."""
    with replacing(path) as temporary:
        figure.savefig(temporary)


@styled
def confusion_matrix(table: pd.DataFrame, title: str) -> Figure:
    """Draws predictions as shares of each true class, with counts of windows or cells, as the table has them."""
    counts = confusion(table)
    names = [*counts.index]
    shares = counts.to_numpy() / np.maximum(counts.to_numpy().sum(axis=1, keepdims=True), 1)
    size = 3.2 + 1.15 * len(names)
    figure = Figure(figsize=(size + 1, size), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(shares.shape):
        colour = "white" if shares[row, column] > 0.55 else "black"
        text = f"{shares[row, column]:.2f}\n({counts.iat[row, column]})"
        axes.text(column, row, text, ha="center", va="center", color=colour)
    for axis, side in ((axes.xaxis, "predicted"), (axes.yaxis, "true")):
        axis.set_ticks(range(len(names)), names)
        axis.set_label_text(side)
        for label, name in zip(axis.get_ticklabels(), names):
            label.set(color=class_colour(name, names), fontweight="bold")
    if max(map(len, names)) > 8:
        axes.tick_params(axis="x", rotation=40)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    figure.suptitle(title)
    return figure


@styled
def learning_curves(curves: pd.DataFrame, title: str) -> Figure:
    """Draws the mean over folds and a band of one standard deviation, a panel per metric, training dashed.

    Args:
        curves: columns fold, epoch, name and value; names like train_loss and valid_accuracy, others are left out.
    """
    curves = curves[curves["name"].str.match("(train|valid)_")]
    sides = curves["name"].str.partition("_")
    metrics = sorted(sides[2].unique(), key=lambda metric: (metric != "loss", metric))
    figure = Figure(figsize=(6 * len(metrics), 4.8), layout="constrained")
    for axes, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics):
        for side, dashes, colour in (("train", "--", "#777777"), ("valid", "-", "#0072B2")):
            lines = curves[(sides[0] == side) & (sides[2] == metric)]
            if lines.empty:
                continue
            by_epoch = lines.groupby("epoch")["value"]
            mean, sd = by_epoch.mean(), by_epoch.std().fillna(0)
            marker = "o" if len(mean) < 4 else None
            axes.plot(mean.index, mean, dashes, color=colour, label=side, linewidth=2, marker=marker)
            axes.fill_between(mean.index, mean - sd, mean + sd, color=colour, alpha=0.2, linewidth=0)
        axes.set(xlabel="epoch", ylabel=metric.replace("_", " "))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend()
    folds = curves["fold"].nunique()
    figure.suptitle(f"{title}\nmean and sd over {folds} folds" if folds > 1 else title)
    return figure


@styled
def example_traces(cells: Cells, n_per_class: int, title: str) -> Figure:
    """Draws the first window of cells of each class, spread evenly over the dataset; a column per class."""
    figure = Figure(figsize=(max(3.4 * len(cells.classes), 8), 1.3 + 1.5 * n_per_class), layout="constrained")
    _traces(figure, cells, n_per_class)
    figure.suptitle(title)
    return figure


@styled
def dataset_overview(cells: Cells) -> Figure:
    """Draws cells per class, cells per group, and example traces where the dataset has traces."""
    names = [*cells.classes, *(["no label"] if (cells.label == UNLABELLED).any() else [])]
    heights = [max(1.8 + 0.65 * len(names), 5), *([5.2] if "trace" in cells.inputs else [])]
    width = max(3.4 * len(cells.classes), 12) if "trace" in cells.inputs else 12
    figure = Figure(figsize=(width, sum(heights)), layout="constrained")
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    per_class, per_group = parts[0].subplots(1, 2, width_ratios=(1, 1.6))
    rows = np.unique(cells.cell_id, return_index=True)[1]
    label = np.where(cells.label == UNLABELLED, len(cells.classes), cells.label)
    groups, code = np.unique(cells.group[rows], return_inverse=True)
    counts = np.zeros((len(names), len(groups)), int)
    np.add.at(counts, (label[rows], code), 1)
    colours = [*(class_colour(name, cells.classes) for name in cells.classes), "#BBBBBB"]
    _class_bars(per_class, names, counts, np.bincount(label, minlength=len(names)), colours)
    order = np.lexsort((counts.argmax(axis=0), -counts.sum(axis=0)))
    bottom = np.zeros(len(groups))
    for row, colour in zip(counts[:, order], colours):
        per_group.bar(range(len(groups)), row, bottom=bottom, color=colour, width=0.9 if len(groups) < 80 else 1)
        bottom += row
    per_group.set(xlabel=f"{len(groups)} groups", ylabel="cells", xlim=(-0.6, len(groups) - 0.4))
    per_group.yaxis.get_major_locator().set_params(integer=True)
    if len(groups) <= 24:
        per_group.set_xticks(range(len(groups)), groups[order], rotation=90, fontsize=11)
    else:
        per_group.set_xticks([])
    if "trace" in cells.inputs:
        _traces(parts[1], cells, 2)
    figure.suptitle(cells.about.title)
    return figure


@styled
def scores_bar(level: dict, title: str) -> Figure:
    """Draws one level of `evaluation.scores`, each score with its 95 % interval, and the floor of guessing."""
    overall = ["accuracy", "balanced_accuracy", "macro_f1"]
    entries = [(name.replace("_", " ").replace("f1", "F1"), level[name], "#333333") for name in overall]
    entries += [
        (f"recall of {name}", rates["recall"], class_colour(name, [*level["classes"]]))
        for name, rates in level["classes"].items()
    ]
    figure = Figure(figsize=(9, 1.8 + 0.55 * len(entries)), layout="constrained")
    axes = figure.subplots()
    for y, (_, entry, colour) in enumerate(entries):
        axes.barh(y, entry["value"], color=colour, alpha=0.35, height=0.7)
        axes.plot([entry["low"], entry["high"]], [y, y], color=colour, linewidth=3, solid_capstyle="butt")
        axes.plot(entry["value"], y, "o", color=colour, markersize=9, clip_on=False)
        axes.text(1.02, y, f"{entry['value']:.2f}", va="center", color=colour)
    for y, name in enumerate(overall):
        if name in level["floor"]:
            floor = level["floor"][name]
            axes.plot([floor, floor], [y - 0.42, y + 0.42], color="#D00000", linewidth=2.5, zorder=5)
    axes.plot([], [], color="#D00000", linewidth=2.5, label="guessing the most frequent class")
    axes.set_yticks(range(len(entries)), [name for name, *_ in entries])
    interval = "with 95 % interval over groups" if np.isfinite(level["accuracy"]["low"]) else "no interval"
    axes.set(xlim=(0, 1), ylim=(len(entries) - 0.4, -0.6), xlabel=f"score, {interval}")
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -1 / len(entries)))
    figure.suptitle(title)
    return figure


def _class_bars(axes: Axes, names: Sequence[str], counts: np.ndarray, rows: np.ndarray, colours: Sequence[str]) -> None:
    cells, groups = counts.sum(axis=1), (counts > 0).sum(axis=1)
    axes.barh(range(len(names)), cells, color=colours)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set(xlabel="cells", xlim=(0, cells.max() * 1.75))
    for y, values in enumerate(zip(cells, rows, groups)):
        text = "{} cells, {} rows\nin {} groups".format(*values)
        axes.text(cells[y] + cells.max() * 0.03, y, text, va="center", fontsize=13)


def _traces(figure, cells: Cells, n_per_class: int) -> None:
    grid = figure.subplots(n_per_class, len(cells.classes), sharex=True, squeeze=False)
    trace = cells.inputs["trace"]
    rate = cells.about.sampling_rate
    time = np.arange(trace.shape[-1]) / (rate or 1)
    for c, name in enumerate(cells.classes):
        rows = np.flatnonzero(cells.label == c)
        rows = rows[np.sort(np.unique(cells.cell_id[rows], return_index=True)[1])]
        chosen = rows[np.linspace(0, len(rows) - 1, min(n_per_class, len(rows))).round().astype(int)]
        for axes, row in zip(grid[:, c], chosen):
            axes.plot(time, trace[row, 0], color=class_colour(name, cells.classes), linewidth=1)
        for axes in grid[len(chosen) :, c]:
            axes.set_axis_off()
        grid[0, c].set_title(name, color=class_colour(name, cells.classes), fontweight="bold")
    for axes in grid.flat:
        axes.margins(x=0)
        axes.locator_params(axis="y", nbins=3)
        axes.locator_params(axis="x", nbins=4)
    figure.supylabel(f"{cells.about.unit or 'input value'}, own scale each", fontsize=15)
    figure.supxlabel("time (s)" if rate else "time step", fontsize=15)
