"""Whether the order of a paper's lines holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan

from celltype_cli.comparison import rank_correlation
from celltype_cli.reporting.lines import Line

WAYS = {"ours": "random splits", "apart": "animals kept apart"}


@dataclass(frozen=True)
class Order:
    """How well one order of ours follows the paper's.

    Attributes:
        lines: which lines are ordered: all, or those of one model.
        way: "random splits" or "animals kept apart".
        n: how many have both figures.
        spearman, kendall: rank correlations with the published figures; nan for fewer than three lines.
        best_published, best_here: the lines with the highest figure, of those that have both.
    """

    lines: str
    way: str
    n: int
    spearman: float
    kendall: float
    best_published: str
    best_here: str


def orders(lines: Sequence[Line], together: bool) -> Iterator[Order]:
    """Compares the order within each group that has several lines, and `together` that of all lines."""
    groups = list(dict.fromkeys(line.group for line in lines))
    several = [g for g in groups if sum(line.group == g for line in lines) > 1]
    scopes = {"all": list(lines)} if together else {}
    if len(groups) > 1:
        scopes |= {group: [line for line in lines if line.group == group] for group in several}
    for scope, members in scopes.items():
        for key, way in WAYS.items():
            both = [line for line in members if not isnan(line.published) and not isnan(getattr(line, key))]
            if len(both) > 1:
                ours = [getattr(line, key) for line in both]
                published = [line.published for line in both]
                name = (lambda line: line.label) if scope == "all" else (lambda line: line.name)
                best = [name(both[values.index(max(values))]) for values in (published, ours)]
                yield Order(scope, way, len(both), *rank_correlation(published, ours), *best)


def order_of_groups(lines: Sequence[Line], key: str) -> tuple[str, ...]:
    """Orders the models by the best line of each, best first, where all lines compared have this figure.

    Args:
        key: "published", "ours" or "apart"; lines without this or without the published figure are left out.
    """
    best: dict[str, float] = {}
    for line in lines:
        value = getattr(line, key)
        if not isnan(value) and not isnan(line.published):
            best[line.group] = max(value, best.get(line.group, value))
    return tuple(sorted(best, key=lambda group: -best[group]))
