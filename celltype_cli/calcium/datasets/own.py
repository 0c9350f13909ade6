"""The user's own calcium traces in one file; `celltype_cli.calcium.readers.files` describes the layouts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from celltype_cli.calcium.readers.files import read
from celltype_cli.cells.assemble import Recordings
from celltype_cli.cells.cells import About


def load(*, path: str | Path, classes: Sequence[str] | None) -> Recordings:
    """Reads all traces of a file.

    Args:
        path: of the file.
        classes: labels that may occur, in the order of the probabilities; None for those that do.

    Raises:
        UserError: when the file is missing, broken or not in its layout.
    """
    path = Path(path).expanduser()
    return Recordings(read(path), About(f"traces {path.name}", group="animal"), tuple(classes) if classes else None)
