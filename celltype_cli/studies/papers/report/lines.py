"""The lines of one table: published beside ours, and how to get what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np

from celltype_cli.core.classes import same_as
from celltype_cli.evaluation.comparison import rank_correlation
from celltype_cli.evaluation.scores import mean_and_sd
from celltype_cli.studies.papers.paper import Row
from celltype_cli.studies.papers.report.results import Result

NAN = float("nan")
ALIKE = 0.01  # numbers that are closer than this are shown once; the CSV file has both
RATES = ("precision", "recall", "specificity")  # of a paper that publishes none of them: f1 instead of the last


@dataclass(frozen=True)
class Line:
    """One line of a table; numbers that there are not are nan.

    Attributes:
        group: what the line is sorted and coloured by: the model, or the rate in a table of classes.
        published, published_sd: as the paper prints them.
        ours, ours_sd: mean and standard deviation over the paper's random splits.
        apart, apart_low, apart_high: with groups kept apart, per cell, with the 95 % interval over groups.
        balanced, balanced_low, balanced_high: the same of the balanced accuracy.
        ece, ece_calibrated: expected calibration error as the model says and with a temperature fitted to other groups;
            with groups kept apart where that was run, else on the paper's splits.
        floor: what guessing the most frequent class scores, on the paper's split where that was run.
        apart_floor: the same with groups kept apart.
        chance, chance_sd, chance_p: balanced accuracy with labels dealt anew over groups (`runs.chance`), groups apart.
        seconds, seconds_sd: training time over the random splits.
        command: makes what is missing; empty where nothing is.
        label: names the line where lines of several models stand together.
        cell_class: of a line about one class.
    """

    group: str
    name: str
    best: bool = False
    published: float = NAN
    published_sd: float = NAN
    ours: float = NAN
    ours_sd: float = NAN
    n_splits: int = 0
    apart: float = NAN
    apart_low: float = NAN
    apart_high: float = NAN
    balanced: float = NAN
    balanced_low: float = NAN
    balanced_high: float = NAN
    floor: float = NAN
    ece: float = NAN
    ece_calibrated: float = NAN
    apart_floor: float = NAN
    chance: float = NAN
    chance_sd: float = NAN
    chance_p: float = NAN
    seconds: float = NAN
    seconds_sd: float = NAN
    published_seconds: float = NAN
    published_seconds_sd: float = NAN
    command: str = ""
    label: str = ""
    cell_class: str = ""

    @property
    def difference(self) -> float:
        return self.ours - self.published


def score_line(row: Row, label: str, metric: str, random: Result | None, apart: Result | None, command: str) -> Line:
    """Sets a score of one row, one of `paper.SCORES`, beside the published one."""
    numbers = _published("published", row, metric) | _published("published_seconds", row, "training_seconds")
    if apart:
        level = apart.scores["cell"]
        numbers |= _interval("apart", level[metric]) | _interval("balanced", level["balanced_accuracy"])
        numbers["floor"] = numbers["apart_floor"] = level["floor"][metric]
        if dealt := apart.scores.get("chance"):
            numbers |= {"chance": dealt["mean"], "chance_sd": dealt["sd"], "chance_p": dealt["p"]}
    if random:
        level = random.scores["window"]
        numbers |= _ours(random, level[metric]) | {"floor": level["floor"][metric]}
        seconds = np.array([fold["training_seconds"] for fold in random.fitted], float)
        numbers["seconds"], numbers["seconds_sd"] = mean_and_sd(seconds)
    if trusted := apart or random:
        ece = trusted.confidence["ece"]
        numbers |= {"ece": ece["before"], "ece_calibrated": ece["after"]}
    return Line(row.model, row.name, row.best, **numbers, command=command, label=label)


def class_lines(
    row: Row, classes: tuple[str, ...], random: Result | None, apart: Result | None, command: str, prefix: str
) -> Iterator[Line]:
    """Sets each rate of each class beside the published one, a line for each; `prefix` names the row among others."""
    published = any("." in metric for metric in row.published)
    for rate in RATES if published else (*RATES[:2], "f1"):
        for name in classes:
            numbers = _published("published", row, f"{name}.{rate}")
            if random and (entry := _of_class(random.scores["window"]["classes"], name)):
                numbers |= _ours(random, entry[rate])
            if apart and (entry := _of_class(apart.scores["cell"]["classes"], name)):
                numbers |= _interval("apart", entry[rate])
            words = {"command": command, "label": f"{rate}: {prefix}{name}", "cell_class": name}
            yield Line(rate, f"{prefix}{name}", **numbers, **words)


def _of_class(entries: dict, name: str) -> dict | None:
    """Finds a class under its own name or another that biologists use for it."""
    return next((entries[known] for known in entries if known in same_as(name)), None)


def _ours(run: Result, entry: dict[str, float]) -> dict[str, float]:
    return {"ours": entry["fold_mean"], "ours_sd": entry["fold_sd"], "n_splits": run.scores["n_folds"]}


def _interval(key: str, entry: dict[str, float]) -> dict[str, float]:
    return {key: entry["value"], f"{key}_low": entry["low"], f"{key}_high": entry["high"]}


def _published(key: str, row: Row, metric: str) -> dict[str, float]:
    mean, sd = row.published.get(metric, (NAN, None))
    return {key: mean, f"{key}_sd": NAN if sd is None else sd}


@dataclass(frozen=True)
class Order:
    """How well one order of ours follows the paper's.

    Attributes:
        lines: which lines are ordered: all, or those of one model.
        way: the paper's own split, such as "random splits"; or "groups kept apart", as the dataset calls its groups.
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


def orders(lines: Sequence[Line], together: bool, way: str, group: str) -> Iterator[Order]:
    """Compares the order within each model that has several lines, and `together` that of all lines.

    Args:
        way: what the paper's own split is called.
        group: what the dataset calls its groups.
    """
    groups = list(dict.fromkeys(line.group for line in lines))
    several = [g for g in groups if sum(line.group == g for line in lines) > 1]
    scopes = {"all": list(lines)} if together else {}
    ways = {"ours": way, "apart": f"{group}s kept apart"}
    if len(groups) > 1:
        scopes |= {group: [line for line in lines if line.group == group] for group in several}
    for scope, members in scopes.items():
        for key, words in ways.items():
            both = [line for line in members if not isnan(line.published) and not isnan(getattr(line, key))]
            if len(both) > 1:
                values = [[getattr(line, figure) for line in both] for figure in ("published", key)]
                names = [line.label if scope == "all" else line.name for line in both]
                best = [names[of.index(max(of))] for of in values]
                yield Order(scope, words, len(both), *rank_correlation(*values), *best)


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
