"""Writes a report as Markdown, for a repository page; its figures stand beside it in figures/."""

from __future__ import annotations

from celltype_cli.studies.papers.report.contents import Report, sentences
from celltype_cli.studies.papers.report.sheets import (
    Sheet,
    Text,
    lines_sheet,
    orders_sheet,
    overview_sheet,
    pairs_sheet,
)

FEW_PAIRS = 10  # more of them stand in the CSV file only


def markdown(report: Report) -> str:
    """Writes the report for a repository page; figures stand beside it in figures/."""
    paper = report.paper
    parts = [f"# {report.marked(paper.title)}", f"{paper.citation} {paper.url}", paper.protocol]
    parts += ["\n".join(f"* {sentence}" for sentence in report.reading())]
    if report.tables:
        parts += ["## At a glance", _markdown_table(overview_sheet(report.tables))]
    for table in report.tables:
        parts += [f"## {report.titled(table)}", _markdown_table(lines_sheet(table))]
        if table.orders:
            parts += [_markdown_table(orders_sheet(table.orders))]
        parts += ["\n".join(f"* {_markdown(sentence)}" for sentence in sentences(table))]
        for words, test in table.comparisons.items():
            if len(test.pairs) <= FEW_PAIRS:
                parts += [f"Paired test of {words}:", _markdown_table(pairs_sheet(test))]
        if table.missing:
            parts += [f"{table.missing} of {table.planned} rows lack runs. All of them: `{table.command}`"]
        parts += _markdown_pictures(report, table.key)
    own = {table.key for table in report.tables}
    parts += [part for key in dict.fromkeys(p.table for p in report.pictures if p.table not in own)
              for part in _markdown_pictures(report, key)]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _markdown_pictures(report: Report, table: str) -> list[str]:
    parts = []
    for picture in report.pictures:
        if picture.table == table:
            parts.append(f"### {report.marked(picture.title)}")
            parts += [f"![{picture.title}](figures/{picture.key}.png)"] if picture.draw else ["Not run yet."]
            parts.append(_markdown(picture.caption))
            parts += (
                ["\n".join(["Missing:", *(f"* `{command}`" for command in picture.commands)])]
                if picture.commands
                else []
            )
    return parts


def _markdown_table(sheet: Sheet) -> str:
    lines = [
        " | ".join(sheet.header),
        " | ".join(":--" if i in sheet.words else "--:" for i in range(len(sheet.header))),
    ]
    for row in sheet.rows:
        cells = [_markdown_cell(cell) for cell in row]
        lines.append(" | ".join([*cells, *[""] * (len(sheet.header) - len(cells))]))
    return "\n".join(f"| {line} |" for line in lines)


def _markdown_cell(cell: Text) -> str:
    if cell.style == "code":
        return f"`{cell.text}`".replace("|", "\\|")
    text = _markdown(cell.text)
    return f"**{text}**" if cell.style == "bold" and text else text


def _markdown(text: str) -> str:
    for mark in "\\`*_<|":
        text = text.replace(mark, f"\\{mark}")
    return text
