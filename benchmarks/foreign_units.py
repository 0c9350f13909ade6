"""How many units get a label that are of no type that the bundle knows, and what that costs those that are.

    python benchmarks/foreign_units.py bundle [recordings ...]

Of the bundle's own training cells, those of each group are compared with the others and labelled as the models said
that had not seen them. Then each file or folder of recordings is labelled as `celltype predict` does it, and without
asking whether cells are like the training cells of their type. A minute.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd

from celltype_cli.bundles.bundle import HELD_OUT, Bundle, load_bundle
from celltype_cli.bundles.predict import predict, recordings_of
from celltype_cli.bundles.unlike import Types


def own(bundle: Bundle) -> None:
    training = bundle.training
    told = pd.read_csv(bundle.path / HELD_OUT, dtype={"cell_id": str}).set_index("cell_id")
    there = np.isin(training.cell_id, told.index)
    told = told.loc[training.cell_id[there]]
    proba = bundle.held_out.calibrated(told[[f"p_{name}" for name in bundle.classes]].to_numpy())
    best, sure = np.array(bundle.classes)[proba.argmax(axis=1)], proba.max(axis=1) >= bundle.held_out.threshold(0.95)
    kept = _only(training, there)
    other = np.zeros(len(best), bool)
    for group in np.unique(kept.group):
        mine = kept.group == group
        examples = {name: rows[mine] for name, rows in kept.examples.items()}
        other[mine] = Types(_only(kept, ~mine), bundle.about["inputs"]).far(examples, best[mine])
    for name, given in (("labelled when sure", sure), ("... and like their type", sure & ~other)):
        right = (best == told["label"])[given].mean()
        print(f"held-out training cells, {name}: {given.sum()} of {len(given)}, {100 * right:.1f} % right")


def _only(training, mask):
    columns = {name: getattr(training, name)[mask] for name in ("values", "cell_id", "group", "source", "label")}
    examples = {name: rows[mask] for name, rows in training.examples.items()}
    return replace(training, **columns, tables={}, examples=examples)


def main(bundle: Bundle, paths: list[str]) -> None:
    own(bundle)
    for path in paths:
        answer = predict(bundle, recordings_of(bundle, path, quality="all"))
        used, least = answer.used, bundle.held_out.threshold(0.95)
        sure, given = (used["confidence"] >= least).sum(), used[used["label"] != ""]
        other = answer.strange.far.sum()
        print(f"{path}: {len(used)} cells, sure {sure}, unlike their type {other}, labelled {len(given)} "
              f"{dict(Counter(given['label']))}; {answer.verdict.words()[:60]}")  # fmt: skip


if __name__ == "__main__":
    main(load_bundle(sys.argv[1]), sys.argv[2:])
