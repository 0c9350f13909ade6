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


def with_copies(*pairs, label=(0, 1, 0, 1), group="pqrs", windows=1):
    """Cells in which some have the values of others, all of their windows."""
    cells = make_cells(label, group, windows=windows)
    for copy, original in pairs:
        of = [np.flatnonzero(cells.cell_id == f"c{k}") for k in (copy, original)]
        cells.inputs["trace"][of[0]] = cells.inputs["trace"][of[1]]
    return cells


@pytest.mark.parametrize("shares", [(), ("group",), ("group", "cell_id")])
def test_copies_on_two_sides_are_a_leak_that_is_said_once(shares):
    cells = with_copies((2, 0), windows=3)
    said = r"folds 1, 2: copies of one recording stand on two sides: c0 and c2 \(identical values\) in train and test"
    with pytest.raises(LeakageError, match=said) as caught:
        checked(cells, [Fold(np.arange(6), rows(), np.arange(6, 12), shares)] * 2)
    assert str(caught.value).count("c0 and c2") == 1


def test_copies_are_named_where_a_split_that_was_asked_for_has_them_on_both_sides():
    cells = with_copies((2, 0), (3, 1))
    whole = Fold(rows(0, 1), rows(), rows(2, 3), ("copies",))
    [fold] = checked(cells, [whole])
    assert fold.copies == (
        "c0 and c2 (identical values) in train and test",
        "c1 and c3 (identical values) in train and test",
    )
    assert replace(fold, copies=()) == whole
    [fold] = checked(cells, [Fold(rows(0, 2, 1), rows(), rows(3), ("copies",))])
    assert fold.copies == ("c1 and c3 (identical values) in train and test",)


def test_copies_on_one_side_or_in_what_is_only_watched_are_fine():
    cells = with_copies((2, 0), (5, 1), label=(0, 1, 0, 1, 0, 1), group="pqrstu")
    fold = Fold(rows(0, 2, 1, 5), rows(3, 4), rows(3, 4), monitored=True)
    assert checked(cells, [fold]) == [fold]


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


def test_validation_rows_train_where_nothing_is_chosen_by_them():
    fold = Fold(rows(5, 0), rows(3, 1), rows(2, 4), notes=("said",))
    joined = fold.joined
    assert (joined.train.tolist(), joined.valid.tolist(), joined.test.tolist()) == ([0, 1, 3, 5], [], [2, 4])
    assert joined.note == "said" and joined.joined is joined
    without = Fold(rows(5, 0), rows(), rows(2, 4), notes=("said",), unvalidated="no validation part was asked for")
    assert without.note == "said; no validation part was asked for" and without.joined.note == "said"
    watched = Fold(rows(0, 1), rows(2, 3), rows(2, 3), monitored=True)
    assert watched.joined is watched  # its validation rows are the test rows
