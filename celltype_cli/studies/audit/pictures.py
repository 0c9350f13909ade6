"""The picture of an audit."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from celltype_cli.core.plots import OTHER_COLOURS, class_colour, styled

NAMED = 30  # sources whose names fit under an axis


@styled
def source_audit(columns: pd.DataFrame, shares: pd.DataFrame, flag_at: float, title: str, by: str) -> Figure:
    """Draws how well each of the 25 strongest columns tells the source within a class, and the classes by source.

    Args:
        by: what a source is called: source, animal.
    """
    columns = columns.dropna(subset="within").head(25)
    figure = Figure(figsize=(17, 2.2 + 0.42 * max(len(columns), 2 * len(shares))), layout="constrained")
    bars, parts = figure.subplots(1, 2, width_ratios=(1.3, 1))
    colours = np.where(columns["flagged"], "#D00000", "#7F7F7F")
    bars.barh(range(len(columns)), columns["within"] - 0.5, left=0.5, color=colours, height=0.7)
    flagged = f"flagged from {flag_at:g}, if p is small"
    bars.axvline(flag_at, color="#D00000", linewidth=2, linestyle="--", label=flagged)
    bars.legend(loc="lower right", fontsize=12, frameon=True, framealpha=1, edgecolor="none")
    bars.set_yticks(range(len(columns)), columns.index, fontsize=13)
    bars.set(xlabel=f"AUC of the {by} within a class (0.5 by chance)", xlim=(0.4, 1), ylim=(len(columns) - 0.5, -0.5))
    draw = _shares if shares.shape[1] <= len(OTHER_COLOURS) else _counts
    draw(parts, shares, by)
    parts.set_yticks(range(len(shares)), shares.index)
    for label, name in zip(parts.get_yticklabels(), shares.index):
        label.set(color=class_colour(name, [*shares.index]), fontweight="bold")
    figure.suptitle(title)
    return figure


def _shares(axes: Axes, shares: pd.DataFrame, by: str) -> None:
    """Draws the share of each class that comes from each of a few sources."""
    left = np.zeros(len(shares))
    for colour, name in zip(OTHER_COLOURS, shares):
        share = shares[name] / shares.sum(axis=1).clip(lower=1)
        axes.barh(range(len(shares)), share, left=left, color=colour, label=str(name), height=0.7)
        left += share
    axes.set(xlabel="share of the class", xlim=(0, 1), ylim=(len(shares) - 0.5, -0.5))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.12), ncols=2, fontsize=12, title=by)


def _counts(axes: Axes, shares: pd.DataFrame, by: str) -> None:
    """Draws how many cells of each class each of many sources has: a column for each, with numbers where they fit."""
    image = axes.imshow(
        shares, aspect="auto", cmap="Greys", vmin=0, vmax=3 * shares.to_numpy().max(), interpolation="nearest"
    )  # no shade is so dark that numbers cannot be read on it
    axes.set(xlabel=f"{by} ({shares.shape[1]})")
    if shares.shape[1] > NAMED:
        axes.set_xticks([])
        axes.figure.colorbar(image, ax=axes, label="cells", location="top", shrink=0.6)
        return
    axes.set_title("cells", fontsize=14)
    axes.set_xticks(range(shares.shape[1]), map(str, shares), rotation=90, fontsize=12)
    for (row, column), count in np.ndenumerate(shares.to_numpy()):
        axes.text(column, row, f"{count}", ha="center", va="center", fontsize=11 if shares.shape[1] <= 15 else 8)
