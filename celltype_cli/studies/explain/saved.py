"""What a model looked at in each cell: one saved file, and the numbers that sum it up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32, Int, Shaped
from scipy.ndimage import gaussian_filter

from celltype_cli.cells.about import Axis
from celltype_cli.core.files import replacing
from celltype_cli.core.states import read_state

SMOOTHING = 0.015  # of an axis' length: sd of the Gaussian under which a map's peak is looked for


@dataclass(frozen=True)
class Part:
    """One thing that a model looked at, and how much each value of it counted for the class that was predicted.

    Attributes:
        values: as the dataset has them; in a table NaN where not measured.
        attribution: of each value.
        columns: names of a table's columns, with units; empty for traces and pictures.
        axes: of the last axes of traces and pictures; empty for tables.
        channel_names: along the axis before those; empty where they have none.
        unit: of the values of traces and pictures.
        by_class: of a table's columns for every class, where the method gives it; else None.
    """

    values: Float32[np.ndarray, "row ..."]
    attribution: Float32[np.ndarray, "row ..."]
    columns: tuple[str, ...] = ()
    axes: tuple[Axis, ...] = ()
    unit: str = ""
    by_class: Float32[np.ndarray, "row class column"] | None = None
    channel_names: tuple[str, ...] = ()

    def name_of(self, channel: int) -> str:
        return self.channel_names[channel] if self.channel_names else f"channel {channel + 1}"

    def channels(self, name: str) -> Float32[np.ndarray, "row channel ..."]:
        """Returns `values` or `attribution` with one channel axis before the axes that have names."""
        array = getattr(self, name)
        return array.reshape(len(array), -1, *array.shape[array.ndim - len(self.axes) :])


@dataclass(frozen=True)
class Explanation:
    """What one fold's model looked at in some of the cells that it was tested on.

    Attributes:
        title: of the dataset, saying so where it is simulated.
        model: its name.
        method: "saliency", "integrated_gradients" or "shap".
        tested: the split, how many test cells of how many groups, and the seed.
        quantity: what the attributions are amounts of, for the label of an axis.
        classes: class names.
        cell_id: one per row.
        label, predicted: indices into classes, label UNLABELLED where not known; attributed is what is predicted.
        parts: by input name, or "table" for columns that were made from inputs.
        notes: what to know before believing it.
    """

    title: str
    model: str
    method: str
    quantity: str
    classes: tuple[str, ...]
    cell_id: Shaped[np.ndarray, " row"]
    label: Int[np.ndarray, " row"]
    predicted: Int[np.ndarray, " row"]
    parts: Mapping[str, Part]
    notes: tuple[str, ...] = ()
    tested: str = ""

    def counted(self, c: int) -> str:
        """Says how many rows are called a class, and how many of them are of it."""
        rows = self.predicted == c
        return f"{rows.sum()} cells, {(rows & (self.label == c)).sum()} right"

    def of_class(self, part: Part, c: int) -> tuple[Int[np.ndarray, " chosen"], Float32[np.ndarray, "chosen column"]]:
        """Returns which rows speak about a class, and their attributions to it.

        All rows, where each has attributions to every class; else those of which the class was predicted.
        """
        if part.by_class is not None:
            return np.arange(len(self.predicted)), part.by_class[:, c]
        rows = np.flatnonzero(self.predicted == c)
        return rows, part.attribution[rows]


def write(explanation: Explanation, path: str | Path) -> None:
    """Writes an npz, whole or not at all: cell_id, label and predicted as names, and `<part>.values` and the like."""
    names = np.array([*explanation.classes, ""])
    arrays = {
        "cell_id": explanation.cell_id.astype(str),
        "label": names[explanation.label],
        "predicted": names[explanation.predicted],
    }
    kept = ("title", "model", "method", "quantity", "classes", "notes", "tested")
    about = {name: getattr(explanation, name) for name in kept}
    about["parts"] = {}
    for name, part in explanation.parts.items():
        plain = {key: getattr(part, key) for key in ("columns", "unit", "channel_names")}
        about["parts"][name] = plain | {"axes": [asdict(axis) for axis in part.axes]}
        arrays |= {f"{name}.values": part.values, f"{name}.attribution": part.attribution}
        if part.by_class is not None:
            arrays[f"{name}.by_class"] = part.by_class
    with replacing(path) as temporary:
        np.savez_compressed(temporary, about=json.dumps(about), **arrays)


def read(path: str | Path) -> Explanation:
    """Reads what `write` wrote.

    Raises:
        UserError: when the file is missing or is no such file.
    """
    return read_state(Path(path), _parsed, "delete it, and run celltype explain again")


def _parsed(path: Path) -> Explanation:
    with np.load(path) as saved:
        arrays = {name: saved[name] for name in saved.files}
    about = json.loads(str(arrays["about"]), object_hook=_with_tuples)
    parts = about.pop("parts")
    for name, part in parts.items():
        part["axes"] = tuple(Axis(**axis) for axis in part["axes"])
        part["by_class"] = arrays.get(f"{name}.by_class")
        parts[name] = Part(arrays[f"{name}.values"], arrays[f"{name}.attribution"], **part)
    rows = len(arrays["cell_id"])
    if any(len(part.values) != rows or part.values.shape != part.attribution.shape for part in parts.values()):
        raise ValueError("its arrays have different lengths")
    index = pd.Index(about["classes"])
    label, predicted = (index.get_indexer(arrays[name]) for name in ("label", "predicted"))
    return Explanation(**about, cell_id=arrays["cell_id"], label=label, predicted=predicted, parts=parts)


def _with_tuples(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(fact) if isinstance(fact, list) else fact for name, fact in facts.items()}


def summary(explanation: Explanation, part: Part) -> pd.DataFrame:
    """Sums up a part: the columns of a table that count most, or where on its axes a trace or picture counts."""
    return _columns(explanation, part) if part.columns else _places(explanation, part)


def _columns(explanation: Explanation, part: Part) -> pd.DataFrame:
    """One line per class and column: rank, mean absolute attribution, and whether high or low values speak for it."""
    lines = []
    for c, name in enumerate(explanation.classes):
        rows, attribution = explanation.of_class(part, c)
        if not len(rows):
            continue
        size = np.abs(attribution).mean(axis=0)
        for rank, column in enumerate(np.argsort(-size, kind="stable"), start=1):
            direction = _direction(part.values[rows, column], attribution[:, column])
            lines.append((name, len(rows), rank, part.columns[column], float(size[column]), direction))
    return pd.DataFrame(lines, columns=["class", "cells", "rank", "column", "mean_absolute", "values_that_speak_for"])


def _direction(values: Float[np.ndarray, " row"], attribution: Float[np.ndarray, " row"]) -> str:
    """Returns "high", "low" or "mixed" by Spearman's rank correlation, over the rows that were measured."""
    measured = np.isfinite(values)
    both = pd.DataFrame({"value": values[measured], "attribution": attribution[measured]})
    rho = both.corr("spearman").loc["value", "attribution"]  # nan where one of them is constant
    return "high" if rho >= 0.3 else "low" if rho <= -0.3 else "mixed"


