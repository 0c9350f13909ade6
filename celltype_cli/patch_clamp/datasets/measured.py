"""What is kept of files of patched cells: measured once, and found again in the cache folder.

What `patched_cells.measure` keeps of a file is some 40 kB of 30 to 90 MB. It is stored under a hash of what it was made
from: place, size and time of the file, settings, and code. The reason why a file cannot be used is stored likewise.
What is stored may be deleted at any time.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from celltype_cli.core.cache import cached
from celltype_cli.core.code import code_identity
from celltype_cli.core.messages import UserError
from celltype_cli.core.terminal import track
from celltype_cli.patch_clamp import prepare
from celltype_cli.patch_clamp.prepare import PatchedCell
from celltype_cli.patch_clamp.readers import files


@dataclass(frozen=True)
class Recorded:
    """A recorded cell of a dataset, before its file is read.

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


def measured(
    cells: Sequence[Recorded], features: str | None, cache: Path
) -> tuple[list[PatchedCell], list[tuple[Recorded, str]], Counter[str]]:
    """Returns what can be used, (cell, reason) for the rest, and how many sweeps were left out for what reason.

    Args:
        features: as in `patched_cells.measure`.
        cache: the folder that what is kept goes to, below `measured`.

    Raises:
        UserError: when a library is missing that reads or measures, or the folder cannot be written to.
    """
    kept, left_out, sweeps_left_out = [], [], Counter()
    code = code_identity("celltype_cli.patch_clamp.prepare", "celltype_cli.patch_clamp.readers.files")
    for cell in track(cells, f"recordings of {len(cells)} cells", len(cells)):
        made_of = [code, features, *_files(cell)]
        stored = cached(cache / "measured", made_of, partial(_measure, cell, features))
        sweeps_left_out.update(json.loads(str(stored["sweeps_left_out"])))
        if "reason" in stored:
            left_out.append((cell, str(stored["reason"])))
        else:
            values = dict(zip(stored["names"].tolist(), stored["values"].tolist(), strict=True))
            kept.append(PatchedCell(cell.cell_id, cell.label, cell.donor, "", stored["windows"], values))
    return kept, left_out, sweeps_left_out


def _measure(cell: Recorded, features: str | None) -> dict[str, Any]:
    """Reads and measures a file, as arrays for the cache."""
    found: Counter[str] = Counter()
    try:
        recorded = files.read(cell.file, cell.cell_id)
        found = recorded.left_out
        measured = prepare.measure(recorded, features=features)
    except UserError as error:
        if isinstance(error.__cause__, ImportError):  # a library is missing, which is no fault of the file
            raise
        reason = " ".join(str(error).removeprefix(str(cell.file)).lstrip(": ").split())
        return {"reason": reason, "sweeps_left_out": json.dumps(found)}
    return {
        "windows": measured.windows,
        "names": np.array([*measured.features], dtype=str),
        "values": np.array([*measured.features.values()], dtype=np.float64),
        "sweeps_left_out": json.dumps(found),
    }


def _files(cell: Recorded) -> list[tuple[str, int, int]]:
    """Returns place, size and time of the recording, and of the list of failed sweeps beside it."""
    files = [file for file in (cell.file, cell.file.with_name("ephys_sweeps.json")) if file.is_file()]
    return [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
