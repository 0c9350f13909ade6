"""A recording with more odd cells than chance and likeness of an animal's cells explain is doubted."""

import numpy as np
import pytest

from celltype_cli.bundles.made import NOTED, WITHHELD
from celltype_cli.bundles.odd import many_odd, too_many

ODD, GROUP = np.arange(100) % 20 == 0, np.arange(100) // 10  # 5 %, one in every second animal


def test_odd_cells_are_counted_with_what_is_usual():
    p = [too_many(ODD, GROUP, np.arange(14) < k) for k in range(15)]
    assert p[0] == 1 and (np.diff(p) < 0).all() and p[2] > 0.05 and p[7] < 0.001
    together = np.arange(100) < 5  # all of one animal: odd cells come together
    assert too_many(together, GROUP, np.arange(14) < 7) > 10 * p[7]
    assert too_many(ODD[:10], GROUP[:10], np.arange(14) < 7) > 10 * p[7]  # ten cells hardly know the share
    unknown = too_many(ODD, np.arange(100), np.arange(14) < 7)  # animals are not known: what is usual counts alone
    assert p[7] < unknown < 0.01


def test_p_values_hold_where_odd_cells_come_together():
    rng = np.random.default_rng(0)

    def draw(animals, each):
        return (rng.random((animals, each)) < rng.beta(0.05 * 9, 0.95 * 9, (animals, 1))).ravel()  # a likeness of 0.1

    p = [too_many(draw(12, 10), np.arange(120) // 10, draw(1, 20)) for _ in range(500)]
    assert np.mean(np.array(p) < 0.01) < 0.03  # counted as independent cells it is 0.07


@pytest.mark.parametrize(("n", "odd", "weight"), [(14, 3, 0), (14, 5, NOTED), (14, 7, WITHHELD), (4, 4, 0)])
def test_what_is_asked_for(n, odd, weight):
    found = list(many_odd(ODD, GROUP, np.arange(n) < odd, "are odd"))
    assert [doubt.weight for doubt in found] == [weight] * (weight > 0)
    if found:
        assert found[0].words.startswith(f"{odd} of {n} cells are odd, of held-out training cells 5 % (p ")


def test_many_are_read_with_care_where_few_training_cells_can_hardly_be_sure():
    assert not list(many_odd(ODD[:0], GROUP[:0], np.ones(9, bool), "are odd"))  # nobody said what is usual
    few, group = np.arange(12) == 0, np.arange(12) // 4
    assert 0.01 < too_many(few, group, np.arange(10) < 5) < 0.05
    assert [doubt.weight for doubt in many_odd(few, group, np.arange(10) < 5, "are odd")] == [NOTED]


def test_a_few_cells_of_which_two_are_odd_are_not_many():
    """Of held-out animals of five cells it was 1 in 15 that has two such cells; no share alone flags a recording."""
    few, group = np.arange(15) == 0, np.arange(15) // 5
    assert not list(many_odd(few, group, np.arange(5) < 2, "are odd"))
    assert [doubt.weight for doubt in many_odd(few, group, np.arange(5) < 3, "are odd")] == [NOTED]
