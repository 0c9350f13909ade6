"""Writes a report as Markdown, from which the page and the terminal are rendered, as CSV, and as LaTeX for booktabs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from math import isnan
from typing import TYPE_CHECKING

import pandas as pd

from celltype_cli.studies.papers.report import sheets
from celltype_cli.studies.papers.report.sheets import Bold, Sheet
from celltype_cli.studies.papers.report.tables import Picture, TableReport

if TYPE_CHECKING:
    from celltype_cli.studies.papers.report.report import Report

READING = (
    "Published figures and our own on the paper's split are means over splits with the standard deviation (published "
    "in brackets, ours after ±). Random splits put cells of one {group} on both sides.",
    "{Group}s kept apart: whole {group}s are tested that training never saw; in square brackets the 95 % interval "
    "(jackknife, Student's t). The gap between the two is what knowing the {group} is worth.",
    "Floor: the score of guessing the most frequent class. Bold: the highest figure of each model.",
    "ECE: expected calibration error, how far confidence lies from the share of right cells on average; 0 is best, "
    "and few cells keep it above 0 by chance. As the model says, and with a temperature fitted to other {group}s; of "
    "{group}s kept apart where that was run.",
    "Order: Spearman's and Kendall's rank correlation between published and own figures, 1 for the same order, "
    "0 for none; rows that lack a run are left out.",
    "Pairs: the test over splits (Nadeau and Bengio 2003) says whether other splits of these {group}s would find the "
    "same, and nothing of other {group}s: where models suit some {group}s better than others, it finds differences too "
    "often. Beside it stands the comparison with whole {group}s as units (predictions swapped within {group}s), which "
    "is of new {group}s; with few {group}s it finds large differences only.",
)

DEALT = (
    "Labels dealt anew: what a model scores that learnt nothing (balanced accuracy, mean ± sd of a ridge classifier, "
    "{group}s apart, whole {group}s swapping labels), and how often it reached the balanced accuracy of the row (p)."
)

ELSEWHERE = " of the usual dataset (cells, groups and splits of the one given by hand stand under each table)"

IN_MARKDOWN = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_<|"})
IN_LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    '"': r"\textquotedbl{}", "±": r"$\pm$", "→": r"$\to$", "−": "$-$", "\N{NO-BREAK SPACE}": "~",
})  # fmt: skip


def markdown(report: Report) -> str:
    """Writes the report; its figures stand beside it in figures/."""
    paper, groups = report.paper, {"group": report.group, "Group": report.group.capitalize()}
    dealt = any(not isnan(line.chance) for table in report.tables for line in table.lines)
    reading = [sentence.format(**groups) for sentence in (*READING, *([DEALT] if dealt else []))]
    reading.append(f"Profile {report.profile}{ELSEWHERE * report.elsewhere}: {paper.profiles[report.profile]}.")
    parts = [f"# {_md(paper.title)}{report.mark}", _md(f"{paper.citation} {paper.url}")]
    if report.tables:
        parts += [f"## At a glance{report.mark}", _table(sheets.overview_sheet(report.tables))]
    parts += [f"## How to read this{report.mark}", _md(paper.protocol), _bullets(map(_md, reading))]
    for table in report.tables:
        parts.append(section(report, table))
        if table.missing:
            parts.append(f"{table.lacking}. All of them: {_code(table.command)}")
            parts.append(_bullets(map(_code, table.commands)))
        for picture in report.pictures:
            parts += _picture(report, picture) if picture.table == table.key else []
        for words, family in table.families.items():
            told, sheet = f"Pairs of {words}: {family.in_short(table.group)}", sheets.pairs_sheet(family, table.group)
            parts += [f"<details><summary>{_md(told)}</summary>", _table(sheet), "</details>"]
    tables = {table.key for table in report.tables}
    for picture in report.pictures:
        parts += _picture(report, picture, "##") if picture.table not in tables else []  # the paper's own figures
    return "\n\n".join(parts) + "\n"


def section(report: Report, table: TableReport, width: int | None = None) -> str:
    """Writes a table with its order and notes, for a terminal with the columns that fit its width."""
    shown = [sheets.lines_sheet(table)]
    shown += [sheets.orders_sheet(table.orders)] * bool(table.orders)
    shown += [sheets.others_sheet(table.others)] * bool(table.others)
    texts = [_table(sheet.narrowed(width) if width else sheet) for sheet in shown]
    return "\n\n".join(
        [f"## {_md(f'{table.source}. {table.title}{report.mark}')}", *texts, _bullets(map(_md, table.sentences()))]
    )


def _picture(report: Report, picture: Picture, heading: str = "###") -> Iterator[str]:
    yield f"{heading} {_md(picture.title)}{report.mark}"
    yield f"![{_md(picture.title)}](figures/{picture.key}.svg)" if picture.draw else "Not run yet."
    yield _md(picture.caption)
    if picture.commands:
        yield "Missing:"
        yield _bullets(map(_code, picture.commands))


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"* {line}" for line in lines)


def _table(sheet: Sheet) -> str:
    header, *rows = _texts(sheet, _md, "**{}**")
    widths = [max(3, *map(len, column)) for column in zip(header, *rows)]
    sides = ["<" if name in sheets.WORDS else ">" for name in sheet.columns]
    lines = [[f"{text:{side}{n}}" for text, n, side in zip(row, widths, sides)] for row in (header, *rows)]
    lines.insert(1, [f"{':':-{side}{n}}" for n, side in zip(widths, sides)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _texts(sheet: Sheet, escaped: Callable[[str], str], bold: str) -> list[list[str]]:
    """Returns header and rows as they are written in a format."""
    rows = [[*sheet.columns], *zip(*sheet.columns.values())]
    return [[bold.format(escaped(cell)) if isinstance(cell, Bold) else escaped(cell) for cell in row] for row in rows]


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


def _md(text: str) -> str:
    return text.translate(IN_MARKDOWN)


def csv(report: Report, table: TableReport) -> str:
    """Gives every number of a table at full precision, one line per row, marked like the titles."""
    return _marked_csv([{**asdict(line), "difference": line.difference} for line in table.lines], report, table)


def pairs_csv(report: Report, table: TableReport) -> str:
    """Gives every paired test of a table at full precision; `over_...` is of the comparison over groups."""
    rows = [{"compared": words, **pair} for words, family in table.families.items() for pair in family.records()]
    return _marked_csv(rows, report, table)


def _marked_csv(rows: list[dict], report: Report, source: TableReport) -> str:
    table = pd.DataFrame(rows)
    table.insert(0, "table", source.key)
    return table.assign(profile=report.profile, marks="; ".join(report.marks)).to_csv(index=False)


def latex(report: Report) -> str:
    """Writes one table environment per table, to be read by \\input."""
    parts = [
        f"% {report.paper.title}{report.mark}".replace("\n", " "),
        "% needs \\usepackage[T1]{fontenc}, \\usepackage{booktabs} and \\usepackage{graphicx}",
    ]
    for table in report.tables:
        sheet = sheets.lines_sheet(table)
        sides = "".join("l" if name in sheets.WORDS else "r" for name in sheet.columns)
        header, *rows = [rf"{' & '.join(row)} \\" for row in _texts(sheet, _tex, r"\textbf{{{}}}")]
        notes = " ".join(
            [*table.sentences(), *_elsewhere(table), *([f"{table.lacking}: {table.command}"] if table.missing else [])]
        )
        parts.append("\n".join([
            r"\begin{table}", r"\centering",
            rf"\caption{{{_tex(f'{table.title} ({table.source} of the paper){report.mark}')}}}",
            rf"\label{{tab:{report.paper.key}-{table.key}}}",
            r"\resizebox{\linewidth}{!}{%", rf"\begin{{tabular}}{{{sides}}}", r"\toprule", header, r"\midrule", *rows,
            r"\bottomrule", r"\end{tabular}}", rf"\par\smallskip\footnotesize {_tex(notes)}", r"\end{table}",
        ]))  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _elsewhere(table: TableReport) -> Iterator[str]:
    for other in table.others:
        found = ", ".join(f"{metric.replace('_', ' ')} {value:.3f}" for metric, value in other.scores.items())
        yield f"Elsewhere: {other.name}, {found} ({other.data}; {other.source})."


def _tex(text: str) -> str:
    return text.translate(IN_LATEX)
