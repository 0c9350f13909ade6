"""The simulation of paired tests, small: what `compare` and `paired` keep, and what they were mended for."""

from pathlib import Path

import pytest


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
