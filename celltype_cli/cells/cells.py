"""`Cells`: what a dataset and `prepare` give and every trainer takes, validated once, here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from jaxtyping import Int, Shaped

from celltype_cli.core.messages import raise_faults

UNLABELLED = -1


@dataclass(frozen=True)
class Axis:
    """One axis of an input's rows: what it is, its unit, and its values at the centres of the first and last pixel."""

    name: str
    unit: str
    first: float
    last: float


@dataclass(frozen=True)
class Input:
    """Says what one input of cells is, for whoever draws, explains or compares it without knowing its name.

    Attributes:
        unit: of the values, for instance "dF/F".
        sampling_rate: Hz, of the last axis; None where that is no time.
        axes: one `Axis` for each axis of a row that has a meaning, the last axis last: one for traces, two for images.
        channels: names along the axis before those.
        columns: names of the columns of a table [row, column], with units: "tau (ms)"; NaN there means "not measured".
        models: options of `model` to try on it, the usual first; further settings may follow an option.
    """

    unit: str = ""
    sampling_rate: float | None = None
    axes: tuple[Axis, ...] = ()
    channels: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class About:
    """Says what a dataset is, for every output that shows a number of it.

    Attributes:
        name: the dataset's short name, as in its config.
        simulated: True when no animal was recorded; every output then says so.
        citation: what to cite when the data are used.
        notes: warnings that belong beside every score, for instance a confound.
        group: what a group is called: animal, donor, recording.
        inputs: what each input is, by its name.
    """

    name: str
    simulated: bool = False
    citation: str = ""
    notes: tuple[str, ...] = ()
    group: str = "group"
    inputs: dict[str, Input] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.name} (simulated)" if self.simulated else self.name

    def of(self, name: str) -> Input:
        """Returns what an input is; nothing is said of one that the dataset does not describe."""
        return self.inputs.get(name, Input())


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

    def __post_init__(self) -> None:
        if self.source is None:
            object.__setattr__(self, "source", np.full(len(self.label), "", dtype="U1"))
        raise_faults(f"dataset {self.about.name}: these cells", _faults(self))

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, rows: Int[np.ndarray, " chosen"]) -> Cells:
        """Takes rows by index; an empty choice gives `Cells` without rows."""
        rows = np.asarray(rows, dtype=np.intp)
        return replace(
            self,
            inputs={name: values[rows] for name, values in self.inputs.items()},
            **{name: getattr(self, name)[rows] for name in ("label", "cell_id", "group", "source")},
        )

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of one row of each input; networks size themselves from it."""
        return {name: values.shape[1:] for name, values in self.inputs.items()}

    @property
    def n_cells(self) -> int:
        return len(np.unique(self.cell_id))

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

    def fingerprint(self) -> str:
        """Returns a hash of all that a result can depend on: inputs, labels, ids, groups, sources and class names."""
        digest = hashlib.blake2b(digest_size=8)
        for column in (self.row_digests, self.label, self.cell_id, self.group, self.source):
            digest.update("\x1f".join(map(str, column.tolist())).encode())
        digest.update("\x1f".join(self.classes).encode())
        return digest.hexdigest()


def _faults(cells: Cells):
    n = len(cells.label)
    columns = {"cell_id": cells.cell_id, "group": cells.group, "source": cells.source, **cells.inputs}
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
