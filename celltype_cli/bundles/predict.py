"""Labels the cells of new recordings with a bundle, a few cells at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from celltype_cli.bundles.bundle import Bundle, call
from celltype_cli.bundles.familiar import Verdict, compare
from celltype_cli.bundles.training import describe
from celltype_cli.cells import assemble
from celltype_cli.cells.assemble import Entry, Recordings, named
from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.evaluation.calibration import confidence_ratio

FIRST, MOST, LARGEST = 50, 500, 2e7  # cells that are labelled together: at first, at most; values that they may have
SHOWN_S = 2.0  # between two looks at the progress
Watch = Callable[[int, int], None]  # cells done, cells in all


@dataclass(frozen=True)
class Answer:
    """What a bundle says of recordings.

    Attributes:
        cells: a line each, in the order of the recordings; those that could not be used have a note and nothing else.
        notes: what the reader of the files has to say.
        verdict: how the cells that were used compare with the training cells; its entries are in the order of `used`.
        examples: the first row of each cell that was used, of the inputs of which the bundle keeps examples.
    """

    cells: pd.DataFrame
    notes: tuple[str, ...]
    verdict: Verdict | None
    examples: dict[str, Float[np.ndarray, "cell ..."]]

    @property
    def used(self) -> pd.DataFrame:
        """The lines of the cells that could be used."""
        return self.cells[self.cells["best"] != ""]

    @property
    def unused(self) -> pd.DataFrame:
        """The lines of those that could not."""
        return self.cells[self.cells["best"] == ""]


def recordings_of(bundle: Bundle, path: str | Path, **dataset: Any) -> Recordings:
    """Reads the user's recordings as the bundle's kind has them, without their labels.

    Raises:
        UserError: when there is no file, none can be read, or a setting is missing.
    """
    found = call(bundle.about["source"], **{"path": str(path), **dataset})
    assemble.check(replace(found, classes=None))
    return replace(found, entries=[replace(entry, label="") for entry in found.entries], classes=bundle.classes)


def predict(
    bundle: Bundle,
    recordings: Recordings,
    *,
    prepare: Mapping[str, Any] | None = None,
    accuracy: float | None = 0.95,
    force: bool = False,
    watch: Watch | None = None,
) -> Answer:
    """Labels cells; memory holds the inputs of some hundred of them at a time.

    Args:
        prepare: settings of the bundle's `prepare` to change, such as where its cache lies.
        accuracy: that cells with a label shall have; the surer ones get one. None labels all.
        force: gives labels even where the recording does not look like the training cells.

    Returns:
        columns cell_id, label (empty where the answer is "unsure"), best, confidence, confidence_ratio, set, votes,
        note, p_<class> ..., rows, group and file. Probabilities are calibrated; the ratio and the set are of the
        averaged ones.
    """
    least = bundle.held_out.threshold(accuracy)
    parts = []
    for chunk in _chunks(bundle, recordings.entries):
        parts.append(_part(bundle, replace(recordings, entries=chunk), prepare or {}))
        if watch:
            watch(sum(len(part.lines) for part in parts), len(recordings.entries))
    lost = [_lost(bundle, line) for line in recordings.lost]
    cells = pd.DataFrame([*(line for part in parts for line in part.lines), *lost])
    described = [part.described for part in parts if part.described is not None]
    examples = {
        name: np.concatenate([part.examples[name] for part in parts if part.examples])
        for name in (bundle.training.examples if described else ())
    }
    verdict = None
    if described:
        group = cells.loc[cells["best"] != "", "group"].to_numpy()
        verdict = compare(bundle.training, np.concatenate(described), group)
    return _answered(Answer(cells, recordings.about.notes, verdict, examples), least, force)


def _chunks(bundle: Bundle, entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Yields some cells at a time: more of them where they are quick and small, since models are faster on many."""
    values = sum(np.prod(of["shape"], dtype=float) for of in bundle.about["inputs"].values())
    start, size = 0, FIRST
    while start < len(entries):
        begin = time.monotonic()
        yield entries[start : start + size]
        start += size
        if time.monotonic() - begin < SHOWN_S:
            size = min(2 * size, max(FIRST, min(MOST, int(LARGEST / values))))


def _answered(answer: Answer, least: float, force: bool) -> Answer:
    """Gives labels: none to a recording unlike the training cells, to a cell that is, or to one that is not sure."""
    cells, verdict = answer.cells, answer.verdict
    if verdict is None:
        return answer
    used = cells.index[cells["best"] != ""]
    far, sure = used[verdict.unfamiliar], used[cells.loc[used, "confidence"] >= least]
    cells.loc[far, "note"] = "lies far from all training cells"
    labelled = sure if force else sure.difference(far)
    cells.loc[labelled, "label"] = cells.loc[labelled, "best"]
    if verdict.withheld and not force:
        cells.loc[used, "label"] = ""
        cells.loc[used, "note"] = "withheld: the recording does not look like the training cells"
    return replace(answer, cells=cells)


