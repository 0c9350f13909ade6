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
