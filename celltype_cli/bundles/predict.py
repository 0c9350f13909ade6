"""Labels the cells of new recordings with a bundle, a few cells at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped

from celltype_cli.bundles.answer import Answer
from celltype_cli.bundles.bundle import Bundle
from celltype_cli.bundles.called import call
from celltype_cli.bundles.judged import Seen, judged
from celltype_cli.bundles.lines import lines_of, lost_line, notes_of, said_of, unused_line
from celltype_cli.bundles.made import Made
from celltype_cli.bundles.training import describe
from celltype_cli.cells.assemble import Entry, Recordings
from celltype_cli.cells.notes import notes
from celltype_cli.core.messages import UserError

ACCURACY = 0.95  # that labels shall have where nobody says it, as in conf/predict.yaml
SHOWN = 300  # cells that the page has a picture of; all are in cells.csv
FIRST, MOST, LARGEST = 50, 1000, 2e7  # cells that are labelled together: at first, at most; values that they may have
SHOWN_S = 2.0  # between two looks at the progress
Watch = Callable[[int, int], None]  # cells done, cells in all


def predict(
    bundle: Bundle,
    recordings: Recordings,
    *,
    prepare: Mapping[str, Any] | None = None,
    accuracy: float | None = ACCURACY,
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

    Raises:
        UserError: when `accuracy` is no share between 0 and 1, or a setting is none of the bundle's `prepare`.
    """
    bundle.held_out.threshold(accuracy)  # which refuses an impossible one before cells are read
    parts, done, shown = [], 0, 0
    for chunk in chunks(bundle, recordings.entries):
        part = labelled(bundle, replace(recordings, entries=chunk), prepare or {}, SHOWN - shown)
        parts.append(part)
        done, shown = done + len(part.lines), shown + part.shown
        if watch:
            watch(done, len(recordings.entries))
    lost = pd.DataFrame([lost_line(bundle, line) for line in recordings.lost])
    cells = pd.concat([part.lines for part in [*parts, Part(lost)] if len(part.lines)], ignore_index=True)
    described = [part.described for part in parts if part.described is not None]
    examples = {
        name: np.concatenate([part.examples[name] for part in parts if part.examples])
        for name in (bundle.training.examples if described else ())
    }
    verdict, unlike = None, np.concatenate([np.empty(0, bool), *(part.far for part in parts)])
    foreign = np.zeros(len(unlike), bool)
    if described:
        group, file = (cells.loc[cells["best"] != "", name].to_numpy() for name in ("group", "file"))
        made = Made.joined([part.made for part in parts if part.made])
        sureness = np.concatenate([part.sureness for part in parts])
        recording = np.where(group == "", file, group)
        verdict, foreign = judged(bundle, Seen(np.concatenate(described), group, recording, unlike, sureness, made))
    recorded = {cell_id: part.recorded for part in parts if part.recorded for cell_id in part.lines["cell_id"]}
    said = (*recordings.about.notes, *notes_of([(len(part.lines), part.notes) for part in parts]))
    answer = Answer(cells, said, verdict, examples, unlike, foreign, recorded, accuracy, force)
    return _answered(answer, bundle)


