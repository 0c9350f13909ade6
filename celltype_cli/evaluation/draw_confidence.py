"""Pictures of `evaluation.confidence`: calibration before and after, and coverage of labels and of sets.

Importing this file imports matplotlib, so commands import it when they draw."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from celltype_cli.core.plots import class_colour, in_two_lines, styled

TIMES = {"before": ("#777777", "s", "as the model says"), "after": ("#0072B2", "o", "with temperature")}


@styled
def reliability(values: dict, title: str) -> Figure:
    """Draws how often cells of each confidence are right, before and after calibration, above how many these are."""
    figure = Figure(figsize=(8.5, 8.5), layout="constrained")
    axes, counts = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    axes.plot([0, 1], [0, 1], color="#BBBBBB", linewidth=1.5)
    for time, (colour, marker, words) in TIMES.items():
        if values["bins"][time]:
            bins = pd.DataFrame(values["bins"][time])
            label = f"{words}: ECE {values['ece'][time]:.3f}"
            looks = {"color": colour, "marker": marker, "markersize": 9, "linewidth": 2, "label": label}
            axes.errorbar(bins["confidence"], bins["accuracy"], _spans(bins), **looks)
            width = bins["high"] - bins["low"]
            counts.bar(bins["low"], bins["n"], width, align="edge", color=colour, alpha=0.4)
    lowest = min(entry["low"] for bins in values["bins"].values() for entry in bins)
    axes.set(ylabel="right, share of cells", ylim=(-0.03, 1.03), xlim=(lowest, 1.01))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)  # no place within is free of bars for certain
    counts.set(xlabel="confidence, the probability of the best guess", ylabel=f"cells\n(n = {values['n_cells']})")
    counts.set_yscale("log")
    counts.set_ylim(bottom=0.7)
    counts.yaxis.set_major_formatter("{x:.0f}")
    chance = f"ECE by chance alone {values['ece']['by_chance']:.3f}; bars: 95 % interval of a share"
    figure.suptitle(f"{title}\n{chance}")
    return figure


@styled
def reliabilities(panels: Mapping[str, dict], title: str) -> Figure:
    """Draws the reliability of several runs, a panel each.

    Args:
        panels: of each, by its name, what `confidence` says, and by which way it was tested ("way").
    """
    wide = min(len(panels), 4)
    high = -(-len(panels) // wide)
    figure = Figure(figsize=(4.4 * wide, 4.4 * high + 1.6), layout="constrained")
    grid = figure.subplots(high, wide, squeeze=False, sharex=True, sharey=True)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    for axes in grid.flat[: len(panels)][-wide:]:  # the lowest of each column
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("confidence")
    for axes, (name, values) in zip(grid.flat, panels.items()):
        axes.plot([0, 1], [0, 1], color="#BBBBBB", linewidth=1.5)
        for time, (colour, marker, words) in TIMES.items():
            if values["bins"][time]:
                bins = pd.DataFrame(values["bins"][time])
                looks = {"color": colour, "marker": marker, "markersize": 7, "linewidth": 1.6, "label": words}
                axes.errorbar(bins["confidence"], bins["accuracy"], _spans(bins), **looks)
        axes.set(ylim=(-0.03, 1.03), xlim=(0, 1.03))
        error = " \u2192 ".join(f"{values['ece'][time]:.3f}" for time in TIMES if values["bins"][time])
        about = f"{values['way']}, n = {values['n_cells']}\nECE {error}, by chance {values['ece']['by_chance']:.3f}"
        axes.set_title(f"{in_two_lines(name)}\n{about}", fontsize=13, loc="left")
    handles = {label: of for axes in grid.flat for of, label in zip(*axes.get_legend_handles_labels())}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2, fontsize=15)
    figure.supylabel("right, share of cells", fontsize=15)
    figure.suptitle(title)
    return figure


def _spans(bins: pd.DataFrame) -> np.ndarray:
    """Returns how far Wilson's 95 % interval (1927, J Am Stat Assoc 22:209) reaches below and above each share."""
    hits = (bins["accuracy"] * bins["n"]).round().astype(int)
    ends = np.array([stats.binomtest(k, n).proportion_ci(method="wilson") for k, n in zip(hits, bins["n"])]).T
    return np.abs(ends - bins["accuracy"].to_numpy())


