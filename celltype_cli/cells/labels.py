"""Labels of recordings in a csv beside them, with the columns COLUMNS."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from celltype_cli.core import cut_off
from celltype_cli.core.called import called, meant
from celltype_cli.core.messages import UserError, few, nearest, raise_faults
from celltype_cli.core.names import alike
from celltype_cli.core.tables import read_table

COLUMNS = ("cell_id", "label", "group", "source")
KEYS = ("file", "cell_id", "cluster_id")  # the first there names the recording; cluster_id as in the tables of Phy


@dataclass(frozen=True)
class Labels:
    """What a csv says of recordings.

    Attributes:
        path: of the csv, for messages.
        rows: by the name of a recording, the values of COLUMNS that are given.
        notes: how the csv was read.
        channels: by the name of a file, those that its rows name; such a recording is named file/channel.
    """

    path: Path
    rows: dict[str, dict[str, str]]
    notes: tuple[str, ...]
    channels: dict[str, list[str]] = field(default_factory=dict)


def read_labels(path: Path, classes: Sequence[str] | None, name_of: Callable[[str], str]) -> Labels:
    """Reads what the csv says of each recording, by the name of its file.

    Args:
        classes: labels that may occur; None for any.
        name_of: the name of a recording, of its file.

    Raises:
        UserError: when it is missing or broken, lacks columns or rows, names a recording twice, or has other labels.
    """
    read = read_table("dataset.labels", path)
    table = read.rows
    key = next((name for name in KEYS if name in table), "cell_id")
    if missing := [name for name in (key, "label") if name not in table]:
        left, close = {*table} - {*COLUMNS}, ""
        for name in dict.fromkeys(("label", *(["file", key] if key in missing else []))):
            if name in (*missing, "file") and (said := meant(name, left)):
                close += said.replace(";", f"; for {name}", 1)
                left -= {said.rpartition(": ")[2]}
        raise UserError(
            f"{path}: {' and '.join(missing)} missing; found {', '.join(table)}; expected columns "
            f"{', '.join(KEYS[:-1])} or {KEYS[-1]}, label and, optional, group and source{close}"
        )
    table, unnamed = named(path, table, (key,))
    names, channels = table[key].str.replace("\\", "/", regex=False).map(name_of), defaultdict(list)
    if "channel" in table:
        for name, channel in zip(names, table["channel"]):
            channels[name] += [channel] if channel else []
        names = names.where(table["channel"] == "", names + "/" + table["channel"])
    faults = [f"{key} {name} occurs {count} times; expected one row for each recording"
              for name, count in names.value_counts().items() if count > 1]  # fmt: skip
    for name, label in zip(names, table["label"]):
        if classes is not None and label and label not in classes:
            known = f"none of {', '.join(classes)}{nearest(label, classes)}"
            faults.append(f"{key} {name}: label {label!r} is {known}; correct it, or add it to dataset.classes")
    raise_faults(str(path), faults)
    notes = (*read.notes, *cut_off.notes(path), *unnamed, *other_names(path, table))
    columns = [name for name in COLUMNS if name in table and name != key]
    rows = ({name: text for name, text in row.items() if text} for row in table[columns].to_dict("records"))
    return Labels(path, dict(zip(names, rows)), notes, {name: of for name, of in channels.items() if of})


def named(path: Path, table: pd.DataFrame, keys: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Returns the rows of a table that name what they are of, and a note on the others.

    Raises:
        UserError: when there are none.
    """
    empty = (table[[*keys]] == "").all(axis=1)
    if empty.all():
        raise UserError(f"{path}: holds no row; expected one for each recording, or cell" if table.empty else
                        f"{path}: none of its {len(table)} rows says {' or '.join(keys)}")  # fmt: skip
    first = f", the first in line {table.index[empty][0]}" if empty.any() else ""
    said = (
        f"{int(empty.sum())} of {len(table)} rows of {path.name} say no {' or '.join(keys)}{first}, and are passed over"
    )
    return table[~empty], [said] if empty.any() else []


