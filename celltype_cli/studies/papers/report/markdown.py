"""Writes a report as Markdown: for a repository page, and for what is rendered from it, the page and the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from celltype_cli.studies.papers.report import sheets
from celltype_cli.studies.papers.report.contents import Picture, Report
from celltype_cli.studies.papers.report.sheets import Bold, Sheet
from celltype_cli.studies.papers.report.tables import TableReport


def markdown(report: Report) -> str:
    """Writes the report; its figures stand beside it in figures/."""
    paper = report.paper
    parts = [f"# {_escaped(paper.title)}{report.mark}", _escaped(f"{paper.citation} {paper.url}")]
    if report.tables:
        parts += [f"## At a glance{report.mark}", _table(sheets.overview_sheet(report.tables))]
    parts += [f"## How to read this{report.mark}", _escaped(paper.protocol), _bullets(map(_escaped, report.reading()))]
    for table in report.tables:
        parts += [section(report, table), *_missing(table)]
        for picture in report.pictures:
            parts += _picture(report, picture) if picture.table == table.key else []
        for words, test in table.comparisons.items():
            told = f"Paired tests of {words}: {test.told_apart} of {len(test.pairs)} pairs told apart"
            parts += [f"<details><summary>{_escaped(told)}</summary>", _table(sheets.pairs_sheet(test)), "</details>"]
    for picture in report.without_table():
        parts += _picture(report, picture, heading="##")
    return "\n\n".join(parts) + "\n"


def section(report: Report, table: TableReport, width: int | None = None) -> str:
    """Writes a table with its order and notes, for a terminal with the columns that fit its width."""
    shown = [sheets.lines_sheet(table), *([sheets.orders_sheet(table.orders)] if table.orders else [])]
    texts = [_table(sheet.narrowed(width) if width else sheet) for sheet in shown]
    return "\n\n".join([f"## {_escaped(report.titled(table))}", *texts, _bullets(map(_escaped, table.sentences()))])


def _missing(table: TableReport) -> Iterator[str]:
    if table.missing:
        yield f"{table.missing} of {table.planned} rows lack runs. All of them: {_code(table.command)}"
        yield _bullets(map(_code, dict.fromkeys(line.command for line in table.lines if line.command)))


def _picture(report: Report, picture: Picture, heading: str = "###") -> Iterator[str]:
    yield f"{heading} {_escaped(picture.title)}{report.mark}"
    yield f"![{_escaped(picture.title)}](figures/{picture.key}.svg)" if picture.draw else "Not run yet."
    yield _escaped(picture.caption)
    if picture.commands:
        yield "Missing:"
        yield _bullets(map(_code, picture.commands))


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"* {line}" for line in lines)


def _table(sheet: Sheet) -> str:
    rows = [sheet.header, *([_cell(cell) for cell in row] for row in sheet.rows)]
    widths = [max(3, *map(len, column)) for column in zip(*rows)]
    sides = ["<" if i in sheet.words else ">" for i in range(len(widths))]
    lines = [[f"{text:{side}{n}}" for text, n, side in zip(row, widths, sides)] for row in rows]
    lines.insert(1, [f"{':':-{side}{n}}" for n, side in zip(widths, sides)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: str) -> str:
    return f"**{_escaped(cell)}**" if isinstance(cell, Bold) else _escaped(cell)


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


def _escaped(text: str) -> str:
    for mark in "\\`*_<|":
        text = text.replace(mark, f"\\{mark}")
    return text
