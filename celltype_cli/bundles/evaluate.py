"""How good a bundle is on labelled recordings that it has not seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from celltype_cli.bundles.answer import Answer
from celltype_cli.bundles.bundle import Bundle
from celltype_cli.bundles.predict import Watch, predict
from celltype_cli.bundles.recordings import unlabelled, with_labels
from celltype_cli.core.classes import same_as
from celltype_cli.core.files import digest, ours
from celltype_cli.core.messages import UserError, few
from celltype_cli.core.names import alike


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
        labels: a table beside, as `dataset.labels` of the kind of recording; None for the labels in the files.
        dataset, prepare: settings, as in `predict`.

    Returns:
        the answer, its predictions as `evaluation.predictions` has them (a line for each cell with a label), and notes.

    Raises:
        UserError: when no cell has a label that the bundle knows, or the table is an answer of a model.
    """
    if labels is not None and labels.is_file() and ours(labels.parent).get(labels.name) == digest(labels):
        raise UserError(f"labels={labels} is an answer of `celltype predict`, which says nothing of how right it is")
    found = with_labels(bundle, path, **dataset, **({} if labels is None else {"labels": str(labels)}))
    answer = predict(bundle, unlabelled(bundle, found), prepare=prepare, accuracy=None, force=True, watch=watch)
    used, known = answer.used, {entry.cell_id: entry.label for entry in found.entries}
    label = used["cell_id"].map(known).fillna("").to_numpy()
    names, notes = _names(bundle.classes, {*label} - {""})
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
    there = sorted({*table["label"]} - {""})
    if not there:
        said = ", ".join(few(sorted({*known.values()} - {""})))
        what = f"found {said}" if said else "it names no type: labels=<csv with cell_id and label> does"
        raise UserError(f"no cell of {path} has a label that the bundle knows ({', '.join(bundle.classes)}); {what}")
    if len(there) == 1:
        notes.append(f"all labelled cells are {there[0]}: how many others are taken for it, no score here says")
    return answer, table, notes


def _names(classes: Sequence[str], labels: Collection[str]) -> tuple[dict[str, str], list[str]]:
    """Returns the class that each label is a name of, and notes on those that are so but for their spelling, or of
    none."""
    exact = {name: own for own in classes for name in same_as(own)}
    close = {}
    for label in {*labels} - {*exact}:
        alone = {exact[name] for group in alike([label, *exact]) if label in group for name in group if name in exact}
        close |= {label: alone.pop()} if len(alone) == 1 else {}
    others = sorted({*labels} - {*exact} - {*close})
    taken = ", ".join(f"{label} as {own}" for label, own in sorted(close.items()))
    notes = [f"labels are taken for classes that they are but for their spelling: {taken}"] if taken else []
    if others:
        notes.append(f"labels that the bundle does not know count for no score: {', '.join(few(others))}")
    return exact | close, notes
