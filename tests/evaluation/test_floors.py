"""Floors of the losses, by hand and beside scikit-learn."""

from math import log

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from celltype_cli.evaluation.floors import loss_floors, nested


def test_floors_by_hand():
    floor = loss_floors(np.array([2, 2, 0]))
    assert floor == pytest.approx({"log_loss": log(2), "brier": 0.5})
    assert loss_floors(np.array([3, 0])) == pytest.approx({"log_loss": 0, "brier": 0})


def test_no_other_constant_guess_scores_lower():
    support = np.array([7, 2, 5])
    label, floor = np.repeat([0, 1, 2], support), loss_floors(support)
    assert log_loss(label, np.tile(support / 14, (14, 1))) == pytest.approx(floor["log_loss"])
    for guess in np.random.default_rng(0).dirichlet(np.ones(3), 200):
        assert -np.log(guess[label]).mean() > floor["log_loss"]
        assert ((guess - np.eye(3)[label]) ** 2).sum(axis=1).mean() > floor["brier"]


def test_one_class_per_animal_and_folds_without_a_class_are_said():
    cells = pd.DataFrame({"fold": [1, 1, 1, 2, 2, 2], "group": [*"abcdef"], "label": [*"PPSSSP"]})
    assert [*nested(cells)] == []  # both folds test both classes
    [note] = nested(cells.assign(label=[*"PPPSSS"]))
    assert "2 of 2 folds do not test every class" in note and "split.n_folds=3" in note
    assert [*nested(cells.assign(label=[*"PPPSSS"], group=[*"abcabc"]))] == []  # animals of both classes
