"""The guard of every split: planted leaks and gaps are caught, whatever split made them."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made.cells import MODEST, folds_or_reject, layouts, make_cells

from celltype_cli.core.messages import UserError
from celltype_cli.splits import grouped
from celltype_cli.splits.folds import Fold, LeakageError, checked


def rows(*indices):
    return np.array(indices, int)


# Cells c0 to c3 with two windows each; c0 and c1 share group p, c2 and c3 group q; labels A, B, A, B.
LEAKS = {
    "group": (Fold(rows(0, 1, 4, 5), rows(), rows(2, 3, 6, 7)), "group p stands in train and test"),
    "group in validation": (Fold(rows(4, 5, 6, 7), rows(0, 1), rows(2, 3)), "group p stands in valid and test"),
    "cell": (Fold(rows(0, 2, 4, 6), rows(), rows(1, 3), ("group",)), "cell c0 stands in train and test"),
    "row": (Fold(rows(0, 1, 2, 3), rows(), rows(3, 4), ("group", "cell_id")), "row 3 stands in train and test"),
}


@pytest.mark.parametrize("kind", LEAKS)
def test_guard_catches_planted_leaks(kind):
    fold, message = LEAKS[kind]
    with pytest.raises(LeakageError, match=message):
        checked(make_cells([0, 1, 0, 1], "ppqq", windows=2), [fold])


@MODEST
@given(layouts(), st.data())
def test_guard_catches_any_row_moved_to_another_side(layout, data):
    cells = make_cells(*layout)
    folds = folds_or_reject(cells, grouped.grouped_kfold, n_folds=2, valid_fraction=0, seed=0)
    fold = data.draw(st.sampled_from(folds))
    moved = data.draw(st.sampled_from(fold.test.tolist()))
    assume((cells.group[fold.test] == cells.group[moved]).sum() > 1)
    leaky = replace(fold, train=np.append(fold.train, moved), test=np.setdiff1d(fold.test, moved))
    with pytest.raises(LeakageError, match=f"group {cells.group[moved]} stands in train and test"):
        checked(cells, [leaky])


@pytest.mark.parametrize("shares", [(), ("group",), ("group", "cell_id")])
def test_identical_values_are_never_excused(shares):
    cells = make_cells([0, 1, 0, 1], "pqrs")
    cells.inputs["trace"][2] = cells.inputs["trace"][0]
    with pytest.raises(LeakageError, match="identical values stand in train and test: cells c0, c2"):
        checked(cells, [Fold(rows(0, 1), rows(), rows(2, 3), shares)])


def test_what_is_shared_by_name_passes():
    cells = make_cells([0, 1, 0, 1], "ppqq", windows=2)
    fold = Fold(rows(0, 2, 4, 6), rows(), rows(1, 3, 5, 7), ("group", "cell_id"))
    assert checked(cells, [fold]) == [fold]


@pytest.mark.parametrize(
    ("fold", "message"),
    [
        (Fold(rows(0, 1, 2), rows(), rows()), "test is empty"),
        (Fold(rows(), rows(), rows(0, 1)), "train is empty"),
        (Fold(rows(0, 2), rows(), rows(1, 3)), "class B is missing in training"),
        (Fold(rows(0, 1), rows(), rows(4)), "rows without a label"),
    ],
)
def test_guard_refuses_gaps(fold, message):
    with pytest.raises(UserError, match=message):
        checked(make_cells([0, 1, 0, 1, -1], "pqrst"), [fold])


def test_guard_refuses_a_split_without_folds():
    with pytest.raises(UserError, match="no fold"):
        checked(make_cells([0, 1], "pq"), [])


def test_many_faults_are_counted():
    cells = make_cells([0, 1] * 10, range(20), windows=2)
    fold = Fold(np.arange(0, 40, 2), rows(), np.arange(1, 40, 2), ("group",))
    with pytest.raises(LeakageError, match="and 15 more") as caught:
        checked(cells, [fold])
    assert len(re.findall("stands in", str(caught.value))) == 5 and "toy (simulated)" in str(caught.value)
