"""Pictures over splits: learning curves, and mean ranks with what is told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from celltype_cli.core.plots import styled
from celltype_cli.evaluation.comparison import Comparison

DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)), (0, (1, 1)))


@styled
def critical_differences(panels: Mapping[str, tuple[Comparison, Sequence[str]]], title: str) -> Figure:
    """Draws mean ranks on an axis, best left, with bars that join what is not told apart (after Demsar 2006).

    Args:
        panels: comparisons by what they compare, each with the colours of its entrants.
    """
    heights = [2.6 + _depth(test) + (len(test.names) + 1) // 2 for test, _ in panels.values()]
    figure = Figure(figsize=(13, 0.5 + 0.42 * sum(heights)), layout="constrained")
    grid = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (words, (test, colours)), height in zip(grid, panels.items(), heights):
        _ranks(axes, test, colours)
        n = len(test.names)
        axes.set(ylim=(height - 2.2, -1.4), xlim=(1 - 0.9 * (n - 1), n + 0.9 * (n - 1)))
        axes.set_title(words, loc="left", fontweight="bold")
        axes.set_axis_off()
    figure.suptitle(title)
    return figure


def _depth(test: Comparison) -> float:
    """Where the names begin, below the bars; a name is 1 high."""
    return 0.9 + 0.34 * len(test.groups)


def _ranks(axes: Axes, test: Comparison, colours: Sequence[str]) -> None:
    n, ranks = len(test.names), test.ranks
    left, reach, depth = (n + 1) // 2, 0.06 * (n - 1), _depth(test)
    axes.plot([1, n], [0, 0], color="black", linewidth=1.5)
    for tick in range(1, n + 1):
        axes.plot([tick, tick], [0, -0.2], color="black", linewidth=1.5)
        axes.text(tick, -0.35, f"{tick}", ha="center", va="bottom")
    for place, i in enumerate(np.argsort(ranks, kind="stable")):
        on_left = place < left
        y = depth + (place if on_left else n - 1 - place)
        end = 1 - reach if on_left else n + reach
        axes.plot([ranks[i], ranks[i], end], [0, y, y], color=colours[i], linewidth=2)
        axes.plot(ranks[i], 0, "o", color=colours[i], markersize=8, zorder=5)
        text = f"{test.names[i]}  {ranks[i]:.1f}" if on_left else f"{ranks[i]:.1f}  {test.names[i]}"
        axes.text(end, y, f" {text} ", ha="right" if on_left else "left", va="center", color=colours[i])
    for place, group in enumerate(test.groups):
        span = ranks[list(group)]
        ends = [span.min() - 0.008 * (n - 1), span.max() + 0.008 * (n - 1)]
        axes.plot(ends, [0.55 + 0.34 * place] * 2, color="black", linewidth=5, solid_capstyle="round")


class Curve(NamedTuple):
    """Accuracy of a model over epochs, columns fold, epoch and value; without epochs its mean and sd."""

    name: str
    colour: str
    epochs: pd.DataFrame | None
    mean: float
    sd: float


@styled
def learning_curves(panels: Mapping[str, Sequence[Curve]], metric: str, title: str) -> Figure:
    """Draws accuracy or loss against epoch, for each model a line and a band of one sd over splits, named at its end.

    Args:
        panels: curves by what they show.
    """
    figure = Figure(figsize=(12, 0.8 + 5.4 * len(panels)), layout="constrained")
    grid = figure.subplots(len(panels), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    trained = [
        curve.epochs["epoch"].max() for curves in panels.values() for curve in curves if curve.epochs is not None
    ]
    last = int(max(trained, default=2))
    for axes, (words, curves) in zip(grid, panels.items()):
        for place, curve in enumerate(curves):
            mean, sd = _over_splits(curve, last)
            axes.plot(mean.index, mean, color=curve.colour, linestyle=DASHES[place % len(DASHES)], linewidth=2.5)
            axes.fill_between(mean.index, mean - sd, mean + sd, color=curve.colour, alpha=0.15, linewidth=0)
        axes.set(ylabel=metric, xlim=(1, max(last, 2)))
        axes.set_title(words, loc="left", fontweight="bold")
        axes.grid(color="#E5E5E5", linewidth=0.8)
    for axes, curves in zip(grid, panels.values()):  # when the common range of accuracy is known
        _name_ends(axes, curves, last)
    grid[-1].set_xlabel("epoch")
    grid[-1].xaxis.get_major_locator().set_params(integer=True)
    figure.suptitle(title)
    return figure


def _over_splits(curve: Curve, last: int) -> tuple[pd.Series, pd.Series]:
    """Returns mean and standard deviation by epoch, of one that has no epochs the same at the first and the last."""
    if curve.epochs is None:
        mean, sd = (pd.Series([value] * 2, index=[1, max(last, 2)]) for value in (curve.mean, curve.sd))
    else:
        by_epoch = curve.epochs.groupby("epoch")["value"]
        mean, sd = by_epoch.mean(), by_epoch.std()
    return mean, sd.fillna(0)


def _name_ends(axes: Axes, curves: Sequence[Curve], last: int) -> None:
    """Writes the names beside the ends of the lines, moved apart where these are close."""
    low, high = axes.get_ylim()
    ends = [float(_over_splits(curve, last)[0].iloc[-1]) for curve in curves]
    order, moved, gap = np.argsort(ends), np.array(ends), 0.065 * (high - low)
    for _ in range(100):  # each pair that is too close moves apart, from both sides
        for before, after in zip(order, order[1:]):
            lack = max(gap - (moved[after] - moved[before]), 0)
            moved[before], moved[after] = moved[before] - lack / 2, moved[after] + lack / 2
    for curve, end, y in zip(curves, ends, moved):
        axes.annotate(
            curve.name, (1, end), (1.04, y), xycoords=axes.get_yaxis_transform(), va="center", color=curve.colour,
            fontweight="bold", arrowprops={"arrowstyle": "-", "color": curve.colour, "linewidth": 1, "shrinkA": 0},
        )  # fmt: skip
