"""What is printed: every table as text cells, the same for Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan

import pandas as pd

from celltype_cli.evaluation.comparison import LEVEL
from celltype_cli.studies.papers.paper import Other
from celltype_cli.studies.papers.report.lines import ALIKE, NAN, Line, Order
from celltype_cli.studies.papers.report.pairs import Family
from celltype_cli.studies.papers.report.tables import TableReport

WORDS = {
    "table", "model", "rate", "row", "class", "rows", "ours", "first", "second", "best in the paper", "best here",
    "models in the paper", "models here", "elsewhere", "data", "source",
}  # fmt: skip


class Bold(str):
    """The text of a cell that stands out."""


@dataclass(frozen=True)
class Sheet:
    """A table of text.

    Attributes:
        columns: the cells by column; those in `WORDS` hold words, the others numbers.
        priority: the columns, those first that a narrow terminal gives up last.
    """

    columns: dict[str, list[str]]
    priority: tuple[str, ...] = ()

    def narrowed(self, width: int) -> Sheet:
        """Returns the columns that fit into so many characters, two at least."""
        widths = {name: max(map(len, [name, *cells])) + 3 for name, cells in self.columns.items()}
        shown = [*self.priority]
        while len(shown) > 2 and sum(widths[name] for name in shown) > width:
            shown.pop()
        return Sheet({name: cells for name, cells in self.columns.items() if name in shown})


def lines_sheet(table: TableReport) -> Sheet:
    """Lays out a table's lines; the highest published and own figure of each model are bold."""
    lines, frame, published, scores = table.lines, pd.DataFrame([*table.lines]), table.published, table.kind == "scores"
    group, name, random = *(("model", "row") if scores else ("rate", "class")), f"ours, {table.way}"
    apart, balanced = (f"{words}, {table.group}s apart [95 %]" for words in ("ours", "balanced accuracy"))

    def figures(key: str, text: Callable[[Line], str], missing: str = "not run") -> list[str]:
        rivals = frame.groupby("group")[key]
        best = (rivals.transform("count") > 1) & (frame[key] == rivals.transform("max"))
        return [_bold(text(line) or (missing if line.command else ""), bold) for line, bold in zip(lines, best)]

    columns = {
        group: [line.group for line in lines],
        name: [line.name for line in lines],
        "published": published and figures("published", lambda o: _mean(o.published, o.published_sd, "({})"), ""),
        random: figures("ours", lambda o: _mean(o.ours, o.ours_sd, "± {}")),
        "difference": published and [_number(line.difference, 3, sign=True) for line in lines],
        "splits": [f"{line.n_splits or ''}" for line in lines],
        apart: figures("apart", lambda o: _interval(o.apart, o.apart_low, o.apart_high)),
        balanced: any((frame["balanced"] - frame["apart"]).abs() >= ALIKE)
        and [_interval(line.balanced, line.balanced_low, line.balanced_high) for line in lines],
        "floor": scores and [_number(line.floor, 3) for line in lines],
        "ECE → calibrated": any(frame["ece"].notna()) and [_change(line.ece, line.ece_calibrated) for line in lines],
        f"floor, {table.group}s apart": scores
        and any(abs(line.floor - line.apart_floor) >= ALIKE for line in lines)
        and [_number(line.apart_floor, 3) for line in lines],
        "labels dealt anew": any(frame["chance"].notna()) and [_dealt(line) for line in lines],
        "training, s": scores and [_seconds(line.seconds, line.seconds_sd) for line in lines],
        "published training, s": any(frame["published_seconds"].notna())
        and [_seconds(line.published_seconds, line.published_seconds_sd) for line in lines],
    }
    columns = {column: cells for column, cells in columns.items() if cells}
    first = [column for column in (name, random, group, apart, "published", "difference") if column in columns]
    return Sheet(columns, (*first, *(column for column in reversed(columns) if column not in first)))


def orders_sheet(orders: Sequence[Order]) -> Sheet:
    """Lays out whether the paper's order holds."""
    columns = {
        "rows": [o.lines for o in orders],
        "ours": [o.way for o in orders],
        "n": [f"{o.n}" for o in orders],
        "Spearman": [_number(o.spearman, 2, sign=True) for o in orders],
        "Kendall": [_number(o.kendall, 2, sign=True) for o in orders],
        "best in the paper": [o.best_published for o in orders],
        "best here": [_bold(o.best_here, o.best_here == o.best_published) for o in orders],
    }
    return Sheet(columns, ("rows", "ours", "Spearman", "Kendall", "n", "best here", "best in the paper"))


