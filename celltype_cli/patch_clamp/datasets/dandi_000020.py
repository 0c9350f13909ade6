"""DANDI 000020, Patch-seq: current clamp of neurons in slices of mouse visual cortex, labelled by transcriptomic type.

Paper: Gouwens et al. 2020, Cell 183:935, doi 10.1016/j.cell.2020.09.057.
Data: doi 10.48324/dandi.000020/0.210913.1639, 4,435 NWB 2 files of 142 GB (`celltype fetch dataset=dandi_000020`, or
    `dandi download`); sub-<donor>/sub-<donor>_ses-<session>_icephys.nwb, one cell each. The files do not say the type.
    celltype_cli/patch_clamp/datasets/dandi_000020_labels.py describes the table that does;
    conf/dataset/dandi_000020.yaml says where to get it.
Licence: CC BY 4.0 (the recordings); Allen Institute terms of use (the table).
Used for: telling Pvalb, excitatory, Vip or Lamp5, and Sst neurons apart by their responses to current steps of 1 s
    (Amprimo et al. 2025, "STS", where these cells are the source "Seq").
Beware: GABAergic cells were sought, so that few are excitatory. These have spiny dendrites and, but for one, no
    transcriptomic type; they were called excitatory by their dendrites. The step begins at another time of the sweep
    than in the Cell Types Database, which absolute times give away.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings
from celltype_cli.core.downloads import Part, Plan, command, holds
from celltype_cli.core.files import find_files
from celltype_cli.core.messages import UserError
from celltype_cli.core.ranges import Count
from celltype_cli.patch_clamp.datasets import public
from celltype_cli.patch_clamp.datasets.dandi_000020_labels import NAME as FILE
from celltype_cli.patch_clamp.datasets.dandi_000020_labels import SPINY, TABLE, recorded, table_of
from celltype_cli.patch_clamp.datasets.public import Listed

NAME, SOURCE = "dandi_000020", "Seq"
DANDISET, VERSION = "000020", "0.210913.1639"
BASIS = "the sizes that the archive states"
TABLE_FROM = (
    "portal.brain-map.org/explore/classes/multimodal-characterization/"
    "multimodal-characterization-mouse-visual-cortex or ipfx/data_release of github.com/AllenInstitute/ipfx"
)


def load(
    *,
    path: str | Path,
    labels: str | Path | None,
    ids: str | Path | None,
    cells_per_class: Count | None,
) -> Recordings:
    """Names the recordings that are there, which are measured when prepared; the network is not used.

    Args:
        path: folder with the files, in it or below.
        labels: a table as in `dandi_000020_labels`; None for the paper's, if it lies in the folder.
        ids: a csv or txt with cell_specimen_ids or session ids in its first column; None for all.
        cells_per_class: how many, spread over donors and then over types; None for all that are there.

    Raises:
        UserError: when the table is missing or broken, or no recording is there.
    """
    folder = Path(path).expanduser()
    try:
        there, passed_over = find_files(folder, [".nwb", ".csv", ".yaml"])  # as the archive has them
    except UserError:
        there, passed_over = [], []
    files = {found["session"]: file for file in there if (found := FILE.search(file.name))}
    if not files:
        raise UserError(
            f"dataset.path={folder} holds no file sub-<donor>_ses-<session>_icephys.nwb, in it or below; download "
            f"them: {command(folder, NAME)}"
        )
    cells, notes = recorded(_table(folder, labels), files)
    citation = f"Gouwens et al. 2020, doi 10.1016/j.cell.2020.09.057; DANDI {DANDISET}/{VERSION}"
    return public.chosen(
        cells,
        about=About(NAME, citation=citation, notes=(*notes, *passed_over)),
        remarks=_remarks, source=SOURCE, folder=folder, ids=ids, cells_per_class=cells_per_class,
    )  # fmt: skip


def fetch(
    *,
    path: str | Path,
    labels: str | Path | None,
    ids: str | Path | None,
    cells_per_class: Count | None,
) -> Plan:
    """Asks the archive for its list of files, and plans the download of those of cells that belong to a class.

    Raises:
        UserError: when dandi is missing, the archive cannot be reached, or the table of labels is missing or broken.
    """
    folder = Path(path).expanduser()
    table = _table(folder, labels)
    assets = {found["session"]: asset for asset in _assets() if (found := FILE.search(asset.path))}
    cells, _ = recorded(table, {session: folder / asset.path for session, asset in assets.items()})
    among = [cell for cell in public.named(cells, ids) if cell.session in assets]
    chosen = sorted(public.wanted(among, cells_per_class)[0], key=lambda cell: cell.file)
    parts = [
        Part(
            name=f"{cell.label} {cell.cell_id} ({cell.kind})",
            file=cell.file,
            size=asset.size,
            get=partial(_get, asset),
            whole=partial(_whole, asset.size),
        )
        for cell in chosen
        for asset in [assets[cell.session]]
    ]
    return Plan(folder, tuple(parts), BASIS)


def _whole(size: int, file: Path) -> bool:
    """Says whether the file has the size that the archive states, and opens."""
    return holds(file, names=("acquisition",)) and file.stat().st_size == size


def _table(folder: Path, labels: str | Path | None) -> Path:
    table = table_of(folder, labels)
    if table is None:
        raise UserError(
            f"{folder} holds no table {TABLE}, which says the type of each cell, and dataset.labels names none; "
            f"get it from {TABLE_FROM}, and put it there"
        )
    return table


def _assets() -> list[Any]:
    """Returns the files of the archive, as dandi's RemoteAsset.

    Raises:
        UserError: when dandi is missing, or the archive cannot be reached.
    """
    try:
        from dandi.dandiapi import DandiAPIClient
        from dandi.exceptions import NotFoundError
    except ImportError as error:
        raise UserError(f"dandi is missing ({error}): pip install 'celltype[dandi]'") from error
    logging.getLogger("dandi").setLevel(logging.CRITICAL)  # it would print the traceback of what it raises, too
    try:
        dandiset = DandiAPIClient.for_dandi_instance("dandi").get_dandiset(DANDISET, VERSION)
        return list(dandiset.get_assets())
    except (OSError, NotFoundError) as error:  # requests raises subclasses of OSError
        raise UserError(
            f"the list of files of DANDI {DANDISET}/{VERSION} cannot be downloaded ({error}): check the connection; "
            "the same command goes on"
        ) from error


def _get(asset: Any, file: Path) -> None:
    """Downloads what is missing of a file, and compares the checksum of it all with the archive's.

    Raises:
        UserError: when they differ; the next call then begins anew.
    """
    from dandischema.digests.dandietag import DandiETag

    with file.open("ab") as half:
        if (there := half.tell()) < asset.size:
            half.writelines(asset.get_download_file_iter()(there))
    expected, found = asset.get_digest().value, DandiETag.from_file(file).as_str()
    if found != expected:
        file.unlink()
        raise UserError(f"{asset.path}: its checksum is {found}, the archive's {expected}")


def _remarks(chosen: Sequence[Listed]) -> Iterator[str]:
    if by_dendrites := sum(cell.kind == SPINY for cell in chosen):
        excitatory = sum(cell.label == "Excitatory" for cell in chosen)
        yield f"{by_dendrites} of {excitatory} Excitatory cells have no transcriptomic type, but spiny dendrites"
