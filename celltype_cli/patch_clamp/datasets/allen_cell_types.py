"""Allen Cell Types Database: current clamp of neurons in slices of mouse visual cortex, labelled by Cre line.

Paper: Gouwens et al. 2019, Nat Neurosci 22:1182, doi 10.1038/s41593-019-0417-0.
Data: api.brain-map.org through allensdk (`celltype fetch dataset=allen_cell_types`). The folder is as its
    CellTypesCache makes it: cells.json, specimen_<id>/ephys.nwb (NWB 1) and specimen_<id>/ephys_sweeps.json,
    which tells the sweeps that failed quality control.
Licence: Allen Institute terms of use (research, with citation).
Used for: telling Pvalb, excitatory, Vip or Lamp5, and Sst neurons apart by their responses to current steps of 1 s
    (Amprimo et al. 2025, "STS", where these cells are the source "Clamp").
Beware: the label is that of the Cre line. A line labels some cells of other types, and a cell that is negative for the
    reporter was patched beside labelled ones. A mouse carries one line and so holds one class, so that only splits that
    keep donors apart mean something.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings
from celltype_cli.core import allen, downloads
from celltype_cli.core.downloads import Part, Plan, holds
from celltype_cli.core.messages import UserError
from celltype_cli.core.ranges import Count
from celltype_cli.core.text import as_text
from celltype_cli.patch_clamp.datasets import public
from celltype_cli.patch_clamp.datasets.public import Listed

NAME, SOURCE = "allen_cell_types", "Clamp"
API = "cell_types_api.CellTypesApi"
# Genes that drive the lines of a class, Pvalb first: a line has several drivers, as Htr3a-Cre_NO152|Pvalb-T2A-Dre has.
# As Amprimo et al. have it; of no class are Gad2, Oxtr, Nos1 and Vipr2 alone, which mark cells of several.
DRIVERS = {
    "Pvalb": ("Pvalb", "Nkx2-1", "Slc32a1|Vipr2"),
    "Sst": ("Sst", "Chrna2"),
    "Vip/Lamp5": ("Htr3a", "Ndnf", "Vip", "Chat"),
    "Excitatory": ("Ctgf", "Cux2", "Esr2", "Glt25d2", "Nr5a1", "Ntsr1", "Penk", "Rbp4", "Rorb", "Scnn1a", "Sim1",
                   "Slc17a6", "Slc17a7", "Slc17a8", "Tlx3"),
}  # fmt: skip
FIELDS = ("specimen__id", "donor__id", "donor__species", "line_name")
MOUSE = "mus musculus"
TYPICAL_SIZE, TABLE_SIZE = 0.09e9, 0.1e6  # bytes: of a recording; of its table of sweeps, some 100 rows of 1 kB
BASIS = "a recording has 0.09 GB, as the one of specimen 486940963; the others were not measured"
whole = partial(holds, names=("acquisition/timeseries", "stimulus/presentation"))


def load(
    *,
    path: str | Path,
    ids: str | Path | None,
    cells_per_class: Count | None,
) -> Recordings:
    """Names the recordings that are there, which are measured when prepared; the network is not used.

    Args:
        path: the folder of the cache.
        ids: a csv or txt with specimen ids in its first column; None for all.
        cells_per_class: how many, spread over donors and then over Cre lines; None for all that are there.

    Raises:
        UserError: when the table of cells is missing or broken, or no recording is there.
    """
    folder = Path(path).expanduser()
    if not (folder / "cells.json").is_file():
        raise UserError(
            f"dataset.path={folder}: cells.json is missing, the table that says the Cre line and the donor of each "
            f"cell; download it (recordings that are there are kept): {downloads.command(folder, NAME)}"
        )
    rows = _rows(folder)
    cells = [_recorded(folder, row) for row in rows]
    negative = {c.cell_id for c, row in zip(cells, rows) if row.get("cell_reporter_status") == "negative"}
    citation = "Gouwens et al. 2019, doi 10.1038/s41593-019-0417-0; Allen Cell Types Database"
    return public.chosen(
        cells,
        about=About(NAME, citation=citation),
        remarks=partial(_remarks, negative=negative),
        source=SOURCE, folder=folder, ids=ids, cells_per_class=cells_per_class,
    )  # fmt: skip


def fetch(*, path: str | Path, ids: str | Path | None, cells_per_class: Count | None) -> Plan:
    """Downloads the table of cells (a few MB) where it is missing, and plans the download of the recordings.

    Raises:
        UserError: when the table cannot be downloaded, or holds no such cells.
    """
    folder = Path(path).expanduser()
    client = allen.client(API)
    allen.download(folder / "cells.json", client.list_cells_api)
    rows = [row for row in _rows(folder) if row.get("erwkf__id", True)]  # the number of its NWB file
    cells = [_recorded(folder, row) for row in rows]
    chosen, _ = public.wanted(public.named(cells, ids), cells_per_class)
    there = [cell.file.stat().st_size for cell in chosen if whole(cell.file)]
    size, basis = TYPICAL_SIZE, BASIS
    if there:
        size = median(there)
        basis = f"a recording has {size / 1e9:.2f} GB, as those that are there"
    parts = (part for cell in sorted(chosen, key=lambda cell: int(cell.cell_id)) for part in _parts(client, cell, size))
    return Plan(folder, tuple(parts), basis)


def class_of(line: str) -> str:
    """Returns the class that a Cre line stands for; empty where it stands for several, or is not known."""
    drivers = line.split("|")
    for name, markers in DRIVERS.items():
        for marker in markers:
            if all(any(driver.startswith(f"{gene}-") for driver in drivers) for gene in marker.split("|")):
                return name
    return ""


def _parts(client, cell: Listed, size: float) -> Iterator[Part]:
    """Yields the table of sweeps and the recording of a cell."""
    specimen, table = int(cell.cell_id), cell.file.with_name("ephys_sweeps.json")

    def get_table(file: Path) -> None:
        allen.save(file, client.get_ephys_sweeps(specimen))

    def get_recording(file: Path) -> None:
        client.save_ephys_data(specimen, str(file))

    name = f"{cell.label} {cell.cell_id} ({cell.kind})"
    yield Part(f"{name}, table of sweeps", table, TABLE_SIZE, get_table, _is_table)
    yield Part(name, cell.file, size, get_recording, whole)


def _is_table(file: Path) -> bool:
    try:
        return len(allen.table(file, NAME)) > 0
    except UserError:
        return False


def _rows(folder: Path) -> list[dict]:
    """Returns the mouse cells of cells.json."""
    file = folder / "cells.json"
    rows = allen.table(file, NAME)
    if not isinstance(rows, list) or not all(isinstance(row, dict) and {*FIELDS} <= {*row} for row in rows):
        raise UserError(
            f"{file}: is no table of cells with the fields {', '.join(FIELDS)}, as today's allensdk writes it; delete "
            f"it, then {downloads.command(folder, NAME)}"
        )
    return [row for row in rows if as_text(row["donor__species"]).lower() == MOUSE]


def _recorded(folder: Path, row: dict) -> Listed:
    try:
        specimen, donor, line = (as_text(row[name]) for name in ("specimen__id", "donor__id", "line_name"))
    except UserError as error:
        raise UserError(f"{folder / 'cells.json'}: specimen {row['specimen__id']!r:.40}: {error}") from error
    if not specimen.isdigit():
        raise UserError(f"{folder / 'cells.json'}: specimen__id is {specimen!r}; expected a whole number")
    file = folder / f"specimen_{specimen}" / "ephys.nwb"
    return Listed(specimen, class_of(line), donor, line or "without Cre line", file)


def _remarks(chosen: Sequence[Listed], negative: set[str]) -> Iterator[str]:
    yield "labels are those of Cre lines, and a donor holds one line: keep donors apart"
    if found := sum(cell.cell_id in negative for cell in chosen):
        yield f"{found} of {len(chosen)} cells are negative for the reporter of their line, whose label they have"
