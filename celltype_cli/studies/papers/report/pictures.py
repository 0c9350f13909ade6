"""Which pictures a report shows, and the data each is drawn from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import isnan, nan

import pandas as pd

from celltype_cli.core import plots
from celltype_cli.evaluation.rates import mean_and_sd
from celltype_cli.evaluation.scores import confusion
from celltype_cli.studies.papers.jobs import Job, command
from celltype_cli.studies.papers.paper import Paper, Row, Table
from celltype_cli.studies.papers.report import draw_models, draw_splits
from celltype_cli.studies.papers.report.contents import Picture
from celltype_cli.studies.papers.report.lines import Line
from celltype_cli.studies.papers.report.tables import Found, TableReport, check_one_experiment, notes

WAYS = {"published": "random splits", "grouped": "animals kept apart"}
RANKS = (
    "Mean rank of the {metric} over {n} random splits, 1 for the best. A bar joins rows that follow each "
    "other and of which the corrected resampled t test (Nadeau and Bengio 2003) tells no two apart, at 0.05 after "
    "Holm's correction over the pairs shown together. Nemenyi's critical difference is not used: it takes splits to be "
    "independent, and these overlap."
)
DOTS = (
    "Full circle: ours on random splits, bar of one standard deviation. Open circle: ours with animals kept apart, bar "
    "of the 95 % interval over animals. Red line: guessing the most frequent class."
)
PUBLISHED = "Published beside ours. Diamond: the paper, bar of one standard deviation. "


def of_table(table: TableReport, titled: Callable[[str], str]) -> Iterator[Picture]:
    """Yields published beside ours, or ours where nothing was published, and the mean ranks of paired comparisons."""
    if any(not isnan(line.ours) or not isnan(line.apart) for line in table.lines):
        title = f"{table.source}: {'published and ours' if table.published else 'ours'}"
        draw = partial(
            draw_models.published_dots,
            table.lines,
            _colour(table),
            "rate" if table.kind == "per_class" else table.metric,
            titled(title),
        )
        yield Picture(f"{table.key}_published", table.key, title, PUBLISHED + DOTS if table.published else DOTS, draw)
    if table.comparisons:
        title = f"{table.source}: mean ranks of the {table.metric}"
        colour = {line.label: _colour(table)(line) for line in table.lines}
        panels = {
            f"{words}: {test.told_apart} of {len(test.pairs)} pairs told apart": (test, [colour[n] for n in test.names])
            for words, test in table.comparisons.items()
        }
        draw = partial(draw_splits.critical_differences, panels, titled(title))
        n = next(iter(table.comparisons.values())).n_splits
        yield Picture(f"{table.key}_ranks", table.key, title, RANKS.format(n=n, metric=table.metric), draw)


def of_figure(paper: Paper, table: Table, found: Found, titled: Callable[[str], str], asked: Sequence[str]) -> Picture:
    """Builds the paper's own figure from the runs of its rows.

    Raises:
        UserError: when runs of different experiments meet in it.
    """
    jobs = {job: result for job, result in found.items() if job.table == table.key}
    check_one_experiment(table, jobs)
    title = f"{table.source}. {table.title}"
    if table.kind == "curves":
        caption, draw = _curves(jobs, table.metric, titled(title))
    else:
        caption, draw = _confusions(jobs, paper.classes, titled(title))
    plan: dict[Row, dict[str, Job]] = {}
    for job in jobs:
        plan.setdefault(job.row, {})[job.split] = job
    commands = [command(table, row, by_split, asked) for row, by_split in plan.items()
                if not all(jobs[job] for job in by_split.values())]  # fmt: skip
    return Picture(table.key, table.key, title, " ".join([caption, *notes(table, jobs, asked)]), draw, tuple(commands))


def _colour(table: TableReport) -> Callable[[Line], str]:
    if table.kind == "per_class":
        classes = list(dict.fromkeys(line.cell_class for line in table.lines))
        return lambda line: plots.class_colour(line.cell_class, classes)
    models = list(dict.fromkeys(line.group for line in table.lines))
    return lambda line: draw_models.model_colour(line.group, models)


def _confusions(jobs: Found, classes: Sequence[str], title: str) -> tuple[str, Callable | None]:
    rows: dict[str, dict[str, pd.DataFrame]] = {}
    for job, result in jobs.items():
        published = _published_shares(job.row)
        if published is not None:
            rows.setdefault("published", {})[job.row.name] = published
        if result:
            counts = confusion(result.predictions)
            shares = counts.div(counts.sum(axis=1), axis=0)
            order = [*classes] if {*classes} == {*shares.index} else [*shares.index]
            rows.setdefault(WAYS[job.split], {})[job.row.name] = shares.loc[order, order]
    rows = {way: rows[way] for way in ("published", *WAYS.values()) if way in rows}
    columns = list(dict.fromkeys(job.row.name for job in jobs))
    caption = "Shares of each true class, all splits together; each row sums to 1."
    return caption, partial(draw_models.confusions, rows, columns, title) if rows else None


def _published_shares(row: Row) -> pd.DataFrame | None:
    """Reads a published matrix, given as metrics like PY.SOM: the share of true PY that is called SOM."""
    pairs = {tuple(metric.split(".")): mean for metric, (mean, _) in row.published.items() if metric.count(".") == 1}
    classes = list(dict.fromkeys(true for true, _ in pairs))
    if not classes or any(predicted not in classes for _, predicted in pairs):
        return None
    return pd.DataFrame([[pairs.get((a, b), float("nan")) for b in classes] for a in classes], classes, classes)


def _curves(jobs: Found, metric: str, title: str) -> tuple[str, Callable | None]:
    models = list(dict.fromkeys(job.row.model for job in jobs))
    curves: dict[str, list[draw_splits.Curve]] = {}
    sides: dict[str, str] = {}
    for job, result in jobs.items():
        if result:
            way = WAYS[job.split]
            lines = result.curves[result.curves["name"] == f"valid_{metric}"]
            if len(lines):
                monitor = result.facts["split"].get("monitor")
                sides[way] = ", test cells" if monitor == "test" else ", validation cells"
            colour = draw_models.model_colour(job.row.model, models)
            end = mean_and_sd(result.per_split("accuracy")) if metric == "accuracy" else (nan, nan)
            if len(lines) or metric == "accuracy":
                curve = draw_splits.Curve(job.row.name, colour, lines if len(lines) else None, *end)
                curves.setdefault(way, []).append(curve)
    panels = {f"{way}{sides.get(way, '')}": of_way for way, of_way in curves.items()}
    caption = (
        f"{metric.capitalize()} after each epoch: line, mean over the splits; band, one standard deviation."
        + " Models without epochs are horizontal lines, at their accuracy on the test cells." * (metric == "accuracy")
    )
    return caption, partial(draw_splits.learning_curves, panels, metric, title) if panels else None
