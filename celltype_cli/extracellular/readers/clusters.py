"""What the tables of a Phy folder say of its clusters, and which of them are taken."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from celltype_cli.core.messages import UserError, few, raise_faults
from celltype_cli.core.tables import read_table
from celltype_cli.core.text import as_text
from celltype_cli.extracellular.readers.found import LABELS, How
from celltype_cli.extracellular.recording import LAYERS, layer_of

# Of them, the first to say a thing counts; cluster_groups.csv is of the first version of Phy.
TABLES = ("cluster_group", "cluster_groups", "cluster_KSLabel", "cluster_info", "cluster_layer")
WORDS = {"good", "sua", "mua", "multi", "noise", "bad"}  # in another column: it tells good clusters from others
SINGLE = ("good", "sua")
OTHER = re.compile(r"cluster_.*\.(?:tsv|csv)")
WHOLE = re.compile(r"(-?\d+)(?:\.0+)?")  # also as a float writes it; -1 are spikes of no cluster
UNSORTED = ("", "unsorted")
# Of other files, the columns that say which units are good, the first that there is, and their words for it.
QUALITY = ("quality", "is_good", "group", "KSLabel", "ks_label", "ks2_label", "kilosort2_label", "default_qc",
           "passing_qc", "passed_qc", "qc_pass")  # fmt: skip
GOOD = ("good", "pass", "passed", "true")
# Of the International Brain Laboratory, the share of three criteria that a unit meets: of good units 1
SCORES, CRITERIA = ("ibl_quality_score", "label"), 3


@dataclass
class Table:
    """By cluster: what the user says (`group`), what Kilosort says (`KSLabel`), and its layer; where they say it.

    Other files have one column in place of `group`, and `column` is its name.
    """

    group: dict[int, str] = field(default_factory=dict)
    kilosort: dict[int, str] = field(default_factory=dict)
    layer: dict[int, str] = field(default_factory=dict)
    listed: set[int] = field(default_factory=set)
    column: str = "group"
    notes: list[str] = field(default_factory=list)


def table(folder: Path) -> Table:
    """Reads the tables of a folder.

    Raises:
        UserError: when one is broken, or lists a cluster twice or a layer that is none.
    """
    found = Table()
    there = {file.name.casefold(): file for file in sorted(folder.iterdir()) if file.is_file() and file.stat().st_size}
    known = [f"{name}{ending}".casefold() for name in TABLES for ending in (".tsv", ".csv")]
    for name in known:
        if name in there:
            _add(found, there[name])
    others = [file for name, file in there.items() if name not in known and OTHER.fullmatch(name)]
    found.notes += filter(None, map(_unread, others))
    return found


def _unread(file: Path) -> str:
    """Returns a note on another table that says which clusters are good; "" where it does not."""
    try:
        rows = read_table("dataset.path", file).rows
    except UserError:
        return ""
    if found := says_good({name: [*rows[name]] for name in rows}):
        column, said = found
        name = f"{file.name} says" if column in file.name else f"{file.name} ({column}) says"
        return f"{file.parent.name}: {name} {said}, and is not read: dataset.units=[...] takes some"
    if types := [name for name in rows if name in LABELS]:
        said = f"{file.name} says {types[0]}, which is not read"
        return f"{file.parent.name}: {said}: dataset.labels takes a csv of cell_id and label"
    return ""


def says_good(columns: Mapping[str, Iterable[Any]]) -> tuple[str, str] | None:
    """Returns the first column that tells good units from others, and what it says; None where there is none."""
    for name in columns:
        words = Counter(str(word).lower() for word in columns[name])
        if any(words[good] for good in SINGLE) and len(WORDS & {*words}) > 1:
            return name, ", ".join(f"{count} {word}" for word, count in sorted(words.items()))
    return None


def _add(found: Table, file: Path) -> None:
    rows = read_table("dataset.path", file).rows
    key = next((name for name in ("cluster_id", "id") if name in rows), None)
    if key is None:
        raise UserError(f"{file} has no column cluster_id; found {', '.join(rows)}")
    if unnamed := int((rows[key] == "").sum()):  # Phy leaves such behind where clusters were merged
        found.notes.append(f"{file.parent.name}: {unnamed} rows of {file.name} name no cluster and are passed over")
        rows = rows[rows[key] != ""]
    numbers = [WHOLE.sub(r"\1", text) for text in rows[key]]
    faults = [f"cluster_id {text!r} is no whole number" for text in numbers if not WHOLE.fullmatch(text)]
    faults += [f"cluster {text} is listed {count} times" for text, count in Counter(numbers).items() if count > 1]
    if "layer" in rows:
        rows["layer"] = rows["layer"].map(layer_of)
        faults += [f"layer {text!r} is none of {', '.join(LAYERS)}" for text in set(rows["layer"]) - {"", *LAYERS}]
    raise_faults(str(file), faults)
    found.listed |= set(map(int, numbers))
    for column, known in (("group", found.group), ("KSLabel", found.kilosort), ("layer", found.layer)):
        if column in rows:
            for number, text in zip(numbers, rows[column]):
                text = text if column == "layer" else text.lower()
                if text not in UNSORTED:
                    known.setdefault(int(number), text)
            if other := sum(text.lower() not in (*UNSORTED, known.get(int(number), "").lower())
                            for number, text in zip(numbers, rows[column])):  # fmt: skip
                found.notes.append(f"{file.parent.name}: {file.name} says another {column} of {other} clusters "
                                   "than the table before it, which counts")  # fmt: skip


def chosen(about: Table, there: np.ndarray, how: How, folder: Path, notes: list[str]) -> np.ndarray:
    """Returns the clusters to take, ascending; those that are listed without having spikes among them.

    Args:
        there: clusters that have spikes.

    Raises:
        UserError: when `how` names a cluster that there is not, or none is good.
    """
    clusters = sorted({*map(int, there), *about.listed})
    if how.units is not None:
        return _named(clusters, how.units, folder)
    if how.quality == "all":
        return np.array(clusters, dtype=np.int64)
    word = {**about.kilosort, **about.group}
    if not word:
        notes.append(f"{folder.name}: neither group nor KSLabel says which clusters are good, and all are taken")
        return np.array(clusters, dtype=np.int64)
    good = [cluster for cluster in clusters if word.get(cluster) == "good"]
    counts = Counter(word.get(cluster, "unsorted") for cluster in clusters)
    said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    if not good:
        raise UserError(f"{folder}: none of its {len(clusters)} clusters is good ({said}); set dataset.quality=all, or "
                        "dataset.units=[...]")  # fmt: skip
    by_hand = sum(cluster in about.group for cluster in good)
    by = " and ".join(
        f"{count} by {name}" for name, count in ((about.column, by_hand), ("KSLabel", len(good) - by_hand)) if count
    )
    left = (
        f"; {len(clusters) - len(good)} others are left out, dataset.quality=all takes them"
        if len(good) < len(clusters)
        else ""
    )
    notes.append(f"{folder.name}: {said}; the good are taken ({by}){left}")
    return np.array(good, dtype=np.int64)


def chosen_by_words(
    columns: Mapping[str, Sequence[Any] | np.ndarray], ids: Sequence[str], how: How, where: Path, notes: list[str],
    others: Mapping[str, Sequence[Any]] | None = None,
) -> np.ndarray:  # fmt: skip
    """Returns the places of the units to take of a file whose columns, of which `QUALITY` are looked at, say words.

    Args:
        others: columns of text, of which a note says whether one tells good units.

    Raises:
        UserError: as `chosen`, or when units have names and `how` numbers.
    """
    column = next((name for name in QUALITY if name in columns and _says_quality(name, columns[name])), None)
    scored = next((name for name in SCORES if name in columns and name != how.label and _is_score(columns[name])), None)
    column = column or scored
    if how.units is None and how.quality == "good" and column is None:
        notes.append(f"{where.name}: nothing says which units are good, and all are taken")
        if other := says_good(others or {}):
            notes.append(f"{where.name}: its column {other[0]} says {other[1]}, and is not read: dataset.units=[...]")
        return np.arange(len(ids))
    named = not all(one.isdigit() for one in ids)
    if named and how.units is not None:
        raise UserError(f"{where}: its units have names ({', '.join(few(ids))}); dataset.units takes numbers")
    numbers = np.arange(len(ids)) if named else np.array(ids, dtype=np.int64)
    words = [as_text(word) for word in columns[column]] if column else []
    good = (*GOOD, "1") if column and (column.startswith("is_") or column == scored) else GOOD
    known = {int(one): "good" if word.lower() in good else word for one, word in zip(numbers, words)}
    return np.flatnonzero(np.isin(numbers, chosen(Table(known, column=column or ""), numbers, how, where, notes)))


def _says_quality(name: str, values: Sequence[Any] | np.ndarray) -> bool:
    """Says whether a column is of quality: `group` may as well be that of channels, as SpikeInterface has it."""
    return name != "group" or bool({as_text(value).lower() for value in values} & {*GOOD, *WORDS})


def _is_score(values: Sequence[Any] | np.ndarray) -> bool:
    """Says whether values are thirds, some of which are neither 0 nor 1."""
    try:
        thirds = CRITERIA * np.array([as_text(value) or "nan" for value in values], dtype=np.float64)
    except (ValueError, UserError):
        return False
    thirds = thirds[~np.isnan(thirds)]
    near = np.abs(thirds - np.round(thirds)) < 0.15  # 0.3 and 0.66 too
    return bool(near.all() and {*np.round(thirds)} <= {0, 1, 2, 3} and {*np.round(thirds)} & {1, 2})


def _named(clusters: list[int], units: object, folder: Path) -> np.ndarray:
    wanted = list(units)
    faults = [f"dataset.units lists {unit} {count} times" for unit, count in Counter(wanted).items() if count > 1]
    if unknown := [str(unit) for unit in wanted if unit not in clusters]:
        faults.append(f"dataset.units names {', '.join(few(unknown))}, which it does not hold; it holds "
                      f"{', '.join(few(map(str, clusters)))}")  # fmt: skip
    raise_faults(str(folder), faults)
    return np.array(sorted(wanted), dtype=np.int64)
