"""The split that trains on some sources and tests on another."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from made.cells import make_cells
from made.configs import compose

from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.splits.folds import LeakageError, checked
from celltype_cli.splits.grouped import other_source

SPLIT = partial(other_source, valid_fraction=0, seed=0)


def cells(group=range(8), label=(0, 1, 0, 1, 0, 1, 0, 1)):
    """Rows 0 to 3 of laboratory a, 4 and 5 of b, 6 and 7 of c."""
    return replace(make_cells(label, group), source=np.array([*"aaaabbcc"]))


def test_one_source_is_tested_and_the_others_train():
    [fold] = checked(cells(), SPLIT(cells(), source="b"))
    assert [fold.train.tolist(), fold.valid.tolist(), fold.test.tolist()] == [[0, 1, 2, 3, 6, 7], [], [4, 5]]
    assert fold.note == "b is tested, the other sources train; no validation part was asked for"
    assert fold.shares == ()


def test_each_source_in_turn():
    folds = checked(cells(), SPLIT(cells(), source=None))
    assert [fold.test.tolist() for fold in folds] == [[0, 1, 2, 3], [4, 5], [6, 7]]
    for fold in folds:
        assert sorted([*fold.train, *fold.test]) == list(range(8))


def test_rows_without_a_label_only_train():
    some = cells(label=(0, 1, 0, UNLABELLED, 0, UNLABELLED, 1, 1))
    folds = checked(some, SPLIT(some, source=None))
    assert [fold.test.tolist() for fold in folds] == [[0, 1, 2], [4], [6, 7]]
    assert {3, 5} <= {*folds[2].train.tolist()}
    none = cells(label=(0, 1, 0, 1, 0, 1, UNLABELLED, UNLABELLED))
    assert len(checked(none, SPLIT(none, source=None))) == 2  # c has nothing to test
    with pytest.raises(UserError, match="split.source=c has no row with a label"):
        list(SPLIT(none, source="c"))


def test_validation_takes_whole_groups_from_training():
    some = cells(group=[0, 0, 1, 1, 2, 2, 3, 3])
    [fold] = checked(some, SPLIT(some, source="c", valid_fraction=0.4))
    assert len(fold.valid) == 2 and len(fold.train) == 4
    assert len({*some.group[fold.valid].tolist()}) == 1


def test_an_animal_in_two_sources_is_a_leak():
    some = cells(group="pqrspuvw")
    with pytest.raises(LeakageError, match="group p stands in train and test"):
        checked(some, SPLIT(some, source="b"))


def test_a_source_that_is_not_there_is_said():
    with pytest.raises(UserError, match="sources 'a', 'b', 'c': split.source=d has no row with a label"):
        list(SPLIT(cells(), source="d"))
    with pytest.raises(UserError, match="has the sources '': two are needed .*column source"):
        list(SPLIT(make_cells([0, 1], "pq"), source=None))


def test_the_config_splits_so():
    split = compose("train", "split=other_source").split
    assert len(checked(cells(), configs.build(split)(cells(), seed=0))) == 3
