"""What a setting may be, said once in its annotation: kind, choices, range; checked for configs and for Python."""

from __future__ import annotations

import functools
import inspect
import math
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union

from annotated_types import Ge, GroupedMetadata, Gt, Interval, Le, Lt, MaxLen, MinLen

from celltype_cli.core.messages import UserError, nearest
from celltype_cli.core.nearly import meant

Count = Annotated[int, Ge(1)]
SeedNumber = Annotated[int, Ge(0)]
Threads = Annotated[int, Interval(ge=1, le=1024)]
Positive = Annotated[float, Gt(0)]
NotNegative = Annotated[float, Ge(0)]
Share = Annotated[float, Interval(ge=0, le=1)]
Rate = Annotated[float, Interval(gt=0, le=1e6)]  # Hz; beyond it no recording, and no simulation that ends
Pixels = Annotated[Sequence[Annotated[int, Interval(ge=1, le=4096)]], MinLen(2), MaxLen(2)]  # rows and columns

PLAIN = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    Path: "a path",
    type(None): "null",
}
HELD = (int, float, str, list, tuple, dict)  # of other kinds Python may bring what no config holds
LISTS, MAPPINGS = (list, tuple, Sequence), (dict, Mapping)
BOUNDS = {  # of each: whether a value is within, and how it is said
    Ge: (lambda value, bound: value >= bound.ge, lambda bound: f"of {_number(bound.ge)} or more"),
    Gt: (lambda value, bound: value > bound.gt, lambda bound: f"above {_number(bound.gt)}"),
    Le: (lambda value, bound: value <= bound.le, lambda bound: f"of at most {_number(bound.le)}"),
    Lt: (lambda value, bound: value < bound.lt, lambda bound: f"below {_number(bound.lt)}"),
    MinLen: (lambda value, bound: len(value) >= bound.min_length, lambda bound: f"with {bound.min_length} or more"),
    MaxLen: (lambda value, bound: len(value) <= bound.max_length, lambda bound: f"with at most {bound.max_length}"),
}
Function = TypeVar("Function", bound=Callable[..., Any])


def annotations(target: Callable[..., Any]) -> dict[str, Any]:
    """Returns the annotations of `arguments`, ranges included; none that cannot be read."""
    # The fields of a dataclass are read where each was written, which may be another module than the class's own.
    owners = [target] if not inspect.isclass(target) or is_dataclass(target) else _makers(target)
    try:
        hints = [typing.get_type_hints(owner, include_extras=True) for owner in reversed(owners)]
    except Exception:  # noqa: BLE001 - annotations that need imports under TYPE_CHECKING, or that cannot be evaluated
        return {}
    return {name: hint for of_owner in hints for name, hint in of_owner.items()}


