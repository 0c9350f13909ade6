"""Random splits: stratified, of the sizes asked for, cells whole unless windows are asked for."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.cells import MODEST, folds_or_reject, layouts, make_cells

from celltype_cli.core.messages import UserError
from celltype_cli.splits import shuffled
from celltype_cli.splits.folds import checked


@MODEST
@given(layouts(), st.sampled_from(["cell", "window"]), st.integers(0, 9))
def test_shuffle_is_stratified_and_keeps_cells_unless_asked(layout, unit, seed):
    cells = make_cells(*layout)
    folds = folds_or_reject(
        cells, shuffled.shuffle, n_splits=2, train=0.5, test=0.5, unit=unit, monitor=False, seed=seed
    )
    for fold in folds:
        assert set(fold.shares) == ({"group", "copies"} | ({"cell_id"} if unit == "window" else set()))
        assert not set(fold.train) & set(fold.test)
        for label in range(len(cells.classes)):
            of_class = cells[np.flatnonzero(cells.label == label)]
            n = of_class.n_cells if unit == "cell" else len(of_class)
            test = cells[fold.test[cells.label[fold.test] == label]]
            assert abs((test.n_cells if unit == "cell" else len(test)) - n / 2) < 1
        if unit == "cell":
            assert not set(cells.cell_id[fold.train]) & set(cells.cell_id[fold.test])


def counts(cells, rows):
    return np.bincount(cells.label[rows], minlength=len(cells.classes)).tolist()


def test_shuffle_counts_of_the_calcium_paper():
    # Troullinou et al.: PY, SOM, VIP 1000 cells each and PV 947; 3157 train and 790 test of 3947.
    cells = make_cells([0] * 1000 + [1] * 947 + [2] * 1000, np.zeros(2947))
    [fold] = shuffled.shuffle(cells, n_splits=1, train=2357, test=590, unit="cell", monitor=False, seed=0)
    # Quotas of the 590: 200.2, 189.6, 200.2; the one left over goes to the largest remainder.
    assert counts(cells, fold.test) == [200, 190, 200]
    assert counts(cells, fold.train) == [800, 757, 800]
    [same] = shuffled.shuffle(cells, n_splits=1, train=0.8, test=0.2, unit="cell", monitor=False, seed=0)
    assert np.array_equal(same.test, fold.test) and np.array_equal(same.train, fold.train)


def test_larger_training_sets_contain_smaller_ones_and_keep_the_test():
    cells = make_cells([0, 1] * 20, np.arange(40), windows=3)
    ask = {"n_splits": 3, "test": 10, "unit": "cell", "monitor": False, "seed": 5}
    for a, b in zip(shuffled.shuffle(cells, train=10, **ask), shuffled.shuffle(cells, train={"A": 9, "B": 8}, **ask)):
        assert np.array_equal(a.test, b.test) and set(a.train) < set(b.train)
        assert counts(cells, b.train) == [27, 24]
        assert len(set(cells.cell_id[a.test])) == 10


def test_a_total_is_reached_where_the_test_leaves_a_class_too_few():
    # In proportion A would train with 5 of its 10 cells, but 9 are tested: B gives the other 4.
    cells = make_cells([0] * 10 + [1] * 90, np.arange(100))
    [fold] = shuffled.shuffle(cells, n_splits=1, train=0.5, test={"A": 9, "B": 1}, unit="cell", monitor=False, seed=0)
    assert counts(cells, fold.test) == [9, 1] and counts(cells, fold.train) == [1, 49]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train": {"A": 5, "B": 2}, "test": 2}, "class A: split.train asks for 5 cells, 4 of 5 are free"),
        ({"train": {"A": 3}, "test": 2}, r"split.train names \['A'\], the classes are \['A', 'B'\]"),
        ({"train": 9, "test": 2}, "split.train asks for 9 cells, 8 of 10 are free"),
        (
            {"train": 1.5, "test": 2},
            "train=1.5 is out of range, expected a number above 0 and below 1",
        ),
        ({"train": 2, "test": 2, "unit": "lap"}, "unit=lap is text, expected one of cell, window"),
    ],
)
def test_impossible_shuffles_say_what_to_set(settings, message):
    cells = make_cells([0, 1] * 5, range(10))
    with pytest.raises(UserError, match=message):
        list(shuffled.shuffle(cells, **{"n_splits": 1, "unit": "cell", "monitor": False, "seed": 0, **settings}))


def test_watching_the_test_cells_is_marked_and_changes_no_side():
    cells = make_cells([0, 1] * 10, range(20))
    ask = {"n_splits": 2, "train": 10, "test": 6, "unit": "cell", "seed": 0}
    watched = checked(cells, shuffled.shuffle(cells, monitor=True, **ask))
    for fold, plain in zip(watched, shuffled.shuffle(cells, monitor=False, **ask)):
        assert fold.monitored and np.array_equal(fold.valid, fold.test)
        assert np.array_equal(fold.test, plain.test) and np.array_equal(fold.train, plain.train)
        assert not len(fold.sides["valid"]) and not len(plain.valid)
    lying = replace(watched[0], valid=watched[0].train)
    with pytest.raises(UserError, match="said to repeat it"):
        checked(cells, [lying])
