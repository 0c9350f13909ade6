"""Pictures of training and scores.

Importing this file imports matplotlib, so commands import it when they draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from celltype_cli.core.plots import class_colour, styled
from celltype_cli.evaluation.scores import confusion


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
