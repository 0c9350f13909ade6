"""What the cell of a file goes by, as long as nobody names it; and what to do with files that are not read."""

from __future__ import annotations

import re
from pathlib import Path

from celltype_cli.patch_clamp.readers.igor import cell_of

SUFFIXES = (".nwb", ".abf", ".npz", ".ibw")
ENDING = re.compile(rf"({'|'.join(map(re.escape, SUFFIXES))})$", re.IGNORECASE)
SPECIMEN = re.compile(r"(?:^|/)specimen_([^/]+)/ephys(?:\.nwb)?$")

NPZ = "save its sweeps as npz (voltage [sweep, time] in mV, current in pA, sampling_rate in Hz)"
OTHERS = {  # by the ending of files that hold recordings and are not read, what to do
    ".dat": f"of HEKA's Patchmaster: export it to NWB or Igor, or {NPZ}",
    **dict.fromkeys((".pxp", ".itx"), "of Igor: save its waves as ibw"),
    **dict.fromkeys(
        (".axgd", ".axgx", ".wcp", ".smr", ".smrx", ".edr", ".maty", ".tdms", ".cfs"), f"{NPZ}; neo reads most such"
    ),
    **dict.fromkeys((".atf", ".csv", ".tsv", ".txt", ".mat", ".h5", ".hdf5", ".pkl", ".npy"), NPZ),
}


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


def instead(path: Path) -> str:
    """Returns "; .dat: ..." on how the files of another program come to be read; "" where the ending says nothing."""
    ending = path.suffix.lower()
    return f"; {ending}: {OTHERS[ending]}" if ending in OTHERS else ""
