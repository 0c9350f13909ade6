"""A paper's tables and figures beside the published ones, from saved predictions alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from celltype_cli.core.messages import UserError
from celltype_cli.runs.folder import RunFolder
from celltype_cli.studies.papers.forked import shared
from celltype_cli.studies.papers.jobs import Job, key_of
from celltype_cli.studies.papers.paper import Paper
from celltype_cli.studies.papers.report import formats
from celltype_cli.studies.papers.report.results import Found, Result, check_one_experiment, group_of
from celltype_cli.studies.papers.report.tables import Picture, TableReport, table_report

FIGURES = ("confusion", "curves")


@dataclass
class Report:
    """A paper's tables and figures, from saved predictions.

    Attributes:
        marks: what every title says besides: "quick profile", "simulated data".
        group: what the datasets call a group: "animal", "donor".
        elsewhere: whether the dataset was given by hand, in place of the paper's own.
    """

    paper: Paper
    profile: str
    marks: tuple[str, ...]
    group: str
    elsewhere: bool = False
    tables: list[TableReport] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)

    @property
    def mark(self) -> str:
        return f" [{', '.join(self.marks)}]" if self.marks else ""


def build(
    paper: Paper, found: Mapping[Job, RunFolder | None], *, name: str | None = None, extra: Sequence[str] = ()
) -> Report:
    """Builds the report of the planned runs; rows without a run show the command that makes it.

    Args:
        found: every planned run, in the order of the paper, with its finished folder or None.
        name: of the paper in commands; by default its key.
        extra: the user's own overrides, which commands repeat.

    Raises:
        UserError: when runs of different experiments (data, seed, profile) would meet in one table.
    """
    from celltype_cli.studies.papers.report import pictures

    profiles = sorted({job.profile for job in found})
    if len(profiles) != 1:
        raise UserError(f"a report shows the rows of one profile, found {' and '.join(profiles) or 'no rows'}")
    results = {folder.path: Result(folder) for folder in found.values() if folder}
    runs: dict[str, Found] = {}
    for job, folder in found.items():
        runs.setdefault(job.table, {})[job] = results[folder.path] if folder else None
    planned = [table for table in paper.tables if table.key in runs]
    for table in planned:
        check_one_experiment(table, runs[table.key])
    simulated = any(result.facts["dataset"]["simulated"] for result in results.values())
    marks = ["quick profile"] * (profiles == ["quick"]) + ["simulated data"] * simulated
    elsewhere = any(key_of(override) == "dataset" for override in extra)
    report = Report(paper, profiles[0], tuple(marks), group_of(results.values()), elsewhere)
    asked = (f"paper={name or paper.key}", *extra)
    of_scores = [table for table in planned if table.kind not in FIGURES]
    report.tables += shared(lambda table: table_report(paper, table, runs[table.key], asked), of_scores)
    models = [*paper.models, *(row.model for table in paper.tables for row in table.rows)]
    shown: list[set[Path]] = []  # runs whose reliability is drawn; a table of the same with another score repeats none
    for table in report.tables:
        drawn = {folder.path for job, folder in found.items() if job.table == table.key and folder}
        once = replace(table, reliability={}) if drawn in shown else table
        report.pictures += pictures.of_table(once, models, report.mark)
        shown += [drawn] if table.reliability else []
    for table in planned:
        if table.kind in FIGURES:
            report.pictures.append(pictures.of_figure(paper, table, runs[table.key], models, report.mark, asked))
    return report


def write(
    report: Report,
    folder: str | Path,
    figures: Sequence[str] = (),
    meanwhile: Callable[[], None] = lambda: None,
) -> dict[str, Path]:
    """Writes report.html, report.md, report.tex, a CSV per table and figures/*.svg, each whole or not at all.

    Args:
        figures: their formats beside SVG, which the page holds.
        meanwhile: called while the figures are drawn.

    Returns:
        the files by what they are: "HTML", "Markdown", "LaTeX", "CSV" (the folder) and "figures" (the folder).
    """
    from celltype_cli.core.files import replacing
    from celltype_cli.studies.papers.report import pictures
    from celltype_cli.studies.papers.report.page import page

    folder = Path(folder)
    texts: dict[str, str] = {}

    def write_texts() -> None:
        meanwhile()
        texts.update({"report.md": formats.markdown(report), "report.tex": formats.latex(report)})
        for table in report.tables:
            texts[f"{table.key}.csv"] = formats.csv(report, table)
            if table.families:
                texts[f"{table.key}_pairs.csv"] = formats.pairs_csv(report, table)

    drawable = [picture for picture in report.pictures if picture.draw]
    files = {f"figures/{one.key}.{kind}": one for kind in dict.fromkeys(("svg", *figures)) for one in drawable}
    drawn = shared(lambda file: pictures.drawn(files[file], folder / file), list(files), meanwhile=write_texts)
    images = dict(zip(files, drawn))
    texts["report.html"] = page(report, texts["report.md"], images)
    for file, content in {**{name: text.encode() for name, text in texts.items()}, **images}.items():
        with replacing(folder / file) as temporary:
            temporary.write_bytes(content)
    pictures.remove_others(folder / "figures", {one.key for one in drawable})
    places = {"HTML": "report.html", "Markdown": "report.md", "LaTeX": "report.tex", "CSV": "", "figures": "figures"}
    return {name: folder / place for name, place in places.items()}


def show(report: Report) -> None:
    """Prints the tables on the terminal, and below each the commands for what is missing."""
    from celltype_cli.core.terminal import console, say, say_markdown

    for table in report.tables:
        say_markdown(formats.section(report, table, width=console.width if console.is_terminal else None))
        if table.missing:
            say(f"{table.lacking}; all of them: {table.command}")
        for command in table.commands:
            say(f"  {command}")
    for picture in report.pictures:
        if picture.commands:
            say(f"\n{picture.title}{report.mark} lacks runs:")
        for command in picture.commands:
            say(f"  {command}")
