"""What is known of the cells of DANDI 000020: the metadata table of Gouwens et al. 2020, or a table of one's own.

The files have no cell type in them; their names, sub-<donor>_ses-<session>_icephys.nwb, give the session.

The table of the paper, found by its column ephys_session_id:
    ephys_session_id, cell_specimen_id, donor_id, dendrite_type, and the transcriptomic type, whose column is called
    "T-type Label", "corresponding_AIT2.3.1_alias", "t_type" or nothing at all, as the release has it.
A table of one's own:
    cell_id   the session in the file's name, or any name where there is a column session
    label     cell type, empty where it is unknown
    donor     animal (optional, else the one in the file's name)
    session   in the file's name (optional)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from celltype_cli.core.messages import UserError, nearest, raise_faults
from celltype_cli.core.tables import read_table
from celltype_cli.patch_clamp.datasets.public import Listed
from celltype_cli.patch_clamp.recording import CLASSES

TABLE = "*patchseq_metadata_mouse*.csv"
NAME = re.compile(r"sub-(?P<donor>[^_/]+)_ses-(?P<session>[^_/]+)_icephys\.nwb$")
TYPES = ("T-type Label", "corresponding_AIT2.3.1_alias", "t_type", "")
PAPER = ("ephys_session_id", "cell_specimen_id", "donor_id", "dendrite_type")
# First word of a transcriptomic type -> class, as Amprimo et al. have it; glutamatergic types begin with a layer.
CLASS_OF = {"Pvalb": "Pvalb", "Sst": "Sst",
            **dict.fromkeys(("Vip", "Lamp5", "Sncg", "Serpinf1", "Meis2"), "Vip/Lamp5")}  # fmt: skip
SPINY = "spiny, without transcriptomic type"


def class_of(transcriptomic_type: str, dendrites: str) -> str:
    """Returns the class of a cell; of one without transcriptomic type, Excitatory where its dendrites are spiny."""
    first = transcriptomic_type.split(" ")[0]
    if re.match(r"L\d", first) or (not first and dendrites == "spiny"):
        return "Excitatory"
    return CLASS_OF.get(first, "")


def table_of(folder: Path, labels: str | Path | None) -> Path | None:
    """Returns the table that was given, or the newest of the paper's in the folder."""
    if labels is not None:
        return Path(labels).expanduser()
    return max(folder.glob(TABLE), default=None, key=lambda file: file.name)


def recorded(table: Path, files: dict[str, Path]) -> tuple[list[Listed], tuple[str, ...]]:
    """Returns the cells of a table with their files, then those files that the table does not name, without label; and
    how the table was read.

    Args:
        files: by session.

    Raises:
        UserError: when the table cannot be read, lacks columns, or names a cell or a session twice.
    """
    read = read_table("dataset.labels", table)
    rows = read.rows.rename(columns=lambda name: re.sub(r"^Unnamed: \d+$", "", name))
    cells = [*(_of_paper if "ephys_session_id" in rows else _of_user)(rows, table, files)]
    for what in ("cell_id", "session"):
        names = pd.Series([getattr(cell, what) for cell in cells])
        raise_faults(str(table), [f"{what} {name!r} occurs {count} times; expected one row for each cell"
                                  for name, count in names.value_counts().items() if count > 1])  # fmt: skip
    known = {cell.session for cell in cells}
    others = (
        Listed(session, "", "", "not in the table of labels", file, session)
        for session, file in files.items()
        if session not in known
    )
    return [*cells, *others], read.notes


def _of_paper(rows: pd.DataFrame, table: Path, files: dict[str, Path]) -> Iterator[Listed]:
    kinds = [name for name in TYPES if name in rows]
    if missing := [*(name for name in PAPER if name not in rows), *([] if kinds else [repr(TYPES[0])])]:
        raise UserError(
            f"{table}: {', '.join(missing)} missing; found {', '.join(rows)}; is it the table of the paper?"
        )
    for session, cell_id, donor, dendrites, kind in rows[[*PAPER, kinds[0]]].itertuples(index=False):
        known = kind or (SPINY if dendrites == "spiny" else "without transcriptomic type")
        if session:
            file = files.get(session, table.parent / f"ses-{session}")
            yield Listed(cell_id, class_of(kind, dendrites), donor, known, file, session)


def _of_user(rows: pd.DataFrame, table: Path, files: dict[str, Path]) -> Iterator[Listed]:
    if missing := [name for name in ("cell_id", "label") if name not in rows]:
        raise UserError(
            f"{table}: {' and '.join(missing)} missing; found {', '.join(rows)}; expected columns cell_id, label and, "
            "optional, donor and session; or the table of Gouwens et al. 2020 with ephys_session_id"
        )
    others = {label for label in rows["label"] if label} - {*CLASSES}
    raise_faults(str(table), [f"label {label!r} is none of {', '.join(CLASSES)}{nearest(label, CLASSES)}"
                              for label in sorted(others)])  # fmt: skip
    for row in rows.to_dict("records"):
        session = row.get("session") or row["cell_id"]
        file = files.get(session, table.parent / f"ses-{session}")
        donor = row.get("donor") or (NAME.search(file.name) or {"donor": ""})["donor"]
        yield Listed(row["cell_id"], row["label"], donor, row["label"] or "without label", file, session)
