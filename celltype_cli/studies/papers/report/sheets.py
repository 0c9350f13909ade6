"""What is printed: every table as text cells, the same for Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from celltype_cli.evaluation.comparison import LEVEL, Comparison
from celltype_cli.studies.papers.report.lines import NAN, Line, Order
from celltype_cli.studies.papers.report.tables import TableReport

ALIKE = 0.01  # where balanced accuracy is everywhere closer to accuracy than this, the CSV file alone has it


class Bold(str):
    """The text of a cell that stands out."""


@dataclass(frozen=True)
class Sheet:
    """A table of text.

    Attributes:
        words: the columns that hold words; the others hold numbers.
        priority: the columns, those first that a narrow terminal gives up last.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...]
    priority: tuple[int, ...]

    def narrowed(self, width: int) -> Sheet:
        """Returns the columns that fit into so many characters, two at least."""
        widths = [max(len(text) for text in (head, *(row[i] for row in self.rows)))
                  for i, head in enumerate(self.header)]  # fmt: skip
        shown = list(self.priority)
        while len(shown) > 2 and sum(widths[i] + 3 for i in shown) > width:
            shown.pop()
        shown.sort()
        places = tuple(range(len(shown)))
        words = tuple(place for place in places if shown[place] in self.words)
        rows = tuple(tuple(row[i] for i in shown) for row in self.rows)
        return Sheet(tuple(self.header[i] for i in shown), rows, words, places)


def lines_sheet(table: TableReport) -> Sheet:
    """Lays out a table's lines; the highest published and own figure of each model are bold."""
    per_class = table.kind == "per_class"
    columns = {"rate" if per_class else "model": lambda line: line.group,
               "class" if per_class else "row": lambda line: line.name}  # fmt: skip

    def figure(key: str, text: str, line: Line) -> str:
        missing = "not run" if line.command and key != "published" else ""
        rivals = [getattr(o, key) for o in table.lines if o.group == line.group and not isnan(getattr(o, key))]
        return _bold(text or missing, len(rivals) > 1 and getattr(line, key) == max(rivals))

    random, apart = "ours, random splits", f"ours, {table.group}s apart [95 %]"
    if table.published:
        columns["published"] = lambda o: figure("published", _mean(o.published, o.published_sd, "({})"), o)
    columns[random] = lambda o: figure("ours", _mean(o.ours, o.ours_sd, "± {}"), o)
    if table.published:
        columns["difference"] = lambda o: _number(o.difference, 3, sign=True)
    columns["splits"] = lambda o: f"{o.n_splits or ''}"
    columns[apart] = lambda o: figure("apart", _interval(o.apart, o.apart_low, o.apart_high), o)
    if not per_class:
        if any(abs(line.balanced - line.apart) >= ALIKE for line in table.lines):
            balanced = f"balanced accuracy, {table.group}s apart [95 %]"
            columns[balanced] = lambda o: _interval(o.balanced, o.balanced_low, o.balanced_high)
        columns["floor"] = lambda o: _number(o.floor, 3)
        columns["training, s"] = lambda o: _seconds(o.seconds, o.seconds_sd)
        if any(not isnan(line.published_seconds) for line in table.lines):
            columns["published training, s"] = lambda o: _seconds(o.published_seconds, o.published_seconds_sd)
    header = tuple(columns)
    rows = tuple(tuple(cell(line) for cell in columns.values()) for line in table.lines)
    first = [1, *(header.index(name) for name in (random, header[0], apart, "published", "difference")
                  if name in header)]  # fmt: skip
    return Sheet(header, rows, (0, 1), (*first, *(i for i in reversed(range(len(header))) if i not in first)))


def orders_sheet(orders: Sequence[Order]) -> Sheet:
    """Lays out whether the paper's order holds."""
    header = ("rows", "ours", "n", "Spearman", "Kendall", "best in the paper", "best here")
    rows = [
        (o.lines, o.way, f"{o.n}", _number(o.spearman, 2, sign=True),
         _number(o.kendall, 2, sign=True), o.best_published,
         _bold(o.best_here, o.best_here == o.best_published))
        for o in orders
    ]  # fmt: skip
    return Sheet(header, tuple(rows), (0, 1, 5, 6), (0, 1, 3, 4, 2, 6, 5))


def pairs_sheet(comparison: Comparison) -> Sheet:
    """Lays out the paired tests; what is told apart is bold."""
    header = ("first", "second", "first less second", "t", "p", "p, Holm")
    rows = [
        (comparison.names[pair.first], comparison.names[pair.second],
         _number(pair.difference, 3, sign=True), _number(pair.t, 2, sign=True), _p(pair.p),
         _bold(_p(pair.adjusted), pair.adjusted < LEVEL))
        for pair in comparison.pairs
    ]  # fmt: skip
    return Sheet(header, tuple(rows), (0, 1), (0, 1, 5, 2, 3, 4))


def overview_sheet(tables: Sequence[TableReport]) -> Sheet:
    """Lays out, a line for each table, what ran, whether the order holds, and what random splits add."""
    header = ("table", "rows run", "Spearman", "Kendall", "gap, random − apart", "models in the paper", "models here")
    rows = []
    for table in tables:
        order = next((o for o in table.orders if o.lines == "all" and o.way == "random splits"), None)
        gaps = [line.ours - line.apart for line in table.lines if not isnan(line.ours - line.apart)]
        models = {key: "\N{NO-BREAK SPACE}> ".join(value) for key, value in table.models.items()}
        rows.append((
            f"{table.source}. {table.title}", f"{table.planned - table.missing} of {table.planned}",
            _number(order.spearman if order else NAN, 2, sign=True),
            _number(order.kendall if order else NAN, 2, sign=True),
            _number(sum(gaps) / len(gaps) if gaps else NAN, 3, sign=True),
            models.get("published", ""),
            _bold(models.get("ours", ""), models.get("published") == models.get("ours")),
        ))  # fmt: skip
    return Sheet(header, tuple(rows), (0, 5, 6), tuple(range(len(header))))


def _bold(text: str, stands_out: bool) -> str:
    return Bold(text) if stands_out and text else text


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
