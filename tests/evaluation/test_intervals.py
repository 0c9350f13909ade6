"""How often intervals hold the true score, in simulated animals of which it is known; and their limits."""

import numpy as np
import pytest
from scipy import special, stats

from celltype_cli.evaluation import intervals


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
