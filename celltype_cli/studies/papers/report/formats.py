"""Writes a report as CSV and on the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import pandas as pd

from celltype_cli.studies.papers.report.contents import Report, sentences
from celltype_cli.studies.papers.report.sheets import Sheet, Text, lines_sheet, orders_sheet
from celltype_cli.studies.papers.report.tables import TableReport


def csv(report: Report, table: TableReport) -> str:
    """Gives every number of a table at full precision, one line per row, marked like the titles."""
    lines = pd.DataFrame([{**asdict(line), "difference": line.difference} for line in table.lines])
    return _marked_csv(lines, report, table)


def pairs_csv(report: Report, table: TableReport) -> str:
    """Gives every paired test of a table at full precision."""
    rows = [
        {"compared": words, **asdict(pair), "first": test.names[pair.first], "second": test.names[pair.second]}
        for words, test in table.comparisons.items()
        for pair in test.pairs
    ]
    return _marked_csv(pd.DataFrame(rows), report, table)


def terminal(report: Report) -> None:
    """Prints each table, narrow enough for a terminal, then its order, notes and missing commands."""
    from celltype_cli.core.terminal import say

    for table in report.tables:
        say(f"\n{report.titled(table)}")
        _print(lines_sheet(table))
        if table.orders:
            _print(orders_sheet(table.orders))
        for sentence in sentences(table):
            say(sentence)
        commands = list(dict.fromkeys(line.command for line in table.lines if line.command))
        if commands:
            say(f"{table.missing} of {table.planned} rows lack runs; all of them: {table.command}")
            _say_all(commands)
    for picture in report.pictures:
        if picture.commands:
            say(f"\n{report.marked(picture.title)} lacks runs:")
            _say_all(picture.commands)


def _marked_csv(table: pd.DataFrame, report: Report, source: TableReport) -> str:
    table.insert(0, "table", source.key)
    return table.assign(profile=report.profile, marks="; ".join(report.marks)).to_csv(index=False)


def _say_all(commands: Iterable[str]) -> None:
    from celltype_cli.core.terminal import say

    for command in commands:
        say(f"  {command}")


def _print(sheet: Sheet) -> None:
    """Prints the columns that fit; what is no terminal takes all."""
    from rich.table import Table as RichTable
    from rich.text import Text as RichText

    from celltype_cli.core.terminal import console

    blank = [Text("")] * len(sheet.header)
    full = [
        row if row[-1].style != "code" else (*row[:-1], Text("not run"), *blank) for row in sheet.rows if row[0].text
    ]
    widths = [max(len(text) for text in (head, *(row[i].text for row in full))) for i, head in enumerate(sheet.header)]
    shown = list(sheet.priority)
    while console.is_terminal and len(shown) > 2 and sum(widths[i] + 2 for i in shown) > console.width:
        shown.pop()
    shown.sort()
    table = RichTable(
        box=None, pad_edge=False, width=None if console.is_terminal else sum(widths[i] + 2 for i in shown)
    )
    for i in shown:
        table.add_column(sheet.header[i], justify="left" if i in sheet.words else "right", no_wrap=True)
    for row in full:
        table.add_row(*(RichText(row[i].text, style="bold" if row[i].style == "bold" else "") for i in shown))
    console.print(table, crop=False)
