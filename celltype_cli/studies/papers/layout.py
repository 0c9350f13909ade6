"""The file of a paper as it comes from YAML: faults in its layout, and which of its overrides hold when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from celltype_cli.core.messages import nearest

Layer = tuple[frozenset[str], tuple[str, ...]]  # conditions, and the overrides under them

PROFILES = ("quick", "full")
SPLITS = ("published", "grouped")  # as in the paper; and with animals kept apart
CONDITIONS = (*PROFILES, *SPLITS, "elsewhere")
KINDS = ("scores", "per_class", "confusion", "curves")  # what a report makes of the rows; the last two are figures
SCORES = ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1")  # what a table of scores may show
METRICS = (*SCORES, "training_seconds")
RATES = ("precision", "recall", "specificity", "f1")  # PV.precision; PV.SOM: share of true PV that is called SOM

LEVEL = {"overrides": list, "when": dict}  # may stand at a paper, a table, a model and a row
PAPER = {"key": str, "title": str, "citation": str, "url": str, "classes": list, "protocol": str, "profiles": dict}
TABLE = {"title": str, "source": str, "kind": str, "rows": list}
ROW = {"name": str, "model": str}
OPTIONAL_ROW = {"published": dict, "note": str, "best": bool, "default": bool, "elsewhere": bool}
WORDS = {str: "text", list: "a list", dict: "a mapping", bool: "true or false"}


def faults(paper: Any) -> Iterator[str]:
    """Yields what is wrong with a file, naming table and row."""
    if not isinstance(paper, dict):
        yield "it is no mapping of key, title, citation ..."
        return
    found = [*_level("", paper, {**PAPER, "models": dict, "tables": dict}, {})]
    yield from found
    if found:
        return
    if set(paper["profiles"]) != {*PROFILES}:
        yield f"profiles describes {', '.join(map(str, paper['profiles']))}, expected {' and '.join(PROFILES)}"
    for name, model in paper["models"].items():
        yield from _level(f"model {name}: ", model, {}, {})
    for key, table in paper["tables"].items():
        yield from _table(f"table {key}", table, paper)


def flat(overrides: list) -> tuple[Any, ...]:
    """Flattens lists in lists, which is how YAML anchors join."""
    return tuple(o for entry in overrides for o in (flat(entry) if isinstance(entry, list) else (entry,)))


def _table(where: str, table: Any, paper: dict) -> Iterator[str]:
    found = [*_level(f"{where}: ", table, TABLE, {"elsewhere": bool, "dataset": str, "note": str, "metric": str})]
    yield from found
    if found:
        return
    if table["kind"] not in KINDS:
        yield f"{where}: kind is {table['kind']}, expected one of {', '.join(KINDS)}{nearest(table['kind'], KINDS)}"
    known = ("accuracy", "loss") if table["kind"] == "curves" else SCORES
    if (metric := table.get("metric", SCORES[0])) not in known:
        yield f"{where}: metric is {metric}, expected one of {', '.join(known)}{nearest(metric, known)}"
    names = set()
    for position, row in enumerate(table["rows"]):
        model, name = (row.get("model"), row.get("name")) if isinstance(row, dict) else (None, None)
        here = f"{where}, row {name or position + 1}" + (f" ({model})" if model else "")
        yield from _row(here, row, paper)
        if (model, name) in names:
            yield f"{here}: stands twice; rows of one model need different names"
        names.add((model, name))


def _row(where: str, row: Any, paper: dict) -> Iterator[str]:
    found = [*_level(f"{where}: ", row, ROW, OPTIONAL_ROW)]
    yield from found
    if found:
        return
    if row["model"] not in paper["models"]:
        yield f"{where}: model {row['model']} is none of models{nearest(row['model'], paper['models'])}"
    for metric, value in row.get("published", {}).items():
        name, _, rate = str(metric).rpartition(".")
        if name and name not in paper["classes"]:
            yield f"{where}: published.{metric} is of no class{nearest(name, paper['classes'])}"
        if rate not in (known := (*RATES, *paper["classes"]) if name else METRICS):
            yield f"{where}: published.{metric} is no metric{nearest(rate, known)}; known: {', '.join(known)}"
        numbers = value if isinstance(value, list) and len(value) == 2 else [value]
        if not all(type(number) in (int, float) for number in numbers):
            yield f"{where}: published.{metric} is {value}, expected a mean, or [mean, sd]"


def _level(where: str, node: Any, needed: dict[str, type], optional: dict[str, type]) -> Iterator[str]:
    """Checks names and types of what stands at one level, and its overrides."""
    if not isinstance(node, dict):
        yield f"{where}expected a mapping, found {node}"
        return
    known = needed | optional | LEVEL
    yield from (f"{where}{name} is missing" for name in needed if name not in node)
    for name, value in node.items():
        if name not in known:
            yield f"{where}{name} is not known{nearest(name, known)}; known: {', '.join(known)}"
        elif not isinstance(value, known[name]) or (name in needed and not value):
            yield f"{where}{name} is {value!r}, expected {WORDS[known[name]]} that is not empty"
    lists = {"overrides": node.get("overrides", []), **(node["when"] if isinstance(node.get("when"), dict) else {})}
    for name, overrides in lists.items():
        if name != "overrides":
            for word in set(str(name).split()) - {*CONDITIONS}:
                yield f"{where}when {name}: {word} is none of {', '.join(CONDITIONS)}{nearest(word, CONDITIONS)}"
        for override in flat(overrides) if isinstance(overrides, list) else ():
            if not (isinstance(override, str) and re.match(r"[+~]*[\w/.@]+=", override)):
                yield f"{where}override {override!r} is no text setting=value; quote those with brackets"
        if name != "overrides" and not isinstance(overrides, list):
            yield f"{where}when {name} is {overrides!r}, expected a list of overrides"


def planned(layers: Iterable[Layer], words: set[str]) -> dict[str, str]:
    """Returns the overrides that hold under `words` by what they set; later layers win."""
    chosen: dict[str, str] = {}
    for conditions, overrides in layers:
        for override in overrides if conditions <= words else ():
            key = key_of(override)  # another choice of a group voids the settings of the one before
            chosen = {k: o for k, o in chosen.items() if not k.startswith((f"{key}.", f"{key}@"))}
            chosen[key] = override
    return chosen


def key_of(override: str) -> str:
    """Returns what an override sets: "model.steps" of "model.steps=2"."""
    return override.lstrip("+~").partition("=")[0]


def group_of(key: str) -> str:
    """Returns the config group of a key: "model" of "model.steps"."""
    return re.split("[.@]", key)[0]
