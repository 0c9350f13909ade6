"""The space of a search: which settings of the config may take which values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from celltype_cli.core import configs
from celltype_cli.core.messages import UserError, nearest
from celltype_cli.runs.identity import ELSEWHERE
from celltype_cli.studies.search.overrides import text

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

RANGE = ("low", "high", "log", "int")


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; `log` draws their logarithm, `whole` takes whole numbers only."""

    low: float
    high: float
    log: bool
    whole: bool

    @property
    def limits(self) -> tuple[Any, ...]:
        return self.low, self.high

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import FloatDistribution, IntDistribution

        kind = IntDistribution if self.whole else FloatDistribution
        return kind(self.low, self.high, log=self.log)

    def value(self, drawn: float) -> float:
        return drawn


@dataclass(frozen=True)
class Choice:
    """One of some values of any kind; the study knows them as text."""

    values: tuple[Any, ...]
    log = False

    @property
    def limits(self) -> tuple[Any, ...]:
        return self.values

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution([text(value) for value in self.values])

    def value(self, drawn: str) -> Any:
        return next(value for value in self.values if text(value) == drawn)


Space = dict[str, Range | Choice]


def parse(space: Mapping[str, Any], cfg: DictConfig, command: Callable[..., Any]) -> Space:
    """Reads a space as configs write it and tries its limits on the config to be searched.

    Args:
        space: keys as in the config, nested or with dots; a list of choices, or {low, high, log, int}.
        cfg: the config of a run, which `configs.check` has passed.
        command: whose config it is, as in `configs.check`.

    Raises:
        UserError: with all faults at once: keys that are no setting, limits that make no range, values that do not fit.
    """
    entries = dict(_flat(space))
    found, faults = {}, [] if entries else ["it is empty: name settings, such as {model: {depth: [2, 4]}}"]
    for key, entry in entries.items():
        own = [*_key_faults(key, cfg), *(_choice_faults(entry) if isinstance(entry, list) else _range_faults(entry))]
        if not own:
            made = Choice(tuple(entry)) if isinstance(entry, list) else _range(entry)
            own += _value_faults(key, made, cfg, command)
            found[key] = made
        faults += [f"{key}: {fault}" for fault in own]
    if faults:
        raise UserError("\n  ".join(["search.space cannot be searched:", *faults]))
    return found


def put(cfg: DictConfig, values: Mapping[str, Any]) -> DictConfig:
    """Returns a copy of a config with other values."""
    copy = OmegaConf.create(OmegaConf.to_container(cfg, resolve=True))
    for key, value in values.items():
        OmegaConf.update(copy, key, value, force_add=True)
    return copy


def without(config: dict[str, Any], key: str) -> dict[str, Any]:
    """Returns a nested config without one key."""
    first, _, rest = key.partition(".")
    if not rest or first not in config:
        return {name: value for name, value in config.items() if name != first}
    return {**config, first: without(config[first], rest)}


def _flat(space: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, entry in space.items():
        inside = entry.values() if isinstance(entry, Mapping) else ()
        if inside and (not {*entry} & {*RANGE} or any(isinstance(value, (Mapping, list)) for value in inside)):
            yield from _flat(entry, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", entry


def _key_faults(key: str, cfg: DictConfig) -> Iterator[str]:
    *parents, name = key.split(".")
    if parents[:1] == ["split"]:
        yield "the hold-out must be the same cells in every trial: leave it out"
        return
    if {*parents, name} & {*ELSEWHERE, "seed"}:
        yield "it does not say what is learned: leave it out"
        return
    node: Any = cfg
    for position, parent in enumerate(parents):
        if not isinstance(node, DictConfig) or parent not in node:
            yield f"{'.'.join(parents[: position + 1])} is no setting{nearest(parent, _known(node))}"
            return
        node = node[parent]
    if not isinstance(node, DictConfig) or name not in _known(node):
        there = ", ".join(_set_in(node))
        yield f"it is no setting{nearest(name, _known(node))}" + (f"; set here: {there}" if there else "")
    elif isinstance(node.get(name), DictConfig):
        yield f"it is a group of settings; name one of them: {', '.join(_set_in(node[name]))}"


def _known(node: Any) -> list[str]:
    """Lists what may be set at a node: what it holds, and the arguments of its target."""
    names = _set_in(node)
    if isinstance(node, DictConfig) and "_target_" in node:
        from hydra.utils import get_object

        target: Callable[..., Any] = get_object(node._target_)
        kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        parameters = [p.name for p in inspect.signature(target).parameters.values() if p.kind in kinds]
        names += [name for name in parameters if name not in (*names, "self", "cells", "shapes", "n_classes")]
    return names


def _set_in(node: Any) -> list[str]:
    return [str(name) for name in node if name not in configs.SPECIAL] if isinstance(node, DictConfig) else []


def _choice_faults(entry: list) -> Iterator[str]:
    if len({text(value) for value in entry}) < 2:
        yield f"{text(entry)} leaves no choice: name two different values or more"


def _range_faults(entry: Any) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        yield f"{text(entry)} is one value, expected a list of choices or {{low: ..., high: ...}}"
        return
    for name in entry:
        if name not in RANGE:
            yield f"{name} is none of {', '.join(RANGE)}{nearest(str(name), RANGE)}"
    for name in ("low", "high"):
        if name not in entry:
            yield f"{name} is missing"
        elif isinstance(entry[name], bool) or not isinstance(entry[name], (int, float)):
            yield f"{name}={text(entry[name])} is no number"
        elif entry.get("int") is True and entry[name] != int(entry[name]):
            yield f"{name}={entry[name]} is no whole number, int: true takes whole numbers only"
    for name in ("log", "int"):
        if not isinstance(entry.get(name, False), bool):
            yield f"{name}={text(entry[name])} is neither true nor false"
    low, high = entry.get("low"), entry.get("high")
    if isinstance(low, (int, float)) and isinstance(high, (int, float)):
        if not low < high:
            yield f"low={low} is not below high={high}"
        if entry.get("log") is True and low <= 0:
            yield f"low={low} has no logarithm: choose one above 0, or log: false"


def _range(entry: Mapping[str, Any]) -> Range:
    whole = entry.get("int", False)
    kind = int if whole else float
    return Range(kind(entry["low"]), kind(entry["high"]), entry.get("log", False), whole)


def _value_faults(key: str, made: Range | Choice, cfg: DictConfig, command: Callable[..., Any]) -> Iterator[str]:
    """Tries the limits on the config; where no annotation says which type is wanted, the present value does."""
    present = OmegaConf.select(cfg, key)
    if isinstance(made, Range) and not made.whole and type(present) is int and not (made.low % 1 or made.high % 1):
        yield f"the config has a whole number, {present}: add int: true, or set {key}={present}.0 if fractions fit"
        return
    for value in made.limits:
        try:
            configs.check(put(cfg, {key: value}), command)
        except UserError as error:
            yield str(error).removeprefix(f"{key}=")
