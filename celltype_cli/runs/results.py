"""What a finished run shows: its predictions, cells, features, curves, figures and scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from celltype_cli.cells.cells import Cells
from celltype_cli.cells.columns import features_of
from celltype_cli.core.files import write_text
from celltype_cli.core.states import seal
from celltype_cli.evaluation.predictions import cells_table, write_predictions
from celltype_cli.evaluation.saved_scores import write_scores
from celltype_cli.evaluation.scores import scores
from celltype_cli.runs import figures
from celltype_cli.runs.folder import RunFolder

SEALED = ("config.yaml", "overrides.yaml", "split.csv", "predictions.csv", "cells.csv", "features.csv", "curves.csv",
          "calibration.json", "scores.json", "fold_*/time.json")  # fmt: skip


def finish(
    folder: RunFolder,
    cells: Cells,
    table: pd.DataFrame,
    curves: pd.DataFrame,
    log: Any,
    *,
    formats: Sequence[str],
    chance: Callable[[float], dict] | None = None,
) -> None:
    """Writes tables, figures and scores of the whole run, seals them, and logs them: if not now, then later.

    Args:
        chance: of a balanced accuracy, what a model that learnt nothing scores; None where it was not asked for.
    """
    path = folder.path
    write_predictions(table, path / "predictions.csv")
    source = pd.Series(cells.source.astype(str), index=cells.cell_id.astype(str))
    write_text(path / "cells.csv", cells_table(table, source).to_csv(index=False))
    if (features := features_of(cells)) is not None:
        write_text(path / "features.csv", features.to_csv(index=False))
    write_text(path / "curves.csv", curves.to_csv(index=False))
    facts, values = folder.facts(), scores(table)
    write_scores(folder.confidence_of(table), path / "calibration.json")
    if chance is not None:
        values["chance"] = chance(values["cell"]["balanced_accuracy"]["value"])
    values["notes"] += [*facts["split"]["copies"], *cells.copy_notes]
    figures.draw(
        path / "figures",
        formats,
        predictions=table,
        curves=curves,
        scores=values,
        confidence=folder.confidence(),
        facts=facts,
    )
    write_scores(values, path / "scores.json")
    seal(path, [file.relative_to(path).as_posix() for name in SEALED for file in sorted(path.glob(name))])
    folder.note_log(log, in_store=log.finish(folder.logged(values)))


def draw(folder: RunFolder, formats: Sequence[str]) -> None:
    """Draws the figures that a finished run lacks."""
    curves = pd.read_csv(folder.path / "curves.csv")
    figures.draw(
        folder.path / "figures",
        formats,
        predictions=folder.predictions(),
        curves=curves,
        scores=folder.scores(),
        confidence=folder.confidence(),
        facts=folder.facts(),
    )
