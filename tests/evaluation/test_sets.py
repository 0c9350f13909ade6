"""Prediction sets: thresholds by hand, and the promise kept on new simulated animals whose cells are alike."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from celltype_cli.evaluation import sets


def test_threshold_by_hand():
    # Nine animals with one cell each: 0.9 of ten is nine, so the lowest. Ten: 0.9 of 11 is 9.9, the lowest of ten, too.
    own = np.arange(1, 21) / 20
    for n, at in ((9, 1 / 20), (10, 1 / 20), (19, 2 / 20), (20, 2 / 20)):
        assert sets.threshold(own[:n], np.arange(n), 0.9) == at
    assert sets.threshold(own[:10], np.arange(10), 0.5) == 5 / 20  # 5.5 of 11: the sixth from above


def test_animals_weigh_the_same_however_many_cells_they_have():
    # Animal 0 has a hundred cells of 0.2, the other nine one of 0.5 each: at 0.5 stand nine of ten animals, and 0.8 of
    # 11 is 8.8. Cells counted alone would give 0.2.
    own, animal = np.repeat([0.2, 0.5], [100, 9]), np.repeat(np.arange(10), [100, *[1] * 9])
    assert sets.threshold(own, animal, 0.8) == 0.5
    assert sets.threshold(own, np.arange(109), 0.8) == 0.2
    # Of two cells of an animal each is worth half: 3.5 of four animals stand at 0.4 or above, 0.7 of five is 3.5.
    own, animal = np.array([0.9, 0.8, 0.7, 0.4, 0.1]), np.array([0, 1, 2, 3, 3])
    assert sets.threshold(own, animal, 0.7) == 0.4
    assert sets.threshold(own, animal, 0.71) == 0.1


def test_few_groups_weaken_the_promise_and_fewer_end_it():
    assert [sets.promise_of(n, 0.9) for n in (0, 3, 4, 8, 9, 40)] == [0, 0, 4 / 5, 8 / 9, 0.9, 0.9]
    assert (sets.groups_for(0.9), sets.groups_for(0.8), sets.groups_for(0.95)) == (9, 4, 19)
    own = np.array([0.3, 0.5, 0.9, 0.8])
    assert sets.threshold(own, np.arange(4), 0.9) == 0.3  # four fifths: not the worst of five
    assert sets.threshold(own[:3], np.arange(3), 0.9) == 0
    assert sets.threshold(own[:0], np.arange(0), 0.9) == 0


def test_sets_of_a_part_come_from_the_others():
    """Class 0 in eight animals, in two parts: the lowest probability is 0.2 in the first and 0.6 in the second."""
    proba = np.array([[p, 1 - p] for p in (0.2, 0.7, 0.8, 0.9, 0.6, 0.7, 0.8, 0.9)])
    label, part = np.zeros(8, int), np.repeat([0, 1], 4)
    inside = sets.held_out_sets(label, proba, np.arange(8), part, 0.9)
    assert inside[:, 0].tolist() == [False, True, True, True, True, True, True, True]
    assert inside[:, 1].all()  # nothing is known of class 1
    assert sets.thresholds(label, proba, np.arange(8), 0.9).tolist() == [0.2, 0]


def test_coverage_by_hand():
    # Animals of four cells: all alike within, so they count as three; and as unlike as any, as twelve.
    animal = np.repeat(np.arange(3), 4)
    share, worth = sets.covered(np.repeat([True, True, False], 4), animal)
    assert (share, worth) == (pytest.approx(2 / 3), pytest.approx(3))
    share, worth = sets.covered(np.tile([True, True, False, True], 3), animal)
    assert (share, worth) == (pytest.approx(3 / 4), pytest.approx(12))
    # Each animal weighs the same.
    share, _ = sets.covered(np.array([True, False, False, False]), np.array([0, 1, 1, 1]))
    assert share == 1 / 2


def test_binomial_limits_by_hand():
    # Of 20 at 0.9 there are 15 or fewer in 4.3 %, 14 or fewer in 1.1 %, and all 20 in 12 %.
    assert stats.binom.cdf([14, 15], 20, 0.9) == pytest.approx([0.0113, 0.0432], abs=1e-4)
    assert sets.binomial_limits(20.3, 0.9) == (15 / 20, 20 / 20)


@pytest.fixture(scope="module")
def simulated():
    import sys

    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    try:
        import conformal
    finally:
        sys.path.pop(0)
    return conformal.table(times=30, animals=(5, 10, 25))


def test_the_promise_holds_in_new_animals(simulated):
    for (n, likeness), (animals, _, folds, size) in simulated.items():
        promise = sets.promise_of(n, 0.9)
        assert animals > promise - 0.015, (n, likeness)
        assert folds > promise - 0.015, (n, likeness)
        assert 1 <= size < 2


def test_cells_counted_as_independent_break_it(simulated):
    assert simulated[25, 0.7][1] < 0.85
