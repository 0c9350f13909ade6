"""`Cells`: what a dataset and `prepare` give and every trainer takes, validated once, here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from celltype_cli.cells import duplicates
from celltype_cli.cells.about import About, count_in_words
from celltype_cli.core.messages import raise_faults

UNLABELLED = -1


@dataclass(frozen=True)
class Cells:
    """Examples of recorded cells: one row is one example, and several rows may be windows of one cell.

    Attributes:
        inputs: named arrays with one entry per row, finite; but in a table of measured quantities, which has named
            columns (`Input.columns`), NaN stands for "could not be measured".
        label: index into `classes`, or UNLABELLED.
        cell_id: which cell a row was cut from.
        group: animal, donor, session or recording; never on two sides of a fold.
        classes: class names, in the order of the probabilities.
        about: what the dataset is.
        source: laboratory, dataset or method of a row; empty where there is one only.
        recorded: gives, of a cell by its id, what there is to see of its recording (`examples.Panel`s); for people, and
            no part of the data; None where a dataset has nothing to show beside its inputs.
        altered: gives, of a cell with one row by its id, inputs of that row as errors of the recording change them,
            [copy, ...] each, for training alone: it takes `number`, of copies, and how much is changed, as its kind of
            recording says; as text it says what is changed. None where a dataset has no recordings.
        conditions: how the cell of a row was recorded, as numbers by their names ("recorded rate"), NaN where it is not
            known; `prepare` takes such differences away, so that they are no part of the data. `about` has their units.

    Raises:
        UserError: with all faults at once, when lengths differ, a value is not finite, a label is out of range,
            one cell has two labels or two groups, or a table has other columns than names.
    """

    inputs: dict[str, Shaped[np.ndarray, "row ..."]]
    label: Int[np.ndarray, " row"]
    cell_id: Shaped[np.ndarray, " row"]
    group: Shaped[np.ndarray, " row"]
    classes: tuple[str, ...]
    about: About = field(default_factory=lambda: About("unnamed"))
    source: Shaped[np.ndarray, " row"] | None = None
    recorded: Callable[[str], Sequence[Any]] | None = field(default=None, compare=False, repr=False)
    altered: Callable[..., dict[str, Shaped[np.ndarray, "copy ..."]]] | None = field(
        default=None, compare=False, repr=False
    )
    conditions: dict[str, Float[np.ndarray, " row"]] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.source is None:
            object.__setattr__(self, "source", np.full(len(self.label), "", dtype="U1"))
        raise_faults(f"dataset {self.about.name}: these cells", _faults(self))

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, rows: Int[np.ndarray, " chosen"]) -> Cells:
        """Takes rows by index; an empty choice gives `Cells` without rows."""
        rows = np.asarray(rows, dtype=np.intp)
        part = replace(
            self,
            inputs={name: values[rows] for name, values in self.inputs.items()},
            conditions={name: values[rows] for name, values in self.conditions.items()},
            **{name: getattr(self, name)[rows] for name in ("label", "cell_id", "group", "source")},
        )
        if "copies" in vars(self):  # found once
            vars(part)["copies"] = self.copies[rows]
        return part

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of one row of each input; networks size themselves from it."""
        return {name: values.shape[1:] for name, values in self.inputs.items()}

    @property
    def n_cells(self) -> int:
        return len(np.unique(self.cell_id))

    @property
    def counted(self) -> str:
        """Counts cells and groups, in words."""
        unknown = len(np.unique(self.cell_id[self.cell_id.astype(str) == self.group.astype(str)]))
        return count_in_words(self.n_cells, len(np.unique(self.group)), unknown, self.about.group)

    @cached_property
    def row_digests(self) -> Shaped[np.ndarray, " row"]:
        """One short hash per row over all its input values, made once; equal rows have equal hashes."""
        digests = []
        for row in range(len(self)):
            digest = hashlib.blake2b(digest_size=12)
            for name in sorted(self.inputs):
                digest.update(np.ascontiguousarray(self.inputs[name][row]))
            digests.append(digest.hexdigest())
        return np.array(digests)

    @cached_property
    def copies(self) -> duplicates.Copies:
        """Which cells hold one recording under two names, found once."""
        tables = [name for name in self.inputs if self.about.of(name).columns]
        return duplicates.find(self.inputs, tables, self.row_digests, self.cell_id)

    @cached_property
    def linked_group(self) -> Shaped[np.ndarray, " row"]:
        """The group of each row; groups that hold copies of one recording count as one, called "m1 + m2"."""
        return duplicates.linked(self.copies, self.group)

    @property
    def copy_notes(self) -> list[str]:
        """What is to be said of the copies among them."""
        return duplicates.notes(self.copies, self.cell_id, self.label_names, self.group, self.about.group)

    def noted(self) -> Cells:
        """Returns the cells with notes on the copies among them."""
        if not (said := self.copy_notes):
            return self
        noted = replace(self, about=replace(self.about, notes=(*self.about.notes, *said)))
        vars(noted)["copies"] = self.copies
        return noted

    @property
    def label_names(self) -> Shaped[np.ndarray, " row"]:
        """The class of each row by name; empty where it is unknown."""
        return np.array([*self.classes, ""])[self.label]

    def fingerprint(self) -> str:
        """Returns a hash of all that a result can depend on: inputs, labels, ids, groups, sources and class names."""
        digest = hashlib.blake2b(digest_size=8)
        for column in (self.row_digests, self.label, self.cell_id, self.group, self.source):
            digest.update("\x1f".join(map(str, column.tolist())).encode())
        digest.update("\x1f".join(self.classes).encode())
        return digest.hexdigest()


def _faults(cells: Cells) -> Iterator[str]:
    n = len(cells.label)
    columns = {
        "cell_id": cells.cell_id,
        "group": cells.group,
        "source": cells.source,
        **cells.inputs,
        **cells.conditions,
    }
    for name, values in columns.items():
        if len(values) != n:
            yield f"{name} has {len(values)} rows, label has {n}"
    if any(len(values) != n for values in columns.values()):
        return
    for name, values in cells.inputs.items():
        columns = cells.about.of(name).columns
        if columns and values.shape[1:] != (len(columns),):
            yield f"{name} have shape {values.shape[1:]}, {len(columns)} names are given"
        finite = ~np.isinf(values) if columns else np.isfinite(values)
        finite = finite.reshape(n, int(np.prod(values.shape[1:])))
        for row in np.flatnonzero(~finite.all(axis=1))[:5]:
            yield f"cell {cells.cell_id[row]}: {name} has {int((~finite[row]).sum())} values that are not finite"
    bad = (cells.label < UNLABELLED) | (cells.label >= len(cells.classes))
    for row in np.flatnonzero(bad)[:5]:
        yield f"cell {cells.cell_id[row]}: label {cells.label[row]} is no index into {cells.classes}"
    for name, values in (("label", cells.label), ("group", cells.group)):
        pairs = np.unique(np.stack([cells.cell_id.astype(str), values.astype(str)], axis=1), axis=0)
        ids, counts = np.unique(pairs[:, 0], return_counts=True)
        for cell in ids[counts > 1][:5]:
            yield f"cell {cell} has two values of {name}"
