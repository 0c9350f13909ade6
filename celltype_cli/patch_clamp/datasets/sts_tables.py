"""Ids, labels, sources and donors of the cells of the STS paper, as its repository keeps them.

Paper: Amprimo et al. 2025, Spike Train Scalograms (IEEE EMBC); repository smilies-polito/spike-train-scalograms, folder
    data. It states no licence; the recordings are the Allen Institute's (terms of use: research, with citation).
Cells: Clamp, Allen Cell Types Database (Gouwens et al. 2019, doi 10.1038/s41593-019-0417-0), labelled by Cre line; Seq,
    Patch-seq, DANDI 000020 (Gouwens et al. 2020, doi 10.1016/j.cell.2020.09.057), labelled by transcriptomic type.
Files: cell_types_GouwensAll_new.txt, lines "label id"; Split/Train_split.csv and Split/Test_split.csv, lines
    "id, source" without a header. Optional and not in the repository: cells.csv, columns specimen_id and donor_id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from celltype_cli.core.messages import UserError, check_choice, counted, raise_faults
from celltype_cli.core.tables import read_table
from celltype_cli.patch_clamp.recording import CLASSES

UNSURE = "Unsure"
SOURCES = ("Clamp", "Seq")
LABELS = "cell_types_GouwensAll_new.txt"
LISTS = ("Split/Train_split.csv", "Split/Test_split.csv")
DONORS = "cells.csv"
CITATION = (
    "Amprimo et al. 2025 (IEEE EMBC); recordings: Gouwens et al. 2019, doi 10.1038/s41593-019-0417-0, and 2020, "
    "doi 10.1016/j.cell.2020.09.057"
)
CHOICES = ("listed", "labelled")


@dataclass(frozen=True)
class Chosen:
    """Which of the cells at hand are used, in the order of their ids; `notes` says which are not, and why."""

    cell_id: list[str]
    label: np.ndarray
    group: np.ndarray
    source: np.ndarray
    notes: tuple[str, ...]


def choose(folder: Path, source_of: dict[str, str], cells: str, kind: str) -> Chosen:
    """Chooses the cells that have a label and, for cells="listed", stand in the published lists.

    Args:
        source_of: the cells at hand and their source; "" where it is to be read in the lists.
        cells: listed or labelled.
        kind: what a cell that is not at hand lacks, for the note: "the tables", for instance.

    Raises:
        UserError: when a file is missing or broken, or no cell is left.
    """
    check_choice("dataset.cells", cells, CHOICES)
    label_of, listed, donor_of = labels(folder / LABELS), lists(folder), donors(folder / DONORS)
    unlabelled = [cell for cell in source_of if label_of.get(cell, UNSURE) == UNSURE]
    kept = sorted(source_of.keys() - set(unlabelled), key=lambda cell: (len(cell), cell))
    unlisted = [cell for cell in kept if cell not in listed] if cells == "listed" else []
    kept = [cell for cell in kept if cell not in set(unlisted)]
    if not kept:
        raise UserError(
            f"dataset.path={folder}: of {len(source_of)} cells none is left; {len(unlabelled)} have no label in "
            f"{LABELS}, {len(unlisted)} stand in neither of {' and '.join(LISTS)}"
        )
    counts = {
        f"{counted(len(unlabelled), 'cell')} left out: their type is unknown": unlabelled,
        f"{counted(len(unlisted), 'cell')} left out: they are in neither published list": unlisted,
        f"{len(listed.keys() - source_of.keys())} cells of the published lists are not in {kind}":
            listed.keys() - source_of.keys(),
        f"the donor of {sum(cell not in donor_of for cell in kept)} cells is unknown: each is a group of its own":
            [cell for cell in kept if cell not in donor_of],
    }  # fmt: skip
    return Chosen(
        cell_id=kept,
        label=np.array([CLASSES.index(label_of[cell]) for cell in kept]),
        group=np.array([donor_of.get(cell, f"cell {cell}") for cell in kept]),
        source=np.array([source_of[cell] or listed.get(cell, "") for cell in kept]),
        notes=tuple(note for note, found in counts.items() if found),
    )


def folder(path: str | Path) -> Path:
    """Returns the path of the folder when it holds `LABELS`.

    Raises:
        UserError: when it does not.
    """
    path = Path(path).expanduser()
    if not (path / LABELS).is_file():
        below = next(path.glob(f"*/{LABELS}"), None) if path.is_dir() else None
        place = below.parent if below else "the folder data of a clone of it"
        raise UserError(f"dataset.path={path} holds no {LABELS} of the repository of the STS paper; give {place}")
    return path


def labels(file: Path) -> dict[str, str]:
    """Reads lines "label id"."""
    found, faults = {}, []
    for number, line in enumerate(_lines(file), start=1):
        label, _, cell = line.replace("\t", " ").partition(" ")
        if not cell.strip().isdigit() or label not in (*CLASSES, UNSURE):
            faults.append(f"line {number}: {line[:60]!r}; expected one of {', '.join((*CLASSES, UNSURE))} and an id")
        elif found.setdefault(cell.strip(), label) != label:
            faults.append(f"line {number}: cell {cell.strip()} is {label}, above it was {found[cell.strip()]}")
    raise_faults(str(file), faults)
    return found


def lists(folder: Path) -> dict[str, str]:
    """Reads the published lists, where they are: id and source of each cell."""
    found, faults = {}, []
    for file in (folder / name for name in LISTS if (folder / name).is_file()):
        for number, line in enumerate(_lines(file), start=1):
            cell, _, source = (part.strip() for part in re.sub("[;\t]", ",", line).partition(","))
            if not cell.isdigit() or source not in SOURCES:
                faults.append(f"{file.name}, line {number}: {line[:60]!r}; expected an id and {' or '.join(SOURCES)}")
            elif found.setdefault(cell, source) != source:
                faults.append(f"{file.name}, line {number}: cell {cell} is of {source}, above it was of {found[cell]}")
    raise_faults(str(folder / "Split"), faults)
    return found


def donors(file: Path) -> dict[str, str]:
    """Reads which animal each cell is of; nothing where there is no such file."""
    if not file.is_file():
        return {}
    table = read_csv(file, ("specimen_id", "donor_id"))
    known = table[table["donor_id"] != ""]
    return dict(zip(known["specimen_id"], known["donor_id"]))


def read_csv(file: Path, needed: Sequence[str]) -> pd.DataFrame:
    """Reads a table as text, "" where nothing is given.

    Raises:
        UserError: when it is missing, broken, or lacks a column.
    """
    if not file.is_file():
        raise UserError(f"{file}: no such file; it belongs to the repository of the STS paper, folder data")
    table = read_table("dataset.path", file, tuple(needed)).rows
    raise_faults(str(file), (f"column {name} is missing" for name in needed if name not in table))
    return table


def _lines(file: Path) -> Iterator[str]:
    try:
        yield from filter(None, map(str.strip, file.read_text(encoding="utf-8-sig").splitlines()))
    except (UnicodeDecodeError, OSError) as error:
        raise UserError(f"{file}: is no text file, get it again ({error})") from error
