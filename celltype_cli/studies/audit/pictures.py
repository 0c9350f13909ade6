"""The picture of an audit."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from celltype_cli.core.plots import OTHER_COLOURS, class_colour, styled


@styled
def source_audit(columns: pd.DataFrame, shares: pd.DataFrame, flag_at: float, title: str) -> Figure:
    """Draws how well each of the 25 strongest columns tells the source within a class, and the classes by source."""
    columns = columns.dropna(subset="within").head(25)
    figure = Figure(figsize=(17, 2.2 + 0.42 * max(len(columns), 2 * len(shares))), layout="constrained")
    bars, parts = figure.subplots(1, 2, width_ratios=(1.3, 1))
    colours = np.where(columns["flagged"], "#D00000", "#7F7F7F")
    bars.barh(range(len(columns)), columns["within"] - 0.5, left=0.5, color=colours, height=0.7)
    bars.axvline(flag_at, color="#D00000", linewidth=2, linestyle="--")
    bars.set_yticks(range(len(columns)), columns.index, fontsize=13)
    bars.set(xlabel="AUC of the source within a class (0.5 by chance)", xlim=(0.4, 1), ylim=(len(columns) - 0.5, -0.5))
    left = np.zeros(len(shares))
    shown = shares.columns if shares.shape[1] <= len(OTHER_COLOURS) else shares.columns[:0]
    for colour, name in zip(OTHER_COLOURS, shown):
        share = shares[name] / shares.sum(axis=1).clip(lower=1)
        parts.barh(range(len(shares)), share, left=left, color=colour, label=str(name), height=0.7)
        left += share
    parts.set_yticks(range(len(shares)), shares.index)
    for label, name in zip(parts.get_yticklabels(), shares.index):
        label.set(color=class_colour(name, [*shares.index]), fontweight="bold")
    parts.set(xlabel="share of the class", xlim=(0, 1), ylim=(len(shares) - 0.5, -0.5))
    if len(shown):
        parts.legend(loc="upper center", bbox_to_anchor=(0.5, 1.12), ncols=2, fontsize=12)
    figure.suptitle(title)
    return figure
