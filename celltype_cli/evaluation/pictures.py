"""Pictures of training and scores, of one run or of several side by side.

Importing this file imports matplotlib, so commands import it when they draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from celltype_cli.core.plots import class_colour, styled
from celltype_cli.evaluation.scores import confusion


def confusion_matrix(table: pd.DataFrame, title: str) -> Figure:
    """Draws predictions as shares of each true class, with counts of windows or cells, as the table has them."""
    return confusions({"": {"": confusion(table)}}, title)


@styled
def confusions(grid: Mapping[str, Mapping[str, pd.DataFrame]], title: str, columns: Sequence[str] = ("",)) -> Figure:
    """Draws matrices side by side as shares of each true class: a row per way of testing, a column per model.

    Args:
        grid: by way, by model: true class by predicted class, counts (shown too where there is one matrix) or shares.
        columns: the models; what there is not stays empty.
    """
    n = max(len(matrix) for row in grid.values() for matrix in row.values())
    alone = len(grid) == len(columns) == 1
    side = 1.0 + 1.15 * n if alone else 0.5 + 0.85 * n
    figure = Figure(figsize=(2.8 + side * len(columns), 1.9 + side * len(grid)), layout="constrained")
    places = figure.subplots(len(grid), len(columns), squeeze=False)
    image = None
    for axes_of_row, (way, row) in zip(places, grid.items()):
        for axes, column in zip(axes_of_row, columns):
            axes.spines[:].set_visible(False)
            axes.tick_params(length=0, labelbottom=axes in places[-1])
            if axes in places[0]:
                axes.set_title(column, fontweight="bold")
            if column in row:
                image = _matrix(axes, row[column], counted=alone, named=column == next(iter(row)))
            else:
                axes.set(xticks=[], yticks=[], box_aspect=1)
                axes.text(0.5, 0.5, "not run", ha="center", va="center", transform=axes.transAxes, color="#777777")
            words = ["predicted"] * (axes in places[-1]) + ([_never(row[column])] if column in row else [])
            axes.set_xlabel("\n".join(filter(None, words)))
        axes_of_row[0].set_ylabel(f"{way}\n\ntrue" if way else "true")
    figure.colorbar(image, ax=places, label="share of the true class", shrink=0.8, aspect=30)
    figure.suptitle(title)
    return figure


def _never(matrix: pd.DataFrame) -> str:
    """Names the classes that no example was taken for."""
    never = [str(name) for name, total in matrix.sum(axis=0).items() if total == 0]
    return f"never predicted: {', '.join(never)}" if never else ""


def _matrix(axes: Axes, matrix: pd.DataFrame, *, counted: bool, named: bool) -> QuadMesh:
    names = [*matrix.index]
    counts = matrix.to_numpy()
    as_counts = counts.dtype.kind == "i"
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1) if as_counts else 1
    shares: Float[np.ndarray, "true predicted"] = counts / total
    mesh = axes.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1, edgecolors="white", linewidth=1.5)
    for row, column in np.ndindex(shares.shape):
        if np.isfinite(share := shares[row, column]):
            colour = "white" if share > 0.55 else "black"
            text = f"{share:.2f}\n({counts[row, column]})" if counted and as_counts else f"{share:.2f}"
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=colour)
    axes.set(aspect="equal", ylim=(len(names), 0))
    for axis, labels in ((axes.xaxis, names), (axes.yaxis, names if named else [""] * len(names))):
        axis.set_ticks(np.arange(len(names)) + 0.5, labels)
        for label, name in zip(axis.get_ticklabels(), names):
            label.set(color=class_colour(name, names), fontweight="bold")
    if max(map(len, names)) > 8:
        axes.tick_params(axis="x", rotation=40)
    return mesh


SHARES = ("accuracy", "f1")  # how metrics end that lie between 0 and 1


class Curve(NamedTuple):
    """A line over epochs: `values` has the columns fold, epoch and value."""

    name: str
    values: pd.DataFrame
    colour: str
    dashes: Any = "-"


def learning_curves(curves: pd.DataFrame, title: str) -> Figure:
    """Draws a run's own curves, a panel per metric, training dashed; balanced accuracy where known, else accuracy.

    Args:
        curves: columns fold, epoch, name and value; names like train_loss and valid_accuracy, others are left out.
    """
    curves = curves[curves["name"].str.match("(train|valid)_")]
    sides = curves["name"].str.partition("_")
    panels = {}
    metrics = {*sides[2]} - ({"accuracy"} if "balanced_accuracy" in {*sides[2]} else set())
    for metric in sorted(metrics, key=lambda metric: (metric != "loss", metric)):
        of_side = {side: curves[(sides[0] == side) & (sides[2] == metric)] for side in ("train", "valid")}
        looks = {"train": ("#777777", "--"), "valid": ("#0072B2", "-")}
        panels[metric] = [Curve(side, lines, *looks[side]) for side, lines in of_side.items() if len(lines)]
    folds = curves["fold"].nunique()
    said = f"line: mean of {folds} folds; band: one standard deviation to both sides" if folds > 1 else "one fold"
    return curves_over_epochs(panels, f"{title}\n{said}")


@styled
def curves_over_epochs(panels: Mapping[str, Sequence[Curve]], title: str, metric: str | None = None) -> Figure:
    """Draws curves as their mean over folds and a band of one standard deviation, as far as the metric goes.

    Args:
        panels: curves by what they show: the metric, or with `metric` whatever the panels, which share it, differ in.
    """
    figure = Figure(figsize=(6 * max(len(panels), 1.5) + (2.5 if metric else 0), 5.2), layout="constrained")
    places = figure.subplots(1, len(panels), squeeze=False, sharey=metric is not None)[0]
    for axes, (words, curves) in zip(places, panels.items()):
        # A loss of one's own may be negative; no share is, nor above one.
        shown = metric or words
        known = pd.concat([curve.values["value"] for curve in curves])
        lowest, highest = 0 if known.min() >= 0 else -np.inf, 1 if shown.endswith(SHARES) else np.inf
        for name, values, colour, dashes in curves:
            by_epoch = values.groupby("epoch")["value"]
            mean, sd = by_epoch.mean(), by_epoch.std().fillna(0)
            marker = "o" if len(mean) < 4 else None
            axes.plot(mean.index, mean, linestyle=dashes, color=colour, label=name, linewidth=2, marker=marker)
            low, high = np.clip([mean - sd, mean + sd], lowest, highest)
            axes.fill_between(mean.index, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.set(xlabel="epoch", ylabel=shown.replace("_", " "), ylim=(max(axes.get_ylim()[0], lowest), None))
        if highest == 1:
            axes.set_ylim(0, 1.02)
        if metric:
            axes.set_title(words, loc="left", fontweight="bold")
        axes.xaxis.get_major_locator().set_params(integer=True)
        if metric is None:
            axes.legend()
    if metric:
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle(title)
    return figure


@styled
def scores_bar(level: dict, title: str, group: str, method: str) -> Figure:
    """Draws one level of `evaluation.scores`, each score with its 95 % interval, and the floor of guessing.

    Args:
        group: what the dataset calls a group.
        method: of the intervals, as `saved_scores.method` names it.
    """
    overall = ["accuracy", "balanced_accuracy", "macro_f1"]
    entries = [
        (name.replace("_", " ").replace("f1", "F1"), level[name], level["groups"], "", "#333333") for name in overall
    ]
    for name, rates in level["classes"].items():
        never = ", never predicted" if np.isnan(rates["precision"]["value"]) and rates["support"] else ""
        colour = class_colour(name, [*level["classes"]])
        entries.append((f"recall of {name}", rates["recall"], rates["groups"], never, colour))
    figure = Figure(figsize=(11, 1.8 + 0.55 * len(entries)), layout="constrained")
    axes = figure.subplots()
    for y, (_, entry, groups, never, colour) in enumerate(entries):
        value, low, high = (entry[key] for key in ("value", "low", "high"))
        if np.isfinite(value):
            axes.barh(y, value, color=colour, alpha=0.35, height=0.7)
            axes.plot(value, y, "o", color=colour, markersize=9, clip_on=False)
        if np.isfinite(low):
            axes.plot([low, high], [y, y], color=colour, linewidth=3, solid_capstyle="butt")
            said = f"{value:.2f} [{low:.2f}, {high:.2f}]"
        elif np.isfinite(value):
            said = f"{value:.2f} [not defined: {groups} {group}{'s' if groups != 1 else ''}]"
        else:
            said = "no cell"
        axes.text(1.02, y, said + never, va="center", color=colour)
    for y, name in enumerate(overall):
        if name in level["floor"]:
            floor = level["floor"][name]
            axes.plot([floor, floor], [y - 0.42, y + 0.42], color="#D00000", linewidth=2.5, zorder=5)
    axes.plot([], [], color="#D00000", linewidth=2.5, label="guessing the most frequent class")
    axes.set_yticks(range(len(entries)), [name for name, *_ in entries])
    xlabel = f"score per cell [95 %, {method}]"
    axes.set(xlim=(0, 1), ylim=(len(entries) - 0.4, -0.6), xlabel=xlabel)
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -1 / len(entries)))
    figure.suptitle(title)
    return figure
