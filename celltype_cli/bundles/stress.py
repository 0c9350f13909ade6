"""Does a label survive errors of the recording? Labelled cells are labelled again with errors that their kind knows.

A kind of recording that knows some has a file stress.py with `perturbed`, which yields cells with one error after the
other. Other kinds have no such column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from celltype_cli.bundles.answer import Answer
from celltype_cli.bundles.bundle import Bundle
from celltype_cli.bundles.predict import Watch, chunks, labelled
from celltype_cli.cells.assemble import Recordings


def stressed(
    bundle: Bundle,
    recordings: Recordings,
    answer: Answer,
    *,
    prepare: Mapping[str, Any],
    accuracy: float | None,
    watch: Watch | None = None,
) -> Answer:
    """Returns the answer with a column `stress` and a table of what was tried; as it is where the kind knows no errors.

    Args:
        recordings: that the answer is of.
        prepare, accuracy: as in `predict.predict`.

    Returns:
        `Answer.stress` with a line for each labelled cell and error: cell_id, error, worst (of its kind), best,
        confidence, and becomes: "same", "unsure" (the best guess is as before, too unsure for a label), "other" (the
        best guess is another) or "unusable".
    """
    errors = bundle.of_kind("stress")
    if errors is None:
        return answer
    given = answer.cells.loc[answer.cells["label"] != ""].set_index("cell_id")["label"]
    entries = [entry for entry in recordings.entries if entry.cell_id in given.index]
    least, lines, done = dict(zip(bundle.classes, bundle.held_out.thresholds(accuracy))), [], 0
    for chunk in chunks(bundle, entries):
        for worst, error, made in errors.perturbed(chunk, recordings.entries):
            part = labelled(bundle, replace(recordings, entries=made), prepare) if made else None
            for line in part.lines.to_dict("records") if part else ():
                becomes = _becomes(line, given[line["cell_id"]], least)
                lines.append([line["cell_id"], error, worst, line["best"], line["confidence"], becomes])
        done += len(chunk)
        if watch:
            watch(done, len(entries))
    table = pd.DataFrame(lines, columns=["cell_id", "error", "worst", "best", "confidence", "becomes"])
    said = {cell: words(rows) for cell, rows in table.groupby("cell_id", sort=False)}
    cells = answer.cells.assign(stress=[said.get(cell, "") for cell in answer.cells["cell_id"]])
    return replace(answer, cells=cells, stress=table)


def _becomes(line: Mapping[str, Any], label: str, least: Mapping[str, float]) -> str:
    if not line["best"]:
        return "unusable"
    if line["best"] != label:
        return "other"
    return "same" if line["confidence"] >= least[label] else "unsure"


def words(rows: pd.DataFrame) -> str:
    """Says what a label stands: "stable to 30 % loss, ...", or the first error of each kind that changes or loses it.

    Args:
        rows: of one cell, as `stressed` makes them.
    """
    said = []
    for what, becomes in (("flips at", "other"), ("unsure at", "unsure"), ("not usable at", "unusable")):
        found = rows[rows["becomes"] == becomes]
        if len(found):
            said.append(f"{what} {', '.join(found.drop_duplicates('worst')['error'])}")
    return "; ".join(said) if said else f"stable to {', '.join(rows['worst'].unique())}"


def summary(answer: Answer) -> str:
    """Says in a sentence how many labels survive; empty where nothing was tried."""
    if answer.stress is None or answer.stress.empty:
        return ""
    becomes = answer.stress.groupby("cell_id")["becomes"].agg(set)
    stable, flip = sum(becomes == {"same"}), sum("other" in found for found in becomes)
    return f"{stable} of {len(becomes)} labels stand every error that was tried, {flip} become another with some error"
