"""How many cells are left when only those are kept whose best type is so many times likelier than the second."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from celltype_cli.core.plots import styled
from celltype_cli.evaluation.confidence import RATIO

LOWEST, HIGHEST = 1.0, 50.0  # of the confidence ratio


@styled
def survival(cells: pd.DataFrame, title: str) -> Figure:
    """Draws the cells left over the confidence ratio, all and those with a label, and where labels begin.

    Args:
        cells: of an answer, those that could be used.
    """
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    axes = figure.subplots()
    given = cells[cells["label"] != ""]
    for shown, colour, name in ((cells, "#555555", "all"), (given, "#1C78B5", "with a label")):
        ratio, left = curve(shown["confidence_ratio"].to_numpy(float))
        axes.step(ratio, left, where="pre", color=colour, linewidth=2.2, label=f"{name}: {len(shown)}")
    axes.axvline(RATIO, color="#C98A00", linestyle=":", linewidth=2, label=f"{RATIO:g}, as published")
    if len(given):
        first = given["confidence_ratio"].min()
        axes.axvline(first, color="#1C78B5", linestyle="--", linewidth=1.6, label=f"labels begin: {first:.2g}")
    ticks = [1, 2, 5, 10, 20, 50]
    axes.set(xscale="log", xlim=(LOWEST, HIGHEST), ylim=(0, None), ylabel="cells left", title=title)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_xticks(ticks, map(str, ticks))
    axes.set_xticks([], minor=True)
    axes.set_xlabel("confidence ratio, best over second best type")
    axes.legend(loc="upper right")
    return figure


def curve(ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns ratios from 1 to 50, ascending, and how many cells have at least each: corners of a line of steps."""
    ratio = np.sort(ratio)
    at = np.concatenate([[LOWEST], ratio[(ratio > LOWEST) & (ratio < HIGHEST)], [HIGHEST]])
    return at, np.searchsorted(ratio, np.inf, "right") - np.searchsorted(ratio, at)  # NaN comes after all