def others_sheet(others: Sequence[Other]) -> Sheet:
    """Lays out what others report on such data."""
    scores = dict.fromkeys(metric for other in others for metric in other.scores)
    columns = {
        "elsewhere": [other.name for other in others],
        **{
            metric.replace("_", " "): [_number(other.scores.get(metric, NAN), 3) for other in others]
            for metric in scores
        },
        "data": [other.data for other in others],
        "source": [other.source for other in others],
    }
    return Sheet(columns, tuple(columns))


def pairs_sheet(family: Family, group: str) -> Sheet:
    """Lays out the paired tests over splits, and over groups beside them; what is told apart is bold."""
    test, over = family.splits, family.groups
    columns = {
        "first": [test.names[pair.first] for pair in test.pairs],
        "second": [test.names[pair.second] for pair in test.pairs],
        "first less second": [_number(pair.difference, 3, sign=True) for pair in test.pairs],
        "t": [_number(pair.t, 2, sign=True) for pair in test.pairs],
        "p": [_p(pair.p) for pair in test.pairs],
        "p, Holm": [_bold(_p(pair.adjusted), pair.adjusted < LEVEL) for pair in test.pairs],
        f"{family.way} [95 %]": [_minus(pair.words) for pair in over],
        f"p over {group}s": [_p(pair.p) for pair in over],
        f"p over {group}s, Holm": [_bold(_p(pair.adjusted), pair.adjusted < LEVEL) for pair in over],
    }
    return Sheet({name: cells for name, cells in columns.items() if any(cells)})


def overview_sheet(tables: Sequence[TableReport]) -> Sheet:
    """Lays out, a line for each table, what ran, whether the order holds, and what the split of the paper adds."""
    rows = []
    for table in tables:
        order = next((o for o in table.orders if o.lines == "all" and o.way == table.way), None)
        gaps = [line.ours - line.apart for line in table.lines if not isnan(line.ours - line.apart)]
        models = {key: "\N{NO-BREAK SPACE}> ".join(value) for key, value in table.models.items()}
        rows.append({
            "table": f"{table.source}. {table.title}",
            "rows run": f"{table.planned - table.missing} of {table.planned}",
            "Spearman": _number(order.spearman if order else NAN, 2, sign=True),
            "Kendall": _number(order.kendall if order else NAN, 2, sign=True),
            "gap, paper's split − apart": _number(sum(gaps) / len(gaps) if gaps else NAN, 3, sign=True),
            "models in the paper": models.get("published", ""),
            "models here": _bold(models.get("ours", ""), models.get("published") == models.get("ours")),
        })  # fmt: skip
    return Sheet({name: [row[name] for row in rows] for name in rows[0]})


def _bold(text: str, stands_out: bool) -> str:
    return Bold(text) if stands_out and text else text


def _number(value: float, digits: int, sign: bool = False) -> str:
    if isnan(value):
        return ""
    return _minus(f"{value:{'+' if sign else ''}.{digits}f}")


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _mean(mean: float, sd: float, pattern: str) -> str:
    return _number(mean, 3) + (f" {pattern.format(f'{sd:.3f}')}" if not isnan(sd) else "")


def _interval(value: float, low: float, high: float) -> str:
    bounds = "" if isnan(low) else f" [{low:.3f}, {high:.3f}]"
    return _number(value, 3) + bounds


def _change(before: float, after: float) -> str:
    return _number(before, 3) + ("" if isnan(after) else f" → {_number(after, 3)}")


def _dealt(line: Line) -> str:
    return "" if isnan(line.chance) else f"{_mean(line.chance, line.chance_sd, '± {}')}, p {_p(line.chance_p)}"


def _seconds(mean: float, sd: float) -> str:
    if isnan(mean):
        return ""
    digits = 0 if mean >= 1000 else 1 if mean >= 10 else 2
    return f"{mean:,.{digits}f}" + ("" if isnan(sd) else f" ({sd:,.{digits}f})")


def _p(value: float) -> str:
    if isnan(value):
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
