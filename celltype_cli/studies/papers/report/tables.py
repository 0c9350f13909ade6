"""One table of the report: its lines, their order, the paired tests, and what belongs beside every number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan

from celltype_cli.core.messages import UserError
from celltype_cli.evaluation.comparison import LEVEL, Comparison, compare
from celltype_cli.studies.papers.jobs import command
from celltype_cli.studies.papers.paper import Paper, Row, Table
from celltype_cli.studies.papers.report import results
from celltype_cli.studies.papers.report.lines import (
    Line,
    Order,
    class_lines,
    labelled,
    order_of_groups,
    orders,
    score_line,
)
from celltype_cli.studies.papers.report.results import Found, Result

FAMILY = 12  # more lines than this are tested model by model: Holm's correction over all pairs would hide everything
FEW_SPLITS = 5


@dataclass(frozen=True)
class TableReport:
    """A table as it can be printed.

    Attributes:
        metric: what the lines of a table of scores show, in words.
        group: what the datasets call a group: "animal", "donor".
        comparisons: paired tests by the words that say what was compared.
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
    lines: tuple[Line, ...]
    orders: tuple[Order, ...]
    models: dict[str, tuple[str, ...]]
    comparisons: dict[str, Comparison]
    notes: tuple[str, ...]
    planned: int
    missing: int
    command: str

    @property
    def published(self) -> bool:
        """Whether the paper has a figure for any of the lines."""
        return any(not isnan(line.published) for line in self.lines)

    def sentences(self) -> Iterator[str]:
        """Says in words what stands below the table: order of models, paired tests, notes."""
        if self.models:
            ways = {"published": "in the paper", "ours": "here on random splits",
                    "apart": f"here with {self.group}s kept apart"}  # fmt: skip
            found = [f"{words} {' > '.join(self.models[key])}" for key, words in ways.items() if key in self.models]
            yield f"Models by their best row: {'; '.join(found)}."
        for words, test in self.comparisons.items():
            few = "; with so few splits the others may differ as well" if test.n_splits < FEW_SPLITS else ""
            yield (
                f"Paired test of {words} over {test.n_splits} random splits (Nadeau-Bengio, Holm): {test.told_apart} "
                f"of {len(test.pairs)} pairs told apart at {LEVEL}{few}."
            )
        yield from self.notes


def table_report(paper: Paper, table: Table, found: Found, asked: Sequence[str]) -> TableReport:
    """Builds one table from the jobs planned for it.

    Args:
        asked: overrides that every command needs, `paper=...` first.

    Raises:
        UserError: when runs of different experiments meet in the table.
    """
    jobs = {job: result for job, result in found.items() if job.table == table.key}
    results.check_one_experiment(table, jobs)
    group = results.group_of(filter(None, jobs.values()))
    plan = results.by_row(jobs)
    lines, entrants, missing = [], {}, 0
    for row, runs in plan.items():
        make = results.missing_command(row, jobs, asked)
        missing += bool(make)
        random, apart = runs.get("published"), runs.get("grouped")
        if table.kind == "per_class":
            prefix = f"{row.name}: " if len(plan) > 1 else ""
            lines += class_lines(row, tuple(paper.classes), random, apart, make, prefix)
        else:
            lines.append(score_line(row, table.metric, random, apart, make))
            if random:
                entrants[row.model, row.name] = random
    lines = labelled(lines)
    tests, remarks = _comparisons(lines, entrants, table.metric)
    left_out = [f"{row.model}: {row.name}" for row in table.rows if row not in plan]
    remarks += [said for row in plan for said in _of_row(row, entrants.get((row.model, row.name)))]
    remarks += [f"Left out here: {'; '.join(left_out)}."] if left_out else []
    return TableReport(
        key=table.key,
        source=table.source,
        title=table.title,
        kind=table.kind,
        metric=table.metric.replace("_", " ").replace("f1", "F1"),
        group=group,
        lines=tuple(lines),
        orders=tuple(orders(lines, table.kind == "scores", group)),
        models=_models(lines) if table.kind == "scores" else {},
        comparisons=tests,
        notes=(*results.notes(table, jobs, asked), *remarks),
        planned=len(plan),
        missing=missing,
        command=command(next(iter(jobs)), asked, whole_table=True) if missing else "",
    )


def _comparisons(
    lines: Sequence[Line], entrants: dict[tuple[str, str], Result], metric: str
) -> tuple[dict[str, Comparison], list[str]]:
    """Tests all rows of a short table; of a long one the paper's best rows of all models, and each model's rows.

    Rows that were tested on different cells are tested among those of their own dataset.
    """
    planned, lines = len(lines), [line for line in lines if (line.group, line.name) in entrants]
    entrant = {line.label: entrants[line.group, line.name].entrant(line.label, metric) for line in lines}
    title = {line.label: entrants[line.group, line.name].facts["dataset"]["title"] for line in lines}
    if len(lines) <= FAMILY:
        families = {"all rows" if len(lines) == planned else "the rows that ran": lines}
    else:
        models = dict.fromkeys(line.group for line in lines)
        families = {"the paper's best row of each model": [line for line in lines if line.best]}
        families |= {f"the rows of {model}": [line for line in lines if line.group == model] for model in models}
    tests, remarks = {}, []
    waiting = [(words, [line.label for line in members]) for words, members in families.items()]
    for words, labels in waiting:
        if len(labels) < 2:
            continue
        try:
            tests[words] = compare([entrant[label] for label in labels])
        except UserError as error:
            datasets = list(dict.fromkeys(title[label] for label in labels))
            if len(datasets) == 1:
                remarks.append(f"No paired test of {words}: {error}.")
            else:
                waiting += [(f"{words} on {name}", [x for x in labels if title[x] == name]) for name in datasets]
    return tests, remarks


def _of_row(row: Row, run: Result | None) -> Iterator[str]:
    """Says what the paper notes of a row, and what a search has chosen on our random splits."""
    said = [row.note] if row.note else []
    if run:
        chosen = [", ".join(f"{key} = {value}" for key, value in sorted(fold["chosen"].items())) for fold in run.fitted]
        counts = Counter(filter(None, chosen)).most_common()
        said += [f"here {words} in {n} of {len(chosen)} random splits" for words, n in counts]
    if said:
        yield f"{row.model}: {row.name}: {'; '.join(said)}."


def _models(lines: Sequence[Line]) -> dict[str, tuple[str, ...]]:
    complete = {line.group for line in lines if not isnan(line.published)}
    if len(complete) < 2:
        return {}
    known = {key: order_of_groups(lines, key) for key in ("published", "ours", "apart")}
    return {key: order for key, order in known.items() if set(order) == complete}
