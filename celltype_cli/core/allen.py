"""Allen Institute data: questions to api.brain-map.org through allensdk, and the tables that it answers with.

Folders are as the caches of `allensdk.core` make them. The caches themselves are not used, since allensdk 2.16.2 has
them import and read with names that numpy 2, setuptools 81 and statsmodels 0.15 removed.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from celltype_cli.core.downloads import command
from celltype_cli.core.files import replacing
from celltype_cli.core.messages import UserError


def client(name: str) -> Any:
    """Makes a client of api.brain-map.org, given by its dotted name in `allensdk.api.queries`.

    Raises:
        UserError: when allensdk is missing.
    """
    module, _, kind = name.rpartition(".")
    # allensdk 2.16.2 imports this warning from where numpy 1 had it; the mend is merged and not released.
    vars(np).setdefault("VisibleDeprecationWarning", np.exceptions.VisibleDeprecationWarning)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(import_module(f"allensdk.api.queries.{module}"), kind)()
    except ImportError as error:
        raise UserError(f"allensdk is missing ({error}): pip install 'celltype[allen]'") from error


def save(file: Path, rows: list[dict]) -> None:
    """Saves a table as the caches do."""
    file.write_text(json.dumps(rows, indent=2), encoding="utf-8")


def download(file: Path, query: Callable[[], list[dict]]) -> None:
    """Downloads a table where it is missing.

    Raises:
        UserError: when the server cannot be reached.
    """
    try:
        if not file.exists():
            with replacing(file) as temporary:
                save(temporary, query())
    except OSError as error:  # of urllib and requests
        raise UserError(
            f"{file.name} cannot be downloaded from api.brain-map.org ({error}): check the connection; the same "
            "command goes on"
        ) from error


def table(file: Path, dataset: str) -> list[dict]:
    """Reads a saved table.

    Raises:
        UserError: when it is missing or not whole.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        todo = f"delete it, then {command(file.parent, dataset)}"
        raise UserError(f"{file}: is missing or not whole ({error}); {todo}") from error
