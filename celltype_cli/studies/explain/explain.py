"""Explains a finished run: the model of one fold, made once more, and what it looked at in cells it was tested on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Int
from omegaconf import DictConfig

from celltype_cli.cells.cells import Cells
from celltype_cli.core.files import write_text
from celltype_cli.evaluation.predictions import classes_of
from celltype_cli.studies.explain import saved
from celltype_cli.studies.explain.again import Again, made_again
from celltype_cli.studies.explain.attributions import attributions
from celltype_cli.studies.explain.saved import Explanation

SAME = 1e-6  # by which two predictions of one model may differ
BACKGROUND = 200  # training rows to choose an average cell from; more would be read for nothing


@dataclass(frozen=True)
class Explained:
    """An explanation, numbers that sum up its parts, the files that hold all, and how many folds the run has."""

    explanation: Explanation
    numbers: dict[str, pd.DataFrame]
    files: dict[str, Path]
    n_folds: int


def explain(
    cfg: DictConfig, *, labels: dict[str, str], make: str, method: str, fold: int, cells_per_class: int | None
) -> Explained:
    """Attributes predictions of a run's model to its inputs; writes them to `explain/` in the run's folder.

    Args:
        cfg: composed as for `celltype train`.
        labels: the chosen option of each config group.
        make: the command that makes the run, for the message where it is missing.
        method: see `attributions`.
        fold: whose model, and whose test cells; counted from 1.
        cells_per_class: how many cells of each predicted class; None takes all.

    Raises:
        UserError: when the run is not finished, or has no such fold, or its data are no longer the same.
    """
    made = made_again(cfg, labels, make, fold)
    cells = made.cells[_chosen(made.predicted, cells_per_class)]
    proba = made.predict(cells)
    notes = _differences(proba, made.predicted, cells)
    if np.ptp(proba, axis=0).max(initial=0) < SAME:
        notes.append("all these cells got the same probabilities: there is nothing that the model looked at")
    background = made.cells[_spread(made.rows.train, BACKGROUND)]
    found = attributions(made.predict, cells, method, background=background)
    path = made.place(f"{found.method}.npz")
    title = f"{found.title}, fold {fold} of {len(made.parts.folds)}"
    found = replace(found, title=title, tested=made.tested(cells), model=labels["model"], notes=(*notes, *found.notes))
    saved.write(found, path)
    return _drawn(path, made)


def _chosen(saved: pd.DataFrame, n: int | None) -> Int[np.ndarray, " chosen"]:
    """Takes the first row of up to n cells of each predicted class, evenly over the fold."""
    first = saved.drop_duplicates("cell_id")
    rows = []
    for name in classes_of(saved):
        of_class = first.loc[first["predicted"] == name, "row"].to_numpy()
        rows.append(of_class if n is None else _spread(of_class, n))
    return np.concatenate(rows)


def _spread(rows: Int[np.ndarray, " row"], n: int) -> Int[np.ndarray, " chosen"]:
    """Takes n rows evenly, or all where there are fewer."""
    return rows[np.linspace(0, len(rows) - 1, min(n, len(rows))).round().astype(int)]


def _differences(proba: np.ndarray, saved: pd.DataFrame, cells: Cells) -> list[str]:
    """Says where the model's predictions are not those that the run saved."""
    known = saved.drop_duplicates("cell_id").set_index("cell_id")[[f"p_{name}" for name in cells.classes]]
    most = float(np.abs(proba - known.loc[cells.cell_id.astype(str)].to_numpy()).max(initial=0))
    if most <= SAME:
        return []
    return [f"this model predicts otherwise than the run saved, by up to {most:.2g} of a probability"]


def _drawn(path: Path, made: Again) -> Explained:
    """Reads the saved attributions, and writes, and logs, the numbers and pictures that are functions of them."""
    from celltype_cli.core import plots
    from celltype_cli.studies.explain import pictures

    explanation = saved.read(path)
    numbers = {name: saved.summary(explanation, part) for name, part in explanation.parts.items()}
    files = {"attributions": path}
    for name, table in numbers.items():
        files[f"numbers, {name}"] = path.with_name(f"{path.stem}-{name}.csv")
        write_text(files[f"numbers, {name}"], table.to_csv(index=False))
    for name, part in explanation.parts.items():
        drawn = plots.save(pictures.picture(explanation, part), path.with_name(f"{path.stem}-{name}"), made.cfg.figures)
        files |= {f"picture, {name}, {file.suffix[1:]}": file for file in drawn}
    made.log([file for file in files.values() if file != path])
    return Explained(explanation, numbers, files, len(made.parts.folds))
