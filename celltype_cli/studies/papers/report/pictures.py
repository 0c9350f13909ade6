"""Which pictures a report shows, the data each is drawn from, and the drawing of what has changed."""

from __future__ import annotations

import pickle
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from math import isnan
from pathlib import Path

import matplotlib
import pandas as pd

from celltype_cli.core import plots
from celltype_cli.core.classes import vocabulary
from celltype_cli.core.code import digests
from celltype_cli.core.plots import class_colour
from celltype_cli.evaluation import draw_confidence, pictures
from celltype_cli.evaluation.scores import confusion
from celltype_cli.studies.papers.paper import Paper, Row, Table
from celltype_cli.studies.papers.report import draw_tables, results
from celltype_cli.studies.papers.report.results import Found
from celltype_cli.studies.papers.report.tables import Picture, TableReport

RANKS = "Mean rank of the {metric} over {counted}, {way}, 1 for the best."
BARS = (
    "A bar joins rows that follow each other and of which the corrected resampled t test (Nadeau and Bengio 2003) "
    "tells no two apart, at 0.05 after Holm's correction over the pairs shown together; it holds for these {group}s. "
    "Nemenyi's critical difference is not used: it takes splits to be independent, and these overlap."
)
DOTS = (
    "Full circle: ours on {way}, bar of one standard deviation. Open circle: ours with {group}s kept apart, "
    "bar of the 95 % interval over {group}s (jackknife). Red line: guessing the most frequent class."
)
PUBLISHED = "Published beside ours. Diamond: the paper, bar of one standard deviation. "
CURVES = "{metric} after each epoch: line, mean over the splits; band, one standard deviation."
FLAT = " Models without epochs are horizontal lines, at their accuracy on the test cells."
RELIABLE = (
    "How often cells of each confidence (the probability of the best guess) are right, bars of a 95 % interval: on the "
    "line, probabilities are what they say. Grey squares: as the model says; blue circles: with a temperature fitted "
    "to other {group}s. ECE: before and after, and by chance alone."
)

# After Tol's "muted" palette, made for colour-blind readers; dark enough for text on white, none that of a class.
MODEL_COLOURS = (
    "#332288", "#117733", "#AA4499", "#2A9D8F", "#8A8A1F", "#8C3B4A", "#882255", "#5B2A86", "#2C6E91", "#3B7A1F",
    "#B5446E", "#A63603", "#3A3F5C", "#CC6677", "#6699CC", "#555555",
)  # fmt: skip
DRAWN = "drawn from "  # what each picture of a report carries, before its hash
DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)), (0, (1, 1)))


def model_colour(name: str, models: Sequence[str]) -> str:
    """Returns the colour of a model by its place among all models of the paper."""
    return MODEL_COLOURS[list(dict.fromkeys(models)).index(name) % len(MODEL_COLOURS)]


def of_table(table: TableReport, models: Sequence[str], mark: str) -> Iterator[Picture]:
    """Yields published beside ours, or ours where nothing was published, whether probabilities are what they say, and
    the mean ranks of paired comparisons."""
    if table.kind == "per_class":
        classes = list(dict.fromkeys(line.cell_class for line in table.lines))
        colours = [class_colour(line.cell_class, classes) for line in table.lines]
    else:
        colours = [model_colour(line.group, models) for line in table.lines]
    if any(not isnan(line.ours) or not isnan(line.apart) for line in table.lines):
        title = f"{table.source}: {'published and ours' if table.published else 'ours'}"
        caption = (PUBLISHED + DOTS if table.published else DOTS).format(group=table.group, way=table.way)
        score = "rate" if table.kind == "per_class" else table.metric
        draw = partial(draw_tables.published_dots, table.lines, colours, score, table.way, table.group, title + mark)
        yield Picture(f"{table.key}_published", table.key, title, caption, draw)
    if table.reliability:
        title = f"{table.source}: reliability"
        draw = partial(draw_confidence.reliabilities, table.reliability, title + mark)
        yield Picture(f"{table.key}_reliability", table.key, title, RELIABLE.format(group=table.group), draw)
    if table.families:
        yield _ranks(table, dict(zip((line.label for line in table.lines), colours)), mark)


def _ranks(table: TableReport, colours: dict[str, str], mark: str) -> Picture:
    """Builds the picture of the mean ranks in each family of rows."""
    title = f"{table.source}: mean ranks of the {table.metric}"
    panels = {
        f"{words}: {family.in_short(table.group)}": (family.splits, [colours[name] for name in family.splits.names])
        for words, family in table.families.items()
    }
    counted = list(dict.fromkeys(family.splits.counted for family in table.families.values()))
    untested = list(dict.fromkeys(filter(None, (family.splits.untested for family in table.families.values()))))
    caption = RANKS.format(counted=" or ".join(counted), way=table.way, metric=table.metric)
    if any(not family.splits.untested for family in table.families.values()):
        caption += f" {BARS.format(group=table.group)}"
    if untested:
        caption += f" Without a test there are no bars: {'; '.join(untested)}."
    draw = partial(draw_tables.critical_differences, panels, title + mark)
    return Picture(f"{table.key}_ranks", table.key, title, caption, draw)


