"""`celltype data`: describes a dataset before anything is trained on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
from omegaconf import DictConfig

from celltype_cli.cells.cells import UNLABELLED, Input


@dataclass
class Settings:
    """The keys of `conf/data.yaml` and their types."""

    dataset: Mapping[str, Any]
    prepare: Mapping[str, Any]
    outputs: str


def run(cfg: DictConfig) -> None:
    """Prints counts per class, groups, lengths and rates, and draws a picture."""
    from hydra.core.hydra_config import HydraConfig
    from rich.table import Table

    from celltype_cli.cells.pictures import dataset_overview
    from celltype_cli.core import configs, plots
    from celltype_cli.core.terminal import console, say
    from celltype_cli.runs.build import cells_of

    configs.check(cfg, Settings)
    cells = cells_of(cfg)
    about = cells.about
    say(f"\n{about.title}: {cells.n_cells} cells, {len(cells)} examples, {len(np.unique(cells.group))} {about.group}s")
    for name, shape in cells.shapes.items():
        say(f"input {name}: {_described(shape, about.of(name))}")
    table = Table("class", "cells", "examples", "groups", "sources", box=None)
    for c, name in [*enumerate(cells.classes), (-1, "no label")]:
        rows = cells.label == c
        if rows.any():
            counts = (len(np.unique(column[rows])) for column in (cells.cell_id, cells.group, cells.source))
            n_cells, n_groups, n_sources = counts
            table.add_row(name, str(n_cells), str(rows.sum()), str(n_groups), str(n_sources))
    console.print(table)
    for note in about.notes:
        say(f"note: {note}")
    if about.citation:
        say(f"cite: {about.citation}")
    name = HydraConfig.get().runtime.choices["dataset"]
    picture = Path(cfg.outputs) / "data" / f"{name}-{cells.fingerprint()}.png"
    plots.save(dataset_overview(cells), picture)
    typed = " ".join(quote(override) for override in HydraConfig.get().overrides.task) or f"dataset={name}"
    models = [model for name in cells.inputs for model in about.of(name).models]
    model = "forest" if "forest" in models else next(iter(models), "forest")
    known = (cells.label != UNLABELLED).any()
    then = f"celltype train {typed} model={model}" if known else f"labels to train on; celltype data {typed} --cfg job"
    say(f"\npicture  {picture}\nnext     {then}")


def _described(shape: tuple[int, ...], about: Input) -> str:
    """Says in words what a row of an input is."""
    if about.columns:
        return f"{len(about.columns)} measured columns"
    unit = f" in {about.unit}" if about.unit else ""
    rate = f", {about.sampling_rate:g} Hz, {shape[-1] / about.sampling_rate:.1f} s" if about.sampling_rate else ""
    return f"{' x '.join(map(str, shape))} values{unit}{rate}"
