"""A paper as data: its tables, the published numbers of every row, and the runs of `celltype train` that repeat them.

`conf/paper/calcium_ann.yaml` shows the layout. Overrides stand with the paper, a table, a model or a row; the later of
these wins. `overrides` hold always, `when` under conditions, all of which must hold: a profile (quick, full), a split
(published, grouped), or "elsewhere" (the user chose a dataset).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from celltype_cli.errors import UserError
from celltype_cli.messages import check_choice, nearest, raise_faults
from celltype_cli.paper_files import PROFILES, SPLITS, Layer, faults, flat, group_of, key_of, planned

Names = Sequence[str] | None


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        name: as people read it: "conv, conv, pool".
        model: for order and grouping: "cnn1d".
        overrides: of `celltype train`, what sets this row apart from the other rows of its model.
        published: metric -> (mean, sd): accuracy, training_seconds, or of one class as in PV.precision.
        note: what the paper says beyond numbers.
        best: the paper's best of its model.
        default: False where it runs only when asked for by name.
        elsewhere: False where it makes sense on the paper's default dataset only.
        layers: all overrides of its runs, later ones win; `jobs` reads them.
    """

    name: str
    model: str
    overrides: tuple[str, ...]
    published: dict[str, tuple[float, float | None]] = field(hash=False)
    note: str = ""
    best: bool = False
    default: bool = True
    elsewhere: bool = True
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table or figure: `source` is its place in the paper, `kind` one of `paper_files.KINDS`, `note` for readers."""

    key: str
    title: str
    source: str
    kind: str
    rows: tuple[Row, ...]
    note: str = ""


@dataclass(frozen=True)
class Paper:
    """A paper: how to cite it, what it did and what a profile does, both in prose, and its tables."""

    key: str
    title: str
    citation: str
    url: str
    classes: tuple[str, ...]
    protocol: str
    profiles: dict[str, str] = field(hash=False)
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Job:
    """One run: a row with one of the splits; `overrides` are all that `celltype train` is given."""

    table: str
    row: Row
    split: Literal["published", "grouped"]
    profile: Literal["quick", "full"]
    overrides: tuple[str, ...]


def load(path: str | Path) -> Paper:
    """Reads a paper.

    Raises:
        UserError: with the faults of the file, naming table and row.
    """
    path = Path(path)
    if not path.is_file():
        there = [file.stem for file in path.parent.glob("*.yaml")]
        raise UserError(f"paper {path.stem} is not there{nearest(path.stem, there)}; no such file: {path}")
    try:
        paper = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as YAML: {error}") from error
    return parse(paper, str(path))


def parse(paper: Any, where: str) -> Paper:
    """Makes a paper of the content of its file; `where` names the file in messages.

    Raises:
        UserError: with the faults of the content, naming table and row.
    """
    raise_faults(where, faults(paper))
    tables = tuple(_table(key, table, paper) for key, table in paper["tables"].items())
    raise_faults(where, (fault for table in tables for row in table.rows for fault in _unchosen(table, row)))
    plain = {name: paper[name] for name in ("key", "title", "citation", "url", "protocol", "profiles")}
    return Paper(**plain, classes=tuple(paper["classes"]), tables=tables)


def jobs(
    paper: Paper, *, profile: str, tables: Names = None, rows: Names = None, extra: Sequence[str] = ()
) -> list[Job]:
    """Plans two runs for each chosen row: with the paper's split, and with animals kept apart.

    Args:
        profile: "quick" or "full".
        tables: keys of tables; None takes all.
        rows: names of rows or models, or parts of them; None takes all but the rows that are off by default.
        extra: the user's own overrides. With `dataset=` among them the paper's settings of its default dataset are
            left out, and the rows that make sense there only. Those of `trainer` go to the rows of which the paper
            sets the trainer, those of `split` to the runs whose split has that setting.

    Raises:
        UserError: when a name fits nothing, or an override cannot hold for a row.
    """
    check_choice("profile", profile, PROFILES)
    given = {key_of(override): override for override in extra}
    for name in ("model", "split"):
        if name in given:
            raise UserError(f"{given[name]}: the rows of a paper choose the {name}; choose rows with table= and rows=")
    chosen = _chosen(paper, tables, rows, elsewhere="dataset" in given)
    plan = [
        Job(table.key, row, split, profile, _overrides(row, profile, split, given))
        for table, row in chosen
        for split in SPLITS
    ]
    for name in filter(lambda key: group_of(key) == "split", given):
        if not any(given[name] in job.overrides for job in plan):
            known = sorted({key for job in plan for o in job.overrides if (key := key_of(o)).startswith("split.")})
            raise UserError(f"{name} is set in no run of these rows{nearest(name, known)}; known: {', '.join(known)}")
    return plan


def _chosen(paper: Paper, keys: Names, parts: Names, elsewhere: bool) -> list[tuple[Table, Row]]:
    for key in keys or ():
        check_choice("table", key, [table.key for table in paper.tables])
    there = [(table, row) for table in paper.tables if keys is None or table.key in keys for row in table.rows]
    usable = [(table, row) for table, row in there if row.elsewhere or not elsewhere]
    if not usable:
        raise UserError(f"no row of {', '.join(keys or ())} can run on another dataset: leave out dataset=")
    if parts is None:
        return [(table, row) for table, row in usable if row.default]
    found = {part: _matching([row for _, row in usable], part) for part in parts}
    for part in parts:
        if not found[part]:
            models = dict.fromkeys(row.model for _, row in usable)
            hint = nearest(part, [*models, *(row.name for _, row in usable)])
            raise UserError(f"rows={part} is part of no row's name or model{hint}; models: {', '.join(models)}")
    return [(table, row) for table, row in usable if any(row in rows for rows in found.values())]


def _matching(rows: list[Row], part: str) -> list[Row]:
    """Takes the rows whose name, model or "model: name" is `part`, else those that contain it.

    A row that is off by default is asked for by its name alone: its model would bring it in by surprise.
    """
    names = [[row.name.lower()] + [row.model.lower()] * row.default for row in rows]
    whole = [[f"{row.model}: {row.name}".lower(), *of_row] for row, of_row in zip(rows, names)]
    exact = [row for row, of_row in zip(rows, whole) if part.lower() in of_row]
    return exact or [row for row, of_row in zip(rows, names) if any(part.lower() in name for name in of_row)]


def _overrides(row: Row, profile: str, split: str, given: dict[str, str]) -> tuple[str, ...]:
    chosen = planned(row.layers, {profile, split} | ({"elsewhere"} if "dataset" in given else set()))
    if "dataset" in given:
        chosen = {key: override for key, override in chosen.items() if group_of(key) != "dataset"}
    network = any(group_of(key) == "trainer" for key in chosen)
    for key, override in given.items():
        if (key in chosen) if group_of(key) == "split" else (network or group_of(key) != "trainer"):
            chosen[key] = override
    # One order for equal runs; the choice of a group stands before its settings.
    return tuple(chosen[key] for key in sorted(chosen, key=lambda key: (group_of(key), key != group_of(key), key)))


def _unchosen(table: Table, row: Row) -> Iterable[str]:
    for split in SPLITS:
        for name in {"model", "split"} - planned(row.layers, {"full", split}).keys():
            yield f"table {table.key}, row {row.name} ({row.model}): no override chooses the {name} of {split} runs"


def _table(key: str, table: dict[str, Any], paper: dict[str, Any]) -> Table:
    plain = {name: table[name] for name in ("title", "source", "kind", "note") if name in table}
    return Table(key=key, rows=tuple(_row(row, table, paper) for row in table["rows"]), **plain)


def _row(row: dict[str, Any], table: dict[str, Any], paper: dict[str, Any]) -> Row:
    published = {
        metric: (float(value[0]), float(value[1])) if isinstance(value, list) else (float(value), None)
        for metric, value in row.get("published", {}).items()
    }
    levels = (paper, table, paper["models"][row["model"]], row)
    layers = tuple(
        (frozenset(words.split()), flat(overrides))
        for level in levels
        for words, overrides in {"": level.get("overrides", []), **level.get("when", {})}.items()
    )
    flags = {"elsewhere": table.get("elsewhere", True)}
    flags |= {name: row[name] for name in ("note", "best", "default", "elsewhere") if name in row}
    return Row(row["name"], row["model"], flat(row.get("overrides", [])), published, layers=layers, **flags)
