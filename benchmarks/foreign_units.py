"""How often labels and verdicts hold: on each training recording, left out, and on units of other places and species.

    python benchmarks/foreign_units.py bundle [recordings ...]

Of a bundle of sorted units, each group of training cells is compared with the others and labelled as the models said
that had not seen it. Then each file or folder of recordings is labelled as `celltype predict force=true` does it: how
many of the labels are right is said where it holds types that the bundle knows. A minute.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from celltype_cli.bundles.bundle import HELD_OUT, Bundle, call, load_bundle
from celltype_cli.bundles.familiar import Verdict, compare
from celltype_cli.bundles.predict import predict
from celltype_cli.bundles.recordings import recordings_of
from celltype_cli.bundles.sure import HeldOut
from celltype_cli.bundles.unlike import Types

ACCURACY = 0.95
FEW = 5  # cells, from which a verdict can say something
LABELS = ("label", "best", "given")


@dataclass
class Found:
    """What is said of a recording.

    Attributes:
        label: true types, empty where unknown; best: guesses; given: which of them are labels unless all are withheld.
    """

    name: str
    verdict: Verdict
    label: np.ndarray
    best: np.ndarray
    given: np.ndarray
    unlike: np.ndarray

    def line(self, classes: tuple[str, ...]) -> str:
        known = self.given & np.isin(self.label, classes)
        right = f"{(self.best == self.label)[known].sum()} of {known.sum()}" if known.any() else "unknown"
        grade = "withheld" if self.verdict.withheld else "with care" if self.verdict.noted else "like"
        doubts = "; ".join(doubt.words for doubt in self.verdict.doubts if doubt.weight)
        said = [self.name, len(self.best), grade, self.given.sum(), right, self.unlike.sum(), doubts]
        return f"| {' | '.join(map(str, said))} |"


def own(bundle: Bundle) -> Iterator[Found]:
    """Yields each group of training cells as if it were new."""
    training, told = bundle.training, pd.read_csv(bundle.path / HELD_OUT, dtype={"cell_id": str, "group": str})
    place = pd.Index(training.cell_id).get_indexer(told["cell_id"])
    proba = told[[f"p_{name}" for name in bundle.classes]].to_numpy()
    best = np.array(bundle.classes)[proba.argmax(axis=1)]
    groups, size = np.unique(told["group"], return_counts=True)
    for group in groups if size.max() > 1 else ():  # cells whose recordings are unknown count as a group each
        mine = (told["group"] == group).to_numpy()
        held_out = HeldOut(*(getattr(bundle.held_out, name)[~mine] for name in ("label", "proba", "group", "cell_id")))
        left = training.group != group
        columns = {name: getattr(training, name)[left] for name in ("values", "cell_id", "group", "source", "label")}
        examples = {name: rows[left] for name, rows in training.examples.items()}
        others = replace(training, **columns, tables={}, examples=examples)
        types = Types(others, bundle.about["inputs"], held_out.taken(others.cell_id, bundle.classes))
        new = {name: rows[place[mine]] for name, rows in training.examples.items()}
        unlike = types.far(new, best[mine])
        sureness, alone = held_out.sureness(proba[None, mine]), np.full(mine.sum(), group)
        more = [*types.doubts(unlike), *held_out.doubts(sureness, alone)]
        verdict = compare(others, training.values[place[mine]], alone, more)
        given = (sureness >= held_out.threshold(ACCURACY)) & ~unlike & ~verdict.unfamiliar
        yield Found(group, verdict, told["label"].to_numpy()[mine], best[mine], given, unlike)


def labelled(bundle: Bundle, path: str) -> Found:
    """Returns what the bundle says of new recordings."""
    entries = call(bundle.about["source"], path=path, quality="all").entries
    answer = predict(bundle, recordings_of(bundle, path, quality="all"), accuracy=ACCURACY, force=True)
    used, known = answer.used, {entry.cell_id: entry.label for entry in entries}
    given = (used["label"] != "").to_numpy() & ~answer.unlike & ~answer.verdict.unfamiliar
    label = used["cell_id"].map(known).fillna("").to_numpy()
    return Found(Path(path).stem, answer.verdict, label, used["best"].to_numpy(), given, answer.unlike)


def main(bundle: Bundle, paths: list[str]) -> None:
    held_out = list(own(bundle))
    if held_out:
        label, best, given = (np.concatenate([getattr(of, what) for of in held_out]) for what in LABELS)
        print(f"held-out training cells: {given.sum()} of {len(given)} labelled, {(label == best)[given].sum()} right")
    large = [of.verdict for of in held_out if len(of.best) >= FEW]
    flagged, withheld = sum(verdict.noted for verdict in large), sum(verdict.withheld for verdict in large)
    print(
        f"held-out training recordings of {FEW} cells or more: {flagged} of {len(large)} flagged, {withheld} withheld"
    )
    print("| recording | cells | verdict | labels | right, of those known | unlike their type | doubts |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for of in [*(of for of in held_out if of.verdict.noted), *(labelled(bundle, path) for path in paths)]:
        print(of.line(bundle.classes), flush=True)


if __name__ == "__main__":
    main(load_bundle(sys.argv[1]), sys.argv[2:])
