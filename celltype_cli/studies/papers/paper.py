"""A paper as data: its tables, and of every row the published numbers and the overrides that repeat it.

`conf/paper/calcium_ann.yaml` shows the layout. Overrides stand with the paper, a table, a model or a row; the later of
these wins. `overrides` hold always, `when` under conditions, all of which must hold: a profile (quick, full), a split
(published, grouped), or "elsewhere" (the user chose a dataset). A table may belong to one such dataset alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from celltype_cli.core.messages import UserError, nearest, raise_faults
from celltype_cli.studies.papers.layout import SPLITS, Layer, faults, flat, planned


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
        dataset: the only dataset on which it makes sense, when that is another one.
        layers: all overrides of its runs, later ones win; `paper_jobs` reads them.
    """

    name: str
    model: str
    overrides: tuple[str, ...]
    published: dict[str, tuple[float, float | None]] = field(hash=False)
    note: str = ""
    best: bool = False
    default: bool = True
    elsewhere: bool = True
    dataset: str = ""
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table or figure.

    Attributes:
        source: its place in the paper.
        kind: one of `paper_files.KINDS`.
        note: for readers.
        metric: what a table of scores shows, one of `paper_files.SCORES`; curves show accuracy or loss.
    """

    key: str
    title: str
    source: str
    kind: str
    rows: tuple[Row, ...]
    note: str = ""
    metric: str = "accuracy"


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


def _unchosen(table: Table, row: Row) -> Iterable[str]:
    for split in SPLITS:
        for name in {"model", "split"} - planned(row.layers, {"full", split}).keys():
            yield f"table {table.key}, row {row.name} ({row.model}): no override chooses the {name} of {split} runs"


def _table(key: str, table: dict[str, Any], paper: dict[str, Any]) -> Table:
    plain = {name: table[name] for name in ("title", "source", "kind", "note", "metric") if name in table}
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
    flags = {"elsewhere": table.get("elsewhere", True), "dataset": table.get("dataset", "")}
    flags |= {name: row[name] for name in ("note", "best", "default", "elsewhere") if name in row}
    return Row(row["name"], row["model"], flat(row.get("overrides", [])), published, layers=layers, **flags)
