"""`celltype data`: describes a dataset before anything is trained on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from omegaconf import DictConfig

from celltype_cli.commands import known, typed
from celltype_cli.core import configs
from celltype_cli.core.files import write_text
from celltype_cli.core.messages import few
from celltype_cli.core.ranges import Threads
from celltype_cli.core.terminal import say, say_note, say_pairs, say_table

if TYPE_CHECKING:
    from celltype_cli.cells.cells import Cells

SHOWN = 20  # sets of copies


@dataclass
class Settings:
    """The keys of `conf/data.yaml` and their types."""

    dataset: configs.Whole
    prepare: configs.Partial
    threads: Threads | None
    outputs: Path
    figures: Sequence[Literal["png", "pdf", "svg"]]


def run(cfg: DictConfig) -> None:
    """Prints counts per class, groups, lengths and rates, and draws pictures."""
    configs.check(cfg, Settings)
    from celltype_cli.cells.cells import UNLABELLED
    from celltype_cli.runs.build import cells_of
    from celltype_cli.runs.environment import limit_threads

    limit_threads(cfg.threads)
    cells = cells_of(cfg)
    about, name = cells.about, typed.option("dataset")
    say(f"\n{about.title}: {cells.counted}, {len(cells)} example{'s' * (len(cells) != 1)}")
    for key, shape in cells.shapes.items():
        say(f"input {key}: {_described(shape, about.of(key))}")
    say_table(["class", "cells", "examples", "groups", "sources"], _counts(cells))
    say_copies(cells)
    for note in about.notes:
        say_note(note)
    if about.citation:
        say(f"cite: {about.citation}")
    files = _written(cells, Path(cfg.outputs) / "data" / f"{name}-{cells.fingerprint()}", cfg.figures)
    words = typed.overrides() or [f"dataset={name}"]
    models = [model for key in cells.inputs for model in about.of(key).models]
    model = known.usual_models().get(name) or ("forest" if "forest" in models else next(iter(models), "forest"))
    labelled = (cells.label != UNLABELLED).any()
    train = typed.line("train", *words, f"model={model}")
    then = train if labelled else f"{typed.line('data', *words, '--help')}   (no cell has a label: what takes labels)"
    say_pairs({**files, "next": then})


def _counts(cells: Cells) -> Iterator[list[Any]]:
    """Yields cells, examples, groups and sources of each class that has any, and of what has no label."""
    import numpy as np

    from celltype_cli.cells.cells import UNLABELLED

    for c, name in [*enumerate(cells.classes), (UNLABELLED, "no label")]:
        rows = cells.label == c
        if rows.any():
            n_cells, *others = (len(np.unique(of[rows])) for of in (cells.cell_id, cells.group, cells.source))
            yield [name, n_cells, rows.sum(), *others]


def _written(cells: Cells, folder: Path, figures: Sequence[str]) -> dict[str, Any]:
    """Writes pictures in some formats, and what was measured where cells have features; returns their places."""
    from celltype_cli.cells.columns import features_of
    from celltype_cli.cells.pictures import dataset_pictures
    from celltype_cli.core import plots

    files, drawn = {}, []
    for key, figure in dataset_pictures(cells) if figures else ():
        drawn += (file.name for file in plots.save(figure, folder / key, figures))
    if drawn:
        files["pictures"] = f"{folder}/{', '.join(drawn)}"
    if (features := features_of(cells)) is not None:
        files["measured"] = folder / "features.csv"
        write_text(files["measured"], features.to_csv(index=False))
    return files


def say_copies(cells: Cells) -> None:
    """Lists the cells that hold one recording under several names, if there are any."""
    if not cells.copies:
        return
    names = (cells.cell_id, cells.group, cells.label_names)
    sets = zip(*(cells.copies.sets(of) for of in names), cells.copies.how)
    rows = [[*(", ".join(few(name or "no label" for name in of)) for of in found), how] for *found, how in sets]
    say_table(["copies", cells.about.group, "class", "alike in"], rows[:SHOWN])
    if len(rows) > SHOWN:
        say(f"... and {len(rows) - SHOWN} sets of copies more")


def _described(shape: tuple[int, ...], about: Any) -> str:
    """Says in words what a row of an input is."""
    if about.columns:
        return f"{len(about.columns)} measured columns"
    said = [f"{' x '.join(map(str, shape))} values{f' ({about.unit})' if about.unit else ''}"]
    if about.sampling_rate:
        seconds = shape[-1] / about.sampling_rate
        said += [f"{about.sampling_rate:g} Hz", f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"]
    return ", ".join(said)