def other_names(path: Path, columns: Iterable[str]) -> list[str]:
    """Returns a note on columns of a table that may be meant for animals or sources, which it does not name."""
    there = {*columns}
    said = called(there - {*COLUMNS}, {"group", "source"} - there)
    return [f"{path.name}{said.replace(';', ':', 1)}"] if said else []


def _elsewhere(lost: Iterable[str], cells: Sequence[Any]) -> str:
    """Says that rows would name recordings but for the folders before the names."""
    names = {cell.cell_id.rpartition("/")[2] for cell in cells}
    if not all(row.rpartition("/")[2] in names for row in lost):
        return ""
    return "; but for their folders they are the same: leave those out, or give those below dataset.path"


def like(lost: Iterable[str], without: Iterable[str]) -> str:
    """Says which names of a table are like those of recordings but for case or zeros, as "; 01 looks like 1 ..."."""
    without = {*without}
    pairs = [names for names in alike({*lost, *without}) if without & {*names} != {*names} and without & {*names}]
    return f"; {' and '.join(pairs[0])} look alike: write them alike" if pairs else ""


def contradicted(before: Sequence[Any], after: Sequence[Any], path: Path) -> Iterator[str]:
    """Yields notes on labels and animals of recordings that a table says otherwise than their files.

    Args:
        before, after: the same recordings, without and with the table; a group that is the name of the file, or of a
            folder of it, is none that the file says.
    """
    for what, of in (("label", "label"), ("animal", "group")):
        pairs = [(one, getattr(one, of), getattr(other, of)) for one, other in zip(before, after, strict=True)]
        pairs = [(one, old, new) for one, old, new in pairs if old and old != new]
        said = [(one.cell_id, old, new) for one, old, new in pairs
                if of == "label" or not (one.file.startswith(old) or old == one.cell_id)]  # fmt: skip
        if said:
            listed = "; ".join(few(f"{cell}: {old}, here {new}" for cell, old, new in said))
            yield f"{path.name} says another {what} of {len(said)} cells than their files, and counts ({listed})"


def with_labels(cells: Sequence[Any], labels: Labels) -> tuple[list[Any], list[str]]:
    """Returns recordings with what a csv says of them, and notes on what does not fit together.

    Raises:
        UserError: when no row names a recording, or one row several.
    """
    path, rows, found, cells_of = labels.path, labels.rows, [], defaultdict(list)
    for cell in cells:  # its row goes by the whole name, or without its folders
        parts = cell.cell_id.split("/")
        name = next((known for k in range(len(parts)) if (known := "/".join(parts[k:])) in rows), "")
        cells_of[name].append(cell.cell_id)
        found.append(replace(cell, **rows.get(name, {})))
    without = cells_of.pop("", [])
    several = {name: ids for name, ids in cells_of.items() if len(ids) > 1}
    faults = (f"row {name} fits {' and '.join(ids)}; give the folder too" for name, ids in several.items())
    raise_faults(str(path), faults)
    lost = [name for name in rows if name not in cells_of]
    if lost and len(lost) == len(rows):
        raise UserError(
            f"{path}: none of its {len(lost)} rows names a recording; the first row is for {lost[0]}, the "
            f"first of {len(cells)} recordings is {cells[0].cell_id}"
            + (_elsewhere(lost, cells) or like(lost, without) or nearest(cells[0].cell_id, lost))
        )
    notes, n = [*labels.notes, *contradicted(cells, found, path)], len(cells)
    if without:
        said = ", ".join(few(without)) + like(lost, without)
        notes.append(f"{len(without)} of {n} cells are without a row in {path.name}: {said}")
    if lost:
        notes.append(f"{len(lost)} of {len(rows)} rows of {path.name} name no recording: {', '.join(few(lost))}")
    return found, notes
