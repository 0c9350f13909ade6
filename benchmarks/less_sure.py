"""How often models are found to be less sure of an animal than of others, of runs where each animal was held out.

    python benchmarks/less_sure.py outputs/runs/*/predictions.csv

Each animal with five cells or more is compared with the others of its run, as `celltype predict` compares a recording
with the training animals. A line a run: animals, flagged and withheld ones, and the share right in flagged and others.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from celltype_cli.bundles.made import WITHHELD
from celltype_cli.bundles.sure import HeldOut
from celltype_cli.evaluation.predictions import arrays_of, labelled_lines, per_cell, read_predictions

FEW = 5  # cells


def main(files: list[str]) -> None:
    for file in map(Path, files):
        table = per_cell(labelled_lines(read_predictions(file)))
        label, proba = arrays_of(table)
        group, cell_id = (table[name].to_numpy().astype(str) for name in ("group", "cell_id"))
        found = []
        for name in (names := np.unique(group, return_counts=True))[0][names[1] >= FEW]:
            mine = group == name
            others = HeldOut(label[~mine], proba[~mine], group[~mine], cell_id[~mine])
            doubts = others.doubts(others.sureness(proba[None, mine]), group[mine])
            weight = max((doubt.weight for doubt in doubts), default=0)
            found.append((weight, mine.sum(), (proba[mine].argmax(axis=1) == label[mine]).sum()))
        weight, cells, right = np.array(found, int).reshape(-1, 3).T
        shares = [f"{right[some].sum()} of {cells[some].sum()}" for some in (weight > 0, weight == 0)]
        print(f"{file.parent.name}: {len(weight)} animals, {(weight > 0).sum()} flagged, {(weight >= WITHHELD).sum()} "
              f"withheld; right in flagged ones {shares[0]}, in others {shares[1]}")  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