def arguments(target: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Returns the arguments of a function or class by name.

    `**settings` of a class's own `__init__` are those of the class above it, and stay where that takes any, too.
    """
    found = dict(inspect.signature(target).parameters)
    for maker in _makers(target)[1:] if inspect.isclass(target) else ():
        own = [*inspect.signature(maker).parameters.values()][1:]
        named = {name: p for name, p in found.items() if p.kind is not p.VAR_KEYWORD}
        found = named | {p.name: p for p in own if p.name not in named}
    return found


def _makers(target: type) -> list[Callable[..., Any]]:
    """Returns the `__init__` of a class and, as long as they pass `**settings` on, of those above it."""
    found = [target.__init__]
    for owner in target.__mro__[1:]:
        passes_on = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(found[-1]).parameters.values())
        if passes_on and "__init__" in vars(owner) and owner.__init__ is not found[-1]:
            found.append(owner.__init__)
    return found


def faults(where: str, value: Any, annotation: Any) -> Iterator[str]:
    """Yields what is wrong with a value of a config: its kind, or how far it is out of range, at any depth, and what
    may be meant."""
    close = ""
    for said in _faults(where, value, annotation):
        about_it = said.startswith(f"{where}={as_typed(value)} is ") and "; nearest: " not in said
        close = close or (meant(where, value, lambda other: not [*_faults("", other, annotation)]) if about_it else "")
        yield said + (close if about_it else "")


def _faults(where: str, value: Any, annotation: Any) -> Iterator[str]:
    origin, options = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        inner = [*_faults(where, value, options[0])]
        if inner and options[0] in PLAIN:
            inner = [f"{where}={as_typed(value)} is {kind(value)}, expected {wording(annotation)}"]
        yield from inner
        if not inner and not all(BOUNDS[type(bound)][0](value, bound) for bound in _bounds(annotation)):
            yield f"{where}={as_typed(value)} is out of range, expected {wording(annotation)}"
    elif origin in (Union, types.UnionType):
        found = [[*_faults(where, value, option)] for option in options]
        if all(found):
            alike = [said for said, option in zip(found, options, strict=True) if _same_kind(value, option)]
            yield from alike[0] if len(alike) == 1 else [f"{where}={as_typed(value)} is {kind(value)}, expected "
                                                         f"{wording(annotation)}"]  # fmt: skip
    elif not _fits(value, annotation):
        close = nearest(value, map(str, options)) if origin is Literal and isinstance(value, str) else ""
        yield f"{where}={as_typed(value)} is {kind(value)}, expected {wording(annotation)}{close}"
    elif origin in LISTS and options:
        for position, entry in _entries(value, range(len(value))):
            yield from faults(f"{where}[{position}]", entry, options[0])
    elif origin in MAPPINGS and options:
        for key, entry in _entries(value, value):
            yield from faults(f"{where}.{key}", entry, options[1])


def as_typed(value: Any) -> str:
    """Returns a value as YAML has it."""
    return {"None": "null", "True": "true", "False": "false"}.get(repr(value), str(value))


def held(function: Function) -> Function:
    """Makes a function or a dataclass raise a UserError for what is out of range, whoever calls it."""
    if inspect.isclass(function):
        function.__init__ = _held(function.__init__, function)
        return function
    return _held(function, function)


def _held(function: Callable[..., Any], annotated: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        hints = annotations(annotated)
        plain = {name: value for name, value in kwargs.items() if name in hints and type(value) in HELD}
        if found := [said for name, value in plain.items() for said in faults(name, value, hints[name])]:
            raise UserError("\n  ".join(found))
        return function(*args, **kwargs)

    return call


def wording(annotation: Any) -> str:
    """Says what an annotation takes, as people say it."""
    origin, options = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        bounds = [*_bounds(annotation)]
        least = [bound.min_length for bound in bounds if isinstance(bound, MinLen)]
        exact = least and least == [bound.max_length for bound in bounds if isinstance(bound, MaxLen)]
        said = f"of {least[0]} values" if exact else " and ".join(BOUNDS[type(b)][1](b) for b in bounds)
        return f"{wording(options[0])} {said}".strip()
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(wording(option) for option in options))
    if origin is Literal:
        return "one of " + ", ".join(map(str, options))
    if origin in LISTS:
        choices = typing.get_args(options[0]) if options and typing.get_origin(options[0]) is Literal else ()
        return f"a list of some of {', '.join(choices)}: [{choices[0]}]" if choices else "a list [..., ...]"
    if origin in MAPPINGS:
        return "a mapping {name: value, ...}"
    return PLAIN.get(annotation, getattr(annotation, "__name__", str(annotation)))


def is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if is_list(value):
        return "a list"
    if isinstance(value, float) and not math.isfinite(value):
        return "no finite number"
    if isinstance(value, str) and not value.strip():
        return "empty"
    return PLAIN.get(type(value), type(value).__name__)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _bounds(annotation: Any) -> Iterator[Any]:
    for bound in annotation.__metadata__:
        parts = bound if isinstance(bound, GroupedMetadata) else [bound]
        yield from (part for part in parts if type(part) in BOUNDS)


def _entries(value: Any, keys: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Yields the entries of a list or mapping, less those that are missing."""
    if isinstance(value, (dict, list, tuple)):
        yield from ((key, value[key]) for key in keys)
        return
    from omegaconf import OmegaConf  # of a config, which is there then; bundles are opened without it

    yield from ((key, value[key]) for key in keys if not OmegaConf.is_missing(value, key))


def _same_kind(value: Any, annotation: Any) -> bool:
    """Says whether a value is of an option's kind, whatever its range or content."""
    bare = typing.get_args(annotation)[0] if typing.get_origin(annotation) is Annotated else annotation
    return _fits(value, bare)


def _fits(value: Any, annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return value in typing.get_args(annotation)
    if origin in LISTS:
        return is_list(value)
    if origin in MAPPINGS:
        return isinstance(value, Mapping)
    if annotation not in PLAIN:
        return True
    if annotation is Path and isinstance(value, str) and not value.strip():
        return False  # which would be the current folder
    if annotation in (str, Path):
        return isinstance(value, (str, int)) and not isinstance(value, bool)  # `check` makes text of numbers
    if annotation is float:
        return type(value) is int or (isinstance(value, float) and math.isfinite(value))
    return isinstance(value, annotation) and (annotation is bool or not isinstance(value, bool))
