"""Explains a finished run: the model of one fold, made once more, and what it looked at in cells it was tested on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Int
from omegaconf import DictConfig

from celltype_cli.cells.cells import Cells
from celltype_cli.core import configs
from celltype_cli.core.files import write_text
from celltype_cli.core.messages import UserError
from celltype_cli.core.terminal import say
from celltype_cli.evaluation.predictions import classes_of
from celltype_cli.runs import train
from celltype_cli.runs.build import Built, build
from celltype_cli.runs.folder import RunFolder
from celltype_cli.studies.explain import saved
from celltype_cli.studies.explain.attributions import attributions
from celltype_cli.studies.explain.saved import Explanation
from celltype_cli.trainers.protocol import Predictor

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
    folder, _ = train.located(cfg, labels)
    if not folder.finished:
        state = folder.status if folder.path.exists() else "not there"
        raise UserError(
            f"the run to explain is {state} ({folder.path}); other settings, data or code make another run. "
            f"Make it first:\n  {make}"
        )
    train.use_threads(cfg.threads)
    parts = build(cfg)
    if not 1 <= fold <= len(parts.folds):
        raise UserError(f"fold={fold}: this run has the folds 1 to {len(parts.folds)}")
    predicted, rows = folder.fold(fold).predictions(), parts.folds[fold - 1]
    tested = parts.cells.cell_id[rows.test].astype(str)
    if not np.array_equal(predicted["cell_id"], tested):
        raise UserError(f"{folder.path}: fold {fold} was tested on other cells than the dataset now gives: train anew")
    cells = parts.cells[_chosen(predicted, cells_per_class)]
    predict = _fitted(folder, parts, fold, keep=cfg.keep_checkpoints)
    proba = predict(cells)
    notes = _differences(proba, predicted, cells)
    if np.ptp(proba, axis=0).max(initial=0) < SAME:
        notes.append("all these cells got the same probabilities: there is nothing that the model looked at")
    background = parts.cells[_spread(rows.train, BACKGROUND)]
    found = attributions(predict, cells, method, background=background)
    path = folder.path / "explain" / f"fold{fold}-{found.method}.npz"
    title = f"{found.title}, fold {fold} of {len(parts.folds)}"
    groups = f"{len(cells)} test cells of {len(np.unique(cells.group))} {cells.about.group}s"
    tested = f"split {labels['split']}, {groups}, seed {cfg.seed}"
    found = replace(found, title=title, tested=tested, model=labels["model"], notes=(*notes, *found.notes))
    saved.write(found, path)
    return _drawn(path, len(parts.folds), folder, cfg, labels)


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


def _fitted(folder: RunFolder, parts: Built, k: int, *, keep: bool) -> Predictor:
    """Gets the predictor of a fold: from kept checkpoints, or fitted again, which ends the same."""
    fold = folder.fold(k)
    if not any(fold.path.glob("*.ckpt")):
        seconds = fold.about()["training_seconds"]
        say(f"the model of fold {k} was not kept: it is fitted again, with the same seed ({seconds:.1f} s in the run)")
    with folder.locked():
        fitted = parts.fit(k, fold.path, None)
        if not keep:
            fold.drop_checkpoints()
    return fitted.predict


def _differences(proba: np.ndarray, saved: pd.DataFrame, cells: Cells) -> list[str]:
    """Says where the model's predictions are not those that the run saved."""
    known = saved.drop_duplicates("cell_id").set_index("cell_id")[[f"p_{name}" for name in cells.classes]]
    most = float(np.abs(proba - known.loc[cells.cell_id.astype(str)].to_numpy()).max(initial=0))
    if most <= SAME:
        return []
    return [f"the model made again predicts otherwise than the run saved, by up to {most:.2g} of a probability"]


def _drawn(path: Path, n_folds: int, folder: RunFolder, cfg: DictConfig, labels: dict[str, str]) -> Explained:
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
        drawn = plots.save(pictures.picture(explanation, part), path.with_name(f"{path.stem}-{name}"), cfg.figures)
        files |= {f"picture, {name}, {file.suffix[1:]}": file for file in drawn}
    facts = folder.facts()
    log = configs.build(cfg.logger).open(Path(cfg.outputs), labels["dataset"])
    if facts["mlflow_run"] and log.uri == facts["mlflow_uri"]:  # was logged, and to the same store
        log.add(facts["mlflow_run"], [file for file in files.values() if file != path])
    return Explained(explanation, numbers, files, n_folds)
