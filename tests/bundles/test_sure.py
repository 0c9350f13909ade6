"""Models are less sure of what they do not know: a recording of which they are is doubted, others are not."""

import numpy as np
import pytest

from celltype_cli.bundles.made import NOTED, WITHHELD
from celltype_cli.bundles.sure import HeldOut


def drawn(rng, n, distance, animals=10, spread=0.3):
    """Cells of two types, with the probabilities that the distance between them deserves, a shift for each animal."""
    label, group = rng.integers(0, 2, n), np.arange(n) % animals
    odds = distance * ((2 * label - 1) * distance + rng.normal(size=n) + rng.normal(0, spread, animals)[group])
    p = 1 / (1 + np.exp(-odds))
    return label, np.stack([1 - p, p], axis=1), group.astype(str)


@pytest.fixture(scope="module")
def held_out():
    label, proba, group = drawn(np.random.default_rng(0), 200, 2.0)
    return HeldOut(label, proba, group, np.array([f"c{k}" for k in range(200)]))


def said(held_out, n, distance, seed):
    proba = drawn(np.random.default_rng(seed), n, distance, animals=1)[1]
    return [doubt.weight for doubt in held_out.doubts(held_out.sureness(proba[None]), np.array(["new"] * n))]


def test_recordings_of_the_same_kind_are_not_doubted_and_unclear_ones_are(held_out):
    assert sum(bool(said(held_out, 12, 2.0, seed)) for seed in range(1, 41)) <= 2
    assert sum(bool(said(held_out, 12, 0.5, seed)) for seed in range(1, 41)) >= 30
    assert not said(held_out, 12, 4.0, 1)  # surer than usual is no doubt
    assert not said(held_out, 4, 0.2, 1)  # four cells do not say it
    assert said(held_out, 40, 0.1, 1)[0] in (NOTED, WITHHELD)


def test_each_model_is_sure_by_itself(held_out):
    each = np.array([[[0.9, 0.1]], [[0.1, 0.9]]])  # together they know nothing
    alone = held_out.calibrated(np.array([[0.9, 0.1]])).max()
    assert held_out.sureness(each)[0] == pytest.approx(alone) and alone > 0.6


def test_what_a_cell_was_taken_for_goes_by_its_id(held_out):
    taken = held_out.taken(np.array(["c3", "other", "c0"]), ("A", "B"))
    twice = HeldOut(np.zeros(2, int), np.array([[0.9, 0.1], [0.0, 1.0]]), np.array(["m", "m"]), np.array(["a", "a"]))
    assert twice.taken(np.array(["a"]), ("A", "B")).tolist() == ["B"]  # of a repeated split
    assert taken.tolist() == [("A", "B")[held_out.proba[3].argmax()], "", ("A", "B")[held_out.proba[0].argmax()]]
