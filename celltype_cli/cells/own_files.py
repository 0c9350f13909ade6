"""Which datasets of the user's own files can read a path: asked when the one that was typed cannot.

No kind of recording is named here: `conf/dataset` names their readers, and `readers/files.py` of each kind says by
content whether a path holds its recordings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

import yaml

from celltype_cli.core.files import config_folders
from celltype_cli.core.messages import UserError

TARGET = ".datasets.own.load"


def nodes(folders: Iterable[Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields name and node of each dataset of the user's own files that folders of configs hold."""
    for folder in folders:
        for file in sorted((folder / "dataset").glob("*.yaml")):
            node = yaml.safe_load(file.read_text(encoding="utf-8"))
            if isinstance(node, dict) and str(node.get("_target_")).endswith(TARGET):
                yield file.stem, node


def hint(target: Any, path: Any, said: str = "") -> str:
    """Returns a line on the datasets that read a path which `target` cannot read; nothing where there are none.

    Args:
        target: the `_target_` that has failed; nothing is said unless it is a reader of the user's own files, or where
            it knows the path, too, so that another thing is wrong with it.
        path: of a file or folder.
        said: by the reader that has failed; a line that names one of these datasets is not said again.
    """
    if (
        not str(target).endswith(TARGET)
        or not isinstance(path, (str, PathLike))
        or not Path(path).expanduser().exists()
    ):
        return ""
    path = Path(path).expanduser()
    shipped = config_folders()[-1:]
    others = {str(node["_target_"]): name for name, node in nodes(shipped) if node["_target_"] != target}
    found = [name for other, name in others.items() if _holds(other, path)]
    known = not found or any(f"dataset={name}" in said for name in found) or _holds(str(target), path)
    return "" if known else f"by its content {path} is read with dataset={' or '.join(found)}"


def _holds(target: str, path: Path) -> bool:
    files = import_module(f"{target.removesuffix(TARGET)}.readers.files")
    try:
        return files.holds(path)
    except (UserError, OSError, MemoryError):
        return False