def of_figure(
    paper: Paper, table: Table, jobs: Found, models: Sequence[str], mark: str, asked: Sequence[str]
) -> Picture:
    """Builds the paper's own figure from the jobs planned for it; `asked` are overrides of every command."""
    ways = results.ways_of(jobs)
    title = f"{table.source}. {table.title}"
    if table.kind == "curves":
        panels = _curves(jobs, table.metric, ways, models)
        caption = CURVES.format(metric=table.metric.capitalize()) + FLAT * (table.metric == "accuracy")
        draw = partial(pictures.curves_over_epochs, panels, title + mark, table.metric)
    else:
        panels = _confusions(jobs, paper.classes, ways)
        caption = "Shares of each true class, all splits together; each row sums to 1."
        columns = list(dict.fromkeys(job.row.name for job in jobs))
        draw = partial(pictures.confusions, panels, title + mark, columns)
    caption = " ".join([caption, *results.notes(table, jobs, asked)])
    commands = tuple(results.commands(jobs, asked).values())
    return Picture(table.key, table.key, title, caption, draw if panels else None, commands)


def _confusions(jobs: Found, classes: Sequence[str], ways: dict[str, str]) -> dict[str, dict[str, pd.DataFrame]]:
    rows: dict[str, dict[str, pd.DataFrame]] = {way: {} for way in ("published", *ways.values())}
    for job, result in jobs.items():
        published = _published_shares(job.row)
        if published is not None:
            rows["published"][job.row.name] = published
        if result:
            counts = confusion(result.predictions)
            order = [*classes] if {*classes} == {*counts.index} else [*counts.index]
            rows[ways[job.split]][job.row.name] = counts.loc[order, order]
    return {way: row for way, row in rows.items() if row}


def _published_shares(row: Row) -> pd.DataFrame | None:
    """Reads a published matrix, given as metrics like PY.SOM: the share of true PY that is called SOM."""
    pairs = {tuple(metric.split(".")): mean for metric, (mean, _) in row.published.items() if metric.count(".") == 1}
    classes = list(dict.fromkeys(true for true, _ in pairs))
    if not classes or any(predicted not in classes for _, predicted in pairs):
        return None
    return pd.DataFrame([[pairs.get((a, b), float("nan")) for b in classes] for a in classes], classes, classes)


def _curves(jobs: Found, metric: str, ways: dict[str, str], models: Sequence[str]) -> dict[str, list[pictures.Curve]]:
    """Returns the curves by way of testing; a model without epochs keeps its accuracy from the first to the last."""
    runs = {job: result for job, result in jobs.items() if result}
    lines = {job: run.curves[run.curves["name"] == f"valid_{metric}"] for job, run in runs.items()}
    last = max((int(values["epoch"].max()) for values in lines.values() if len(values)), default=2)
    panels: dict[str, list[pictures.Curve]] = {}
    for split, way in ways.items():
        of_way = {job: run for job, run in runs.items() if job.split == split}
        watched = [run.facts["split"].get("monitor") for job, run in of_way.items() if len(lines[job])]
        side = f", {'test' if watched[0] == 'test' else 'validation'} cells" if watched else ""
        curves = []
        for place, (job, run) in enumerate(of_way.items()):
            values = lines[job]
            if values.empty and metric == "accuracy":
                reached = pd.DataFrame({"value": run.per_split(metric)}).rename_axis("fold").reset_index()
                values = pd.concat([reached.assign(epoch=1), reached.assign(epoch=max(last, 2))])
            if len(values):
                colour = model_colour(job.row.model, models)
                curves.append(pictures.Curve(job.row.name, values, colour, DASHES[place % len(DASHES)]))
        if curves:
            panels[f"{way}{side}"] = curves
    return panels


def drawn(picture: Picture, file: Path) -> bytes:
    """Draws a picture in the format of the file, or takes it as it is unless data, colours or drawing code changed.

    The file carries a hash of them, and the same picture has the same bytes.
    """
    code = digests({picture.draw.func.__module__, plots.__name__})
    content = pickle.dumps((picture.draw, code, vocabulary(), matplotlib.__version__))
    made_of = f"{DRAWN}{blake2b(content, digest_size=16).hexdigest()}"
    if file.exists() and made_of.encode() in (before := file.read_bytes()):
        return before
    return plots.drawn(picture.draw(), file.suffix[1:], made_of)


def remove_others(folder: Path, keys: Collection[str]) -> None:
    """Removes the pictures of an earlier report that are drawn no longer; files that no report drew stay."""
    for file in folder.iterdir() if folder.is_dir() else ():
        if file.is_file() and file.stem not in keys and DRAWN.encode() in file.read_bytes():
            file.unlink()
