"""Makes room in an outputs folder: what may be removed, and its removal, from MLflow too."""

from __future__ import annotations

import shutil
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from celltype_cli.core.messages import UserError
from celltype_cli.runs import tracking
from celltype_cli.runs.listed import PARTS, Listed, size

Kind = Literal["caches", "interrupted", "checkpoints", "models", "runs"]
DAY_S = 86_400
REMOVED = ".removed-"  # how the folder of a run is called while it is removed


@dataclass(frozen=True)
class Item:
    """A file or folder that may be removed.

    Attributes:
        size: bytes.
        run: whose folder it is, or lies in; None of what belongs to no run.
    """

    kind: Kind
    path: Path
    size: int
    run: Listed | None = None

    @property
    def whole(self) -> bool:
        """Says whether it is the folder of a run, which MLflow forgets as well."""
        return self.run is not None and self.path == self.run.folder.path


def found(outputs: Path, runs: Sequence[Listed], older_than: float | None) -> tuple[list[Item], list[str]]:
    """Returns what may be removed of an outputs folder, and lines on what is left alone.

    Args:
        runs: those to look at; caches are looked at besides.
        older_than: days since something was last written to; "runs", finished ones, are among it only where given.
    """
    items, said = [], []
    busy = [run.name for run in runs if run.status == "running"]
    cache = outputs / "cache"
    if busy:
        said.append(f"left alone, since they run: {', '.join(busy)}; and the caches, which they may be reading")
    elif not inside(cache, outputs):
        said.append(f"{cache} leads elsewhere and is left alone")
    else:
        items += [Item("caches", path, size(path)) for path in sorted(cache.glob("*"))]
    items += [Item("interrupted", path, size(path)) for path in sorted((outputs / "runs").glob(f"{REMOVED}*"))]
    for run in runs:
        path = run.folder.path
        if not inside(path, outputs):
            said.append(f"{run.name} leads elsewhere and is left alone")
        elif run.status == "interrupted":
            items.append(Item("interrupted", path, size(path), run))
        elif run.status == "finished":
            for kind, globs in PARTS.items():
                items += [Item(kind, at, size(at), run) for pattern in globs for at in sorted(path.glob(pattern))]
            if older_than is not None:
                items.append(Item("runs", path, size(path), run))
    limit = time.time() - (older_than or 0) * DAY_S
    return [item for item in items if older_than is None or _changed(item) < limit], said


def inside(path: Path, outputs: Path) -> bool:
    """Says whether a path lies in the outputs folder, and no link on the way leads elsewhere."""
    return not path.is_symlink() and path.resolve().is_relative_to(outputs.resolve())


def remove(items: Sequence[Item], outputs: Path, uri: str | None) -> tuple[int, list[str]]:
    """Removes items, and the runs of whole folders from the MLflow store; returns the bytes and what went wrong.

    A run that another process has begun to work on in the meantime is left alone. A folder is renamed first, so that
    one that is half removed is no run.
    """
    gone, said, forgotten = 0, [], []
    whole = {item.path for item in items if item.whole}
    for item in items:
        if not item.whole and item.run and item.run.folder.path in whole:
            continue  # goes with the folder
        try:
            with ExitStack() as held:
                if item.run:
                    held.enter_context(item.run.folder.locked())
                _remove(item)
        except UserError as error:  # it is being worked on
            said.append(str(error))
        except OSError as error:
            said.append(f"{item.path} cannot be removed: {error.strerror or error}")
        else:
            gone += item.size
            if item.whole and item.run.facts.get("mlflow_run"):
                forgotten.append(item.run.facts)
    return gone, said + _forget(forgotten, outputs, uri)


def _forget(runs: Sequence[dict[str, Any]], outputs: Path, uri: str | None) -> list[str]:
    """Deletes runs in the store that is now used for the outputs folder; says which stay in others."""
    here = tracking.store_uri(outputs, uri)
    ids = [facts["mlflow_run"] for facts in runs if facts.get("mlflow_uri") == here]
    others = Counter(facts.get("mlflow_uri") for facts in runs if facts.get("mlflow_uri") != here)
    said = [f"{n} runs stay in the MLflow store {where}: logger.uri names another" for where, n in others.items()]
    try:
        if ids:
            tracking.delete_runs(outputs, uri, ids)
    except UserError as error:
        said.append(f"{len(ids)} runs stay in MLflow: {error}")
    return said


def _remove(item: Item) -> None:
    path = item.path
    if item.whole:
        path = path.rename(path.with_name(f"{REMOVED}{uuid.uuid4().hex[:8]}"))
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _changed(item: Item) -> float:
    """Returns when something was last written to, in seconds of the clock; of a part of a run, to that run's log."""
    path = item.path if item.run is None else item.run.folder.path
    times = [path.lstat().st_mtime]
    with suppress(OSError):
        times += [file.lstat().st_mtime for file in path.rglob("*") if file.name != ".lock"]
    return max(times)
