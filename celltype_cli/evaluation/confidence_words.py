"""What `evaluation.confidence` found, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from celltype_cli.evaluation import sets

LABELS_AT = 0.95  # the accuracy of which the terminal tells


def promised(classes: dict[str, dict], group: str, shares: Sequence[str]) -> str:
    """Says what sets promise, class by class where they differ."""
    where = f"in new cells of these {group}s" if "group" in shares else f"in a new {group}, on average over {group}s"
    names: dict[float, list[str]] = {}
    for name, entry in classes.items():
        names.setdefault(entry["promise"], []).append(name)
    given = [f"{_percent(promise)} of the {', '.join(which)} cells" for promise, which in names.items() if promise]
    if not given:
        return f"nothing: too few {group}s have cells of each class"
    return f"{where}, the true type is in the set for {' and '.join(given)}"


def notes(values: dict, group: str, shares: Sequence[str]) -> Iterator[str]:
    """Yields what a reader must know beside the figures: weak and missing promises, and one that did not hold."""
    if not values["n_parts"]:
        yield f"all cells are of one {group}: whether confidences hold in another could not be tried"
    if "group" in shares:
        yield f"{group}s stand on both sides of the split, so confidences and sets may not hold in a new {group}"
    if values["n_alone"]:
        yield (
            f"the {group} of {values['n_alone']} cells is unknown: if cells of one {group} are alike, confidences and "
            f"sets promise too much of a new {group}"
        )
    promise, classes = values["sets"]["promise"], values["sets"]["classes"]
    for n in sorted({entry["groups"] for entry in classes.values() if entry["promise"] < promise}):
        names = ", ".join(name for name, entry in classes.items() if entry["groups"] == n)
        where = f"of {names} there are cells in {n} {group}{'s' * (n != 1)} each"
        if n < sets.FEWEST_GROUPS:
            yield f"{where}; at least {sets.FEWEST_GROUPS} are needed to promise anything, so they are in every set"
        else:
            weak = _percent(sets.promise_of(n, promise))
            yield (
                f"{where}, which allow a weak promise only: in a new {group}, sets hold {weak} of them; "
                f"{_percent(promise)} takes {sets.groups_for(promise)} {group}s"
            )
    for name, entry in classes.items():
        if entry.get("coverage", 1) < entry.get("low", 0):
            yield (
                f"sets hold {_percent(entry['coverage'])} of the cells of {name}, and chance alone explains no less "
                f"than {_percent(entry['low'])}: what was held out differs in kind, and the promise does not hold there"
            )


def told(values: dict, group: str) -> dict[str, str]:
    """Says in a line each how true confidences are, how many cells get a label, and what sets hold."""
    if not values["n_parts"]:
        return {}
    ece, found, percent = values["ece"], values["sets"], _percent(values["sets"]["promise"])
    shares = [f"{name} {_percent(e['coverage'])}" for name, e in found["classes"].items() if "coverage" in e]
    return {
        "calibration": f"ECE {ece['before']:.3f} -> {ece['after']:.3f} (temperature {values['temperature']:.2f}; by "
        f"chance {ece['by_chance']:.3f})",
        f"labels at accuracy {LABELS_AT:.2f}": _labels(next(e for e in values["labels"] if e["wanted"] == LABELS_AT)),
        f"labels at confidence ratio {values['ratio']['wanted']:g}": _at_ratio(values["ratio"]),
        f"sets at {percent}": f"{found['size']:.2f} types a cell; of held-out {group}s they hold the "
        f"true type of {', '.join(shares) or 'no class that could be tried'}",
    }


def _labels(entry: dict) -> str:
    if np.isnan(entry["confidence"]):
        return "none, no confidence is right so often, or too few cells are there to say so"
    above = f"confidence >= {entry['confidence']:.2f}" if entry["confidence"] else "at any confidence"
    right = f"{100 * entry['accuracy']['value']:.1f} % of them right" if entry["n"] else "too few cells to try it"
    return f"{_percent(entry['coverage']['value'])} of the cells, {right} ({above})"


def _at_ratio(entry: dict) -> str:
    """Says what is labelled where the model itself calls the best guess so many times as likely as the second."""
    if not entry["n"]:
        return "none"
    covered, right = (_with_interval(entry[name]) for name in ("coverage", "accuracy"))
    return f"{covered} of the cells, {right} of them right"


def _with_interval(share: dict) -> str:
    low, high = 100 * share["low"], 100 * share["high"]
    return _percent(share["value"]) + ("" if np.isnan(low + high) else f" [{low:.0f}, {high:.0f}]")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
