"""The space of a search: settings of the config, each with the distribution of Optuna's that its values are drawn from.

Choices may be of any kind. Optuna keeps text for sure and does not tell 1 from true, so it is given their text, in
which settings can be typed as well: `model.depth=3`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from celltype_cli.core import configs
from celltype_cli.core.messages import UserError, nearest
from celltype_cli.core.ranges import arguments
from celltype_cli.runs.identity import ELSEWHERE

Space = dict[str, BaseDistribution]
RANGE = {"low", "high", "log", "int"}
# What Hydra reads as text without quotes, and what it would read as something else.
BARE = re.compile(r"(?!(?i:null|true|false|nan|inf)$)[A-Za-z_/][\w./-]*")


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
        try:
            _check_key(key, cfg)
            found[key] = _distribution(entry)
            _check_values(key, found[key], cfg, command)
        except (UserError, ValueError) as error:  # ours and Optuna's
            faults.append(f"{key}: {str(error).removeprefix(f'{key}=')}")
    if faults:
        raise UserError("\n  ".join(["search.space cannot be searched:", *faults]))
    return found


def values(space: Space, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values of settings that Optuna has drawn, in the order of the space."""
    return {key: value(drawn[key]) if _is_choice(space[key]) else drawn[key] for key in space if key in drawn}


def _is_choice(distribution: BaseDistribution) -> bool:
    return isinstance(distribution, CategoricalDistribution)


def _flat(space: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, entry in space.items():
        inside = entry.values() if isinstance(entry, Mapping) else ()
        if inside and (not {*entry} & RANGE or any(isinstance(value, (Mapping, list)) for value in inside)):
            yield from _flat(entry, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", entry


def _check_key(key: str, cfg: DictConfig) -> None:
    parts = key.split(".")
    if parts[0] == "split" and len(parts) > 1:
        raise UserError("the hold-out must be the same cells in every trial: leave it out")
    if {*parts} & {*ELSEWHERE, "seed", "threads"}:
        raise UserError("it does not say what is learned: leave it out")
    node: Any = cfg
    for part in parts:
        known = _known(node)
        if part not in known:
            there = f"; known here: {', '.join(known)}" if known else ""
            raise UserError(f"{part} is no setting{nearest(part, known)}{there}")
        node = node.get(part)
    if isinstance(node, DictConfig):
        raise UserError(f"it is a group of settings; name one of them: {', '.join(_known(node))}")


def _known(node: Any) -> list[str]:
    """Lists what may be set at a node: what it holds, and the arguments of its target."""
    if not isinstance(node, DictConfig):
        return []
    names = [str(name) for name in node if name not in configs.SPECIAL]
    if "_target_" in node:
        parameters = arguments(get_object(node._target_)).values()
        named = [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
        names += [name for name in named if name not in (*names, "self", "cells", "shapes", "n_classes")]
    return names


def _distribution(entry: Any) -> BaseDistribution:
    if isinstance(entry, list):
        made = CategoricalDistribution(list(dict.fromkeys(map(text, entry))))
    elif isinstance(entry, Mapping):
        configs.check(OmegaConf.create(dict(entry)), _range)
        made = _range(**entry)
    else:
        raise UserError(f"{text(entry)} is one value, expected a list of choices or {{low: ..., high: ...}}")
    if made.single():
        raise UserError(f"{text(entry)} leaves no choice: name two different values or more")
    return made


def _range(
    low: float | None = None, high: float | None = None, log: bool = False, int: bool = False
) -> FloatDistribution | IntDistribution:
    """Takes numbers from `low` to `high`, both included; `log` draws their logarithm, `int` takes whole ones only."""
    if low is None or high is None:
        raise UserError(f"low={text(low)}, high={text(high)}: both are needed")
    if int and (low % 1 or high % 1):
        raise UserError(f"low={low}, high={high} is no whole number, int: true takes whole numbers only")
    return (IntDistribution if int else FloatDistribution)(low, high, log=log)


def _check_values(key: str, made: BaseDistribution, cfg: DictConfig, command: Callable[..., Any]) -> None:
    """Tries the limits on the config; where no annotation says which type is wanted, the present value does."""
    present = OmegaConf.select(cfg, key)
    limits = [value(choice) for choice in made.choices] if _is_choice(made) else [made.low, made.high]
    if isinstance(made, FloatDistribution) and type(present) is int and not any(limit % 1 for limit in limits):
        mend = f"add int: true, or set {key}={present}.0 if fractions fit"
        raise UserError(f"the config has a whole number, {present}: {mend}")
    for limit in limits:
        configs.check(put(cfg, {key: limit}), command)


def put(cfg: DictConfig, values: Mapping[str, Any]) -> DictConfig:
    """Returns a copy of a config with other values."""
    copy = OmegaConf.create(OmegaConf.to_container(cfg, resolve=True))
    for key, value in values.items():
        OmegaConf.update(copy, key, value, force_add=True)
    return copy


def text(value: Any) -> str:
    """Writes a value so that Hydra reads the same value back."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{text(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(text, value)) + "]"
    if isinstance(value, str):
        return value if BARE.fullmatch(value) else QuotedString(value, Quote.single).with_quotes()
    return "null" if value is None else str(value).lower()


def value(written: str) -> Any:
    """Reads what `text` wrote, as Hydra does."""
    return OverridesParser.create().parse_override(f"key={written}").value()


def difference(base: DictConfig, wanted: DictConfig) -> list[str]:
    """Returns the overrides that make `wanted` of `base`, less where a run computes; deletions last."""
    changes = _changes(*(OmegaConf.to_container(cfg, resolve=True) for cfg in (base, wanted)), "")
    return sorted(changes, key=lambda override: override.startswith("~"))


def _changes(before: dict[str, Any], after: dict[str, Any], prefix: str) -> Iterator[str]:
    for name in {**after, **before}:
        key, old, new = f"{prefix}{name}", before.get(name), after.get(name)
        if name in ELSEWHERE:
            continue
        if name not in after:
            if old is not None:  # Hydra deletes no null, so nobody can have deleted one
                yield f"~{key}"
        elif isinstance(new, dict) and (isinstance(old, dict) or (new and name not in before)):
            yield from _changes(old or {}, new, f"{key}.")
        elif name not in before:
            yield f"+{key}={text(new)}"
        elif (old, type(old)) != (new, type(new)):
            yield f"{key}={text(new)}"
