"""Pictures of a table: its figures beside the published ones, and mean ranks with what is told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from celltype_cli.core.plots import styled, width
from celltype_cli.evaluation.comparison import Comparison
from celltype_cli.studies.papers.report.lines import ALIKE, Line

FLOOR = "#D00000"
LEAST_AXIS = 5.0  # inches of an axis of ranks, with what reaches to the names
REACH = 0.06  # of that axis, how far lines reach beyond it
NUMBERS = ("floor", "apart_floor", "published", "published_sd", "ours", "ours_sd", "apart", "apart_low", "apart_high")


@styled
def published_dots(
    lines: Sequence[Line], colours: Sequence[str], score: str, way: str, group: str, title: str
) -> Figure:
    """Draws published, ours and ours with groups kept apart, a line each; bars are sd, sd and the 95 % interval.

    A red line is the floor: of both ways, or beside each its own where they differ.
    """
    starts = [i for i, line in enumerate(lines) if i and line.group != lines[i - 1].group]
    y = np.array([i + 0.5 * sum(start <= i for start in starts) for i in range(len(lines))])
    figure = Figure(figsize=(12, 2.6 + 0.5 * (y[-1] + 1)), layout="constrained")
    axes = figure.subplots()
    for place, own in zip(y, colours):
        axes.axhspan(place - 0.44, place + 0.44, color=own, alpha=0.06, linewidth=0)
    value = {key: np.array([getattr(line, key) for line in lines]) for key in NUMBERS}
    unlike = np.abs(value["floor"] - value["apart_floor"]) >= ALIKE  # then each stands beside what it is the floor of
    axes.vlines(value["floor"], y - 0.44, y + np.where(unlike, 0.12, 0.44), color=FLOOR, linewidth=2)
    axes.vlines(value["apart_floor"][unlike], (y + 0.12)[unlike], (y + 0.44)[unlike], color=FLOOR, linewidth=2)
    white, black = ["white"] * len(lines), ["black"] * len(lines)
    marks = (
        ("published", -0.24, "D", black, white),
        ("ours", 0, "o", colours, colours),
        ("apart", 0.24, "o", colours, white),
    )
    for key, place, marker, edges, faces in marks:
        sd = value.get(f"{key}_sd", np.nan)
        low, high = value.get(f"{key}_low", value[key] - sd), value.get(f"{key}_high", value[key] + sd)
        low, high = np.maximum(low, 0), np.minimum(high, 1)  # scores of tables are shares
        axes.hlines(y + place, low, high, colors=edges, linewidth=2.2)
        look = {"edgecolors": edges, "facecolors": faces, "linewidths": 1.8, "zorder": 3}
        axes.scatter(value[key], y + place, s=52, marker=marker, **look)
    axes.set_yticks(y, [line.name for line in lines])
    for label, own in zip(axes.get_yticklabels(), colours):
        label.set_color(own)
    for i, (place, line) in enumerate(zip(y, lines)):
        if (i == 0 or i in starts) and len(starts) < len(lines) - 1:
            own = {colour for colour, other in zip(colours, lines) if other.group == line.group}
            shared = own.pop() if len(own) == 1 else "black"
            text = {"ha": "left", "va": "center", "fontweight": "bold", "color": shared}
            axes.text(1.01, place, line.group, transform=axes.get_yaxis_transform(), **text)
    axes.set(ylim=(y[-1] + 0.6, -0.6), xlabel=score)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    figure.legend(handles=_dots_legend(lines, way, group), loc="outside lower center", ncols=2)
    figure.suptitle(title)
    return figure


def _dots_legend(lines: Sequence[Line], way: str, group: str) -> list[Line2D]:
    """Explains the marks that are drawn; ours always."""
    shared = {"markersize": 8, "linewidth": 2.2}
    paper = Line2D([], [], color="black", marker="D", markerfacecolor="white", label="published, mean and sd", **shared)
    entries = [
        *([paper] if any(not isnan(line.published) for line in lines) else []),
        Line2D([], [], color="#444444", marker="o", label=f"ours, {way}, mean and sd", **shared),
        Line2D([], [], color="#444444", marker="o", markerfacecolor="white",
               label=f"ours, {group}s kept apart, 95 % interval (jackknife)", **shared),
    ]  # fmt: skip
    guess = Line2D([], [], color=FLOOR, linewidth=2, label="guessing the most frequent class")
    return [*entries, *([guess] if any(not isnan(line.floor) for line in lines) else [])]


@styled
def critical_differences(panels: Mapping[str, tuple[Comparison, Sequence[str]]], title: str) -> Figure:
    """Draws mean ranks on an axis, best left, with bars that join what is not told apart (after Demsar 2006).

    Args:
        panels: comparisons by what they compare, each with the colours of its entrants.
    """
    heights = [2.6 + _depth(test) + (len(test.names) + 1) // 2 for test, _ in panels.values()]
    left, right = (max(width(words) for test, _ in panels.values() for words in _names(test)[k]) + 0.3 for k in (0, 1))
    wide = max(13.0, left + LEAST_AXIS + right, *(1.05 * width(words, "bold") + 0.5 for words in panels))
    figure = Figure(figsize=(wide, 0.5 + 0.42 * sum(heights)), layout="constrained")
    grid = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (words, (test, colours)), height in zip(grid, panels.items(), heights):
        _ranks(axes, test, colours)
        n = len(test.names)
        inch = (1 + 2 * REACH) * (n - 1) / (wide - left - right)  # in ranks
        axes.set(ylim=(height - 2.2, -1.4))
        axes.set(xlim=(1 - REACH * (n - 1) - left * inch, n + REACH * (n - 1) + right * inch))
        axes.set_title(words, loc="left", fontweight="bold").set_in_layout(False)
        axes.set_axis_off()
    figure.suptitle(title)
    return figure


def _depth(test: Comparison) -> float:
    """Where the names begin, below the bars; a name is 1 high."""
    return 0.9 + 0.34 * len(test.groups)


def _order(test: Comparison) -> tuple[np.ndarray, int]:
    """Returns the entrants, best first, and how many of them are named on the left."""
    return np.argsort(test.ranks, kind="stable"), (len(test.names) + 1) // 2


def _names(test: Comparison) -> tuple[list[str], list[str]]:
    """Returns what stands left and right of the axis."""
    order, left = _order(test)
    named = [f" {test.names[i]}  {test.ranks[i]:.1f} " for i in order]
    return named[:left], [f" {test.ranks[i]:.1f}  {test.names[i]} " for i in order[left:]]


def _ranks(axes: Axes, test: Comparison, colours: Sequence[str]) -> None:
    n, ranks = len(test.names), test.ranks
    reach, depth = REACH * (n - 1), _depth(test)
    (order, left), texts = _order(test), [text for side in _names(test) for text in side]
    axes.plot([1, n], [0, 0], color="black", linewidth=1.5)
    for tick in range(1, n + 1):
        axes.plot([tick, tick], [0, -0.2], color="black", linewidth=1.5)
        axes.text(tick, -0.35, f"{tick}", ha="center", va="bottom")
    for place, i in enumerate(order):
        on_left = place < left
        y = depth + (place if on_left else n - 1 - place)
        end = 1 - reach if on_left else n + reach
        axes.plot([ranks[i], ranks[i], end], [0, y, y], color=colours[i], linewidth=2)
        axes.plot(ranks[i], 0, "o", color=colours[i], markersize=8, zorder=5)
        how = {"ha": "right" if on_left else "left", "va": "center", "color": colours[i]}
        axes.text(end, y, texts[place], **how).set_in_layout(False)  # the limits leave room for it
    for place, group in enumerate(test.groups):
        span = ranks[list(group)]
        ends = [span.min() - 0.008 * (n - 1), span.max() + 0.008 * (n - 1)]
        axes.plot(ends, [0.55 + 0.34 * place] * 2, color="black", linewidth=5, solid_capstyle="round")
