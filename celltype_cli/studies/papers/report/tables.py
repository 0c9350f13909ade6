"""One table of the report: its lines, their order, the paired tests, and what belongs beside every number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan

from celltype_cli.core.messages import UserError
from celltype_cli.evaluation.comparison import Comparison, compare
from celltype_cli.runs.identity import ELSEWHERE
from celltype_cli.studies.papers.jobs import Job, command, table_command
from celltype_cli.studies.papers.paper import Paper, Row, Table
from celltype_cli.studies.papers.report.lines import (
    Line,
    Order,
    class_lines,
    labelled,
    order_of_groups,
    orders,
    score_line,
)
from celltype_cli.studies.papers.report.results import Result

FAMILY = 12  # more lines than this are tested model by model: Holm's correction over all pairs would hide everything

Found = dict[Job, Result | None]


@dataclass(frozen=True)
class TableReport:
    """A table as it can be printed.

    Attributes:
        metric: what the lines of a table of scores show, in words.
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


def table_report(paper: Paper, table: Table, found: Found, asked: Sequence[str]) -> TableReport:
    """Builds one table from the jobs planned for it.

    Args:
        asked: overrides that every command needs, `paper=...` first.

    Raises:
        UserError: when runs of different experiments meet in the table.
    """
    jobs = {job: result for job, result in found.items() if job.table == table.key}
    check_one_experiment(table, jobs)
    plan: dict[tuple[str, str], dict[str, Job]] = {}
    for job in jobs:
        plan.setdefault((job.row.model, job.row.name), {})[job.split] = job
    lines, entrants, missing = [], {}, 0
    for name, by_split in plan.items():
        row = next(iter(by_split.values())).row
        runs = [jobs.get(by_split.get(split)) for split in ("published", "grouped")]
        make = "" if all(jobs[job] for job in by_split.values()) else command(table, row, by_split, asked)
        missing += bool(make)
        lines += _lines(paper, table, row, *runs, make, several=len(plan) > 1)
        if table.kind == "scores" and runs[0]:
            entrants[name] = runs[0]
    lines = labelled(lines)
    tests, remarks = _comparisons(lines, entrants, table.metric)
    left_out = [f"{row.model}: {row.name}" for row in table.rows if (row.model, row.name) not in plan]
    remarks += _of_rows([row for row in table.rows if (row.model, row.name) in plan], entrants)
    return TableReport(
        key=table.key,
        source=table.source,
        title=table.title,
        kind=table.kind,
        metric=table.metric.replace("_", " ").replace("f1", "F1"),
        lines=tuple(lines),
        orders=tuple(orders(lines, together=table.kind == "scores")),
        models=_models(lines) if table.kind == "scores" else {},
        comparisons=tests,
        notes=(*notes(table, jobs, asked), *remarks, *([f"Left out here: {'; '.join(left_out)}."] if left_out else [])),
        planned=len(plan),
        missing=missing,
        command=table_command(table, next(iter(jobs)), asked) if missing else "",
    )


def check_one_experiment(table: Table, jobs: Found) -> None:
    """Raises a UserError when seeds differ, or one setting of the dataset met two contents of the data."""
    finished = {job: result for job, result in jobs.items() if result}
    seeds = sorted({str(run.facts["seed"]) for run in finished.values()})
    faults = [f"seed is {' in one run and '.join(seeds)} in another"] if len(seeds) > 1 else []
    contents: dict[tuple[str, ...], dict[str, str]] = {}
    for job, run in finished.items():
        asked = tuple(sorted(o for o in job.overrides if o.lstrip("+~").startswith("dataset")))
        contents.setdefault(asked, {})[run.facts["dataset"]["fingerprint"]] = run.folder
    for asked, by_fingerprint in contents.items():
        if len(by_fingerprint) > 1:
            (a, first), (b, second), *_ = by_fingerprint.items()
            faults.append(f"{' '.join(asked) or 'the dataset'} is data {a} in {first} and data {b} in {second}")
    if faults:
        raise UserError(
            "\n  ".join([f"{table.source}: these runs are different experiments and share no table:", *faults])
            + "\n  remove the stale run folder and run `celltype reproduce` again"
        )


