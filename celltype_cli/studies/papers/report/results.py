"""What one finished run says, read from its folder when it is asked for; and what is said of all runs of a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from jaxtyping import Float

from celltype_cli.core.messages import UserError, counted, few
from celltype_cli.evaluation.predictions import arrays_of, labelled_lines
from celltype_cli.evaluation.rates import rates, tally
from celltype_cli.runs.folder import RunFolder
from celltype_cli.runs.identity import ELSEWHERE
from celltype_cli.studies.papers import jobs as jobs_of
from celltype_cli.studies.papers.jobs import Job, command
from celltype_cli.studies.papers.paper import Row, Table

IDS = {"cell_id": str, "group": str, "label": str}  # text, also where they look like numbers


@dataclass(frozen=True, eq=False)
class Result:
    """A finished run, its files read when they are asked for.

    Attributes:
        facts, environment: as in run.json and environment.json.
        split: fold, side, cell_id, group and label, one line per cell.
        curves: fold, epoch, name and value; empty for models without epochs.
        confidence: how far its probabilities can be trusted, as `evaluation.confidence` says.
        fitted: of each split its training_seconds, and the settings that a search has chosen.
    """

    run: RunFolder

    facts = cached_property(lambda self: self.run.facts())
    environment = cached_property(lambda self: json.loads((self.run.path / "environment.json").read_text()))
    predictions = cached_property(lambda self: self.run.predictions())
    scores = cached_property(lambda self: self.run.scores())
    confidence = cached_property(lambda self: self.run.confidence())
    split = cached_property(lambda self: pd.read_csv(self.run.path / "split.csv", dtype=IDS, keep_default_na=False))
    curves = cached_property(lambda self: pd.read_csv(self.run.path / "curves.csv"))
    fitted = cached_property(lambda self: self.run.fitted())

    @property
    def group(self) -> str:
        """What the dataset calls its groups: "animal", "donor", "recording"."""
        return self.facts["dataset"]["group"]

    def per_split(self, metric: str) -> Float[np.ndarray, " split"]:
        """Returns a score per split, each row of the dataset counting once, as papers count."""
        table = labelled_lines(self.predictions)
        return rates(*tally(pd.factorize(table["fold"], sort=True)[0], *arrays_of(table)))[metric]

    def side(self, name: str) -> int:
        """Counts the cells on one side of the first split."""
        return int(((self.split["side"] == name) & (self.split["fold"] == self.split["fold"].min())).sum())

    @cached_property
    def dataset(self) -> str:
        """Says what was classified, in words for people."""
        cells, groups = self.split["cell_id"].nunique(), self.split["group"].nunique()
        return f"{self.facts['dataset']['title']}: {cells:,} cells in {groups:,} {self.group}s"

    @property
    def machine(self) -> str:
        threads, cores, gpu = self.facts["threads"], self.environment["cores"], self.environment["gpu"]
        used = f", {gpu}" if gpu and self.facts["labels"]["trainer"] not in ("cpu", "sklearn") else ""
        return f"{self.environment['processor']}, {counted(cores, 'core')}, {counted(threads, 'thread')}{used}"


def group_of(runs: Iterable[Result]) -> str:
    """Returns what the datasets of all runs call a group, or "group" where they differ or nothing was run."""
    words = {run.group for run in runs}
    return words.pop() if len(words) == 1 else "group"


def way_of(runs: Iterable[Result]) -> str:
    """Returns how the paper's own split is called: "random splits", or by name where it deals no cells at random."""
    names = sorted({run.facts["labels"]["split"] for run in runs})
    return "random splits" if all(name.startswith("shuffle") for name in names) else f"split={' or '.join(names)}"


Found = dict[Job, Result | None]  # the jobs that were planned, each with its finished run


def ran(jobs: Found, split: str) -> list[Result]:
    """Returns the finished runs with one of `paper.SPLITS`."""
    return [result for job, result in jobs.items() if result and job.split == split]


def ways_of(jobs: Found) -> dict[str, str]:
    """Returns what each of `paper.SPLITS` is called."""
    apart = f"{group_of(filter(None, jobs.values()))}s kept apart"
    return {"published": way_of(ran(jobs, "published")), "grouped": apart}


def commands(jobs: Found, asked: Sequence[str]) -> dict[Row, str]:
    """Words, for each row that lacks a run, the command that makes what it lacks."""
    return {job.row: command(job, asked) for job, result in jobs.items() if not result}


def check_one_experiment(table: Table, jobs: Found) -> None:
    """Raises a UserError when seeds differ, or one setting of dataset and prepare met two contents of the data."""
    finished = {job: result for job, result in jobs.items() if result}
    seeds = sorted({str(run.facts["seed"]) for run in finished.values()})
    faults = [f"seed is {' in one run and '.join(seeds)} in another"] if len(seeds) > 1 else []
    contents: dict[tuple[str, ...], dict[str, str]] = {}
    for job, run in finished.items():
        asked = tuple(sorted(o for o in job.overrides if jobs_of.group_of(jobs_of.key_of(o)) in jobs_of.OF_DATA))
        contents.setdefault(asked, {})[run.facts["dataset"]["fingerprint"]] = run.run.path.name
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
    ways = ways_of(jobs)
    for split, words in ways.items():
        if these := ran(jobs, split):
            sizes = {side: _range([run.side(side) for run in these]) for side in ("train", "test")}
            n = _range([run.scores["n_folds"] for run in these])
            first = f"{sizes['train']} cells train and {sizes['test']} test in the first"
            yield f"{words[0].upper()}{words[1:]}: {n} {'folds' if split == 'grouped' else 'splits'}, {first}."
    hours = sum(fold["training_seconds"] for run in dict.fromkeys(runs) for fold in run.fitted) / 3600
    took = f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.1f} min"
    yield f"Run on {'; '.join(dict.fromkeys(run.machine for run in runs))}; training took {took} in all."
    yield from _warnings(jobs, ways)


def _warnings(jobs: Found, ways: Mapping[str, str]) -> Iterator[str]:
    """Says each warning of the runs once, and of which rows it is where others do without.

    Args:
        ways: what the splits are called.
    """
    runs = {job: run for job, run in jobs.items() if run}
    carried: dict[str, list[Job]] = {}
    for job, run in runs.items():
        for note in dict.fromkeys((*run.facts["dataset"]["notes"], *run.scores["notes"])):
            carried.setdefault(note, []).append(job)
    for note, those in carried.items():
        rows = []
        for split in dict.fromkeys(job.split for job in those):
            words, of = ways.get(split, split), [job.row for job in those if job.split == split]
            every = len(of) == sum(job.split == split for job in runs)
            rows += [words] if every else [f"{row.model}: {row.name} ({words})" for row in of]
        where = "" if len(those) == len(runs) else f" Rows: {'; '.join(few(rows))}."
        begin = note[0].upper() if note.partition(" ")[0].isalpha() else note[0]  # the name of a file stays as it is
        yield f"{begin}{note[1:]}.{where}"


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