@styled
def coverage(values: dict, title: str) -> Figure:
    """Draws accuracy against the share of cells that are labelled, and how often sets hold the true type."""
    figure = Figure(figsize=(15, 7), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    _labels(left, values)
    _sets(right, values)
    figure.suptitle(title)
    return figure


def _labels(axes: Axes, values: dict) -> None:
    curve = pd.DataFrame(values["curve"])
    axes.plot(curve["coverage"], curve["accuracy"], color="#333333", linewidth=2, drawstyle="steps-pre")
    for entry, colour in zip(values["labels"], ("#56B4E9", "#0072B2", "#004466")):
        axes.axhline(entry["wanted"], color=colour, linewidth=1, linestyle=":")
        if entry.get("n"):
            at = f"confidence >= {entry['confidence']:.2f}" if entry["confidence"] else "any confidence"
            _point(axes, entry, colour, "o", f"{entry['wanted']:.2f} wanted: {at}")
    if values["ratio"]["n"]:
        _point(axes, values["ratio"], "#D55E00", "^", f"confidence ratio >= {values['ratio']['wanted']:.0f}")
    lowest = min([*curve["accuracy"], *(entry["accuracy"]["low"] for entry in values["labels"] if entry["n"])])
    bottom = max(0.0, np.floor(20 * lowest) / 20 - 0.05)
    axes.set(xlim=(0, 1.02), ylim=(bottom, 1.005), ylabel="accuracy of the labelled cells")
    axes.set_xlabel("coverage, share of the cells that are labelled")
    axes.set_title("label, or say unsure", loc="left", fontweight="bold")
    if axes.get_legend_handles_labels()[0]:  # nothing where no cell can be labelled
        axes.legend(loc="lower left")


def _point(axes: Axes, entry: dict, colour: str, marker: str, words: str) -> None:
    x, y = entry["coverage"], entry["accuracy"]
    spans = [[[abs(of["value"] - of["low"])], [abs(of["high"] - of["value"])]] for of in (y, x)]
    axes.errorbar(x["value"], y["value"], *spans, color=colour, marker=marker, markersize=11, linewidth=2, label=words)


def _sets(axes: Axes, values: dict) -> None:
    found = values["sets"]
    classes = [*found["classes"]]
    for y, (name, entry) in enumerate(found["classes"].items()):
        colour = class_colour(name, classes)
        if "coverage" in entry:
            axes.plot([entry["low"], entry["high"]], [y, y], color="#CCCCCC", linewidth=14, solid_capstyle="butt")
            axes.plot([entry["promise"]] * 2, [y - 0.3, y + 0.3], color="#777777", linewidth=2)
            axes.plot(entry["coverage"], y, "o", color=colour, markersize=11, clip_on=False)
        else:
            axes.text(0.5, y, "too few to promise", va="center", ha="center", color=colour,
                      transform=axes.get_yaxis_transform())  # fmt: skip
    axes.plot([], [], color="#CCCCCC", linewidth=14, label="what chance allows, 95 %")
    axes.plot([], [], color="#777777", linewidth=2, label="promised")
    axes.plot([], [], "o", color="#777777", markersize=11, label="found")
    axes.set_yticks(range(len(classes)), [f"{n}\n(n = {e['n']})" for n, e in found["classes"].items()])
    axes.set(ylim=(len(classes) - 0.4, -0.6), xlabel="true type in the set, share of cells")
    axes.set_xlim(right=1)
    axes.set_title(f"sets: {found['size']:.2f} types a cell", loc="left", fontweight="bold")
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.14), ncols=3, columnspacing=1)
