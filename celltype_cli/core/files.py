"""Files are written whole or not at all; and where the shipped configs lie."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

own_configs: list[Path] = []  # the folder of --config-dir, where one was given


def config_folders() -> list[Path]:
    """Returns the user's own config folder, where one was given, and that of the shipped configs, which is the last.

    The shipped ones lie in the installed package, or beside it in the repository.
    """
    package = Path(__file__).parents[1]
    shipped = package / "conf" if (package / "conf").is_dir() else package.parent / "conf"
    return [*own_configs, shipped]


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary path beside `path` that takes its place when the block succeeds and vanishes when it fails.

    The temporary name ends in the same suffix, because some writers choose the format by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a text file, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
