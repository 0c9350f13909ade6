"""Which source files a module needs, and hashes of files."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from celltype_cli.core.files import replacing

PACKAGE = Path(__file__).parents[1]
CHUNK = 2**20


def code_identity(*modules: str) -> str:
    """Hashes the source of modules of this package and of all that they import of it."""
    return hashlib.blake2b(json.dumps(digests(imported({*modules}))).encode(), digest_size=8).hexdigest()


def digests(modules: set[str]) -> dict[str, str]:
    return {name: digest(source_of(name)) for name in sorted(modules)}


def digest(path: Path) -> str:
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


@contextmanager
def kept_digests(store: Path) -> Iterator[Callable[[Path], str]]:
    """Yields a function that hashes a file's content, or finds the hash that `store` keeps of it.

    A file is known by place, size and time of change; the store is JSON and may be deleted at any time.
    """
    try:
        known = json.loads(store.read_text())
    except (OSError, ValueError):
        known = {}
    new: dict[str, str] = {}

    def digest_of(path: Path) -> str:
        status = path.stat()
        key = f"{path.resolve()} {status.st_size} {status.st_mtime_ns}"
        if key not in known:
            new[key] = known[key] = digest(path)
        return known[key]

    yield digest_of
    if new:
        try:
            with replacing(store) as temporary:
                temporary.write_text(json.dumps(known))
        except OSError:  # a folder that is not ours: the next call hashes again
            return


def imported(modules: set[str]) -> set[str]:
    """Follows import statements, those inside functions too, from modules to all modules of this package they need."""
    found, waiting = set(), [name for name in modules if source_of(name)]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += [target for target in imports(source_of(name)) if target not in found and source_of(target)]
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


@functools.cache
def source_of(module: str) -> Path | None:
    """Finds the file of a module of this package, or of one of the user's own; installed libraries have none here."""
    top, *rest = module.split(".")
    if top == PACKAGE.name:
        base = PACKAGE.joinpath(*rest)
        return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)
    if top in sys.stdlib_module_names or _is_installed(top):
        return None
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.has_location:
        return None
    return Path(spec.origin) if spec.origin.endswith(".py") else None


@functools.cache
def _is_installed(top: str) -> bool:
    """Says so of a library; to look for a module in it would import the library, which may take seconds."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    return bool(spec and {"site-packages", "dist-packages"} & {*Path(spec.origin or "").parts})
