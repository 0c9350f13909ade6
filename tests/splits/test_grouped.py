"""Splits by group keep whole groups, test each cell once and repeat under a seed."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.cells import MODEST, folds_or_reject, layouts, make_cells

from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.core.messages import UserError
from celltype_cli.splits import grouped, shuffled
from celltype_cli.splits.folds import checked
from celltype_cli.splits.groups import deal


@MODEST
@given(layouts(), st.integers(2, 4), st.integers(0, 2**40), st.sampled_from([0.0, 0.2, 0.4]))
def test_grouped_kfold_keeps_its_promises(layout, n_folds, seed, valid_fraction):
    cells = make_cells(*layout)
    folds = folds_or_reject(cells, grouped.grouped_kfold, n_folds=n_folds, valid_fraction=valid_fraction, seed=seed)
    labelled = np.flatnonzero(cells.label != UNLABELLED)
    assert sorted(np.concatenate([fold.test for fold in folds])) == labelled.tolist()
    for fold in folds:
        rows = np.concatenate([fold.train, fold.valid, fold.test])
        assert len(np.unique(rows)) == len(rows)
        assert set(labelled) <= set(rows)
        sides = [set(cells.group[side]) for side in (fold.train, fold.valid, fold.test)]
        assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
        assert set(cells.label[fold.train]) >= set(range(len(cells.classes)))
        unused = np.setdiff1d(np.arange(len(cells)), rows)
        assert set(cells.group[unused]) <= sides[1] | sides[2]
        if len(fold.valid):
            assert set(cells.label[fold.valid]) == set(range(len(cells.classes)))
        assert ("no validation part" in fold.note) == (not len(fold.valid))
        assert ("not every class is tested" in fold.note) == (len(set(cells.label[fold.test])) < len(cells.classes))


@MODEST
@given(layouts(), st.integers(0, 9))
def test_leave_one_group_out_tests_each_group_alone(layout, seed):
    cells = make_cells(*layout)
    folds = folds_or_reject(cells, grouped.leave_one_group_out, valid_fraction=0.2, seed=seed)
    tested = [set(cells.group[fold.test]) for fold in folds]
    assert all(len(groups) == 1 for groups in tested)
    assert set.union(*tested) == set(cells.group[cells.label != UNLABELLED])
    assert sum(len(fold.test) for fold in folds) == (cells.label != UNLABELLED).sum()


@MODEST
@given(layouts(), st.sampled_from(["kfold", "one_out", "shuffle"]), st.integers(0, 9))
def test_folds_depend_on_seed_and_layout_only(layout, which, seed):
    cells = make_cells(*layout)
    split, settings = {
        "kfold": (grouped.grouped_kfold, {"n_folds": 2, "valid_fraction": 0.3}),
        "one_out": (grouped.leave_one_group_out, {"valid_fraction": 0.3}),
        "shuffle": (shuffled.shuffle, {"n_splits": 2, "train": 0.5, "test": 0.3, "unit": "cell", "monitor": False}),
    }[which]
    other_values = replace(cells, inputs={"trace": cells.inputs["trace"] + 1})
    first = folds_or_reject(cells, split, seed=seed, **settings)
    again = folds_or_reject(other_values, split, seed=np.uint32(seed), **settings)
    for a, b in zip(first, again, strict=True):
        assert all(np.array_equal(getattr(a, side), getattr(b, side)) for side in ("train", "valid", "test"))


@MODEST
@given(layouts(), st.integers(0, 9))
def test_groups_fall_alike_in_any_order_of_rows(layout, seed):
    cells = make_cells(*layout)
    order = np.random.default_rng(seed).permutation(len(cells))
    settings = {"n_folds": 2, "valid_fraction": 0.3, "seed": seed}
    straight = folds_or_reject(cells, grouped.grouped_kfold, **settings)
    shuffled = folds_or_reject(cells[order], grouped.grouped_kfold, **settings)
    for a, b in zip(straight, shuffled, strict=True):
        assert sorted(order[b.test]) == a.test.tolist()


def test_another_seed_gives_other_folds():
    cells = make_cells([0, 1] * 20, np.arange(40))
    tests = [next(grouped.grouped_kfold(cells, n_folds=4, valid_fraction=0, seed=s)).test.tolist() for s in (0, 1)]
    assert tests[0] != tests[1]


def test_groups_of_one_class_reach_every_fold_and_the_validation():
    # 5 groups of A, 10 of B, one cell each: each of 5 folds tests 1 A and 2 B, and of 4 A and 8 B left, a fifth is
    # nearest to 1 A and 2 B.
    cells = make_cells([0] * 5 + [1] * 10, np.arange(15))
    for fold in checked(cells, grouped.grouped_kfold(cells, n_folds=5, valid_fraction=0.2, seed=3)):
        assert np.bincount(cells.label[fold.test]).tolist() == [1, 2]
        assert np.bincount(cells.label[fold.valid]).tolist() == [1, 2]
        assert fold.note == ""


def test_dealing_by_hand():
    # Shares of class A: 0.4, 0.3, 0.2, 0.1, dealt in this order to two halves: 0.4 | 0.3, then 0.2 to the lighter
    # half (0.3 + 0.2), then 0.1 to the other (0.4 + 0.1).
    for seed in range(20):
        part = deal(np.array([[4], [3], [2], [1]]), np.array([0.5, 0.5]), np.random.default_rng(seed))
        assert part[0] == part[3] and part[1] == part[2] and part[0] != part[1]


def test_folds_test_every_class_where_animals_allow_it_and_otherwise_say_what_to_set():
    """Three animals of each of three classes: three folds test each class, five cannot."""
    cells = make_cells(np.repeat([0, 1, 2], [8, 13, 9]), [*"aaaabbcc", *"ddddeeeffffff", *"gghhhiiii"])
    for seed in range(10):
        three = checked(cells, grouped.grouped_kfold(cells, n_folds=3, valid_fraction=0, seed=seed))
        assert all({*cells.label[fold.test]} == {0, 1, 2} for fold in three)
        assert not any("tested" in fold.note for fold in three)
    said = "not every class is tested (A stands in 3 groups, there are {} folds); split=grouped_kfold split.n_folds=3"
    five = [*grouped.grouped_kfold(cells, n_folds=5, valid_fraction=0, seed=0)]
    assert [said.format(5) in fold.note for fold in five] == [len({*cells.label[fold.test]}) < 3 for fold in five]
    assert all(said.format(9) in fold.note for fold in grouped.leave_one_group_out(cells, valid_fraction=0, seed=0))


def test_no_fold_takes_all_of_a_class():
    """One class stands in two animals, whose other cells would balance best in one fold."""
    cells = make_cells([2] * 5 + [2] * 5 + [0, 1] * 15, ["p"] * 5 + ["q"] * 5 + [k // 6 for k in range(30)])
    for seed in range(20):
        checked(cells, grouped.grouped_kfold(cells, n_folds=2, valid_fraction=0.2, seed=seed))


def test_thousands_of_cells_without_an_animal_are_dealt_at_once():
    cells = make_cells(np.arange(6000) % 3, range(6000))
    started = time.perf_counter()
    tested = [np.bincount(cells.label[fold.test]) for fold in
              grouped.grouped_kfold(cells, n_folds=5, valid_fraction=0.2, seed=0)]  # fmt: skip
    assert np.ptp(tested) <= 1 and time.perf_counter() - started < 10


def test_too_few_groups_leave_validation_empty_and_say_so():
    cells = make_cells([0, 0, 1, 1], ["a", "b", "c", "d"])
    fold = next(grouped.grouped_kfold(cells, n_folds=2, valid_fraction=0.2, seed=0))
    assert len(fold.valid) == 0 and "0.2 of 2 training groups leaves a side without A, B" in fold.note


def test_validation_without_a_class_stays_empty_until_more_is_asked_for():
    # Ten groups of A and two of B train: a fifth of them is two of A and, rounded, none of B; two fifths is one of B.
    cells = make_cells([0] * 11 + [1] * 3, ["x", *range(10), "x", 20, 21])
    notes, valid = {}, {}
    for fraction in (0.2, 0.4):
        folds = grouped.leave_one_group_out(cells, valid_fraction=fraction, seed=0)
        fold = next(fold for fold in folds if set(cells.group[fold.test]) == {"x"})
        notes[fraction], valid[fraction] = fold.note, np.bincount(cells.label[fold.valid]).tolist()
    assert "leaves a side without B; a larger split.valid_fraction may help" in notes[0.2] and valid[0.2] == []
    assert notes[0.4] == "" and valid[0.4] == [4, 1]


def test_rows_without_label_train_unless_their_group_is_held_out():
    cells = make_cells([0, 1, 0, 1, 0, 1, -1, -1], ["a", "b", "c", "d", "e", "f", "a", "z"])
    for fold in checked(cells, grouped.grouped_kfold(cells, n_folds=3, valid_fraction=0.4, seed=0)):
        assert 7 in fold.train
        assert (6 in fold.train) == (0 in fold.train)
        assert not {6, 7} & {*fold.valid, *fold.test}


@pytest.mark.parametrize(
    ("label", "group", "n_folds", "message"),
    [
        ([0] * 6 + [1] * 2, range(8), 3, "class B has 2 cells, 3 are needed: set split.n_folds=2"),
        ([0] * 6 + [1] * 3, [*range(6), 7, 7, 7], 3, r"class B has 3 cells in one group \(7\)"),
        ([0, 1] * 12, [k // 4 for k in range(24)], 99, "class A has 12 cells, 99 are needed: set split.n_folds=6"),
        (
            [0] * 20 + [1] * 4,
            [k % 6 for k in range(24)],
            99,
            "6 groups cannot make 99 folds: set split.n_folds=4 or less",
        ),
        ([0, 1] * 4, [0, 0, 0, 0, 1, 1, 1, 1], 3, "2 groups cannot make 3 folds: set split.n_folds=2"),
        ([0, 1] * 4, [5] * 8, 2, r"all cells are of one group \(5\): .* two groups at least"),
        ([0, 1] * 4, range(8), 1, "n_folds=1 is out of range"),
    ],
)
def test_impossible_kfolds_say_what_to_set(label, group, n_folds, message):
    cells = make_cells(label, group)
    with pytest.raises(UserError, match=message):
        list(grouped.grouped_kfold(cells, n_folds=n_folds, valid_fraction=0.2, seed=0))


def test_a_class_of_a_few_cells_may_be_a_typing_error():
    cells = replace(make_cells([0, 1] * 6 + [2], range(13)), classes=("FS", "RS", "fs"))
    with pytest.raises(UserError, match="class fs has 1 cells, 3 are needed: add cells, .*; nearest: FS"):
        list(grouped.grouped_kfold(cells, n_folds=3, valid_fraction=0, seed=0))


def test_a_class_without_cells_is_refused():
    cells = replace(make_cells([0, 1] * 4, range(8)), classes=("A", "B", "empty"))
    with pytest.raises(UserError, match="class empty has 0 cells"):
        list(grouped.leave_one_group_out(cells, valid_fraction=0, seed=0))


@pytest.mark.parametrize("fraction", [-0.1, 0.5, 1.0])
def test_senseless_valid_fraction(fraction):
    cells = make_cells([0, 1] * 4, range(8))
    with pytest.raises(UserError, match="valid_fraction=.* is out of range"):
        list(grouped.grouped_kfold(cells, n_folds=2, valid_fraction=fraction, seed=0))


def test_cells_without_any_label_are_said_to_have_none():
    with pytest.raises(UserError, match="no cell has a label: give labels"):
        list(grouped.grouped_kfold(make_cells([-1] * 6, range(6)), n_folds=3, valid_fraction=0, seed=0))
