"""How often intervals hold the true score, in simulated animals of which it is known; and their limits."""

import numpy as np
import pytest
from scipy import stats

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
        low, high = intervals.jackknife(float(hits.mean() / cells), left, n_groups, float(n_groups))
        held.append(low <= true <= high)
    assert 0.93 <= np.mean(held) <= 0.975


def test_unequal_groups_count_as_fewer():
    assert intervals.effective_groups(np.array([4.0, 4, 4])) == pytest.approx(3)
    assert intervals.effective_groups(np.array([8.0, 1, 1])) == pytest.approx(100 / 66)


def test_limits_of_shares_agree_with_scipy():
    for hits, n in ((0, 5), (5, 5), (3, 9)):
        wanted = stats.binomtest(hits, n).proportion_ci(method="exact")
        assert intervals.exact(hits / n, n) == pytest.approx((wanted.low, wanted.high))
