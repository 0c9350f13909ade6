"""A paper's tables and figures beside the published ones, from saved predictions alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from celltype_cli.core.messages import UserError
from celltype_cli.runs.folder import RunFolder
from celltype_cli.studies.papers.jobs import Job
from celltype_cli.studies.papers.paper import Paper
from celltype_cli.studies.papers.report import formats, latex, markdown
from celltype_cli.studies.papers.report.contents import Report
from celltype_cli.studies.papers.report.results import Result
from celltype_cli.studies.papers.report.tables import table_report

FIGURES = ("confusion", "curves")


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

    read: dict[Path, Result] = {}
    runs = {}
    for job, folder in found.items():
        if folder and folder.path not in read:
            read[folder.path] = Result.read(folder)
        runs[job] = read[folder.path] if folder else None
    asked = (f"paper={name or paper.key}", *extra)
    profile = _only_profile(found)
    marks = ["quick profile"] if profile == "quick" else []
    if any(result.facts["dataset"]["simulated"] for result in read.values()):
        marks.append("simulated data")
    report = Report(paper, profile, tuple(marks), (), ())
    planned = [table for table in paper.tables if any(job.table == table.key for job in found)]
    tables = [table_report(paper, table, runs, asked) for table in planned if table.kind not in FIGURES]
    drawn = [picture for table in tables for picture in pictures.of_table(table, report.marked)]
    drawn += [
        pictures.of_figure(paper, table, runs, report.marked, asked) for table in planned if table.kind in FIGURES
    ]
    return replace(report, tables=tuple(tables), pictures=tuple(drawn))


def _only_profile(found: Mapping[Job, RunFolder | None]) -> str:
    profiles = sorted({job.profile for job in found})
    if len(profiles) != 1:
        raise UserError(f"a report shows the rows of one profile, found {' and '.join(profiles) or 'no rows'}")
    return profiles[0]


def write(report: Report, folder: str | Path) -> dict[str, Path]:
    """Writes report.html, report.md, report.tex, a CSV per table and figures/*.png, each whole or not at all.

    Returns:
        the files by what they are: "HTML", "Markdown", "LaTeX", "CSV" (the folder) and "figures" (the folder).
    """
    from celltype_cli.core import plots
    from celltype_cli.core.files import replacing
    from celltype_cli.studies.papers.report import page

    folder = Path(folder)
    figures = {picture.key: picture.draw() for picture in report.pictures if picture.draw}
    texts = {
        "report.html": page.page(report, figures),
        "report.md": markdown.markdown(report),
        "report.tex": latex.latex(report),
        **{f"{table.key}.csv": formats.csv(report, table) for table in report.tables},
        **{f"{table.key}_pairs.csv": formats.pairs_csv(report, table) for table in report.tables if table.comparisons},
    }
    for file, text in texts.items():
        with replacing(folder / file) as temporary:
            temporary.write_text(text, encoding="utf-8")
    for key, figure in figures.items():
        plots.save(figure, folder / "figures" / f"{key}.png")
    return {"HTML": folder / "report.html", "Markdown": folder / "report.md", "LaTeX": folder / "report.tex",
            "CSV": folder, "figures": folder / "figures"}  # fmt: skip


def show(report: Report) -> None:
    """Prints the tables on the terminal, and below each the commands for what is missing."""
    formats.terminal(report)
