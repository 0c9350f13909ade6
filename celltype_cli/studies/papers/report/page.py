"""Writes a report as one HTML page that needs nothing else: figures are inside, nothing is loaded."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping
from html import escape

import matplotlib
from matplotlib.figure import Figure

from celltype_cli.plots import class_colour
from celltype_cli.reporting import drawing
from celltype_cli.reporting.contents import Picture, Report, sentences
from celltype_cli.reporting.sheets import Sheet, Text, lines_sheet, orders_sheet, overview_sheet, pairs_sheet
from celltype_cli.reporting.style import STYLE
from celltype_cli.reporting.tables import TableReport


def page(report: Report, figures: Mapping[str, Figure]) -> str:
    """Writes the page.

    Args:
        figures: drawn pictures by key.
    """
    paper, marks = report.paper, "".join(f'<span class="mark">{escape(mark)}</span>' for mark in report.marks)
    sections = [*_sections(report, figures)]
    contents = "".join(f'<li><a href="#{key}">{escape(title)}</a></li>' for key, title, _ in sections)
    body = "".join(
        f'<section id="{key}"><h2>{escape(title)}{marks}</h2>{html}</section>' for key, title, html in sections
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(report.marked(paper.title))}</title><style>{STYLE}</style></head><body>"
        f"<header><p class=kind>Published and reproduced</p><h1>{escape(paper.title)}</h1>"
        f"<p>{escape(paper.citation)} <span class=url>{escape(paper.url)}</span></p><p>{marks}</p></header>"
        f"<nav><ol>{contents}</ol></nav><main>{body}</main></body></html>\n"
    )


def _sections(report: Report, figures: Mapping[str, Figure]) -> Iterator[tuple[str, str, str]]:
    """Yields key, title and HTML of each section."""
    if report.tables:
        yield "glance", "At a glance", _table(overview_sheet(report.tables))
    reading = "".join(f"<li>{escape(sentence)}</li>" for sentence in report.reading())
    yield "reading", "How to read this", f"<p>{escape(report.paper.protocol)}</p><ul>{reading}</ul>"
    for table in report.tables:
        yield table.key, f"{table.source}. {table.title}", _table_section(report, table, figures)
    own = {table.key for table in report.tables}
    for picture in report.pictures:
        if picture.table not in own:
            yield picture.key, picture.title, _picture(picture, figures)


def _table_section(report: Report, table: TableReport, figures: Mapping[str, Figure]) -> str:
    parts = [_table(lines_sheet(table), _colours(table))]
    if table.missing:
        parts.append(f"<p class=missing>{table.missing} of {table.planned} rows lack runs. All of them: "
                     f"<code>{escape(table.command)}</code></p>")  # fmt: skip
    parts.append(
        "<ul class=notes>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences(table)) + "</ul>"
    )
    if table.orders:
        parts += ["<h3>Does the order hold?</h3>", _table(orders_sheet(table.orders))]
    parts += [_picture(picture, figures) for picture in report.pictures if picture.table == table.key]
    for words, test in table.comparisons.items():
        summary = f"Paired tests of {words}: {test.told_apart} of {len(test.pairs)} pairs told apart"
        pairs = _table(pairs_sheet(test))
        parts.append(f"<details><summary>{escape(summary)}</summary>{pairs}</details>")
    return "".join(parts)


def _picture(picture: Picture, figures: Mapping[str, Figure]) -> str:
    parts = []
    if picture.key in figures:
        image = base64.b64encode(_svg(figures[picture.key])).decode()
        parts.append(f'<img alt="{escape(picture.title)}" src="data:image/svg+xml;base64,{image}">')
    else:
        parts.append("<p class=missing>Nothing of this figure was run yet.</p>")
    commands = "".join(f"<li><code>{escape(command)}</code></li>" for command in picture.commands)
    missing = f"<div class=missing>Runs that it lacks:<ul>{commands}</ul></div>" if commands else ""
    return f"<figure>{''.join(parts)}<figcaption>{escape(picture.caption)}</figcaption></figure>{missing}"


def _svg(figure: Figure) -> bytes:
    """Draws the same bytes for the same figure."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "celltype"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _colours(table: TableReport) -> Callable[[str], str | None]:
    names = list(dict.fromkeys(line.cell_class if table.kind == "per_class" else line.group for line in table.lines))
    return lambda name: (class_colour if table.kind == "per_class" else drawing.model_colour)(name, names)


def _table(sheet: Sheet, colour: Callable[[str], str | None] = lambda _: None) -> str:
    words = ['class="word"' if i in sheet.words else "" for i in range(len(sheet.header))]
    head = "".join(f"<th {word}>{escape(text)}</th>" for word, text in zip(words, sheet.header))
    rows = "".join(_row(row, colour(group) if group else None, words) for row, group in zip(sheet.rows, sheet.groups))
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _row(row: tuple[Text, ...], colour: str | None, words: list[str]) -> str:
    cells = []
    for i, cell in enumerate(row):
        span = len(words) - i if i == len(row) - 1 else 1
        text = {"bold": "<b>{}</b>", "code": "<code>{}</code>"}.get(cell.style, "{}").format(escape(cell.text))
        if i == 0 and colour:
            text = f'<i style="background:{colour}"></i>{text}'
        cells.append(f'<td colspan="{span}" class="command">{text}</td>' if span > 1 else f"<td {words[i]}>{text}</td>")
    return f"<tr>{''.join(cells)}</tr>"
