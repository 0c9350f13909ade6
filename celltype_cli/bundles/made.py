"""How a recording was made, beside how the training cells were: rate and length, units of the inputs, copies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from celltype_cli.cells.about import Condition, Input
from celltype_cli.cells.cells import Cells

REMARK, NOTED, WITHHELD = 0, 1, 2  # what a doubt asks for: to be said; labels with care; no labels
CHANCE = (0.01, 0.001)  # p below which labels are read with care, or withheld


@dataclass(frozen=True)
class Doubt:
    """One thing in which a recording departs from the training cells, in words, and what it asks for."""

    words: str
    weight: int


@dataclass(frozen=True)
class Made:
    """How some cells were recorded.

    Attributes:
        conditions: of each cell by their names, as `Cells.conditions`.
        limits: what `About.conditions` says of them; empty for training cells, of which it is not kept.
        inputs: what each input is; empty for training cells.
        digest: equal for cells whose first rows are equal.
    """

    conditions: dict[str, Float[np.ndarray, " cell"]]
    limits: Mapping[str, Condition]
    inputs: Mapping[str, Input]
    digest: Shaped[np.ndarray, " cell"]

    @classmethod
    def of(cls, cells: Cells, first: Shaped[np.ndarray, " cell"]) -> Made:
        """Takes it from cells, by the first row of each."""
        conditions = {name: values[first] for name, values in cells.conditions.items()}
        return cls(conditions, cells.about.conditions, cells.about.inputs, cells[first].row_digests)

    def __getitem__(self, rows: Shaped[np.ndarray, " chosen"]) -> Made:
        """Takes some cells."""
        conditions = {name: values[rows] for name, values in self.conditions.items()}
        return replace(self, conditions=conditions, digest=self.digest[rows])

    @classmethod
    def joined(cls, parts: Sequence[Made]) -> Made:
        """Joins parts of one recording."""
        first = parts[0]
        conditions = {name: np.concatenate([part.conditions[name] for part in parts]) for name in first.conditions}
        return cls(conditions, first.limits, first.inputs, np.concatenate([part.digest for part in parts]))


def weight_of(p: float) -> int:
    """Returns what a doubt asks for that has such a p value."""
    return int(sum(p < limit for limit in CHANCE))


def said_p(p: float) -> str:
    """Returns a p value in words."""
    return f"p {'< 0.0001' if p < 1e-4 else f'= {p:.2g}'}"


def doubts(training: Made, new: Made, inputs: Mapping[str, Mapping[str, Any]]) -> Iterator[Doubt]:
    """Yields what sets a recording apart before any of its values is looked at.

    Args:
        inputs: what the training cells' are, as bundle.yaml says.
    """
    yield from _inputs(inputs, new.inputs)
    for name, limit in new.limits.items():
        if name in training.conditions:
            yield from _condition(name, limit, training.conditions[name], new.conditions[name])
    yield from _copies(training.digest, new.digest)


def _inputs(known: Mapping[str, Mapping[str, Any]], new: Mapping[str, Input]) -> Iterator[Doubt]:
    for name, of in known.items():
        if name not in new or new[name].columns:
            continue
        unit, rate = of.get("unit") or "", of.get("sampling_rate")
        if new[name].unit != unit:
            words = f"{name} is in {new[name].unit or 'no unit'}, that of the training cells in {unit or 'no unit'}"
            yield Doubt(words, WITHHELD)
        if rate and new[name].sampling_rate and abs(new[name].sampling_rate / rate - 1) > 0.01:
            words = f"{name} is at {new[name].sampling_rate:.4g} Hz, that of the training cells at {rate:.4g} Hz"
            yield Doubt(words, WITHHELD)


def _condition(name: str, limit: Condition, old: np.ndarray, new: np.ndarray) -> Iterator[Doubt]:
    old, new = old[np.isfinite(old) & (old > 0)], new[np.isfinite(new) & (new > 0)]
    if not len(old) or not len(new):
        return
    value, low, high = float(np.median(new)), float(old.min()), float(old.max())
    ratio = value / low if value < low else value / high if value > high else 1.0
    weight = sum(not below <= ratio <= above for below, above in (limit.noted, limit.withheld))
    if weight:
        theirs = f"{low:.4g}" if high / low < 1.005 else f"{low:.4g} to {high:.4g}"
        yield Doubt(f"{name} is {value:.4g} {limit.unit}, of the training cells {theirs} {limit.unit}", weight)


def _copies(old: np.ndarray, new: np.ndarray) -> Iterator[Doubt]:
    if known := int(np.isin(new, old).sum()):
        yield Doubt(f"{known} of {len(new)} cells are training cells, whose labels show nothing", REMARK)
    _, of, count = np.unique(new, return_inverse=True, return_counts=True)
    if twice := int((count[of] > 1).sum()):
        yield Doubt(f"{twice} cells hold a recording that another of them holds too", REMARK)
