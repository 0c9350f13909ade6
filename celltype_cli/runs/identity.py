"""What makes two runs the same run: their config, the content of their data files, and the code that computes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from celltype_cli.core.classes import vocabulary
from celltype_cli.core.code import PACKAGE, digests, imported, kept_digests, path_arguments
from celltype_cli.core.files import find_files
from celltype_cli.core.messages import UserError

# Where a run computes, and how it is kept and drawn: these keys may differ between two sessions of a run. `threads` is
# none of them: sums are shared among threads, and rounded otherwise when these are more or fewer.
ELSEWHERE = {
    "outputs", "cache", "logger", "accelerator", "devices", "keep_checkpoints", "keep_models", "figures",
}  # fmt: skip


def run_identity(config: dict[str, Any]) -> str:
    """Hashes a resolved config to eight hexadecimal digits.

    A value whose argument is annotated as a `Path` counts with the content of the files that it names instead of their
    place. Of the code, the modules count that make predictions: `runs.train`, `runs.build`, the guard on folds, the
    config's targets (the user's own too), and what these import at any depth; and the order of known classes. Plots,
    reports and logging may change without making a run stale. Digests of files are kept in the cache folder by place,
    size and time, so that each is read once.
    """
    counted = {key: value for key, value in config.items() if key not in ELSEWHERE}
    own = (f"{PACKAGE.name}.runs.{name}" for name in ("train", "build"))
    modules = {*own, *imported({f"{PACKAGE.name}.splits.folds", *_targets(counted)})}
    with kept_digests(Path(str(config.get("outputs", "outputs"))) / "cache" / "digests.json") as digest_of:
        content = {"config": _content(counted, digest_of), "code": digests(modules), "classes": [*vocabulary()]}
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=4).hexdigest()


def _content(value: Any, digest_of: Callable[[Path], str], is_path: bool = False) -> Any:
    if isinstance(value, dict):
        paths = path_arguments(str(value.get("_target_", "")))
        entries = ((name, entry) for name, entry in value.items() if name not in ELSEWHERE)
        return {name: _content(entry, digest_of, name in paths) for name, entry in entries}
    if isinstance(value, list):
        return [_content(entry, digest_of) for entry in value]
    if is_path and isinstance(value, str) and Path(value).expanduser().exists():
        path = Path(value).expanduser()
        return [[p.relative_to(path).as_posix(), digest_of(p)] for p in _files(path)]
    return value


def _files(path: Path) -> list[Path]:
    """Returns the files that a reader may find there: those of linked folders too, and no answers of ours."""
    if path.is_file():
        return [path]
    try:
        return find_files(path, ("",))[0]
    except UserError:  # there is none
        return []


def _targets(value: Any, key: str = "") -> Iterator[str]:
    """Yields the modules of all targets, and of all functions given by their path, in a config."""
    if isinstance(value, dict):
        for name, entry in value.items():
            yield from _targets(entry, name)
    elif isinstance(value, list):
        for entry in value:
            yield from _targets(entry)
    elif isinstance(value, str) and (key == "_target_" or value.startswith(f"{PACKAGE.name}.")):
        yield value.rpartition(".")[0]
