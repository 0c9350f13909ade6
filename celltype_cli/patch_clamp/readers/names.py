"""What the cell of a file goes by, as long as nobody names it."""

from __future__ import annotations

import re
from pathlib import Path

from celltype_cli.patch_clamp.readers.igor import cell_of

SUFFIXES = (".nwb", ".abf", ".npz", ".ibw")
ENDING = re.compile(rf"({'|'.join(map(re.escape, SUFFIXES))})$", re.IGNORECASE)
SPECIMEN = re.compile(r"(?:^|/)specimen_([^/]+)/ephys(?:\.nwb)?$")


def name_of(file: str) -> str:
    """Returns the name that the cell of a file goes by: the file's, or the id of specimen_<id>/ephys.nwb, as allensdk's
    CellTypesCache puts it; of Igor waves what comes before channel and sweep."""
    name = Path(file.replace("\\", "/")).as_posix()  # as Windows writes it in a csv
    specimen = SPECIMEN.search(name)
    return specimen[1] if specimen else ENDING.sub("", cell_of(name))


def tails(name: str) -> list[str]:
    """Returns a name with all its folders, with fewer, and without."""
    parts = name.split("/")
    return ["/".join(parts[k:]) for k in range(len(parts))]
