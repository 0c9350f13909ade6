"""Which source files a module needs, and hashes of files."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
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
    known = {}
    with suppress(OSError, ValueError, AttributeError, RecursionError):  # missing, cut, or other JSON than a mapping
        known = {str(key): str(value) for key, value in json.loads(store.read_text()).items()}
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
        waiting += [target for target in imports(name) if target not in found and source_of(target)]
    return found


@functools.cache
def imports(module: str) -> frozenset[str]:
    """Returns the dotted names a module imports, `from x import y` both as x and as x.y."""
    names = set()
    for node in ast.walk(ast.parse(source_of(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = _absolute(node, module)
            names |= {origin, *(f"{origin}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def _absolute(node: ast.ImportFrom, module: str) -> str:
    """Returns the dotted name that a module imports from, also where it is relative to the module."""
    if not node.level:
        return node.module
    parents = module.split(".")
    parents = parents[: len(parents) - node.level + (source_of(module).name == "__init__.py")]
    return ".".join([*parents, *filter(None, [node.module])])


@functools.cache
def path_arguments(target: str) -> frozenset[str]:
    """Names the arguments of a function or class, given by its dotted name, that are annotated as `Path`.

    They are read from its source, since importing it may take seconds; a target of an installed library has none.
    """
    module, _, name = target.rpartition(".")
    source = source_of(module) if module else None
    for node in ast.parse(source.read_text(encoding="utf-8")).body if source else ():
        if isinstance(node, ast.ImportFrom):
            for alias in (alias for alias in node.names if name == (alias.asname or alias.name)):
                return path_arguments(f"{_absolute(node, module)}.{alias.name}")
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return _annotated_as_path([*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs])
        if isinstance(node, ast.ClassDef) and node.name == name:
            own = [entry for entry in node.body if isinstance(entry, ast.FunctionDef) and entry.name == "__init__"]
            fields = [entry for entry in node.body if isinstance(entry, ast.AnnAssign)]
            args = own[0].args.args + own[0].args.kwonlyargs if own else fields
            bases = () if own else (path_arguments(f"{module}.{ast.unparse(base)}") for base in node.bases)
            return _annotated_as_path(args).union(*bases)
    return frozenset()


def _annotated_as_path(arguments: Sequence[ast.arg | ast.AnnAssign]) -> frozenset[str]:
    """Names those annotated as `Path`, alone or among others."""
    return frozenset(
        argument.arg if isinstance(argument, ast.arg) else ast.unparse(argument.target)
        for argument in arguments
        if argument.annotation and re.search(r"\bPath\b", ast.unparse(argument.annotation))
    )


@functools.cache
def source_of(module: str) -> Path | None:
    """Finds the file of a module of this package, or of one of the user's own; installed libraries have none here."""
    top, *rest = module.split(".")
    if top == PACKAGE.name:
        base = PACKAGE.joinpath(*rest)
        return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)
    # To look for a module in a library would import the library, which may take seconds.
    if top in sys.stdlib_module_names or {"site-packages", "dist-packages"} & {*Path(_origin(top)).parts}:
        return None
    return Path(_origin(module)) if _origin(module).endswith(".py") else None


@functools.cache
def _origin(module: str) -> str:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return ""
    return (spec and spec.origin) or ""
