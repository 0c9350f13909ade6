"""Writes a report as one HTML page that needs nothing else: figures are inside, nothing is loaded."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping
from html import escape

import matplotlib
from matplotlib.figure import Figure

from celltype_cli.core.plots import class_colour
from celltype_cli.studies.papers.report import draw_models
from celltype_cli.studies.papers.report.contents import Picture, Report, sentences
from celltype_cli.studies.papers.report.sheets import (
    Sheet,
    Text,
    lines_sheet,
    orders_sheet,
    overview_sheet,
    pairs_sheet,
)
from celltype_cli.studies.papers.report.tables import TableReport


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
    return lambda name: (class_colour if table.kind == "per_class" else draw_models.model_colour)(name, names)


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


STYLE = """
:root { --ink: #1d2433; --soft: #5b6475; --line: #dfe3ea; --tint: #f6f7fa; --accent: #332288; --warn: #8a4b00; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0; color: var(--ink); background: #fff;
  font: 16px/1.55 system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif;
  display: grid; grid-template-columns: 14rem minmax(0, 76rem); column-gap: 1.5rem; justify-content: center; }
header { grid-column: 1 / -1; padding: 2.2rem 1.5rem 1.2rem; border-bottom: 3px solid var(--accent); }
header p { margin: .3rem 0; color: var(--soft); max-width: 62rem; }
header .kind { text-transform: uppercase; letter-spacing: .09em; font-size: .8rem; color: var(--accent);
  font-weight: 600; }
h1 { margin: .2rem 0 .4rem; font-size: 1.75rem; line-height: 1.25; max-width: 56rem; }
h2 { margin: 0 0 1rem; font-size: 1.3rem; line-height: 1.3; }
h3 { margin: 1.6rem 0 .5rem; font-size: 1.05rem; }
.url { overflow-wrap: anywhere; }
.mark { display: inline-block; margin-left: .6rem; padding: .1rem .6rem; border-radius: 1rem; background: #fff3df;
  color: var(--warn); font-size: .78rem; font-weight: 600; vertical-align: middle; white-space: nowrap; }
header .mark { margin: .3rem .5rem 0 0; font-size: .9rem; }
nav { padding: 1.5rem 0 0 1.5rem; }
nav ol { position: sticky; top: 1.2rem; list-style: none; margin: 0; padding: 0; font-size: .92rem; }
nav li { margin: .1rem 0; }
nav a { display: block; padding: .22rem .6rem; color: var(--soft); text-decoration: none;
  border-left: 3px solid var(--line); }
nav a:hover, nav a:focus { color: var(--accent); border-color: var(--accent); }
main { padding: 1.5rem 1.2rem 4rem 0; }
section { padding: 0 0 1.2rem; margin: 0 0 2.2rem; border-bottom: 1px solid var(--line); }
.scroll { overflow-x: auto; margin: .6rem 0 1rem; }
table { border-collapse: collapse; font-size: .84rem; font-variant-numeric: tabular-nums; }
th { text-align: right; vertical-align: bottom; font-weight: 600; color: var(--soft);
  border-bottom: 2px solid var(--ink); padding: .35rem .5rem; line-height: 1.25; min-width: 3.4rem; }
td { text-align: right; padding: .28rem .5rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th.word, td.word { text-align: left; white-space: normal; }
td.word { min-width: 5rem; }
td.word ~ td.word { min-width: 11rem; }
td.word:first-child { white-space: nowrap; }
#glance td.word:first-child { white-space: normal; min-width: 14rem; }
td.command { text-align: left; color: var(--soft); white-space: normal; min-width: 26rem; }
tbody tr:hover { background: var(--tint); }
td > i { display: inline-block; width: .7rem; height: .7rem; border-radius: .15rem; margin-right: .5rem; }
code { font: .85em ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace; background: var(--tint);
  padding: .12rem .35rem; border-radius: .25rem; overflow-wrap: anywhere; }
.notes { margin: .4rem 0 1rem; padding-left: 1.1rem; color: var(--soft); font-size: .9rem; }
.missing { color: var(--warn); font-size: .92rem; }
.missing li { margin: .25rem 0; }
figure { margin: 1.6rem 0; }
figure img { display: block; max-width: 100%; height: auto; }
figcaption { margin-top: .4rem; color: var(--soft); font-size: .88rem; max-width: 60rem; }
details { margin: .8rem 0; }
summary { cursor: pointer; font-weight: 600; font-size: .95rem; }
@media (max-width: 72rem) {
  body { display: block; }
  nav { padding: 1rem 1.5rem 0; }
  nav ol { position: static; columns: 2; }
  main { padding: 1.5rem; }
}
@media (max-width: 40rem) { nav ol { columns: 1; } h1 { font-size: 1.4rem; } }
@media print {
  @page { size: A4 landscape; margin: 12mm; }
  html { font-size: 11px; }
  body { display: block; font-size: 1rem; }
  nav { display: none; }
  main, header { padding: 0 0 1rem; }
  .scroll { overflow: visible; }
  details::details-content { content-visibility: visible; block-size: auto; }
  th, td { padding: .15rem .4rem; }
  tr, figure { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  figure img { max-height: 150mm; }
}
"""
