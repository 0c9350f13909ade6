"""What is kept of files of patched cells: measured once, and found again in the cache folder.

What `patched_cells.measure` keeps of a file is some 40 kB of 30 to 90 MB. It is stored under a hash of what it was made
from: place, size and time of the file, settings, and code. The reason why a file cannot be used is stored likewise.
What is stored may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache as once
from pathlib import Path
from typing import Any

import numpy as np

from celltype_cli import identity, patched_cells
from celltype_cli.errors import UserError
from celltype_cli.files import replacing
from celltype_cli.patched_cells import PatchedCell
from celltype_cli.readers import sweeps

PACKAGE = Path(identity.__file__).parent


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
    from rich.console import Console
    from rich.progress import track

    console = Console()
    kept, left_out, sweeps_left_out = [], [], Counter()
    bar = {"console": console, "transient": True, "disable": not console.is_terminal}
    for cell in track(cells, f"recordings of {len(cells)} cells", **bar):
        entry = cache.expanduser() / "measured" / f"{_key(cell, features)}.npz"
        stored = _opened(entry)
        if stored is None:
            _write(entry, _measure(cell, features))
            stored = _opened(entry)
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
        recorded = sweeps.read(cell.file, cell.cell_id)
        found = recorded.left_out
        measured = patched_cells.measure(recorded, features=features)
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


def _opened(entry: Path) -> dict[str, np.ndarray] | None:
    try:
        with np.load(entry, allow_pickle=False) as arrays:
            return dict(arrays)
    except sweeps.BROKEN_NPZ:  # not there, too
        return None


def _write(entry: Path, arrays: dict[str, Any]) -> None:
    try:
        with replacing(entry) as temporary:
            np.savez(temporary, **arrays)
    except OSError as error:
        raise UserError(f"{entry.parent} cannot be written to ({error}); choose another dataset.cache") from error


def _key(cell: Recorded, features: str | None) -> str:
    digest = hashlib.blake2b(json.dumps([_code(), features]).encode(), digest_size=12)
    for file in (cell.file, cell.file.with_name("ephys_sweeps.json")):  # which tells failed sweeps
        if file.is_file():
            status = file.stat()
            digest.update(f"{file.resolve()} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


@once
def _code() -> str:
    """Returns a hash of the modules that read and measure, and of those of the package that they import."""
    digest, found, waiting = hashlib.blake2b(digest_size=12), set(), ["patched_cells", "readers.sweeps"]
    while waiting:
        name = waiting.pop().removeprefix(f"{PACKAGE.name}.")
        source = PACKAGE.joinpath(*name.split(".")).with_suffix(".py")
        if name not in found and source.is_file():
            found.add(name)
            waiting += identity.imports(source)
    for name in sorted(found):
        digest.update(PACKAGE.joinpath(*name.split(".")).with_suffix(".py").read_bytes())
    return digest.hexdigest()
