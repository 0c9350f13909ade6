"""The user's own current-clamp recordings: a folder of NWB 1, NWB 2, ABF and npz files, one cell in each.

`celltype_cli.patch_clamp.readers.files` says what the files may look like. A file that cannot be used stops no other: a
line says which and why, and a note beside every score says how many.

Labels stand in a csv with the columns
    file or cell_id   the file, with or without its folder and ending; files specimen_<id>/ephys.nwb, as allensdk's
                      CellTypesCache lays them, go by that id as well. Where there are both columns, `file` is looked
                      up and `cell_id` names the cell; otherwise its file does.
    label             cell type; empty where it is unknown
    group             donor animal (optional); where it is empty, the cell is a group of its own
    source            laboratory, dataset or method (optional)
Recordings without a row, or without any csv, are cells without label: they are never tested, and can be predicted.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from celltype_cli.cells.cells import About, Cells
from celltype_cli.cells.labels import read_labels
from celltype_cli.core.messages import UserError, check_choice, few, nearest, raise_faults
from celltype_cli.core.terminal import bar
from celltype_cli.patch_clamp import prepare
from celltype_cli.patch_clamp.prepare import CLASSES, PatchedCell
from celltype_cli.patch_clamp.readers.files import SUFFIXES, name_of, read, read_folder
from celltype_cli.patch_clamp.recording import RecordedCell, reasons

logger = logging.getLogger("celltype")
LeftOut = list[tuple[str, str]]  # file and reason


def load(
    *,
    path: str | Path,
    labels: str | None,
    classes: Sequence[str] | None,
    inputs: Sequence[str],
    features: str,
    size: Sequence[int],
    duration_s: float,
    hero_pA: Sequence[float],
    unusable: str,
    cache: str,
) -> Cells:
    """Reads all recordings of a folder and below, chooses two sweeps of each cell and measures them.

    Args:
        path: the folder, or one file.
        labels: the csv described above; None for cells without label.
        classes: labels that may occur, in the order of the probabilities; None for those that do.
        inputs, size, cache: as in `celltype_cli.patch_clamp.prepare.to_cells`.
        features, duration_s, hero_pA: as in `celltype_cli.patch_clamp.prepare.measure`.
        unusable: "drop" files that cannot be used, with a line for each, or "error".

    Raises:
        UserError: when nothing can be used, the csv is broken or names unknown labels, or with `unusable` "error".
    """
    path = Path(path).expanduser()
    prepare.check_settings(inputs, features, size)
    _check(path, duration_s, hero_pA, unusable)
    table = None if labels is None else read_labels(Path(labels).expanduser(), classes, name_of, CLASSES)
    sweeps: Counter[str] = Counter()

    def use(cell: RecordedCell) -> PatchedCell:
        wanted, above = features if "features" in inputs else None, (float(hero_pA[0]), float(hero_pA[1]))
        measured = prepare.measure(cell, features=wanted, duration_s=duration_s, hero_pA=above)
        sweeps.update(cell.left_out)
        return measured

    cells, left_out = _read(path, use)
    _report(path, len(cells), left_out, unusable, duration_s)
    files = [name for name, _ in left_out]
    notes = [*_notes(len(cells), files, sweeps)]
    if table is not None:
        cells, misfits = table.add(cells, files)
        notes += misfits
    if "scalogram" in inputs and duration_s != 1:
        notes.append(f"steps last {duration_s:g} s: their scalograms are not comparable with those of steps of 1 s")
    about = About(f"sweeps {path.name}", notes=tuple(notes))
    classes = tuple(classes or (table.classes if table else ()) or CLASSES)
    return prepare.to_cells(cells, about=about, inputs=inputs, size=size, cache=cache, classes=classes)


def _check(path: Path, duration_s: float, hero_pA: Sequence[float], unusable: str) -> None:
    if not path.exists():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UserError(f"dataset.path={path} does not exist{nearest(path.name, beside)}")
    check_choice("dataset.unusable", unusable, ("drop", "error"))
    if not duration_s > 0:
        raise UserError(f"dataset.duration_s={duration_s:g}: expected the length of the current steps, in s")
    if len(hero_pA) != 2 or not 0 < hero_pA[0] < hero_pA[1]:
        raise UserError(f"dataset.hero_pA={[*hero_pA]} must be two rising numbers of pA above the rheobase")


def _read(path: Path, use: Callable[[RecordedCell], PatchedCell]) -> tuple[list[PatchedCell], LeftOut]:
    """Returns the cells, and (file, reason) for each file that cannot be used; a bar on a terminal shows how far."""
    if path.is_file():
        try:
            return [use(read(path))], []
        except UserError as error:
            return [], [(path.name, str(error))]
    count = sum(file.suffix.lower() in SUFFIXES for file in path.rglob("[!.]*"))
    with bar() as shown:
        task = shown.add_task("recordings", total=count, numbers="")

        def watched(cell: RecordedCell) -> PatchedCell:
            shown.advance(task)
            return use(cell)

        return read_folder(path, watched)


def _report(path: Path, cells: int, left_out: LeftOut, unusable: str, duration_s: float) -> None:
    """Logs a line for each file left out; raises a UserError when it should, or when nothing is left."""
    lines = [f"{name}: {_one_line(reason, path / name)}" for name, reason in left_out]
    files = f"{len(lines)} of {cells + len(lines)} files of {path}"
    if not cells:
        raise_faults(f"{files}, for steps of dataset.duration_s={duration_s:g} s,", lines)
    if unusable == "error":
        raise_faults(f"{files} (dataset.unusable=drop leaves them out)", lines)
    for line in lines:
        logger.warning("left out: %s", line)


def _one_line(reason: str, file: Path) -> str:
    """Returns the first of several faults, without the name of the file that stands before it."""
    head, *faults = [line.strip() for line in reason.removeprefix(str(file)).splitlines()]
    if not faults:
        return head.lstrip(": ")
    return faults[0] + (" (and other faults)" if len(faults) > 1 else "")


def _notes(cells: int, files: Sequence[str], sweeps: Counter[str]) -> Iterator[str]:
    if files:
        yield f"{len(files)} of {cells + len(files)} files cannot be used and were left out: {', '.join(few(files))}"
    if sweeps:
        yield f"{sweeps.total()} sweeps were left out ({reasons(sweeps)})"
