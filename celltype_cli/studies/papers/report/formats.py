"""Writes a report's tables as CSV, and as LaTeX for booktabs."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from celltype_cli.studies.papers.report.contents import Report
from celltype_cli.studies.papers.report.sheets import Bold, Sheet, lines_sheet
from celltype_cli.studies.papers.report.tables import TableReport

ESCAPED = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    '"': r"\textquotedbl{}", "±": r"$\pm$", "−": "$-$", "\N{NO-BREAK SPACE}": "~",
}  # fmt: skip


def csv(report: Report, table: TableReport) -> str:
    """Gives every number of a table at full precision, one line per row, marked like the titles."""
    return _marked_csv([{**asdict(line), "difference": line.difference} for line in table.lines], report, table)


def pairs_csv(report: Report, table: TableReport) -> str:
    """Gives every paired test of a table at full precision."""
    rows = [
        {"compared": words, **asdict(pair), "first": test.names[pair.first], "second": test.names[pair.second]}
        for words, test in table.comparisons.items()
        for pair in test.pairs
    ]
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
        label = f"tab:{report.paper.key}-{table.key}"
        caption = f"{table.title} ({table.source} of the paper){report.mark}"
        lacks = [f"{table.missing} of {table.planned} rows lack runs: {table.command}"] if table.missing else []
        parts.append(_table(lines_sheet(table), caption, label, " ".join([*table.sentences(), *lacks])))
    return "\n\n".join(parts) + "\n"


def _table(sheet: Sheet, caption: str, label: str, notes: str) -> str:
    columns = "".join("l" if i in sheet.words else "r" for i in range(len(sheet.header)))
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{_escaped(caption)}}}", rf"\label{{{label}}}",
             r"\resizebox{\linewidth}{!}{%", rf"\begin{{tabular}}{{{columns}}}", r"\toprule",
             " & ".join(map(_escaped, sheet.header)) + r" \\", r"\midrule"]  # fmt: skip
    lines += [" & ".join(map(_cell, row)) + r" \\" for row in sheet.rows]
    lines += [r"\bottomrule", r"\end{tabular}}", rf"\par\smallskip\footnotesize {_escaped(notes)}", r"\end{table}"]
    return "\n".join(lines)


def _cell(cell: str) -> str:
    return rf"\textbf{{{_escaped(cell)}}}" if isinstance(cell, Bold) else _escaped(cell)


def _escaped(text: str) -> str:
    return "".join(ESCAPED.get(mark, mark) for mark in text)
