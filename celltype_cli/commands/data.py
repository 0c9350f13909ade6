"""`celltype data`: describes a dataset before anything is trained on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from celltype_cli.commands import typed
from celltype_cli.core import configs
from celltype_cli.core.terminal import say, say_pairs, say_table


@dataclass
class Settings:
    """The keys of `conf/data.yaml`, and of `conf/fetch.yaml`, and their types."""

    dataset: Mapping[str, Any]
    prepare: Mapping[str, Any]
    outputs: str


def run(cfg: DictConfig) -> None:
    """Prints counts per class, groups, lengths and rates, and draws a picture."""
    configs.check(cfg, Settings)
    import numpy as np

    from celltype_cli.cells.cells import UNLABELLED
    from celltype_cli.cells.pictures import dataset_overview
    from celltype_cli.core import plots
    from celltype_cli.runs.build import cells_of

    cells = cells_of(cfg)
    about = cells.about
    say(f"\n{about.title}: {cells.n_cells} cells, {len(cells)} examples, {len(np.unique(cells.group))} {about.group}s")
    for name, shape in cells.shapes.items():
        say(f"input {name}: {_described(shape, about.of(name))}")
    counts = []
    for c, name in [*enumerate(cells.classes), (UNLABELLED, "no label")]:
        rows = cells.label == c
        if rows.any():
            n_cells, *others = (len(np.unique(of[rows])) for of in (cells.cell_id, cells.group, cells.source))
            counts.append([name, n_cells, rows.sum(), *others])
    say_table(["class", "cells", "examples", "groups", "sources"], counts)
    for note in about.notes:
        say(f"note: {note}")
    if about.citation:
        say(f"cite: {about.citation}")
    name = typed.option("dataset")
    picture = Path(cfg.outputs) / "data" / f"{name}-{cells.fingerprint()}.png"
    plots.save(dataset_overview(cells), picture)
    words = typed.overrides() or [f"dataset={name}"]
    models = [model for name in cells.inputs for model in about.of(name).models]
    model = "forest" if "forest" in models else next(iter(models), "forest")
    labelled = (cells.label != UNLABELLED).any()
    train = typed.line("train", *words, f"model={model}")
    then = train if labelled else f"labels to train on; {typed.line('data', *words, '--cfg', 'job')}"
    say_pairs({"picture": picture, "next": then})


def _described(shape: tuple[int, ...], about: Any) -> str:
    """Says in words what a row of an input is."""
    if about.columns:
        return f"{len(about.columns)} measured columns"
    unit = f" in {about.unit}" if about.unit else ""
    rate = f", {about.sampling_rate:g} Hz, {shape[-1] / about.sampling_rate:.1f} s" if about.sampling_rate else ""
    return f"{' x '.join(map(str, shape))} values{unit}{rate}"
