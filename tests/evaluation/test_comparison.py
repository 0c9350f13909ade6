"""Paired tests, ranks and order against numbers worked out by hand, and scipy where it has them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from celltype_cli.core.messages import UserError
from celltype_cli.evaluation.comparison import Entrant, compare, corrected_t, holm, mean_ranks, rank_correlation


def split(n_splits=5, n_train=8, first=0, unlabelled=0):
    """Splits with two test cells each, from `first` on, and `n_train` others; and training cells without a label."""
    rows = [(k, "test", f"c{first + 2 * k + i}", "g", "A") for k in range(n_splits) for i in range(2)]
    rows += [(k, "train", f"t{i}", "g", "A") for k in range(n_splits) for i in range(n_train)]
    rows += [(k, "train", f"u{i}", "g", "") for k in range(n_splits) for i in range(unlabelled)]
    return pd.DataFrame(rows, columns=["fold", "side", "cell_id", "group", "label"])


def entrant(name, accuracy, **settings):
    return Entrant(name, np.array(accuracy, float), split(len(accuracy), **settings))


def test_corrected_t_by_hand():
    # mean 0.025; variance (2 x 0.015^2 + 2 x 0.005^2) / 3 = 0.0005 / 3; factor 1/4 + 790/3160 = 1/2
    t, p = corrected_t(np.array([0.01, 0.03, 0.02, 0.04]), 790 / 3160)
    assert t == pytest.approx(0.025 / np.sqrt(0.5 * 0.0005 / 3)) == pytest.approx(2.738613, abs=1e-6)
    assert p == pytest.approx(2 * (1 - stats.t.cdf(2.738613, df=3)))


def test_without_overlap_it_is_the_paired_t_test():
    a, b = np.random.default_rng(0).normal(size=(2, 10))
    assert corrected_t(a - b, 0.0) == pytest.approx(tuple(stats.ttest_rel(a, b)))


def test_overlap_makes_it_careful():
    d = np.random.default_rng(0).normal(0.5, 1, size=10)
    assert corrected_t(d, 0.25)[0] == pytest.approx(corrected_t(d, 0.0)[0] / np.sqrt(3.5))  # (0.1 + 0.25) / 0.1


SAME = (
    [0.0] * 5,
    [-0.5] * 5,
    [0.3 - 0.2, 0.1, 0.1, 0.1, 0.4 - 0.3],
    [1e-17, 0, -1e-17, 0, 0],
    [1 / 3, 0.1 + 0.7 / 3, 1 / 3, 1 / 3, 1 / 3],
)


@pytest.mark.parametrize("differences", SAME)
def test_differences_that_do_not_vary_tell_nothing_apart(differences):
    assert corrected_t(np.array(differences), 0.25) == (0.0, 1.0)


def test_what_varies_by_one_cell_in_many_is_tested():
    assert corrected_t(np.array([0.1, 0.1, 0.1, 0.1, 0.1 + 1e-6]), 0.25)[1] < 1e-6


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_fewer_than_five_splits_have_differences_and_ranks_and_no_test(n):
    found = compare([entrant("a", [0.9, 0.8, 0.85, 0.9][:n]), entrant("b", [0.7] * n), entrant("c", [0.8] * n)])
    assert found.pairs[0].difference == pytest.approx(np.mean([0.9, 0.8, 0.85, 0.9][:n]) - 0.7)
    assert np.isnan([[pair.t, pair.p, pair.adjusted] for pair in found.pairs]).all()
    assert found.groups == () and found.told_apart == 0 and found.ranks[1] == 3
    assert found.untested.startswith(f"{n} split{'s' * (n > 1)}, and fewer than 5")


def test_five_splits_are_tested():
    assert compare([entrant("a", [0.9, 0.8, 0.85, 0.9, 0.9]), entrant("b", [0.7] * 5)]).untested == ""


def repeated(name, score, times):
    """The same splits `times` after each other, with these scores."""
    one = split(len(score) // times)
    folds = [one.assign(fold=one["fold"] + 100 * k) for k in range(times)]
    return Entrant(name, np.array(score), pd.concat(folds))


def test_trainings_on_the_same_cells_are_repeats_of_one_split():
    a, b = np.random.default_rng(0).normal(0.7, 0.1, size=(2, 15))
    found = compare([repeated("a", a, 3), repeated("b", b, 3)])
    means = (a - b).reshape(3, 5).mean(axis=0)
    assert (found.pairs[0].t, found.pairs[0].p) == pytest.approx(corrected_t(means, 2 / 8))
    assert (found.n_splits, found.n_trainings, found.counted) == (5, 15, "5 splits, 15 trainings")


def test_one_split_trained_many_times_is_no_test():
    found = compare([repeated("a", [0.9, 0.8, 0.7, 0.9, 0.8, 0.9], 6), repeated("b", [0.5] * 6, 6)])
    assert found.untested.startswith("1 split, 6 trainings, and fewer than 5") and np.isnan(found.pairs[0].p)


def test_training_cells_without_a_label_do_not_count():
    a, b = [0.9, 0.8, 0.85, 0.95, 0.9], [0.8, 0.75, 0.85, 0.8, 0.9]
    found = compare([entrant("a", a, unlabelled=30), entrant("b", b, unlabelled=30)])
    assert found.pairs == compare([entrant("a", a), entrant("b", b)]).pairs


def test_holm_by_hand():
    # 0.005 x 4, 0.01 x 3, 0.03 x 2, and 0.04 x 1 = 0.04 is raised to the one before it
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.6, 0.9])) == pytest.approx([1.0, 1.0])


def test_mean_ranks_share_ties():
    # ranks per split, a column each: 1 2 3; 1.5 1.5 3; 3 1 2
    accuracy = np.array([[0.9, 0.8, 0.1], [0.8, 0.8, 0.5], [0.7, 0.1, 0.3]])
    assert mean_ranks(accuracy) == pytest.approx([(1 + 1.5 + 3) / 3, (2 + 1.5 + 1) / 3, (3 + 3 + 2) / 3])


def test_scores_that_differ_by_rounding_alone_are_ties():
    assert 0.1 + 0.2 + 0.3 != 0.3 + 0.2 + 0.1
    assert mean_ranks(np.array([[0.1 + 0.2 + 0.3], [0.3 + 0.2 + 0.1], [0.5]])).tolist() == [1.5, 1.5, 3]


def test_rank_correlation_by_hand():
    # one swap of neighbours among four: rho = 1 - 6 x 2 / (4 x 15), tau = (5 - 1) / 6
    assert rank_correlation([1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx((0.8, 4 / 6))
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == pytest.approx((-1, -1))


@pytest.mark.parametrize(("a", "b"), [([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [2, 2, 2])])
def test_no_order_no_correlation(a, b):
    assert np.isnan(rank_correlation(a, b)).all()


def test_pairs_use_the_split_files():
    a, b, c = [0.9, 0.8, 0.85, 0.95, 0.9], [0.8, 0.75, 0.85, 0.8, 0.75], [0.3, 0.2, 0.4, 0.3, 0.35]
    found = compare([entrant("a", a), entrant("b", b), entrant("c", c)])
    assert [(p.first, p.second) for p in found.pairs] == [(0, 1), (0, 2), (1, 2)]
    assert found.pairs[0].difference == pytest.approx(0.09)
    assert (found.pairs[0].t, found.pairs[0].p) == pytest.approx(corrected_t(np.array(a) - np.array(b), 2 / 8))
    assert [p.adjusted for p in found.pairs] == pytest.approx(holm(np.array([p.p for p in found.pairs])))
    assert found.ranks == pytest.approx([1.1, 1.9, 3]) and found.n_splits == 5


def test_the_smaller_training_set_counts():
    a, b = [0.9, 0.8, 0.85, 0.95, 0.9], [0.8, 0.75, 0.85, 0.8, 0.9]
    found = compare([entrant("a", a, n_train=8), entrant("b", b, n_train=4)])
    assert found.pairs[0].t == pytest.approx(corrected_t(np.array(a) - np.array(b), 2 / 4)[0])


def test_groups_join_neighbours_that_are_not_told_apart():
    # a and b differ by 0.01 with sd 0.02; c is 0.5 below both.
    noise = np.array([0.02, -0.02, 0.02, -0.02, 0.02, -0.02])
    found = compare([entrant("c", 0.3 + noise / 2), entrant("a", 0.8 + noise), entrant("b", 0.79 - noise)])
    assert found.groups == ((1, 2),) and found.told_apart == 2


def test_groups_overlap_where_only_the_ends_are_told_apart():
    wobble = np.array([1, -1, 1, -1, 1, -1, 1, -1, 1, -1])
    middle = 0.78 + 0.04 * wobble
    a, c = 0.8 + 0.01 * np.roll(wobble, 1) * [1, 1, -1, -1, 1, 1, -1, -1, 1, 1], np.full(10, 0.76)
    found = compare([entrant("a", a), entrant("b", middle), entrant("c", c)])
    apart = {(p.first, p.second): p.adjusted < 0.05 for p in found.pairs}
    assert apart == {(0, 1): False, (0, 2): True, (1, 2): False}
    assert found.groups == ((0, 1), (1, 2))


def test_all_told_apart_gives_no_group():
    up = 0.001 * np.arange(5)
    found = compare([entrant("a", 0.9 + up), entrant("b", 0.8 - up), entrant("c", np.full(5, 0.7))])
    assert found.groups == () and found.told_apart == 3


@pytest.mark.parametrize(
    ("entrants", "message"),
    [
        ([entrant("a", [1, 1]), entrant("b", [1, 1], first=1)], "a and b were not tested.*2 cells of split 0"),
        ([entrant("a", [1, 1]), entrant("b", [1, 1, 1])], "2 splits against 3"),
        ([entrant("a", [1, 1])], "needs two finished rows"),
    ],
)
def test_what_cannot_be_paired_is_refused(entrants, message):
    with pytest.raises(UserError, match=message):
        compare(entrants)