@dataclass(frozen=True)
class _Part:
    """Some cells: a line each, and of those that were used what they look like."""

    lines: list[dict[str, Any]]
    described: Float[np.ndarray, "cell quantity"] | None
    examples: dict[str, np.ndarray]


def _part(bundle: Bundle, recordings: Recordings, prepare: Mapping[str, Any]) -> _Part:
    """Labels some cells together; where one of them cannot be used, it is found by preparing each by itself."""
    unused: dict[str, str] = {}
    entries = list(recordings.entries)
    try:
        cells = call(bundle.about["prepare"], recordings, **prepare)
    except UserError:
        for entry in entries:
            try:
                call(bundle.about["prepare"], replace(recordings, entries=[entry]), **prepare)
            except UserError as error:
                unused[entry.cell_id] = str(error)
        usable = [entry for entry in entries if entry.cell_id not in unused]
        cells = call(bundle.about["prepare"], replace(recordings, entries=usable), **prepare) if usable else None
    if cells is None:
        return _Part([_unused(bundle, entry, unused[entry.cell_id]) for entry in entries], None, {})
    cells = bundle.aligned(cells)
    said = {line["cell_id"]: line for line in _said(bundle, cells)}
    lines = [
        {**said[entry.cell_id], "group": entry.group, "file": entry.file}
        if entry.cell_id in said
        else _unused(bundle, entry, unused.get(entry.cell_id, "it was left out when prepared"))
        for entry in entries
    ]
    _, described, first = describe(cells)
    return _Part(lines, described, {name: cells.inputs[name][first] for name in bundle.training.examples})


def _said(bundle: Bundle, cells: Cells) -> Iterator[dict[str, Any]]:
    each = bundle.proba(cells)  # of model, row, class
    ids, first, code = np.unique(cells.cell_id, return_index=True, return_inverse=True)
    rows = np.bincount(code)
    of_cell = np.stack([_mean_by(code, proba) for proba in each])
    mean = of_cell.mean(axis=0)
    chosen = mean.argmax(axis=1)
    votes = (of_cell.argmax(axis=2) == chosen).sum(axis=0)
    calibrated, inside = bundle.held_out.calibrated(mean), bundle.held_out.sets(mean)
    ratio = confidence_ratio(mean)
    for k in np.argsort(first):
        yield {
            "cell_id": str(ids[k]),
            "label": "",
            "best": bundle.classes[chosen[k]],
            "confidence": float(calibrated[k].max()),
            "confidence_ratio": float(ratio[k]),
            "set": " ".join(name for name, there in zip(bundle.classes, inside[k]) if there),
            "votes": f"{votes[k]}/{len(each)}",
            "note": "",
            **{f"p_{name}": float(p) for name, p in zip(bundle.classes, calibrated[k])},
            "rows": int(rows[k]),
        }


def _mean_by(code: np.ndarray, proba: Float[np.ndarray, "row class"]) -> Float[np.ndarray, "cell class"]:
    total = np.zeros((code.max() + 1, proba.shape[1]))
    np.add.at(total, code, proba)
    return total / np.bincount(code)[:, None]


def _unused(bundle: Bundle, entry: Entry, reason: str) -> dict[str, Any]:
    lines = [line.strip() for line in reason.splitlines()]
    note = next((line for line in lines if line.startswith(f"cell {entry.cell_id}")), lines[-1])
    note = note.removeprefix(f"{named(entry)}: ").partition("; set a smaller ")[0]  # what a bundle takes is fixed
    return _nothing(bundle, entry.cell_id, note) | {"group": entry.group, "file": entry.file}


def _lost(bundle: Bundle, line: str) -> dict[str, Any]:
    """Returns the line of a cell or file that could not be read, by what the reader says of it."""
    where, _, reason = line.partition(": ")
    return _nothing(bundle, where, reason or line) | {"file": where}


def _nothing(bundle: Bundle, cell_id: str, note: str) -> dict[str, Any]:
    nothing = {"label": "", "best": "", "confidence": np.nan, "confidence_ratio": np.nan, "set": "", "votes": ""}
    proba = {f"p_{name}": np.nan for name in bundle.classes}
    return {"cell_id": cell_id, **nothing, "note": note, **proba, "rows": 0, "group": "", "file": ""}
