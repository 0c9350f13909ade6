"""Pictures of a dataset: how many cells of which class and group, and examples of what the models are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from jaxtyping import Int
from matplotlib.figure import Figure

from celltype_cli.cells import draw_examples
from celltype_cli.cells.about import count_groups
from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.core.plots import class_colour, in_two_lines, styled

HEIGHT = 2.6  # inches of a row of examples
COLUMNS = 4  # of a table, side by side
SHOWN = 12  # columns of a table, those that tell most
EXAMPLES = 2  # traces of each class
DARK = 5  # times as bright as another image: that one would stay dark on its scale
TINY = 1e-12


def dataset_pictures(cells: Cells) -> Iterator[tuple[str, Figure]]:
    """Yields name and picture: cells per class and group, recordings as the dataset shows them, and each input."""
    yield "cells", _page(_counts, cells, height=max(1.8 + 0.65 * len(_kinds(cells)), 5))
    if cells.recorded is not None:
        chosen = [(name, colour, str(cells.cell_id[row])) for name, colour, [row] in _examples(cells, 1)]
        shown = [(*one, cells.recorded(one[-1])) for one in chosen]
        yield "recordings", draw_examples.recordings(shown, f"{_title(cells)}\none of each class")
    for name in cells.inputs:
        if draw := _drawer(cells, name):
            yield name, _page(draw, cells, name, height=1.2 + _rows(cells, name) * HEIGHT)


@styled
def _page(draw: Callable[..., None], cells: Cells, *name: str, height: float) -> Figure:
    figure = Figure(figsize=(max(3.4 * len(_kinds(cells)), 12), height), layout="constrained")
    draw(figure, cells, *name)
    figure.suptitle("\n".join([_title(cells), *name]))
    return figure


def _title(cells: Cells) -> str:
    return f"{cells.about.title}: {cells.counted}"


def _drawer(cells: Cells, name: str) -> Callable[[Figure, Cells, str], None] | None:
    """Returns what draws an input: a table, traces (one axis), or images (two)."""
    about = cells.about.of(name)
    return _table if about.columns else {1: _traces, 2: _images}.get(len(about.axes))


def _rows(cells: Cells, name: str) -> int:
    about = cells.about.of(name)
    if about.columns:
        return -(-min(SHOWN, len(about.columns)) // COLUMNS)
    return EXAMPLES if len(about.axes) == 1 else max(1, int(np.prod(cells.shapes[name][:-2])))


def _kinds(cells: Cells) -> list[tuple[int, str, str]]:
    """Returns index, name and colour of each class that has cells, and of those without a label."""
    kinds = [(c, name, class_colour(name, cells.classes)) for c, name in enumerate(cells.classes)]
    return [kind for kind in [*kinds, (UNLABELLED, "no label", "#999999")] if (cells.label == kind[0]).any()]


def _counts(figure: Figure, cells: Cells) -> None:
    per_class, per_group = figure.subplots(1, 2, width_ratios=(1, 1.6))
    rows = np.unique(cells.cell_id, return_index=True)[1]
    groups, code = np.unique(cells.group[rows], return_inverse=True)
    kinds, names, colours = zip(*_kinds(cells))
    counts = np.zeros((len(kinds), len(groups)), int)
    for place, kind in enumerate(kinds):
        np.add.at(counts[place], code[cells.label[rows] == kind], 1)
    in_all = [int(np.sum(cells.label == kind)) for kind in kinds]
    n_cells, n_groups = counts.sum(axis=1), (counts > 0).sum(axis=1)
    alone = (cells.cell_id.astype(str) == cells.group.astype(str))[rows]
    unknown = [int(np.sum(alone & (cells.label[rows] == kind))) for kind in kinds]
    per_class.barh(range(len(names)), n_cells, color=colours)
    per_class.set_yticks(range(len(names)), names)
    per_class.invert_yaxis()
    per_class.set(xlabel="cells", xlim=(0, n_cells.max() * 1.75))
    for y, values in enumerate(zip(n_cells.tolist(), in_all, n_groups.tolist(), unknown)):
        text = "{} cells, {} rows\n".format(*values) + count_groups(*values[2:], cells.about.group)
        per_class.text(n_cells[y] + n_cells.max() * 0.03, y, text, va="center", fontsize=13)
    order = np.lexsort((counts.argmax(axis=0), -counts.sum(axis=0)))
    bottom = np.zeros(len(groups))
    for row, colour in zip(counts[:, order], colours):
        if len(groups) < 80:
            per_group.bar(range(len(groups)), row, bottom=bottom, color=colour, width=0.9)
        else:  # thousands of bars take a minute
            per_group.fill_between(range(len(groups)), bottom, bottom + row, color=colour, step="mid", linewidth=0)
        bottom += row
    of_groups = count_groups(len(groups), int(alone.sum()), cells.about.group).removeprefix("of ")
    per_group.set(xlabel=of_groups, ylabel="cells", xlim=(-0.6, len(groups) - 0.4))
    per_group.yaxis.get_major_locator().set_params(integer=True)
    if len(groups) <= 24:
        shown = [name if len(name) <= 20 else f"{name[:9]}…{name[-10:]}" for name in map(str, groups[order])]
        per_group.set_xticks(range(len(groups)), shown, rotation=90, fontsize=11)
    else:
        per_group.set_xticks([])


def _examples(cells: Cells, n_per_class: int) -> Iterator[tuple[str, str, Int[np.ndarray, " _"]]]:
    """Yields name and colour of each class, and the first rows of some of its cells, evenly from the dataset."""
    for c, name, colour in _kinds(cells):
        rows = np.flatnonzero(cells.label == c)
        rows = rows[np.sort(np.unique(cells.cell_id[rows], return_index=True)[1])]
        yield name, colour, rows[np.linspace(0, len(rows) - 1, min(n_per_class, len(rows))).round().astype(int)]


def _traces(figure: Figure, cells: Cells, name: str) -> None:
    """Draws the first channel of two examples of each class."""
    grid = figure.subplots(EXAMPLES, len(_kinds(cells)), sharex=True, squeeze=False)
    values, about = cells.inputs[name], cells.about.of(name)
    (axis,) = about.axes
    at = np.linspace(axis.first, axis.last, values.shape[-1])
    for column, (class_name, colour, chosen) in zip(grid.T, _examples(cells, EXAMPLES)):
        for axes, row in zip(column, chosen):
            axes.plot(at, values[row].reshape(-1, len(at))[0], color=colour, linewidth=1)
        for axes in column[len(chosen) :]:
            axes.set_axis_off()
        column[0].set_title(class_name, color=colour, fontweight="bold")
    for axes in grid.flat:
        axes.margins(x=0)
        axes.locator_params(axis="y", nbins=3)
        axes.locator_params(axis="x", nbins=3)
    figure.supylabel(f"{about.unit or 'input value'}, own scale each", fontsize=15)
    figure.supxlabel(axis.label, fontsize=15)


def _images(figure: Figure, cells: Cells, name: str) -> None:
    """Draws the image of one cell of each class, a row for each of its channels.

    All are on one scale of colours, or each on its own where they differ so much that some would stay dark.
    """
    about = cells.about.of(name)
    below, along = about.axes
    chosen = [(class_name, colour, row) for class_name, colour, [row] in _examples(cells, 1)]
    images = [cells.inputs[name][row].reshape(-1, *cells.shapes[name][-2:]) for *_, row in chosen]
    brightest = np.array([max(np.quantile(image, 0.999), TINY) for image in images])
    alike = brightest.max() < DARK * brightest.min()
    brightest[:] = brightest.max() if alike else brightest
    scale = about.unit or "value"
    grid = figure.subplots(_rows(cells, name), len(chosen), sharex=True, sharey=True, squeeze=False)
    for column, (class_name, colour, _), channels, most in zip(grid.T, chosen, images, brightest):
        for axes, image in zip(column, channels):
            drawn = axes.imshow(
                image if alike else image / most, origin="lower", aspect="auto", cmap="inferno", vmin=0,
                vmax=most if alike else 1,
                extent=(along.first, along.last, below.first, below.last),
            )  # fmt: skip
            axes.locator_params(axis="x", nbins=3)
        most_words = "" if alike else f"\nup to {_amount(most, scale)}"
        column[0].set_title(f"{class_name}{most_words}", color=colour, fontweight="bold")
    for axes, said in zip(grid[:, 0], about.channels):
        axes.set_ylabel(said, fontsize=13)
    figure.colorbar(drawn, ax=grid, label=scale if alike else "of the largest value", shrink=0.8, aspect=30)
    figure.supylabel(below.label, fontsize=15)
    figure.supxlabel(along.label, fontsize=15)


def _amount(value: float, unit: str) -> str:
    """Returns a value with its unit, which may be a number of others: 1.8 in units of "100 Hz" are 180 Hz."""
    number, _, other = unit.partition(" ")
    times, unit = (float(number), other) if number.isdecimal() else (1.0, unit)
    return f"{float(f'{times * value:.2g}'):g} {unit}"


def _table(figure: Figure, cells: Cells, name: str) -> None:
    """Draws median, quartiles and the middle 90 % of the columns that tell most, in each class."""
    kinds, columns = _kinds(cells), cells.about.of(name).columns
    grid = figure.subplots(_rows(cells, name), COLUMNS, sharey=True, squeeze=False)
    chosen = _telling(cells, name)[:SHOWN]
    for axes in grid.flat[len(chosen) :]:
        axes.set_axis_off()
    for axes, column in zip(grid.flat, chosen):
        values = cells.inputs[name][:, column]
        for y, (c, _, colour) in enumerate(kinds):
            measured = values[(cells.label == c) & np.isfinite(values)]
            if len(measured):
                low, first, median, third, high = np.quantile(measured, [0.05, 0.25, 0.5, 0.75, 0.95])
                axes.plot([low, high], [y, y], color=colour, linewidth=2)
                axes.plot([first, third], [y, y], color=colour, linewidth=8, solid_capstyle="butt")
                axes.plot(median, y, "o", color="white", markeredgecolor=colour, markersize=7)
        axes.set_xlabel(in_two_lines(columns[column]), fontsize=13)
        axes.set(yticks=range(len(kinds)), ylim=(len(kinds) - 0.5, -0.5))
        axes.set_yticklabels([class_name for _, class_name, _ in kinds], fontsize=13)
        axes.locator_params(axis="x", nbins=3)
        axes.ticklabel_format(axis="x", useOffset=False)
    several = len({*cells.label.tolist()} - {UNLABELLED}) > 1
    which = "those that tell the classes apart best, the best first" if several else "the first"
    said = "circle: median; thick line: quartiles; thin line: the middle 90 %"
    left_out = f"\n{len(chosen)} of {len(columns)} columns, {which}" if len(columns) > len(chosen) else ""
    figure.supxlabel(said + left_out, fontsize=13)


def _telling(cells: Cells, name: str) -> list[int]:
    """Orders the columns by the share of the variance of their ranks that lies between classes, largest first.

    With k classes that is the H of Kruskal and Wallis (1952, JASA 47:583) over n - 1, n being the cells measured.
    """
    known = pd.DataFrame(cells.inputs[name][cells.label != UNLABELLED])
    ranks, label = known.rank(), cells.label[cells.label != UNLABELLED]
    spread = (ranks - ranks.mean()) ** 2
    between = (ranks.groupby(label).transform("mean") - ranks.mean()).where(ranks.notna()) ** 2
    return np.argsort(-(between.sum() / spread.sum()).fillna(0).to_numpy(), kind="stable").tolist()
