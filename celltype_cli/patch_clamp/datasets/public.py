"""Public recordings of patched cells, one file for each: which are there, and which are wanted."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings, spread
from celltype_cli.core.downloads import command
from celltype_cli.core.messages import UserError, raise_faults
from celltype_cli.patch_clamp.readers.files import entry
from celltype_cli.patch_clamp.recording import CLASSES


@dataclass(frozen=True)
class Listed:
    """A cell that a dataset lists, whether its file is there or not.

    Attributes:
        cell_id: the archive's number of the cell.
        label: one of CLASSES; empty where the cell has none.
        donor: animal; empty where it is unknown.
        kind: Cre line or transcriptomic type that the label was made of.
        file: where the recording is, or would be.
        session: the archive's number of the recording, where it has one; a list may name cells by either.
    """

    cell_id: str
    label: str
    donor: str
    kind: str
    file: Path
    session: str = ""


def named(cells: Sequence[Listed], ids: str | Path | None) -> list[Listed]:
    """Returns the cells whose numbers stand in the first column of a csv or txt; all without a file.

    Raises:
        UserError: when the file cannot be read, has something else in that column, or names no cell of the dataset.
    """
    if ids is None:
        return list(cells)
    file = Path(ids).expanduser()
    if file.exists() and not file.is_file():
        raise UserError(f"dataset.ids={ids} is no file to read; expected a csv or txt")
    try:
        rows = [row for row in csv.reader(file.read_text("utf-8-sig").replace(";", ",").splitlines()) if row]
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"dataset.ids={ids} cannot be read ({error})") from error
    names = [row[0].strip() for row in rows]
    raise_faults(f"dataset.ids={ids}", [f"row {k}: {name!r} is no number of a cell; expected it in the first "
                 "column" for k, name in enumerate(names, start=1) if k > 1 and not name.isdigit()])  # fmt: skip
    known = set(names)
    found = [cell for cell in cells if cell.cell_id in known or cell.session in known]
    if not found:
        raise UserError(
            f"dataset.ids={ids}: none of its {len(names)} numbers is one of {len(cells)} cells of the dataset"
            + (f", for instance {cells[0].cell_id}" if cells else "")
        )
    return found


def wanted(cells: Sequence[Listed], per_class: int | None) -> tuple[list[Listed], list[str]]:
    """Chooses cells that belong to a class, and notes which were left out.

    Args:
        per_class: how many of each class, spread over donors, then over lines or types; None for all.

    Raises:
        UserError: when no cell belongs to a class.
    """
    chosen = [cell for cell in cells if cell.label]
    kinds = Counter(cell.kind for cell in cells if not cell.label)
    others = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    if not chosen:
        raise UserError(f"none of {len(cells)} cells belongs to one of {', '.join(CLASSES)}; found {others or 'none'}")
    notes = [f"{kinds.total()} cells that belong to no class were left out: {others}"] if kinds else []
    if per_class is not None:
        chosen = spread(chosen, per_class, CLASSES, lambda cell: cell.label, lambda cell: (cell.donor, cell.kind))
        counts = Counter(cell.label for cell in chosen)
        if few := [f"{counts[name]} {name}" for name in CLASSES if counts[name] < per_class]:
            notes.append(f"fewer cells than dataset.cells_per_class={per_class} were found of some: {', '.join(few)}")
    return chosen, notes


def chosen(
    cells: Sequence[Listed],
    *,
    about: About,
    remarks: Callable[[Sequence[Listed]], Iterable[str]],
    source: str,
    folder: Path,
    ids: str | Path | None,
    cells_per_class: int | None,
) -> Recordings:
    """Names the recordings whose files are there, as many as are wanted of each class.

    Args:
        cells: all that are known.
        about: the dataset, by the name of its config.
        remarks: what is to be said of the chosen cells.
        source: of all cells.
        folder: of the dataset.
        ids: as in `named`.
        cells_per_class: as in `wanted`.

    Raises:
        UserError: when no file is there, or no cell belongs to a class.
    """
    among = named(cells, ids)
    there = [cell for cell in among if cell.file.is_file()]
    fetch = command(folder, about.name)
    if not there:
        raise UserError(f"{folder} holds none of the recordings of {len(among)} cells; download them: {fetch}")
    wanted_ones, notes = wanted(there, cells_per_class)
    if ids is not None and (lost := sum(bool(cell.label) for cell in among) - sum(bool(cell.label) for cell in there)):
        notes.append(f"{lost} cells of {Path(ids).name} are not there; download them: {fetch}")
    entries = [
        entry(cell.file, cell.file.name, cell_id=cell.cell_id, label=cell.label, group=cell.donor, source=source)
        for cell in wanted_ones
    ]
    described = replace(about, notes=(*about.notes, *remarks(wanted_ones), *notes), group="donor")
    return Recordings(entries, described, CLASSES)
