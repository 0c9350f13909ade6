"""What a bundle keeps of its training cells: a short description of each, and an example of it for pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Shaped

from celltype_cli.bundles.departures import scaled
from celltype_cli.bundles.made import Made
from celltype_cli.cells.cells import Cells
from celltype_cli.core.states import read_state

LONG = 200  # samples, from which on a row says how its autocorrelation decays; waveforms are shorter
LEAST_ALIKE = 0.05  # autocorrelation after one sample: of less nothing can decay
LARGEST = 20_000  # values of an input, of which examples are kept
LEAST_NOISE = 1e-3  # of the amplitude
FEW = 10  # steps from sample to sample
TINY = 1e-9


@dataclass(frozen=True)
class Training:
    """What a bundle keeps of its training cells: descriptions of all, and a row of each for pictures.

    Attributes:
        names: of the quantities.
        values: [cell, quantity], NaN where one could not be measured.
        cell_id, group, source, label: of each cell; the label is empty where it is unknown.
        examples: by input, the first row of each cell [cell, ...]; of small inputs only.
        made: how each was recorded.
        tables: the same of inputs that are tables [cell, column].
    """

    names: tuple[str, ...]
    values: Float[np.ndarray, "cell quantity"]
    cell_id: Shaped[np.ndarray, " cell"]
    group: Shaped[np.ndarray, " cell"]
    source: Shaped[np.ndarray, " cell"]
    label: Shaped[np.ndarray, " cell"]
    examples: dict[str, Float[np.ndarray, "cell ..."]]
    made: Made
    tables: dict[str, Float[np.ndarray, "cell column"]] = field(default_factory=dict)

    @classmethod
    def of(cls, cells: Cells) -> Training:
        """Describes training cells."""
        names, values, first = describe(cells)
        label = np.array([*cells.classes, ""])[cells.label[first]]
        examples, tables = {}, {}
        for name, rows in cells.inputs.items():
            if cells.about.of(name).columns:
                tables[name] = rows[first].astype(np.float32)
            elif rows[0].size <= LARGEST:
                examples[name] = rows[first].astype(np.float32)
        known = (np.asarray(column[first]).astype(str) for column in (cells.cell_id, cells.group, cells.source))
        return cls(names, values, *known, label, examples, Made.of(cells, first), tables)

    def write(self, path: Path) -> None:
        """Writes all of it as one npz file."""
        columns = {name: getattr(self, name) for name in ("values", "cell_id", "group", "source", "label")}
        kept = {"example": self.examples, "table": self.tables, "condition": self.made.conditions}
        rows = {f"{kind} {name}": values for kind, of in kept.items() for name, values in of.items()}
        np.savez_compressed(path, names=np.array(self.names), digest=self.made.digest, **columns, **rows)

    @classmethod
    def read(cls, path: Path) -> Training:
        """Reads what `write` wrote.

        Raises:
            UserError: when it is damaged, or something else.
        """
        return read_state(path, cls._parsed, "copy the bundle again, or export it")

    @classmethod
    def _parsed(cls, path: Path) -> Training:
        with np.load(path, allow_pickle=False) as file:
            examples, tables, conditions = (
                {name.removeprefix(kind): file[name] for name in file.files if name.startswith(kind)}
                for kind in ("example ", "table ", "condition ")
            )
            columns = (file[name] for name in ("values", "cell_id", "group", "source", "label"))
            made = Made(conditions, {}, {}, file["digest"])
            return cls(tuple(file["names"].tolist()), *columns, examples, made, tables)

    def scaled(self, values: Float[np.ndarray, "cell quantity"]) -> Float[np.ndarray, "cell quantity"]:
        """Returns quantities as departures from the training median, in robust standard deviations; 0 for missing."""
        return scaled(values, self.values)


def describe(cells: Cells) -> tuple[tuple[str, ...], Float[np.ndarray, "cell quantity"], Int[np.ndarray, " cell"]]:
    """Describes each cell: names of the quantities, their medians over its rows, and the first row of each cell, in
    the order of these."""
    names, parts = [], []
    for name, rows in cells.inputs.items():
        if cells.about.of(name).columns:
            continue
        found = _series(rows)
        names += [f"{quantity} of {name}" for quantity in found]
        parts.append(np.stack([*found.values()], axis=1))
    if not parts:  # nothing but tables
        for name, rows in cells.inputs.items():
            columns = cells.about.of(name).columns or [f"{name} {k}" for k in range(rows.shape[1])]
            names += columns
            parts.append(rows.astype(np.float64))
    table = np.concatenate(parts, axis=1)
    _, first, code = np.unique(cells.cell_id, return_index=True, return_inverse=True)
    order = np.argsort(first)
    values = pd.DataFrame(table).groupby(code).median().to_numpy()
    return tuple(names), values[order], first[order]


def _series(rows: Shaped[np.ndarray, "row ..."]) -> dict[str, Float[np.ndarray, " row"]]:
    """Describes each row of a series or image, its last axis being time; amplitudes as logarithms, for ratios count.

    Noise is that from sample to sample where the row has begun and not ended: a short row is filled up with its first
    and last value. Below a thousandth of the amplitude it counts as that, for to have none is no ratio. Of long rows
    `memory` is the autocorrelation after two samples (Fisher's z), `decay` that by the one after one sample, in which
    white noise does not count: both tell indicators and rates apart.
    """
    flat = rows.reshape(len(rows), -1).astype(np.float64)
    low, level, high = np.percentile(flat, [5, 50, 95], axis=1)
    steps = np.diff(rows.astype(np.float64), axis=-1).reshape(len(rows), -1)
    noise = np.maximum(_noise(rows), LEAST_NOISE * np.ptp(flat, axis=1))
    centred, sd = flat - flat.mean(axis=1, keepdims=True), flat.std(axis=1) + TINY
    skewness = (centred**3).mean(axis=1) / sd**3
    rough = steps.std(axis=1) / (np.sqrt(2) * sd)
    logs = [np.log(np.maximum(x, TINY)) for x in (high - low, noise, flat.max(axis=1) - level)]
    found = {"level": level, **dict(zip(("amplitude", "noise", "peak"), logs, strict=True))}
    found |= {"skewness": np.sign(skewness) * np.log1p(np.abs(skewness)), "smoothness": -np.log(rough + TINY)}
    if rows.shape[-1] < LONG:
        return found
    once, twice = (_alike(centred.reshape(rows.shape), lag) / sd**2 for lag in (1, 2))
    decay = np.clip(twice, 0, None) / np.maximum(once, LEAST_ALIKE)
    return found | {"memory": np.arctanh(np.clip(twice, -0.99, 0.9999)), "decay": np.minimum(decay, 1.2)}


def _alike(centred: Float[np.ndarray, "row ..."], lag: int) -> Float[np.ndarray, " row"]:
    """Returns the mean product of samples that lie so far apart."""
    return (centred[..., lag:] * centred[..., :-lag]).reshape(len(centred), -1).mean(axis=1)


def _noise(rows: Shaped[np.ndarray, "row ..."]) -> Float[np.ndarray, " row"]:
    """Returns the robust sd of differences of neighbours over sqrt(2), without constant ends."""
    steps = np.diff(rows.astype(np.float64), axis=-1)
    moving = (steps != 0).reshape(len(rows), -1, steps.shape[-1]).any(axis=1)
    inside = np.logical_or.accumulate(moving, axis=1) & np.logical_or.accumulate(moving[:, ::-1], axis=1)[:, ::-1]
    noise, filled = np.zeros(len(rows)), (inside.sum(axis=1) >= FEW) & ~inside.all(axis=1)
    noise[~filled] = _spread(steps[~filled])
    for k in np.flatnonzero(filled):
        noise[k] = _spread(steps[k : k + 1, ..., inside[k]])[0]
    return noise / np.sqrt(2)


def _spread(rows: Float[np.ndarray, "row ..."]) -> Float[np.ndarray, " row"]:
    """Returns the robust sd of each row, by the median of absolute deviations."""
    flat = rows.reshape(len(rows), int(np.prod(rows.shape[1:])))
    return 1.4826 * np.median(np.abs(flat - np.median(flat, axis=1, keepdims=True)), axis=1)
