"""Writes a report's tables as LaTeX, for booktabs."""

from __future__ import annotations

from celltype_cli.studies.papers.report.contents import Report, sentences
from celltype_cli.studies.papers.report.sheets import Sheet, Text, lines_sheet

ESCAPED = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    '"': r"\textquotedbl{}", "±": r"$\pm$", "−": "$-$", "\N{NO-BREAK SPACE}": "~",
}  # fmt: skip


def latex(report: Report) -> str:
    """Writes one table environment per table, to be read by \\input."""
    parts = [
        f"% {report.marked(report.paper.title)}".replace("\n", " "),
        "% needs \\usepackage[T1]{fontenc}, \\usepackage{booktabs} and \\usepackage{graphicx}",
    ]
    for table in report.tables:
        label = f"tab:{report.paper.key}-{table.key}"
        caption = report.marked(f"{table.title} ({table.source} of the paper)")
        parts.append(_latex_table(lines_sheet(table), caption, label, " ".join(sentences(table))))
    return "\n\n".join(parts) + "\n"


def _latex_table(sheet: Sheet, caption: str, label: str, notes: str) -> str:
    columns = "".join("l" if i in sheet.words else "r" for i in range(len(sheet.header)))
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{_latex(caption)}}}", rf"\label{{{label}}}",
             r"\resizebox{\linewidth}{!}{%", rf"\begin{{tabular}}{{{columns}}}", r"\toprule",
             " & ".join(map(_latex, sheet.header)) + r" \\", r"\midrule"]  # fmt: skip
    lines += [_latex_row(row, len(sheet.header)) for row in sheet.rows]
    lines += [r"\bottomrule", r"\end{tabular}}", rf"\par\smallskip\footnotesize {_latex(notes)}", r"\end{table}"]
    return "\n".join(lines)


def _latex_row(row: tuple[Text, ...], columns: int) -> str:
    wrapped = {"": "{}", "bold": r"\textbf{{{}}}", "code": r"\texttt{{{}}}"}
    cells = [wrapped[cell.style].format(_latex(cell.text)) if cell.text else "" for cell in row]
    if len(row) < columns:
        cells[-1] = rf"\multicolumn{{{columns - len(row) + 1}}}{{l}}{{{cells[-1]}}}"
    return " & ".join(cells) + r" \\"


def _latex(text: str) -> str:
    return "".join(ESCAPED.get(mark, mark) for mark in text)
