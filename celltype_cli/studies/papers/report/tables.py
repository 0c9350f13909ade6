"""What a report shows: tables with their lines, order, paired tests and what belongs beside every number; pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import isnan

from celltype_cli.studies.papers.jobs import command
from celltype_cli.studies.papers.paper import Other, Paper, Row, Table
from celltype_cli.studies.papers.report import results
from celltype_cli.studies.papers.report.lines import (
    Line,
    Order,
    class_lines,
    order_of_groups,
    orders,
    score_line,
)
from celltype_cli.studies.papers.report.pairs import Family, families
from celltype_cli.studies.papers.report.results import Found, Result


@dataclass(frozen=True)
class TableReport:
    """A table as it can be printed.

    Attributes:
        metric: what the lines of a table of scores show, in words.
        group: what the datasets call a group: "animal", "donor".
        way: what the split of the paper is called: "random splits".
        reliability: of each line with a run, how far its probabilities can be trusted, and the way it was tested.
        others: what others report on such data.
        families: rows that were compared in pairs, by the words that say which.
        notes: dataset, splits, machine, warnings; one sentence each.
        planned, missing: how many rows there are, and how many lack a run.
        command: makes all that is missing; empty where nothing is.
    """

    key: str
    source: str
    title: str
    kind: str
    metric: str
    group: str
    way: str
    lines: tuple[Line, ...]
    orders: tuple[Order, ...]
    models: dict[str, tuple[str, ...]]
    others: tuple[Other, ...]
    families: dict[str, Family]
    reliability: dict[str, dict]
    notes: tuple[str, ...]
    planned: int
    missing: int
    command: str

    @property
    def published(self) -> bool:
        """Whether the paper has a figure for any of the lines."""
        return any(not isnan(line.published) for line in self.lines)

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands for what is missing, one per row."""
        return tuple(dict.fromkeys(line.command for line in self.lines if line.command))

    @property
    def lacking(self) -> str:
        return f"{self.missing} of {self.planned} rows lack runs"

    def sentences(self) -> Iterator[str]:
        """Says in words what stands below the table: order of models, paired tests, notes."""
        if self.models:
            ways = {"published": "in the paper", "ours": f"here on {self.way}",
                    "apart": f"here with {self.group}s kept apart"}  # fmt: skip
            found = [f"{words} {' > '.join(self.models[key])}" for key, words in ways.items() if key in self.models]
            yield f"Models by their best row: {'; '.join(found)}."
        for words, family in self.families.items():
            yield from family.sentences(words, self.way, self.group)
        yield from self.notes


@dataclass(frozen=True)
class Picture:
    """A figure of the report; `commands` make what it lacks, and `draw` is None where nothing is there to be drawn."""

    key: str
    table: str
    title: str
    caption: str
    draw: partial | None
    commands: tuple[str, ...] = ()


def table_report(paper: Paper, table: Table, jobs: Found, asked: Sequence[str]) -> TableReport:
    """Builds one table from the jobs planned for it; `asked` are overrides of every command, `paper=...` first."""
    group = results.group_of(filter(None, jobs.values()))
    way, lacking = results.way_of(results.ran(jobs, "published")), results.commands(jobs, asked)
    runs = {(job.row, job.split): result for job, result in jobs.items()}
    rows = list(dict.fromkeys(job.row for job in jobs))
    names = Counter(row.name for row in rows)
    lines, tested, reliability = [], {}, {}
    for row in rows:
        these = runs.get((row, "published")), runs.get((row, "grouped")), lacking.get(row, "")
        if table.kind == "per_class":
            lines += class_lines(row, paper.classes, *these, f"{row.name}: " if len(rows) > 1 else "")
        else:
            label = row.name if names[row.name] == 1 else f"{row.model}: {row.name}"
            lines.append(score_line(row, label, table.metric, *these))
            if trusted := these[1] or these[0]:
                tested_by = f"{group}s kept apart" if these[1] else way
                reliability[label] = {**trusted.confidence, "way": tested_by}
            if these[0]:
                tested[label] = these[:2]
    compared, remarks = families(lines, tested, table.metric, way, group)
    left_out = [f"{row.model}: {row.name}" for row in table.rows if row not in rows]
    ran = runs if table.kind != "per_class" else {}
    remarks += [said for row in rows for said in _of_row(row, ran.get((row, "published")))]
    remarks += [f"Left out here: {'; '.join(left_out)}."] if left_out else []
    scored = table.kind == "scores"
    models = {key: order_of_groups(lines, key) for key in ("published", "ours", "apart")} if scored else {}
    complete = {line.group for line in lines if not isnan(line.published)}
    return TableReport(
        key=table.key,
        source=table.source,
        title=table.title,
        kind=table.kind,
        metric=table.metric.replace("_", " ").replace("f1", "F1"),
        group=group,
        way=way,
        lines=tuple(lines),
        orders=tuple(orders(lines, scored, way, group)),
        models={key: order for key, order in models.items() if {*order} == complete} if len(complete) > 1 else {},
        others=table.others,
        families=compared,
        reliability=reliability,
        notes=(*results.notes(table, jobs, asked), *remarks),
        planned=len(rows),
        missing=len(lacking),
        command=command(next(iter(jobs)), asked, whole_table=True) if lacking else "",
    )


def _of_row(row: Row, run: Result | None) -> Iterator[str]:
    """Says what the paper notes of a row, and what a search has chosen on the splits of the paper."""
    said = [row.note] if row.note else []
    if run:
        chosen = [", ".join(f"{key} = {value}" for key, value in sorted(fold["chosen"].items())) for fold in run.fitted]
        counts = Counter(filter(None, chosen)).most_common()
        said += [f"here {words} in {n} of {len(chosen)} splits" for words, n in counts]
    if said:
        yield f"{row.model}: {row.name}: {'; '.join(said)}."
