"""Pictures of a search: the score from trial to trial, and against each setting.

Importing this file imports matplotlib.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from optuna.distributions import CategoricalDistribution

from celltype_cli.core.plots import styled
from celltype_cli.studies.search.journal import Done
from celltype_cli.studies.search.space import Space, text

BEST, OTHER, FAILED = "#D55E00", "#0072B2", "#777777"
COLUMNS = 3


@styled
def history(done: Sequence[Done], metric: str, title: str) -> Figure:
    """Draws every trial's score with the sd over inner folds, the best so far, and failed trials at the bottom."""
    figure = Figure(figsize=(9, 5.4), layout="constrained")
    axes = figure.subplots()
    scored = [trial for trial in done if trial.result]
    at, values = [trial.number for trial in scored], np.array([trial.result.value for trial in scored])
    sd = [np.std(trial.result.values, ddof=1) for trial in scored]
    axes.errorbar(
        at, values, sd, fmt="o", color=OTHER, ecolor=f"{OTHER}55", markersize=7, label="trial (sd over folds)"
    )
    last = done[-1].number
    so_far = np.maximum.accumulate([*values, values[-1]])
    axes.step([*at, last], so_far, where="post", color=BEST, linewidth=2.5, label="best so far")
    failed = [trial.number for trial in done if not trial.result]
    if failed:
        axes.plot(failed, [0.02] * len(failed), "x", color=FAILED, markersize=9, markeredgewidth=2.5, label="failed",
                  transform=axes.get_xaxis_transform())  # fmt: skip
    axes.set(xlabel="trial, in the order of their beginning", ylabel=_wording(metric), xlim=(0.3, last + 0.7))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.16), ncols=3, columnspacing=1.2)
    figure.suptitle(title)
    return figure


@styled
def slices(done: Sequence[Done], space: Space, shares: Mapping[str, float], metric: str, title: str) -> Figure:
    """Draws the score against each setting, the best trial marked; titles say each setting's share of importance."""
    keys = sorted(space, key=lambda key: -shares.get(key, 0))
    columns = min(COLUMNS, len(keys))
    rows = -(-len(keys) // columns)
    figure = Figure(figsize=(max(4.6 * columns, 7), 3.9 * rows + 0.9), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    best = max(done, key=lambda trial: trial.result.value)
    for axes, key in zip(panels, keys):
        _slice(axes, [trial for trial in done if trial is not best], key, space, OTHER, 6)
        _slice(axes, [best], key, space, BEST, 11)
        share = f"\nimportance {shares[key]:.2f}" if shares else ""
        axes.set_title(f"{key}{share}", fontsize=15)
        axes.set_xlabel(key.rpartition(".")[2] + (" (log)" if axes.get_xscale() == "log" else ""))
    for axes in panels[::columns]:
        axes.set_ylabel(_wording(metric))
    for axes in panels[len(keys) :]:
        axes.remove()
    figure.suptitle(f"{title}\norange: the best trial")
    return figure


def _slice(axes: Axes, trials: Sequence[Done], key: str, space: Space, colour: str, size: float) -> None:
    setting = space[key]
    at = [trial.values[key] for trial in trials]
    if isinstance(setting, CategoricalDistribution):
        names = list(setting.choices)
        # Trials of one choice side by side, in a fixed order, so that they do not hide each other.
        at = [names.index(text(value)) + 0.2 * np.sin(2.4 * trial.number) for value, trial in zip(at, trials)]
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.5, len(names) - 0.5)
    elif setting.log:
        axes.set_xscale("log")
        ticks = np.geomspace(setting.low, setting.high, 3)
        axes.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
        axes.minorticks_off()
        margin = (setting.high / setting.low) ** 0.06
        axes.set_xlim(setting.low / margin, setting.high * margin)
    else:
        margin = 0.06 * (setting.high - setting.low)
        axes.set_xlim(setting.low - margin, setting.high + margin)
    axes.plot(at, [trial.result.value for trial in trials], "o", color=colour, markersize=size, alpha=0.85)


def _wording(metric: str) -> str:
    return f"{metric.replace('_', ' ').replace('f1', 'F1')},\nmean of inner folds"
