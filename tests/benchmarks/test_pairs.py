"""The simulation of paired tests, small: what `compare` and `paired` keep, and what they were mended for."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from celltype_cli.evaluation.comparison import Entrant, compare
from celltype_cli.evaluation.paired import paired


@pytest.fixture
def pairs(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    import pairs

    return pairs


def test_equal_models_are_hardly_told_apart(pairs):
    bare, ours = pairs.rate(pairs.equal, 8, 2, times=15)
    assert bare > 0.4 and ours == 0  # two splits: by differences that are equal
    assert pairs.rate(pairs.equal, 8, 5, times=25)[1] <= 0.2  # 0.2 is five of 25, p < 0.01 where 0.05 is true


def test_over_animals_equal_models_are_hardly_told_apart_and_better_ones_are(pairs):
    assert pairs.rate(pairs.interacting, 10, 150, 0.5, 0.0, times=40)[1] <= 0.175
    assert pairs.rate(pairs.interacting, 10, 150, 0.5, 1.5, times=10)[1] >= 0.8


@pytest.mark.parametrize("one_class", [False, True])
def test_the_interval_of_a_difference_holds_the_true_one(pairs, one_class):
    """0.95 wanted; less than 0.9 or more than 0.99 of 300 would be rarer than one in a hundred."""
    share, _ = pairs.rate(pairs.held, 5, 100, False, one_class, 0.4, 0.4, "balanced_accuracy", times=300)
    assert 0.9 <= share <= 0.99


@pytest.mark.parametrize("better", [0.0, 0.3, 1.0])
def test_what_is_simulated_without_tables_is_what_compare_and_paired_say(pairs, better):
    rng, n = np.random.default_rng(1), 60
    suits = rng.normal(size=(3, n)) + [[better], [0], [0]]
    score, tested = pairs.accuracies(rng, suits, 5, 2)
    cells = pd.DataFrame({"cell_id": np.arange(n).astype(str), "label": "A", "group": "m"})
    sides = [np.where(np.isin(np.arange(n), test), "test", "train") for test in tested]
    split = pd.concat([cells.assign(fold=k, side=side) for k, side in enumerate(sides)])
    entrants = [Entrant(name, of_model, split) for name, of_model in zip("abc", score)]
    of_splits = score.reshape(3, 5, 2).mean(axis=2)
    assert pairs.told_apart(of_splits) == (compare(entrants).told_apart > 0)

    animal, label, right = np.arange(n) % 6, np.arange(n) % 2, suits[:2] > 0
    counts = pairs.counted(animal, label, right)
    p, _ = pairs._swapped(counts, float(right[0].mean() - right[1].mean()), "accuracy", rng)
    tables = {}
    for name, of_model in zip("ab", right):
        said, names = np.where(of_model, label, 1 - label), np.array(["A", "B"])
        of_cells = {"fold": 0, "row": np.arange(n), "cell_id": cells["cell_id"], "group": animal.astype(str)}
        chosen = {"label": names[label], "predicted": names[said], "p_A": 1.0 - said, "p_B": 1.0 * said}
        tables[name] = pd.DataFrame({**of_cells, **chosen})
    assert paired(tables, score="accuracy")["a", "b"].p == p
