"""Which cells get a label: thresholds and curves by hand, and accuracy that new cells keep."""

import numpy as np
import pytest

from celltype_cli.evaluation import coverage


def test_threshold_by_hand():
    # From the surest on: 19 right, 1 wrong, 20 of which half are right. With one more cell counted as wrong:
    # 19 / 20 at 0.9, 19 / 21 at 0.8, 29 / 41 with all.
    confidence = np.repeat([0.9, 0.8, 0.6], [19, 1, 20])
    right = np.repeat([1, 0, 1, 0], [19, 1, 10, 10]).astype(bool)
    assert coverage.threshold(confidence, right, 0.95) == 0.9
    assert coverage.threshold(confidence, right, 0.9) == 0.8
    assert coverage.threshold(confidence, right, 0.7) == 0.0  # all
    assert coverage.threshold(confidence, right, 0.96) is None
    assert coverage.threshold(confidence[1:], right[1:], 0.95) is None  # 18 cells cannot show it


def test_a_lucky_run_chooses_no_threshold():
    # 0.7 and 0.8 were right in 10 of 10, 0.9 in 15 of 20: the three count as one, 35 of 40.
    confidence = np.repeat([0.5, 0.7, 0.8, 0.9], [40, 10, 10, 20])
    right = np.repeat([1, 0, 1, 1, 1, 0], [10, 30, 10, 10, 15, 5]).astype(bool)
    assert coverage.threshold(confidence, right, 35 / 41) == 0.7
    assert coverage.threshold(confidence, right, 0.87) is None


def test_new_cells_are_right_as_often_as_was_asked():
    rng = np.random.default_rng(0)
    new = 0.5 + 0.5 * rng.beta(3, 0.6, 20_000)  # right as often as they say, 92 % in all
    reached = []
    for _ in range(150):
        known = 0.5 + 0.5 * rng.beta(3, 0.6, 200)
        at = coverage.threshold(known, rng.random(200) < known, 0.95)
        reached += [new[new >= at].mean()] if at is not None else []
    assert len(reached) > 145
    assert np.mean(reached) == pytest.approx(0.95, abs=0.005)


def test_curve_by_hand():
    found = coverage.curve(np.array([0.6, 0.9, 0.9, 0.7]), np.array([False, True, False, True]))
    assert found["confidence"].tolist() == [0.9, 0.7, 0.6]
    assert found["coverage"].tolist() == [0.5, 0.75, 1]
    assert found["accuracy"].tolist() == pytest.approx([1 / 2, 2 / 3, 2 / 4])


def test_a_thinned_curve_keeps_its_end():
    rng = np.random.default_rng(0)
    whole = coverage.curve(rng.random(1234), rng.random(1234) < 0.5)
    thin = coverage.thinned(whole, steps=50)
    assert 50 <= len(thin) <= 51
    assert thin.iloc[-1].equals(whole.iloc[-1])
    assert set(thin["confidence"]) <= set(whole["confidence"])
    assert np.diff(thin["coverage"]).max() < 2 / 50
