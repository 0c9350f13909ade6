"""How good a bundle is on labelled recordings that it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from celltype_cli.bundles.answer import Answer
from celltype_cli.bundles.bundle import Bundle
from celltype_cli.bundles.predict import Watch, predict, recordings_of, with_labels
from celltype_cli.core.classes import same_as
from celltype_cli.core.messages import UserError, few
from celltype_cli.core.tables import read_table


def evaluate(
    bundle: Bundle,
    path: Path,
    *,
    labels: Path | None,
    dataset: dict[str, Any],
    prepare: dict[str, Any],
    watch: Watch | None = None,
) -> tuple[Answer, pd.DataFrame, list[str]]:
    """Labels recordings whose types are known.

    Args:
        labels: a table with cell_id and label; None for the labels in the recordings themselves.
        dataset, prepare: settings, as in `predict`.

    Returns:
        the answer, its predictions as `evaluation.predictions` has them (a line for each cell with a label), and notes.

    Raises:
        UserError: when no cell has a label that the bundle knows.
    """
    known, notes = _labels(bundle, path, labels, dataset)
    answer = predict(
        bundle, recordings_of(bundle, path, **dataset), prepare=prepare, accuracy=None, force=True, watch=watch
    )
    used = answer.used
    label = used["cell_id"].map(known).fillna("").to_numpy()
    names = {name: own for own in bundle.classes for name in same_as(own)}
    others = sorted({name for name in label if name and name not in names})
    if others:
        notes.append(f"labels that the bundle does not know count for no score: {', '.join(few(others))}")
    table = pd.DataFrame(
        {
            "fold": 0,
            "row": np.arange(len(used)),
            "cell_id": used["cell_id"].to_numpy(),
            "group": np.where(used["group"] == "", used["cell_id"], used["group"]),
            "label": [names.get(name, "") for name in label],
            "predicted": used["best"].to_numpy(),
            **{f"p_{name}": used[f"p_{name}"].to_numpy(float) for name in bundle.classes},
        }
    )
    if (table["label"] == "").all():
        found = ", ".join(few(sorted(set(known.values()) - {""}))) or "none"
        raise UserError(
            f"no cell of {path} has a label that the bundle knows ({', '.join(bundle.classes)}); found {found}"
        )
    return answer, table, notes


def _labels(
    bundle: Bundle, path: Path, labels: Path | None, dataset: dict[str, Any]
) -> tuple[dict[str, str], list[str]]:
    """Returns the label of each cell by its id, and notes on how they were read."""
    if labels is None:
        return {entry.cell_id: entry.label for entry in with_labels(bundle, path, **dataset).entries}, []
    table = read_table("labels", labels)
    if missing := [name for name in ("cell_id", "label") if name not in table.rows]:
        raise UserError(f"labels={labels}: {' and '.join(missing)} missing; found {', '.join(table.rows)}")
    known = dict(zip(table.rows["cell_id"], table.rows["label"]))
    return known, [*table.notes]
