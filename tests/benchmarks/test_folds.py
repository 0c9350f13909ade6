"""Few animals fall into folds in many ways over seeds, no less evenly than scikit-learn deals them."""

from importlib import import_module
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "name", ["12 animals of unequal size, classes mixed", "10 animals of like size, classes mixed",
             "9 such animals, more folds than animals of a class", "CASCADE slice3: PV 2 2 4, SST 4 3 6, VIP 2 3 3"],
)  # fmt: skip
def test_folds_of_few_animals_change_with_the_seed_and_stay_even(monkeypatch, name):
    """Dealt by size alone, they fell in 1, 2, 1 and 6 ways, whatever the seed."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    folds = import_module("folds")
    counts, n_folds = folds.DESIGNS[name]
    ours, theirs = folds.partitions(counts, n_folds, 100), folds.theirs(counts, n_folds, 20)
    assert len({*map(folds.named_alike, ours)}) >= 7
    even, others = ([folds.departure(counts, part, n_folds) for part in parts] for parts in (ours, theirs))
    assert sum(even) / len(even) <= sum(others) / len(others) + 1e-9
