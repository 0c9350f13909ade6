"""How often intervals hold the true score, in simulated animals of which it is known; and their limits."""

import numpy as np
import pytest
from scipy import special, stats

from celltype_cli.evaluation import intervals, scores


@pytest.mark.parametrize("n_groups", [5, 10])
@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_nineteen_of_twenty_intervals_hold_the_true_score(n_groups, spread):
    rng, cells = np.random.default_rng(0), 20
    chance = stats.norm.cdf(0.5 + spread * rng.normal(size=(800, n_groups)))
    true = stats.norm.cdf(0.5 / np.sqrt(1 + spread**2))
    right = rng.binomial(cells, chance)
    held = []
    for hits in right:
        left = (hits.sum() - hits) / (cells * (n_groups - 1))
        low, high = intervals.jackknife(float(hits.mean() / cells), left, np.ones(n_groups, bool), float(n_groups))
        held.append(low <= true <= high)
    assert 0.93 <= np.mean(held) <= 0.975


def test_groups_without_a_cell_of_a_class_do_not_count_for_its_recall():
    """Two of five animals hold the class: their recalls 0.5 and 0.8 differ by 0.3, so the error is 0.15."""
    left = np.array([0.8, 0.5, 0.65, 0.65, 0.65])
    holds = np.array([True, True, False, False, False])
    found = intervals.jackknife(0.65, left, holds, 5.0)
    assert found == intervals.jackknife(0.65, left[:2], holds[:2], 5.0)
    step = stats.t.ppf(0.975, 1) * 0.15 / (0.65 * 0.35)
    assert found == pytest.approx(special.expit(special.logit(0.65) + np.array([-step, step])))
    assert found != intervals.jackknife(0.65, left + [0, 0, 0, 0, 0.1], holds, 5.0)  # one without moves it: it counts


def test_a_difference_stays_between_minus_one_and_one():
    """The logit of (1 + d) / 2 is twice Fisher's z."""
    left = np.array([0.9, 0.95, 0.8, 0.95])
    low, high = intervals.jackknife(0.9, left, np.ones(4, bool), 4.0, lowest=-1.0)
    error = np.sqrt(3 / 4 * ((left - left.mean()) ** 2).sum())
    margin = stats.t.ppf(0.975, 3) * error / (1 - 0.9**2)
    assert (low, high) == pytest.approx((np.tanh(np.arctanh(0.9) - margin), np.tanh(np.arctanh(0.9) + margin)))
    assert -1 < low < 0.9 < high < 1


def test_unequal_groups_count_as_fewer():
    assert intervals.effective_groups(np.array([4.0, 4, 4])) == pytest.approx(3)
    assert intervals.effective_groups(np.array([8.0, 1, 1])) == pytest.approx(100 / 66)


def test_limits_of_shares_agree_with_scipy():
    for hits, n in ((0, 5), (5, 5), (3, 9)):
        wanted = stats.binomtest(hits, n).proportion_ci(method="exact")
        assert intervals.exact(hits / n, n) == pytest.approx((wanted.low, wanted.high))


def test_where_groups_hold_one_class_each_the_others_of_a_class_stand_for_the_one_left_out():
    """Class 0 in groups of 6 and 4 right cells of 10, which others are taken for in 2, 1 and 3 of their 10.

    Precision is 10 of 16. Without the first group, the second counts twice: 8 of 14; without the second, 12 of 18.
    Without one of the three others, 1.5 times those of the other two: of 10 + 6, 7.5 and 4.5.
    """
    counts = np.zeros((5, 2, 2))
    counts[:2, 0] = [[6, 4], [4, 6]]
    counts[2:, 1] = [[2, 8], [1, 9], [3, 7]]
    stratum = intervals.strata(counts, 0)
    assert stratum.tolist() == [0, 0, 1, 1, 1]
    kept = intervals.without_in_strata(counts, stratum)
    precision = kept[:, 0, 0] / kept[:, :, 0].sum(axis=1)
    assert precision == pytest.approx([8 / 14, 12 / 18, 10 / 16, 10 / 17.5, 10 / 14.5])
    low, high = intervals.in_strata(10 / 16, precision, np.ones(5, bool), stratum, np.full(5, 10.0))
    own, others = precision[:2].var() * 2 / 2, precision[2:].var() * 3 * 2 / 3
    freedom = (own + others) ** 2 / (own**2 + others**2 / 2)
    step = stats.t.ppf(0.975, freedom) * np.sqrt(own + others) / (10 / 16 * 6 / 16)
    assert (low, high) == pytest.approx(tuple(special.expit(special.logit(10 / 16) + np.array([-step, step]))))
    assert scores.limits(counts, np.zeros((5, 2)))["precision"][:, 0] == pytest.approx([low, high])


@pytest.mark.parametrize(
    ("held", "stratum"),
    [
        ([[9, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9]], [0, 0, -1, -1]),  # the only ones of their class
        ([[9, 0, 0], [9, 0, 0], [0, 5, 4], [0, 3, 6]], [0, 0, -1, -1]),  # of several classes, none of them this
        ([[9, 0, 0], [9, 0, 0], [0, 9, 0]], None),  # one other group says nothing of how others vary
        ([[9, 0, 0], [0, 9, 0], [0, 9, 0]], None),
        ([[9, 0, 0], [8, 1, 0], [0, 9, 0], [0, 9, 0]], None),  # one holds another class, too
        ([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]], None),  # single cells
        ([[0, 9, 0], [0, 9, 0], [0, 0, 9], [0, 0, 9]], None),  # no cell of the class
    ],
)
def test_only_groups_chosen_for_their_class_are_strata(held, stratum):
    found = intervals.strata(np.array(held, float)[:, :, None] * np.ones(3) / 3, 0)
    assert (found if found is None else found.tolist()) == stratum
