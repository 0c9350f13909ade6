"""Which runs of `celltype train` a paper's tables ask for, by profile, chosen rows and the user's own overrides."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from celltype_cli.core.messages import UserError, check_choice, nearest
from celltype_cli.studies.papers.paper import PROFILES, SPLITS, Paper, Profile, Row, Split, Table

Names = Sequence[str] | None
OF_DATA = ("dataset", "prepare")  # config groups that say what is classified
Layer = tuple[frozenset[str], tuple[str, ...]]  # conditions, and the overrides under them


@dataclass(frozen=True)
class Job:
    """One run: a row with one of the splits; `overrides` are all that `celltype train` is given."""

    table: str
    row: Row
    split: Split
    profile: Profile
    overrides: tuple[str, ...]


def plan_jobs(
    paper: Paper, *, profile: str, tables: Names = None, rows: Names = None, extra: Sequence[str] = ()
) -> list[Job]:
    """Plans two runs for each chosen row: with the paper's split, and with groups kept apart.

    Args:
        profile: "quick" or "full".
        tables: keys of tables; None takes all.
        rows: names of rows or models, or parts of them; None takes all but the rows that are off by default.
        extra: the user's own overrides. With `dataset=` among them the paper's settings of its default dataset are
            left out, and the rows that make sense there only; what a row sets of the dataset "elsewhere" makes it
            the row it is, and holds against the user's own. Overrides of `trainer` go to the rows of which the paper
            sets the trainer, those of `split` to the runs whose split has that setting.

    Raises:
        UserError: when a name fits nothing, or an override cannot hold for a row.
    """
    check_choice("profile", profile, PROFILES)
    given = {key_of(override): override for override in extra}
    for name in ("model", "split"):
        if name in given:
            raise UserError(f"{given[name]}: the rows of a paper choose the {name}; choose rows with table= and rows=")
    chosen = _chosen(paper, tables, rows, given.get("dataset", "").partition("=")[2])
    plan = [
        Job(table.key, row, split, profile, _overrides(layers(paper, table, row), profile, split, given))
        for table, row in chosen
        for split in SPLITS
    ]
    for name in filter(lambda key: group_of(key) == "split", given):
        if not any(given[name].lstrip("+") in job.overrides for job in plan):
            known = sorted({key for job in plan for o in job.overrides if (key := key_of(o)).startswith("split.")})
            raise UserError(f"{name} is set in no run of these rows{nearest(name, known)}; known: {', '.join(known)}")
    return plan


def _chosen(paper: Paper, keys: Names, parts: Names, dataset: str) -> list[tuple[Table, Row]]:
    for key in keys or ():
        check_choice("table", key, [table.key for table in paper.tables])
    there = [(table, row) for table in paper.tables if keys is None or table.key in keys for row in table.rows]
    usable = [(table, row) for table, row in there if _fits(table, row, dataset)]
    if not usable:
        owners = [f"dataset={table.dataset}" for table, _ in there if table.dataset]
        owner = next(iter(owners), "the paper's own: leave out dataset=")
        raise UserError(f"the rows of {', '.join(keys or ())} run on one dataset only, {owner}")
    if parts is None:
        return [(table, row) for table, row in usable if row.default]
    found = {part: _matching([row for _, row in usable], part) for part in parts}
    for part in parts:
        if not found[part]:
            models = dict.fromkeys(row.model for _, row in usable)
            hint = nearest(part, [*models, *(row.name for _, row in usable)])
            raise UserError(f"rows={part} is part of no row's name or model{hint}; models: {', '.join(models)}")
    return [(table, row) for table, row in usable if any(row in rows for rows in found.values())]


def _fits(table: Table, row: Row, dataset: str) -> bool:
    """Says whether a row makes sense on the dataset that the user chose; "" is the paper's own."""
    if table.dataset:
        return table.dataset == dataset
    return not dataset or (table.elsewhere if row.elsewhere is None else row.elsewhere)


def _matching(rows: list[Row], part: str) -> list[Row]:
    """Takes the rows whose name, model or "model: name" is `part`, else those that contain it.

    A row that is off by default is asked for by its name alone: its model would bring it in by surprise.
    """
    names = [[row.name.lower()] + [row.model.lower()] * row.default for row in rows]
    whole = [[f"{row.model}: {row.name}".lower(), *of_row] for row, of_row in zip(rows, names)]
    exact = [row for row, of_row in zip(rows, whole) if part.lower() in of_row]
    return exact or [row for row, of_row in zip(rows, names) if any(part.lower() in name for name in of_row)]


def layers(paper: Paper, table: Table, row: Row) -> list[Layer]:
    """Lists all overrides of a row's runs with the conditions under which they hold; later ones win."""
    return [
        (frozenset(words.split()), overrides)
        for level in (paper, table, paper.models[row.model], row)
        for words, overrides in {"": level.overrides, **level.when}.items()
    ]


def chosen_overrides(layers: Iterable[Layer], words: set[str]) -> dict[str, str]:
    """Returns the overrides that hold under `words` by what they set.

    "elsewhere" leaves out what is set of the paper's own dataset and of how it is prepared.
    """
    chosen: dict[str, str] = {}
    for conditions, overrides in layers:
        own = "elsewhere" in words - conditions
        for override in overrides if conditions <= words else ():
            key = key_of(override)
            if own and group_of(key) in OF_DATA:
                continue
            # Another choice of a group voids the settings of the one before.
            chosen = {k: o for k, o in chosen.items() if not k.startswith((f"{key}.", f"{key}@"))}
            chosen[key] = override
    return chosen


def key_of(override: str) -> str:
    """Returns what an override sets: "model.steps" of "model.steps=2"."""
    return override.lstrip("+~").partition("=")[0]


def group_of(key: str) -> str:
    """Returns the config group of a key: "model" of "model.steps"."""
    return re.split("[.@]", key)[0]


def _overrides(layers: list[Layer], profile: str, split: str, given: dict[str, str]) -> tuple[str, ...]:
    elsewhere = {"elsewhere"} if "dataset" in given else set()
    chosen = chosen_overrides(layers, {profile, split, *elsewhere})
    fixed = {key for key in chosen if elsewhere and group_of(key) in OF_DATA}
    network = any(group_of(key) == "trainer" for key in chosen)
    for key, override in given.items():
        if key in fixed:
            continue
        if key in chosen:  # also what had to be added to the settings of `reproduce`, whose model and split are others
            chosen[key] = override.lstrip("+")
        elif group_of(key) != "split" and (network or group_of(key) != "trainer"):
            chosen[key] = override
    # One order for equal runs; the choice of a group stands before its settings.
    return tuple(chosen[key] for key in sorted(chosen, key=lambda key: (group_of(key), key != group_of(key), key)))


def command(job: Job, asked: Sequence[str], whole_table: bool = False) -> str:
    """Words the command for the row of a job, or its table; names are quoted twice, for Hydra and for the shell.

    Args:
        asked: overrides that every command needs, `paper=...` first.
    """
    name = f"{job.row.model}: {job.row.name}".replace("\\", "\\\\").replace('"', '\\"')
    rows = [] if whole_table else [f'rows="{name}"']
    chosen = [asked[0], f"table={job.table}", *rows, f"profile={job.profile}"]
    return shlex.join(["celltype", "reproduce", *chosen, *asked[1:]])
