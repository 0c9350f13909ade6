"""Public recordings of patched cells, one file for each: which are wanted, and which cannot be used."""

from __future__ import annotations

import csv
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from celltype_cli.cells.cells import About, Cells
from celltype_cli.cells.choice import spread
from celltype_cli.core.downloads import command
from celltype_cli.core.messages import UserError, raise_faults
from celltype_cli.patch_clamp import prepare
from celltype_cli.patch_clamp.datasets.measured import Recorded, measured
from celltype_cli.patch_clamp.prepare import CLASSES
from celltype_cli.patch_clamp.recording import reasons

logger = logging.getLogger("celltype")


def named(cells: Sequence[Recorded], ids: str | None) -> list[Recorded]:
    """Returns the cells whose numbers stand in the first column of a csv or txt; all without a file.

    Raises:
        UserError: when the file cannot be read, has something else in that column, or names no cell of the dataset.
    """
    if ids is None:
        return list(cells)
    try:
        rows = [row for row in csv.reader(Path(ids).expanduser().read_text("utf-8-sig").splitlines()) if row]
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"dataset.ids.path={ids} cannot be read ({error})") from error
    names = [row[0].strip() for row in rows]
    raise_faults(f"dataset.ids.path={ids}", [f"row {k}: {name!r} is no number of a cell; expected it in the first "
                 "column" for k, name in enumerate(names, start=1) if k > 1 and not name.isdigit()])  # fmt: skip
    known = set(names)
    found = [cell for cell in cells if cell.cell_id in known or cell.session in known]
    if not found:
        raise UserError(
            f"dataset.ids.path={ids}: none of its {len(names)} numbers is one of {len(cells)} cells of the dataset"
            + (f", for instance {cells[0].cell_id}" if cells else "")
        )
    return found


def wanted(cells: Sequence[Recorded], per_class: int | None) -> tuple[list[Recorded], list[str]]:
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


def load(
    cells: Sequence[Recorded],
    *,
    about: About,
    remarks: Callable[[Sequence[Recorded]], Iterable[str]],
    source: str,
    folder: Path,
    ids: str | None,
    cells_per_class: int | None,
    inputs: Sequence[str],
    features: str,
    size: Sequence[int],
    cache: str,
) -> Cells:
    """Measures the cells whose files are there; each one that cannot be used is named, with the reason.

    Args:
        cells: all that are known.
        about: the dataset, by the name of its config.
        remarks: what is to be said of the chosen cells.
        source: of all cells.
        folder: of the dataset.
        ids: as in `named`.
        cells_per_class: as in `wanted`.
        inputs, features, size, cache: as in `patched_cells.measure` and `patched_cells.to_cells`.

    Raises:
        UserError: when no file is there, or none can be used.
    """
    prepare.check_settings(inputs, features, size)
    among = named(cells, ids)
    there = [cell for cell in among if cell.file.is_file()]
    fetch = command(folder, about.name)
    if not there:
        raise UserError(f"{folder} holds none of the recordings of {len(among)} cells; download them: {fetch}")
    chosen, notes = wanted(there, cells_per_class)
    if ids is not None and (lost := sum(bool(cell.label) for cell in among) - sum(bool(cell.label) for cell in there)):
        notes.append(f"{lost} cells of {Path(ids).name} are not there; download them: {fetch}")
    kept, left_out, sweeps_left_out = measured(chosen, features if "features" in inputs else None, Path(cache))
    lines = [f"cell {cell.cell_id}: {reason}" for cell, reason in left_out]
    if not kept:
        raise_faults(f"all {len(lines)} recordings of {folder}", lines)
    for line in lines:
        logger.warning("left out: %s", line)
    notes = [*remarks(chosen), *notes, *_reported(left_out, len(chosen), sweeps_left_out)]
    return prepare.to_cells(
        [replace(cell, source=source) for cell in kept],
        about=replace(about, notes=(*about.notes, *notes)), inputs=inputs, size=size, cache=cache,
    )  # fmt: skip


def _reported(left_out: list[tuple[Recorded, str]], of: int, sweeps_left_out: Counter[str]) -> Iterator[str]:
    """Yields counts of what was left out, of cells by class and by what the reasons have in common."""
    if left_out:
        kinds = Counter(_kind(reason) for _, reason in left_out)
        classes = Counter(cell.label for cell, _ in left_out)
        yield (
            f"{len(left_out)} of {of} cells cannot be used and were left out "
            f"({', '.join(f'{count} {name}' for name, count in classes.most_common())}): {reasons(kinds)}"
        )
    if sweeps_left_out:
        yield f"{sweeps_left_out.total()} sweeps were left out ({reasons(sweeps_left_out)})"


def _kind(reason: str) -> str:
    """Returns what a reason has in common with others: without a file before it, numbers, and what follows."""
    said = re.split(r"[(;:,]", re.sub(r"^\S*[/\\]\S*: ", "", reason))[0]
    return re.sub(r"-?\d[\d.,e+]*", "...", said).strip()