def notes(table: Table, jobs: Found, asked: Sequence[str]) -> Iterator[str]:
    """Says what the numbers of a table are of: data, splits, seed, machine, and every warning the runs carry."""
    profile = next(iter(jobs)).profile
    if table.note:
        yield f"{table.note[0].upper()}{table.note[1:]}."
    given = [override for override in asked[1:] if override.partition("=")[0] not in ELSEWHERE]
    if given:
        yield f"Settings given by hand: {' '.join(given)}."
    runs = [result for result in jobs.values() if result]
    if not runs:
        yield f"Profile {profile}; nothing was run yet."
        return
    seed = runs[0].facts["seed"]
    yield f"Data: {'; '.join(dict.fromkeys(run.dataset for run in runs))}. Profile {profile}, seed {seed}."
    versions = {run.facts["dataset"]["fingerprint"] for run in runs}
    if len(versions) > 1:
        yield f"The rows use {len(versions)} versions of the data, as their settings say."
    for split, words in (("published", "Random splits"), ("grouped", "Animals kept apart")):
        these = [result for job, result in jobs.items() if result and job.split == split]
        if these:
            sizes = {side: _range([run.side(side) for run in these]) for side in ("train", "test")}
            n = _range([run.n_splits for run in these])
            yield f"{words}: {n} {'splits' if split == 'published' else 'folds'}, {sizes['train']} cells train and " \
                  f"{sizes['test']} test in the first."  # fmt: skip
    hours = sum(sum(run.seconds) for run in dict.fromkeys(runs)) / 3600
    took = f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.1f} min"
    yield f"Run on {'; '.join(dict.fromkeys(run.machine for run in runs))}; training took {took} in all."
    for note in dict.fromkeys(note for run in runs for note in (*run.facts["dataset"]["notes"], *run.scores["notes"])):
        yield f"{note[0].upper()}{note[1:]}."


def _lines(paper: Paper, table: Table, row: Row, random, apart, make: str, several: bool) -> Iterator[Line]:
    if table.kind == "per_class":
        yield from class_lines(
            row, tuple(paper.classes), random, apart, make, prefix=f"{row.name}: " if several else ""
        )
    else:
        yield score_line(row, table.metric, random, apart, make)


def _comparisons(
    lines: Sequence[Line], entrants: dict[tuple[str, str], Result], metric: str
) -> tuple[dict[str, Comparison], list[str]]:
    """Tests all rows of a short table; of a long one the paper's best rows of all models, and each model's rows.

    Rows that were tested on different cells are tested among those of their own dataset.
    """
    planned, lines = len(lines), [line for line in lines if (line.group, line.name) in entrants]
    if len(lines) <= FAMILY:
        families = {"all rows" if len(lines) == planned else "the rows that ran": lines}
    else:
        models = dict.fromkeys(line.group for line in lines)
        families = {"the paper's best row of each model": [line for line in lines if line.best]}
        families |= {f"the rows of {model}": [line for line in lines if line.group == model] for model in models}
    tests, remarks = {}, []
    waiting = [(words, members) for words, members in families.items() if len(members) > 1]
    while waiting:
        words, members = waiting.pop(0)
        runs = {line: entrants[line.group, line.name] for line in members}
        try:
            tests[words] = compare([run.entrant(line.label, metric) for line, run in runs.items()])
        except UserError as error:
            datasets = list(dict.fromkeys(run.facts["dataset"]["title"] for run in runs.values()))
            if len(datasets) == 1:
                remarks.append(f"No paired test of {words}: {error}.")
            else:
                within = {
                    name: [a for a, run in runs.items() if run.facts["dataset"]["title"] == name] for name in datasets
                }
                waiting += [(f"{words} on {name}", alike) for name, alike in within.items() if len(alike) > 1]
    return tests, remarks


def _of_rows(rows: Sequence[Row], entrants: dict[tuple[str, str], Result]) -> Iterator[str]:
    """Says what the paper notes of a row, and what a search has chosen on our random splits."""
    for row in rows:
        said = [row.note] if row.note else []
        if run := entrants.get((row.model, row.name)):
            settings = (", ".join(f"{key} = {value}" for key, value in sorted(fold.items())) for fold in run.chosen)
            counts = Counter(filter(None, settings)).most_common()
            said += [f"here {words} in {n} of {len(run.chosen)} random splits" for words, n in counts]
        if said:
            yield f"{row.model}: {row.name}: {'; '.join(said)}."


def _models(lines: Sequence[Line]) -> dict[str, tuple[str, ...]]:
    complete = {line.group for line in lines if not isnan(line.published)}
    if len(complete) < 2:
        return {}
    known = {key: order_of_groups(lines, key) for key in ("published", "ours", "apart")}
    return {key: order for key, order in known.items() if set(order) == complete}


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