def _places(explanation: Explanation, part: Part) -> pd.DataFrame:
    """One line per predicted class and channel: on each axis the centre of mass of the mean absolute attribution and
    the place of its peak, slightly smoothed."""
    maps = np.abs(part.channels("attribution"))
    coordinates = [np.linspace(axis.first, axis.last, n) for axis, n in zip(part.axes, maps.shape[2:])]
    lines = []
    for c, name in enumerate(explanation.classes):
        rows = explanation.predicted == c
        if not rows.any():
            continue
        for channel, mean in enumerate(maps[rows].mean(axis=0, dtype=np.float64)):
            smooth = gaussian_filter(mean, [SMOOTHING * n for n in mean.shape], mode="nearest")
            peak = np.unravel_index(smooth.argmax(), mean.shape)
            line = {"class": name, "cells": int(rows.sum()), "channel": part.name_of(channel)}
            for k, (axis, at) in enumerate(zip(part.axes, coordinates)):
                along = mean.sum(axis=tuple(other for other in range(mean.ndim) if other != k))
                centre = float(along @ at / along.sum()) if along.sum() > 0 else np.nan
                line |= {f"centre, {axis.label}": centre, f"peak, {axis.label}": float(at[peak[k]])}
            lines.append(line)
    return pd.DataFrame(lines)
