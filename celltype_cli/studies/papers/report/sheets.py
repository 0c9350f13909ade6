"""What is printed: every table as text cells, the same for the terminal, Markdown, LaTeX and HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Literal

from celltype_cli.evaluation.comparison import LEVEL, Comparison
from celltype_cli.studies.papers.report.lines import Line, Order
from celltype_cli.studies.papers.report.tables import TableReport

NAN = float("nan")
ALIKE = 0.01  # where balanced accuracy is everywhere closer to accuracy than this, the CSV file alone has it


@dataclass(frozen=True)
class Text:
    """The text of one cell; `code` is a command."""

    text: str
    style: Literal["", "bold", "code"] = ""


@dataclass(frozen=True)
class Sheet:
    """A table of text.

    Attributes:
        rows: with fewer cells than the header has columns, the last one spans the rest.
        groups: the model or class of each row, for its colour; empty where it has none.
        words: the columns that hold words; the others hold numbers.
        priority: the columns, those first that a narrow terminal gives up last.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]
    groups: tuple[str, ...]
    words: tuple[int, ...]
    priority: tuple[int, ...]


def lines_sheet(table: TableReport) -> Sheet:
    """Lays out a table's lines; the highest published and own figure of each model are bold."""
    per_class = table.kind == "per_class"
    compared = ("published", "difference") if table.published else ()
    header = ["rate" if per_class else "model", "class" if per_class else "row", *compared[:1], "ours, random splits",
              *compared[1:], "splits", "ours, animals apart [95 %]"]  # fmt: skip
    if not per_class:
        balanced = any(abs(line.balanced - line.apart) >= ALIKE for line in table.lines)
        header += ["balanced accuracy, animals apart [95 %]"] if balanced else []
        header += ["floor", "training, s"]
        header += ["published training, s"] if any(not isnan(line.published_seconds) for line in table.lines) else []
    rows, groups = [], []
    ours = header.index("ours, random splits")
    for line, before, after in zip(table.lines, [None, *table.lines], [*table.lines[1:], None]):
        cells = _line_cells(line, table.lines, header)
        nothing = isnan(line.ours) and isnan(line.apart)
        if nothing and line.command and (before is None or before.command != line.command):
            cells = (*cells[:ours], Text(line.command, "code"))
        rows.append(cells)
        groups.append(line.cell_class if per_class else line.group)
        if not nothing and line.command and (after is None or after.command != line.command):
            rows.append((Text(""), Text(line.command, "code")))  # once for all classes of a run
            groups.append("")
    first = [1, ours, 0, header.index("ours, animals apart [95 %]"), *(header.index(name) for name in compared)]
    priority = (*first, *(i for i in reversed(range(len(header))) if i not in first))
    return Sheet(tuple(header), tuple(rows), tuple(groups), (0, 1), priority)


def orders_sheet(orders: Sequence[Order]) -> Sheet:
    """Lays out whether the paper's order holds."""
    header = ("rows", "ours", "n", "Spearman", "Kendall", "best in the paper", "best here")
    rows = [
        (Text(o.lines), Text(o.way), Text(f"{o.n}"), Text(_number(o.spearman, 2, sign=True)),
         Text(_number(o.kendall, 2, sign=True)), Text(o.best_published),
         Text(o.best_here, "bold" if o.best_here == o.best_published else ""))
        for o in orders
    ]  # fmt: skip
    return Sheet(header, tuple(rows), ("",) * len(rows), (0, 1, 5, 6), (0, 1, 3, 4, 2, 6, 5))


def pairs_sheet(comparison: Comparison) -> Sheet:
    """Lays out the paired tests; what is told apart is bold."""
    header = ("first", "second", "first less second", "t", "p", "p, Holm")
    rows = [
        (Text(comparison.names[pair.first]), Text(comparison.names[pair.second]),
         Text(_number(pair.difference, 3, sign=True)), Text(_number(pair.t, 2, sign=True)), Text(_p(pair.p)),
         Text(_p(pair.adjusted), "bold" if pair.adjusted < LEVEL else ""))
        for pair in comparison.pairs
    ]  # fmt: skip
    return Sheet(header, tuple(rows), ("",) * len(rows), (0, 1), (0, 1, 5, 2, 3, 4))


def overview_sheet(tables: Sequence[TableReport]) -> Sheet:
    """Lays out, a line for each table, what ran, whether the order holds, and what random splits add."""
    header = ("table", "rows run", "Spearman", "Kendall", "gap, random − apart", "models in the paper", "models here")
    rows = []
    for table in tables:
        order = next((o for o in table.orders if o.lines == "all" and o.way == "random splits"), None)
        gaps = [line.ours - line.apart for line in table.lines if not isnan(line.ours - line.apart)]
        models = {key: "\N{NO-BREAK SPACE}> ".join(value) for key, value in table.models.items()}
        same = models.get("published") == models.get("ours")
        rows.append((
            Text(f"{table.source}. {table.title}"), Text(f"{table.planned - table.missing} of {table.planned}"),
            Text(_number(order.spearman if order else NAN, 2, sign=True)),
            Text(_number(order.kendall if order else NAN, 2, sign=True)),
            Text(_number(sum(gaps) / len(gaps) if gaps else NAN, 3, sign=True)),
            Text(models.get("published", "")), Text(models.get("ours", ""), "bold" if same else ""),
        ))  # fmt: skip
    return Sheet(header, tuple(rows), ("",) * len(rows), (0, 5, 6), tuple(range(len(header))))


def _line_cells(line: Line, lines: Sequence[Line], header: Sequence[str]) -> tuple[Text, ...]:
    missing = "not run" if line.command else ""
    balanced = _interval(line.balanced, line.balanced_low, line.balanced_high)
    numbers = {
        "published": _best(line, lines, "published", _mean(line.published, line.published_sd, "({})")),
        "ours, random splits": _best(line, lines, "ours", _mean(line.ours, line.ours_sd, "± {}") or missing),
        "difference": Text(_number(line.difference, 3, sign=True)),
        "splits": Text(f"{line.n_splits or ''}"),
        "ours, animals apart [95 %]": _best(
            line, lines, "apart", _interval(line.apart, line.apart_low, line.apart_high) or missing
        ),
        "balanced accuracy, animals apart [95 %]": Text(balanced),
        "floor": Text(_number(line.floor, 3)),
        "training, s": Text(_seconds(line.seconds, line.seconds_sd)),
        "published training, s": Text(_seconds(line.published_seconds, line.published_seconds_sd)),
    }
    return (Text(line.group), Text(line.name), *(numbers[column] for column in header[2:]))


def _best(line: Line, lines: Sequence[Line], key: str, text: str) -> Text:
    rivals = [getattr(other, key) for other in lines if other.group == line.group and not isnan(getattr(other, key))]
    return Text(text, "bold" if len(rivals) > 1 and getattr(line, key) == max(rivals) else "")


def _number(value: float, digits: int, sign: bool = False) -> str:
    if isnan(value):
        return ""
    return f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "−")


def _mean(mean: float, sd: float, pattern: str) -> str:
    return _number(mean, 3) + (f" {pattern.format(f'{sd:.3f}')}" if not isnan(sd) else "")


def _interval(value: float, low: float, high: float) -> str:
    bounds = "" if isnan(low) else f" [{low:.3f}, {high:.3f}]"
    return _number(value, 3) + bounds


def _seconds(mean: float, sd: float) -> str:
    if isnan(mean):
        return ""
    digits = 0 if mean >= 1000 else 1 if mean >= 10 else 2
    return f"{mean:,.{digits}f}" + ("" if isnan(sd) else f" ({sd:,.{digits}f})")


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
