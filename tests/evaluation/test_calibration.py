"""Temperature, calibration error and confidence ratio, against numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from celltype_cli.evaluation import calibration


def two_classes(share_right, n, p=0.9):
    """n cells of class 0, of which the model guesses the given share right, each with the same confidence."""
    right = np.arange(n) < round(share_right * n)
    return np.zeros(n, int), np.where(right[:, None], [p, 1 - p], [1 - p, p])


def test_temperature_by_hand():
    # Right in 3 of 4 cells, so the best probability is 3/4, whose logit is ln 3; the model says 9/10, ln 9 = 2 ln 3.
    label, proba = two_classes(0.75, 4000)
    t = calibration.temperature(label, proba)
    assert t == pytest.approx(2, rel=1e-3)
    assert calibration.softened(proba, t).max(axis=1) == pytest.approx(0.75, abs=1e-3)
    # And the other way round: it says 3/4 and is right in 9 of 10.
    assert calibration.temperature(*two_classes(0.9, 4000, p=0.75)) == pytest.approx(0.5, rel=1e-3)


def test_temperature_is_one_where_nothing_tells_it_from_one():
    assert calibration.temperature(*two_classes(0.9, 4000)) == 1
    # 8 of 10 at 0.9: the best temperature gains 0.44 in log loss, and the test wants 1.92
    assert calibration.temperature(*two_classes(0.8, 10)) == 1


def test_temperature_has_the_lowest_log_loss():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3000, 4))
    label = (softmax(logits, axis=1).cumsum(axis=1) > rng.random((3000, 1))).argmax(axis=1)
    proba = softmax(2 * logits, axis=1)
    t = calibration.temperature(label, proba)
    assert t == pytest.approx(2, rel=0.1)
    losses = [log_loss(label, calibration.softened(proba, t * by)) for by in (0.97, 1, 1.03)]
    assert losses[1] == min(losses)


@pytest.mark.parametrize("wrong", [0, 1, 200])
def test_sure_and_wrong_or_always_right_gives_a_finite_temperature(wrong):
    proba = np.tile([1.0, 0.0], (200, 1))
    label = (np.arange(200) < wrong).astype(int)
    t = calibration.temperature(label, proba)
    assert calibration.RANGE[0] <= t <= calibration.RANGE[1]
    after = calibration.softened(proba, t)
    assert np.isfinite(after).all()
    assert after.sum(axis=1) == pytest.approx(1)


def test_zero_counts_as_the_lowest_probability():
    assert calibration.softened(np.array([[1.0, 0.0]]), 2.0)[0, 1] == pytest.approx(0.01 / 1.01)  # sqrt(1e-4) to 1


def test_calibration_error_by_hand():
    # Two bins: (0, 0.5] holds the first cell, 0.5 and right; (0.5, 1] the others, of mean 2.5 / 3, two of them right.
    bins = calibration.reliability(np.array([0.5, 0.6, 0.9, 1.0]), np.array([True, False, True, True]), n_bins=2)
    assert bins[["low", "high", "n"]].to_numpy().tolist() == [[0, 0.5, 1], [0.5, 1, 3]]
    assert bins["confidence"].tolist() == pytest.approx([0.5, 2.5 / 3])
    assert bins["accuracy"].tolist() == pytest.approx([1, 2 / 3])
    assert calibration.calibration_error(bins) == pytest.approx((0.5 + 3 * (2.5 / 3 - 2 / 3)) / 4)


def test_bins_without_cells_are_left_out():
    bins = calibration.reliability(np.array([0.34, 0.99]), np.array([True, True]))
    assert bins["n"].tolist() == [1, 1]
    assert bins["high"].tolist() == pytest.approx([6 / 15, 1])


def test_error_by_chance_by_hand():
    assert calibration.error_by_chance(np.array([0.5])) == 0.5  # right or wrong, half is missing
    assert calibration.error_by_chance(np.ones(10)) == 0
    # Two cells of one bin: both right or both wrong, half of the cases, makes 0.5; one right makes 0.
    assert calibration.error_by_chance(np.array([0.5, 0.5])) == pytest.approx(0.25, abs=0.05)


def test_confidence_ratio():
    proba = np.array([[0.6, 0.3, 0.1], [0.2, 0.4, 0.4], [0.0, 0.0, 1.0]])
    assert calibration.confidence_ratio(proba).tolist() == [2, 1, np.inf]


def cells(fold, group):
    return pd.DataFrame({"fold": fold, "group": list(group)})


def test_parts_are_the_folds_where_they_hold_groups_apart():
    assert calibration.parts(cells([4, 4, 7, 7], "aabc")).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("fold", [[0, 0, 0, 0, 0], [0, 1, 0, 1, 0]])
def test_parts_are_groups_where_folds_share_them_or_there_is_one(fold):
    part = calibration.parts(cells(fold, "aabcb"))
    assert part[0] == part[1] and part[2] == part[4]
    assert sorted(set(part)) == [0, 1, 2]
    many = calibration.parts(cells(np.zeros(100, int), [f"g{i % 50}" for i in range(100)]))
    assert sorted(set(many)) == list(range(calibration.PARTS))
    assert (many[:50] == many[50:]).all()


def test_one_group_is_one_part():
    assert calibration.parts(cells([0, 0, 1], "aaa")).tolist() == [0, 0, 0]