def chunks(bundle: Bundle, entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Yields some cells at a time: more of them where they are quick and small, since models are faster on many."""
    values = sum(np.prod(of["shape"], dtype=float) for of in bundle.about["inputs"].values())
    start, size = 0, FIRST
    while start < len(entries):
        begin = time.monotonic()
        yield entries[start : start + size]
        start += size
        if time.monotonic() - begin < SHOWN_S:
            size = min(2 * size, max(FIRST, min(MOST, int(LARGEST / values))))


def _answered(answer: Answer, bundle: Bundle) -> Answer:
    """Gives labels: none to a recording unlike the training cells, to a cell that is, or to one that is not sure; none
    either of a type whose held-out labels were right too rarely."""
    cells, verdict, force = answer.cells, answer.verdict, answer.forced
    if verdict is None:
        return answer
    used = cells.index[cells["best"] != ""]
    confidence, best = (cells.loc[used, name].to_numpy() for name in ("confidence", "best"))
    least = dict(zip(bundle.classes, bundle.held_out.thresholds(answer.accuracy)))
    sure = used[confidence >= bundle.held_out.threshold(answer.accuracy)]
    rarely = sure.intersection(used[confidence < np.array([least[name] for name in best])])
    other, far = used[answer.unlike], used[verdict.unfamiliar]
    cells.loc[rarely, "note"] = "held-out cells called " + cells.loc[rarely, "best"] + " so surely are that too rarely"
    cells.loc[other, "note"] = "unlike training cells of its best guess, " + cells.loc[other, "best"]
    cells.loc[far, "note"] = "lies far from all training cells"
    given = sure if force else sure.difference(far).difference(other).difference(rarely)
    cells.loc[given, "label"] = cells.loc[given, "best"]
    pairs = zip(cells.loc[given, "best"], cells.loc[given, "set"])
    outside = given[[f" {best} " not in f" {there} " for best, there in pairs]]
    outside = outside[cells.loc[outside, "note"] == ""]
    cells.loc[outside, "note"] = "read with care: its set leaves the label out, most " + cells.loc[outside, "best"]
    cells.loc[outside, "note"] += " cells that were held out were more surely so"
    withheld = used if verdict.withheld else used[answer.foreign]
    if not force:
        cells.loc[withheld, "label"] = ""
        cells.loc[withheld, "note"] = "withheld: the recording does not look like the training cells"
    return replace(answer, cells=cells)


@dataclass(frozen=True)
class Part:
    """Some cells: a line each, and of those that were used what they look like."""

    lines: pd.DataFrame
    described: Float[np.ndarray, "cell quantity"] | None = None
    examples: dict[str, np.ndarray] = field(default_factory=dict)
    far: Shaped[np.ndarray, " used"] = field(default_factory=lambda: np.empty(0, bool))  # from those of their type
    sureness: Float[np.ndarray, " used"] = field(default_factory=lambda: np.empty(0))  # as `HeldOut.sureness`
    recorded: Callable[[str], Sequence[Any]] | None = None
    made: Made | None = None
    notes: tuple[str, ...] = ()  # what `prepare` says of them

    @property
    def shown(self) -> int:
        return max(map(len, self.examples.values()), default=0)


def labelled(bundle: Bundle, recordings: Recordings, prepare: Mapping[str, Any], shown: int = 0) -> Part:
    """Labels some cells together; where one of them cannot be used, it is found by preparing each by itself.

    What is odd beside the others alone (values on another scale) is left out then, and has what was said at first.
    Where so many are odd that none can be used, all have what was said.

    Args:
        shown: of how many cells examples are kept at most.
    """
    unused: dict[str, str] = {}
    recordings, entries = replace(recordings, lost=()), list(recordings.entries)  # those have lines of their own
    try:
        cells = call(bundle.about["prepare"], recordings, **prepare)
    except UserError as of_all:
        for entry in entries:
            try:
                call(bundle.about["prepare"], replace(recordings, entries=[entry]), **prepare)
            except UserError as error:
                unused[entry.cell_id] = str(error)
        usable = [entry for entry in entries if entry.cell_id not in unused]
        drop = {"unusable": "drop"} if "unusable" in bundle.about["prepare"] else {}
        some, cells = replace(recordings, entries=usable), None
        try:
            cells = call(bundle.about["prepare"], some, **{**prepare, **drop}) if usable else None
            unused |= {entry.cell_id: said for entry in usable if (said := said_of(entry, str(of_all)))}
        except UserError as error:
            unused |= {entry.cell_id: str(error) for entry in usable}
    if cells is None:
        return Part(pd.DataFrame([unused_line(bundle, entry, unused[entry.cell_id]) for entry in entries]))
    about, recorded, cells = cells.about, cells.recorded if shown else None, bundle.aligned(cells)
    found, sureness = lines_of(bundle, cells)
    said = {line["cell_id"]: line for line in found}
    lines = [
        {**said[entry.cell_id], "group": entry.group, "file": entry.file}
        if entry.cell_id in said
        else unused_line(bundle, entry, unused.get(entry.cell_id, "it cannot be used beside the others"))
        for entry in entries
    ]
    _, described, first = describe(cells)
    examples = {name: cells.inputs[name][first] for name in bundle.training.examples}
    far = bundle.types.far(examples, np.array([said[str(cell_id)]["best"] for cell_id in cells.cell_id[first]]))
    few = {name: rows[:shown].copy() for name, rows in examples.items()}  # a view would keep all
    used = [entry for entry in entries if entry.cell_id in said]
    known = {*recordings.about.notes, *notes(used, about.group)}  # the second of splits and scores
    more = tuple(note for note in about.notes if note not in known)
    return Part(pd.DataFrame(lines), described, few, far, sureness, recorded, Made.of(cells, first), more)
