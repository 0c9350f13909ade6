"""What makes two runs the same run: their config, the content of their data files, and the code that computes them."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
CHUNK = 2**20
FILES = ("path", "labels", "weights")  # keys whose text names a file or a folder

# Where and how fast a run computes, not what: these keys may differ between two sessions of one run.
ELSEWHERE = {"outputs", "cache", "threads", "logger", "accelerator", "devices", "keep_checkpoints"}


def run_identity(config: dict[str, Any]) -> str:
    """Hashes a resolved config to eight hexadecimal digits.

    Values of keys in `FILES` count with the content of the files they name instead of their place. Of the code,
    the modules count that make predictions: `experiment`, the guard on folds, the config's targets (the user's own
    too), and what these import at any depth. Plots, reports and logging may change without making a run stale.
    """
    counted = {key: value for key, value in config.items() if key not in ELSEWHERE}
    modules = {f"{PACKAGE.name}.experiment", *_imported({f"{PACKAGE.name}.folds", *_targets(counted)})}
    content = {"config": _content(counted), "code": _digests(modules)}
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=4).hexdigest()


def code_identity(*modules: str) -> str:
    """Hashes the source of modules of this package and of all that they import of it."""
    return hashlib.blake2b(json.dumps(_digests(_imported({*modules}))).encode(), digest_size=8).hexdigest()


def _digests(modules: set[str]) -> dict[str, str]:
    return {name: _digest(_source(name)) for name in sorted(modules)}


def _content(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _content(entry, name) for name, entry in value.items() if name not in ELSEWHERE}
    if isinstance(value, list):
        return [_content(entry) for entry in value]
    if key in FILES and isinstance(value, str) and Path(value).expanduser().exists():
        path = Path(value).expanduser()
        files = [path] if path.is_file() else sorted(p for p in path.rglob("[!.]*") if p.is_file())
        return [[p.relative_to(path).as_posix(), _digest(p)] for p in files]
    return value


def _digest(path: Path) -> str:
    status = path.stat()
    return _digest_of(path, status.st_mtime_ns, status.st_size)


@functools.cache
def _digest_of(path: Path, mtime_ns: int, size: int) -> str:
    """Hashes a file's content, once as long as the file stays as it is."""
    digest = hashlib.blake2b(digest_size=8)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


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


def _imported(modules: set[str]) -> set[str]:
    """Follows import statements, those inside functions too, from modules to all modules of this package they need."""
    found, waiting = set(), [name for name in modules if _source(name)]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += [target for target in imports(_source(name)) if target not in found and _source(target)]
    return found


@functools.cache
def imports(source: Path) -> frozenset[str]:
    """Returns the dotted names a file imports, `from x import y` both as x and as x.y."""
    names = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def _source(module: str) -> Path | None:
    """Finds the file of a module of this package, or of one of the user's own; installed libraries have none here."""
    top, *rest = module.split(".")
    if top == PACKAGE.name:
        base = PACKAGE.joinpath(*rest)
        return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)
    if top in sys.stdlib_module_names:
        return None
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.has_location or {"site-packages", "dist-packages"} & {*Path(spec.origin).parts}:
        return None
    return Path(spec.origin) if spec.origin.endswith(".py") else None
