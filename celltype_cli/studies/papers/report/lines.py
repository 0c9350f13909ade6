"""The lines of one table: published beside ours, and how to get what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from celltype_cli.metrics import mean_and_sd
from celltype_cli.papers import Row
from celltype_cli.reporting.results import Result

NAN = float("nan")
RATES = ("precision", "recall", "specificity")  # of a paper that publishes none of them: f1 instead of the last
SAME_CLASS = (
    {"PY", "EXC", "Excitatory", "Pyramidal"},
    {"PV", "Pvalb"},
    {"SOM", "SST", "Sst"},
    {"VIP", "Vip"},
)


@dataclass(frozen=True)
class Line:
    """One line of a table; numbers that there are not are nan.

    Attributes:
        group: what the line is sorted and coloured by: the model, or the rate in a table of classes.
        published, published_sd: as the paper prints them.
        ours, ours_sd: mean and standard deviation over the paper's random splits.
        apart, apart_low, apart_high: with animals kept apart, per cell, with the 95 % interval over animals.
        balanced, balanced_low, balanced_high: the same of the balanced accuracy.
        floor: what guessing the most frequent class scores.
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


def labelled(lines: list[Line]) -> list[Line]:
    """Labels the lines by their names, or with their group before it where names repeat."""
    names = [line.name for line in lines]
    return [
        replace(line, label=line.name if names.count(line.name) == 1 else f"{line.group}: {line.name}")
        for line in lines
    ]


def score_line(row: Row, metric: str, random: Result | None, apart: Result | None, command: str) -> Line:
    """Sets a score of one row, one of `paper_files.SCORES`, beside the published one."""
    numbers = {"command": command}
    if random:
        entry = random.scores["window"][metric]
        numbers |= {"ours": entry["fold_mean"], "ours_sd": entry["fold_sd"], "n_splits": random.n_splits}
        numbers |= _mean_and_sd("seconds", random.seconds)
        numbers["floor"] = random.scores["window"]["floor"][metric]
    if apart:
        level = apart.scores["cell"]
        numbers |= _interval("apart", level[metric]) | _interval("balanced", level["balanced_accuracy"])
        numbers.setdefault("floor", level["floor"][metric])
    numbers |= _published("published", row, metric) | _published("published_seconds", row, "training_seconds")
    return Line(row.model, row.name, row.best, **numbers)


def class_lines(
    row: Row, classes: tuple[str, ...], random: Result | None, apart: Result | None, command: str, prefix: str
) -> Iterator[Line]:
    """Sets each rate of each class beside the published one, a line for each; `prefix` names the row among others."""
    published = any("." in metric for metric in row.published)
    for rate in RATES if published else (*RATES[:2], "f1"):
        for name in classes:
            numbers = {"command": command}
            if random and (entry := _of_class(random.scores["window"]["classes"], name)):
                spread = {"ours": entry[rate]["fold_mean"], "ours_sd": entry[rate]["fold_sd"]}
                numbers |= spread | {"n_splits": random.n_splits}
            if apart and (entry := _of_class(apart.scores["cell"]["classes"], name)):
                numbers |= _interval("apart", entry[rate])
            numbers |= _published("published", row, f"{name}.{rate}")
            yield Line(rate, f"{prefix}{name}", **numbers, cell_class=name)


def _of_class(entries: dict, name: str) -> dict | None:
    """Finds a class under its own name or another that biologists use for it."""
    names = next((same for same in SAME_CLASS if name in same), {name})
    return next((entries[known] for known in entries if known in names), None)


def _mean_and_sd(key: str, values: list[float]) -> dict[str, float]:
    return dict(zip((key, f"{key}_sd"), mean_and_sd(np.array(values, float))))


def _interval(key: str, entry: dict[str, float]) -> dict[str, float]:
    return {key: entry["value"], f"{key}_low": entry["low"], f"{key}_high": entry["high"]}


def _published(key: str, row: Row, metric: str) -> dict[str, float]:
    mean, sd = row.published.get(metric, (NAN, None))
    return {key: mean, f"{key}_sd": NAN if sd is None else sd}
