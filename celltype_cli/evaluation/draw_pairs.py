"""A picture of how much better one model is than another."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from celltype_cli.core.plots import styled
from celltype_cli.evaluation.paired import Difference


@styled
def differences(found: Mapping[tuple[str, str], Difference], score: str) -> Figure:
    """Draws the difference of each pair with its 95 % interval, beside the line of no difference."""
    figure = Figure(figsize=(11, 1.6 + 0.9 * len(found)), layout="constrained")
    axes = figure.add_subplot()
    for k, difference in enumerate(found.values()):
        known = difference.low == difference.low
        error = [[difference.value - difference.low], [difference.high - difference.value]] if known else None
        axes.errorbar(difference.value, -k, xerr=error, fmt="o", color="black", capsize=6, markersize=9)
        p = f"p {difference.adjusted:.2g}" + (" (Holm)" if len(found) > 1 else "")
        axes.annotate(f"{difference.value:+.3f}, {p}", (difference.value, -k), xytext=(0, 10),
                      textcoords="offset points", ha="center")  # fmt: skip
    axes.axvline(0, color="grey", linestyle="--")
    axes.set_yticks([-k for k in range(len(found))], [f"{a}\n- {b}" for a, b in found], fontsize=11)
    axes.set_ylim(-len(found) + 0.4, 0.7)
    first = next(iter(found.values()))
    axes.set_xlabel(f"difference in {score} (95 %), {first.n_cells} cells of {first.n_groups} groups")
    return figure
