"""The figures of a run, drawn from what its folder holds: any format that is missing, at any time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from celltype_cli.evaluation.predictions import per_cell
from celltype_cli.evaluation.saved_scores import method
from celltype_cli.evaluation.scores import in_words

LEARNING = "learning_curves"  # only where a model learns in epochs


def draw(
    folder: Path,
    formats: Sequence[str],
    *,
    predictions: pd.DataFrame,
    curves: pd.DataFrame,
    scores: dict,
    confidence: dict,
    facts: dict[str, Any],
) -> list[Path]:
    """Draws those figures of a run that its folder lacks; returns all, by name.

    Args:
        folder: of the figures.
        formats: of "png", "pdf" and "svg".
        predictions, curves, scores, confidence, facts: as `RunFolder` has them.
    """
    learning = curves[curves["name"] != "seconds"]
    names = ["confusion", "scores", "reliability", *(["coverage"] if confidence["curve"] else [])]
    names += [LEARNING] if len(learning) else []
    missing = {name: [one for one in formats if not (folder / f"{name}.{one}").exists()] for name in names}
    if any(missing.values()):
        from celltype_cli.core import plots
        from celltype_cli.evaluation import draw_confidence, pictures

        title, group = _title(scores, facts), facts["dataset"]["group"]
        drawn = {
            "confusion": lambda: pictures.confusion_matrix(per_cell(predictions), title),
            "scores": lambda: pictures.scores_bar(scores["cell"], title, group, method(scores, group)),
            "reliability": lambda: draw_confidence.reliability(confidence, title),
            "coverage": lambda: draw_confidence.coverage(confidence, title),
            LEARNING: lambda: pictures.learning_curves(learning, title),
        }
        for name, lacking in missing.items():
            if lacking:
                plots.save(drawn[name](), folder / name, lacking)
    return [folder / f"{name}.{one}" for name in names for one in formats]


def _title(scores: dict, facts: dict[str, Any]) -> str:
    """Says on a picture what was scored how, for when it is copied elsewhere."""
    labels, dataset = facts["labels"], facts["dataset"]
    cells = in_words(scores, dataset["group"])
    return f"{labels['model']} on {dataset['title']}\nsplit {labels['split']}, {cells}, seed {facts['seed']}"
