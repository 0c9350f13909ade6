"""Allen Institute data as allensdk stores them in a folder: tables, and the choice of experiments."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from celltype_cli.core.downloads import command
from celltype_cli.core.files import replacing
from celltype_cli.core.messages import UserError


def made(name: str, path: Path) -> Any:
    """Makes a cache of allensdk, given by its dotted name, in a folder.

    Raises:
        UserError: when allensdk is missing.
    """
    module, _, kind = name.rpartition(".")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cache = getattr(import_module(module), kind)
    except ImportError as error:
        raise UserError(f"allensdk is missing ({error}): pip install celltype[allen]") from error
    return cache(manifest_file=str(path / "manifest.json"))


def download(cache: Any, key: str, query: Callable[..., object]) -> None:
    """Downloads a table where it is missing.

    Raises:
        UserError: when the server cannot be reached.
    """
    file = Path(cache.get_cache_path(None, key))
    try:
        if not file.exists():
            with replacing(file) as temporary:
                query(path=str(temporary), strategy="create", **cache.cache_json())
    except OSError as error:  # of urllib and requests
        raise UserError(
            f"{file.name} cannot be downloaded from {cache.api.api_url} ({error}): check the connection; the same "
            "command goes on"
        ) from error


def table(file: Path, dataset: str) -> list[dict]:
    """Reads a saved table.

    Raises:
        UserError: when it is missing or not whole.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        todo = f"delete it, then {command(file.parent, dataset)}"
        raise UserError(f"{file}: is missing or not whole ({error}); {todo}") from error
