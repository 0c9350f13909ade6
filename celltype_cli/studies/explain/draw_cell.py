"""Draws one cell with the training cells nearest to it over it, and below what the models looked at.

Importing this file imports matplotlib, so commands import it when they draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from celltype_cli.cells.about import About, Input
from celltype_cli.core.plots import NO_TYPE, THIS_CELL, class_colour, in_two_lines, styled
from celltype_cli.studies.explain.saved import Explanation, Part

COLUMNS = 10  # of a table
FOR, AGAINST = "#B2182B", "#2166AC"  # as in the maps
Examples = Mapping[str, Float[np.ndarray, "one_and_neighbours ..."]]


@styled
def picture(
    explanation: Explanation | None,
    neighbours: pd.DataFrame,
    examples: Examples,
    quantities: pd.DataFrame,
    about: About,
    classes: Sequence[str],
    title: str,
) -> Figure:
    """Draws a column for each input, each neighbour in a row of its own over the cell in grey; and what counted.

    Args:
        explanation: of the one cell; None where there is none.
        neighbours: cell_id, label, group, source and distance, nearest first.
        examples: of each input, the cell and each neighbour. Where there are none, `quantities` are drawn instead.
        quantities: of which the distance is made [quantity, this cell and neighbours], in robust standard deviations.
    """
    parts = dict(explanation.parts) if explanation else {}
    tables = [part for part in parts.values() if part.columns]
    drawn = {name: parts.get(name) for name in examples}
    drawn |= {name: part for name, part in parts.items() if not part.columns}
    alone = [] if examples else [quantities.loc[_chosen(tables, quantities)]]
    below = 2 * any(part is not None for part in drawn.values())
    n, wide = len(neighbours), len(drawn) + len(tables) + len(alone)
    figure = Figure(figsize=(1.0 + (7.0 if wide < 3 else 4.4) * wide, 2.4 + 1.5 * (n + below)), layout="constrained")
    columns = [*figure.subfigures(1, wide, squeeze=False)[0]]
    for name, part in drawn.items():
        column = columns.pop(0)
        grid = column.add_gridspec(n + below, 1)
        rows = [column.add_subplot(grid[k]) for k in range(n)] if name in examples else []
        if rows:
            _neighbours(rows, examples[name], neighbours, about.of(name), classes, named=name == next(iter(drawn)))
            column.suptitle(name.replace("_", " "), x=0.02, ha="left", fontweight="bold")
        if part is not None:
            _amounts(column.add_subplot(grid[len(rows) :]), part)
    for shown in alone:
        _quantities(columns.pop(0).subplots(), shown, neighbours, classes)
    for part in tables:
        column = columns.pop(0)
        column.suptitle("what counted most", x=0.98, ha="right", fontweight="bold")
        _table(column.subplots(), part)
    if explanation:
        sides = f"grey: this cell; red speaks for {classes[explanation.predicted[0]]}, blue against it"
        figure.supxlabel(f"{sides}\namount: {explanation.quantity}, mean over the models", fontsize=13)
    figure.suptitle(title)
    return figure


def _said(line: object) -> str:
    """Says who a neighbour is: type, distance, cell, animal and laboratory, as far as they are known."""
    where = ", ".join(dict.fromkeys(name for name in (line.cell_id, line.group, line.source) if name))
    return f"{line.label or 'unlabelled'}, distance {line.distance:.2f}:\n{where}"


def _colour(line: object, classes: Sequence[str]) -> str:
    return class_colour(line.label, classes) if line.label else NO_TYPE


def _chosen(tables: Sequence[Part], quantities: pd.DataFrame) -> list[str]:
    """Names the quantities to draw: the columns that counted most, the first on top, where they are among them."""
    counted = [part.columns[k] for part in tables for k in _top(part)]
    return [name for name in counted if name in quantities.index] or [*quantities.index[:COLUMNS]]


def _quantities(axes: Axes, shown: pd.DataFrame, neighbours: pd.DataFrame, classes: Sequence[str]) -> None:
    """Draws the quantities of the cell as grey diamonds, and of each neighbour as a dot."""
    y = np.arange(len(shown))
    for k, line in enumerate(neighbours.itertuples(), start=1):
        axes.plot(shown.iloc[:, k], y, "o", color=_colour(line, classes), markersize=9, alpha=0.7, label=_said(line))
    axes.plot(shown.iloc[:, 0], y, "D", color=THIS_CELL, markersize=8, label="this cell")
    axes.set_yticks(y, [in_two_lines(name.replace("_", " ")) for name in shown.index], fontsize=12)
    axes.axvline(0, color="#BBBBBB", linewidth=1, zorder=0)
    axes.set(ylim=(len(y) - 0.4, -0.6), xlabel="robust sd from the training median")
    axes.set_title("nearest training cells", loc="left", fontweight="bold")
    axes.legend(loc="upper center", bbox_to_anchor=(0.3, -0.12), fontsize=12)


def _neighbours(
    rows: Sequence[Axes],
    values: np.ndarray,
    neighbours: pd.DataFrame,
    about: Input,
    classes: Sequence[str],
    named: bool,
) -> None:
    flat = np.squeeze(values[0]).ndim == 1
    low, high = (values.min(), values.max()) if flat else np.percentile(values, [1, 99])
    for k, (axes, line) in enumerate(zip(rows, neighbours.itertuples()), start=1):
        colour = _colour(line, classes)
        if flat:
            at = _places(about, np.squeeze(values[0]).size)
            axes.plot(at, np.ravel(values[k]), color=colour, linewidth=1.6)
            axes.plot(at, np.ravel(values[0]), color=THIS_CELL, linewidth=1.6)
            axes.set(xlim=(at[0], at[-1]), ylim=(low, high + 1e-9))
            axes.set_ylabel(about.unit if k == 1 + len(rows) // 2 else "")  # once: it may be longer than a row is high
            axes.tick_params(labelbottom=k == len(rows))
            if k == len(rows) and about.axes:
                axes.set_xlabel(about.axes[-1].label)
        else:
            both = np.concatenate([_image(values[0]), _image(values[k])], axis=1)
            axes.imshow(both, cmap="viridis", vmin=low, vmax=high, aspect="auto", origin="lower")
            axes.axvline(both.shape[1] / 2 - 0.5, color="white", linewidth=3)
            axes.set(xticks=[], yticks=[], xlabel="this cell, and the neighbour" if k == len(rows) else "")
        axes.locator_params(axis="y", nbins=3)
        said = _said(line) if named else "\n"  # rows of all columns are of one height; a title may be long
        axes.set_title(said, loc="left", color=colour, fontweight="bold", fontsize=13)


def _image(row: np.ndarray) -> np.ndarray:
    """Lays the channels of a picture above each other, the first on top."""
    return np.concatenate([*row[::-1]], axis=0) if row.ndim == 3 else row


def _places(about: Input, n: int) -> np.ndarray:
    if about.axes:
        return np.linspace(about.axes[-1].first, about.axes[-1].last, n)
    return np.arange(n) / (about.sampling_rate or 1.0)


def _amounts(axes: Axes, part: Part) -> None:
    """Draws a trace over its amounts as colours, or the amounts of a picture as a map."""
    values, amounts = part.channels("values")[0], part.channels("attribution")[0]
    most = np.quantile(np.abs(amounts), 0.998) or 1.0
    how = {"cmap": "RdBu_r", "vmin": -most, "vmax": most, "aspect": "auto", "interpolation": "nearest"}
    if amounts.ndim == 2:
        axis = part.axes[-1]
        at = np.linspace(axis.first, axis.last, values.shape[-1])
        axes.plot(at, values.T, color="black", linewidth=1, zorder=3)
        axes.imshow(amounts.mean(axis=0)[None], extent=(axis.first, axis.last, *axes.get_ylim()), zorder=1, **how)
        axes.set(xlim=(axis.first, axis.last), ylabel=part.unit)
    else:
        axes.imshow(_image(amounts), origin="lower", **how)
        axes.set(xticks=[], yticks=[])
    axes.set_xlabel(part.axes[-1].label)
    axes.set_title("what counted", loc="left", fontsize=13)


def _table(axes: Axes, part: Part) -> None:
    """Draws the columns that count most as bars, with what was measured."""
    amounts, values = part.attribution[0], part.values[0]
    top = _top(part)
    axes.barh(range(len(top)), amounts[top], color=[FOR if amounts[k] > 0 else AGAINST for k in top])
    shown = [f"{values[k]:.3g}" if np.isfinite(values[k]) else "?" for k in top]
    names = [f"{part.columns[k].replace('_', ' ')} = {value}" for k, value in zip(top, shown)]
    axes.set_yticks(range(len(top)), [in_two_lines(name) for name in names], fontsize=14)
    axes.axvline(0, color="black", linewidth=1)
    axes.set(ylim=(len(top) - 0.4, -0.6), xlabel="amount")
    axes.locator_params(axis="x", nbins=2)  # their digits may be many


def _top(part: Part) -> Int[np.ndarray, " column"]:
    return np.argsort(-np.abs(part.attribution[0]), kind="stable")[:COLUMNS]
