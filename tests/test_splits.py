"""Splits keep whole groups, test each cell once, repeat under a seed, and planted leaks are caught."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from celltype_cli import splits
from celltype_cli.cells import UNLABELLED, About, Cells
from celltype_cli.errors import UserError
from celltype_cli.folds import Fold, LeakageError, checked
from celltype_cli.groups import deal

MODEST = settings(max_examples=60, deadline=None)


def make_cells(label, group, windows=1, seed=0):
    """Cells c0, c1, ... with the given labels and groups, each cut into `windows` rows of random values."""
    label, group = np.repeat(np.array(label, int), windows), np.repeat(np.array(list(group)).astype(str), windows)
    values = np.random.default_rng(seed).normal(size=(len(label), 1, 3)).astype("f4")
    cell_id = np.repeat([f"c{i}" for i in range(len(label) // windows)], windows)
    classes = tuple("ABC"[: max(label.max() + 1, 2)])
    return Cells({"trace": values}, label, cell_id, group, classes, About("toy", simulated=True))


@st.composite
def layouts(draw):
    """Arguments of `make_cells`: 2 or 3 classes, some cells without a label, up to 12 groups that may mix classes."""
    n = draw(st.integers(6, 40))
    label = draw(st.lists(st.integers(UNLABELLED, draw(st.integers(1, 2))), min_size=n, max_size=n))
    assume(max(label) >= 1)
    group = draw(st.lists(st.integers(0, draw(st.integers(1, 11))), min_size=n, max_size=n))
    return label, group, draw(st.integers(1, 2))


def folds_or_reject(cells, split, **settings):
    """What the split gives; layouts that it refuses with a clear error are no examples."""
    try:
        return checked(cells, split(cells, **settings))
    except LeakageError:
        raise
    except UserError:
        assume(False)


@MODEST
@given(layouts(), st.integers(2, 4), st.integers(0, 2**40), st.sampled_from([0.0, 0.2, 0.4]))
def test_grouped_kfold_keeps_its_promises(layout, n_folds, seed, valid_fraction):
    cells = make_cells(*layout)
    folds = folds_or_reject(cells, splits.grouped_kfold, n_folds=n_folds, valid_fraction=valid_fraction, seed=seed)
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
            assert set(cells.label[fold.valid]) == set(range(len(cells.classes))) and not fold.note
        else:
            assert "no validation part" in fold.note


@MODEST
@given(layouts(), st.integers(0, 9))
def test_leave_one_group_out_tests_each_group_alone(layout, seed):
    cells = make_cells(*layout)
    folds = folds_or_reject(cells, splits.leave_one_group_out, valid_fraction=0.2, seed=seed)
    tested = [set(cells.group[fold.test]) for fold in folds]
    assert all(len(groups) == 1 for groups in tested)
    assert set.union(*tested) == set(cells.group[cells.label != UNLABELLED])
    assert sum(len(fold.test) for fold in folds) == (cells.label != UNLABELLED).sum()


@MODEST
@given(layouts(), st.sampled_from(["cell", "window"]), st.integers(0, 9))
def test_shuffle_is_stratified_and_keeps_cells_unless_asked(layout, unit, seed):
    cells = make_cells(*layout)
    folds = folds_or_reject(cells, splits.shuffle, n_splits=2, train=0.5, test=0.5, unit=unit, monitor=False, seed=seed)
    for fold in folds:
        assert set(fold.shares) == ({"group"} if unit == "cell" else {"group", "cell_id"})
        assert not set(fold.train) & set(fold.test)
        for label in range(len(cells.classes)):
            of_class = cells[np.flatnonzero(cells.label == label)]
            n = of_class.n_cells if unit == "cell" else len(of_class)
            test = cells[fold.test[cells.label[fold.test] == label]]
            assert abs((test.n_cells if unit == "cell" else len(test)) - n / 2) < 1
        if unit == "cell":
            assert not set(cells.cell_id[fold.train]) & set(cells.cell_id[fold.test])


@MODEST
@given(layouts(), st.sampled_from(["kfold", "one_out", "shuffle"]), st.integers(0, 9))
def test_folds_depend_on_seed_and_layout_only(layout, which, seed):
    cells = make_cells(*layout)
    split, settings = {
        "kfold": (splits.grouped_kfold, {"n_folds": 2, "valid_fraction": 0.3}),
        "one_out": (splits.leave_one_group_out, {"valid_fraction": 0.3}),
        "shuffle": (splits.shuffle, {"n_splits": 2, "train": 0.5, "test": 0.3, "unit": "cell", "monitor": False}),
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
    straight = folds_or_reject(cells, splits.grouped_kfold, **settings)
    shuffled = folds_or_reject(cells[order], splits.grouped_kfold, **settings)
    for a, b in zip(straight, shuffled, strict=True):
        assert sorted(order[b.test]) == a.test.tolist()


def test_another_seed_gives_other_folds():
    cells = make_cells([0, 1] * 20, np.arange(40))
    tests = [next(splits.grouped_kfold(cells, n_folds=4, valid_fraction=0, seed=s)).test.tolist() for s in (0, 1)]
    assert tests[0] != tests[1]


def test_groups_of_one_class_reach_every_fold_and_the_validation():
    # 5 groups of A, 10 of B, one cell each: each of 5 folds tests 1 A and 2 B, and of 4 A and 8 B left, a fifth is
    # nearest to 1 A and 2 B.
    cells = make_cells([0] * 5 + [1] * 10, np.arange(15))
    for fold in checked(cells, splits.grouped_kfold(cells, n_folds=5, valid_fraction=0.2, seed=3)):
        assert np.bincount(cells.label[fold.test]).tolist() == [1, 2]
        assert np.bincount(cells.label[fold.valid]).tolist() == [1, 2]
        assert fold.note == ""


def test_dealing_by_hand():
    # Shares of class A: 0.4, 0.3, 0.2, 0.1, dealt in this order to two halves: 0.4 | 0.3, then 0.2 to the lighter
    # half (0.3 + 0.2), then 0.1 to the other (0.4 + 0.1).
    part = deal(np.array([[4], [3], [2], [1]]), np.array([0.5, 0.5]), np.random.default_rng(0))
    assert part[0] == part[3] and part[1] == part[2] and part[0] != part[1]


def test_too_few_groups_leave_validation_empty_and_say_so():
    cells = make_cells([0, 0, 1, 1], ["a", "b", "c", "d"])
    fold = next(splits.grouped_kfold(cells, n_folds=2, valid_fraction=0.2, seed=0))
    assert len(fold.valid) == 0 and "0.2 of 2 training groups leaves a side without A, B" in fold.note


def test_validation_without_a_class_stays_empty_until_more_is_asked_for():
    # Ten groups of A and two of B train: a fifth of them is two of A and, rounded, none of B; two fifths is one of B.
    cells = make_cells([0] * 11 + [1] * 3, ["x", *range(10), "x", 20, 21])
    notes, valid = {}, {}
    for fraction in (0.2, 0.4):
        folds = splits.leave_one_group_out(cells, valid_fraction=fraction, seed=0)
        fold = next(fold for fold in folds if set(cells.group[fold.test]) == {"x"})
        notes[fraction], valid[fraction] = fold.note, np.bincount(cells.label[fold.valid]).tolist()
    assert "leaves a side without B; a larger split.valid_fraction may help" in notes[0.2] and valid[0.2] == []
    assert notes[0.4] == "" and valid[0.4] == [4, 1]


def test_rows_without_label_train_unless_their_group_is_held_out():
    cells = make_cells([0, 1, 0, 1, 0, 1, -1, -1], ["a", "b", "c", "d", "e", "f", "a", "z"])
    for fold in checked(cells, splits.grouped_kfold(cells, n_folds=3, valid_fraction=0.4, seed=0)):
        assert 7 in fold.train
        assert (6 in fold.train) == (0 in fold.train)
        assert not {6, 7} & {*fold.valid, *fold.test}


@pytest.mark.parametrize(
    ("label", "group", "n_folds", "message"),
    [
        ([0] * 6 + [1] * 2, range(8), 3, "class B has 2 cells, 3 are needed: set split.n_folds=2"),
        ([0] * 6 + [1] * 3, [*range(6), 7, 7, 7], 3, r"class B has 3 cells in one group \(7\)"),
        ([0, 1] * 4, [0, 0, 0, 0, 1, 1, 1, 1], 3, "2 groups cannot make 3 folds: set split.n_folds=2"),
        ([0, 1] * 4, range(8), 1, "n_folds is 1"),
    ],
)
def test_impossible_kfolds_say_what_to_set(label, group, n_folds, message):
    cells = make_cells(label, group)
    with pytest.raises(UserError, match=message):
        list(splits.grouped_kfold(cells, n_folds=n_folds, valid_fraction=0.2, seed=0))


def test_a_class_without_cells_is_refused():
    cells = replace(make_cells([0, 1] * 4, range(8)), classes=("A", "B", "empty"))
    with pytest.raises(UserError, match="class empty has 0 cells"):
        list(splits.leave_one_group_out(cells, valid_fraction=0, seed=0))


@pytest.mark.parametrize("fraction", [-0.1, 0.5, 1.0])
def test_senseless_valid_fraction(fraction):
    cells = make_cells([0, 1] * 4, range(8))
    with pytest.raises(UserError, match="split.valid_fraction"):
        list(splits.grouped_kfold(cells, n_folds=2, valid_fraction=fraction, seed=0))


def counts(cells, rows):
    return np.bincount(cells.label[rows], minlength=len(cells.classes)).tolist()


def test_shuffle_counts_of_the_calcium_paper():
    # Troullinou et al.: PY, SOM, VIP 1000 cells each and PV 947; 3157 train and 790 test of 3947.
    cells = make_cells([0] * 1000 + [1] * 947 + [2] * 1000, np.zeros(2947))
    [fold] = splits.shuffle(cells, n_splits=1, train=2357, test=590, unit="cell", monitor=False, seed=0)
    # Quotas of the 590: 200.2, 189.6, 200.2; the one left over goes to the largest remainder.
    assert counts(cells, fold.test) == [200, 190, 200]
    assert counts(cells, fold.train) == [800, 757, 800]
    [same] = splits.shuffle(cells, n_splits=1, train=0.8, test=0.2, unit="cell", monitor=False, seed=0)
    assert np.array_equal(same.test, fold.test) and np.array_equal(same.train, fold.train)


def test_larger_training_sets_contain_smaller_ones_and_keep_the_test():
    cells = make_cells([0, 1] * 20, np.arange(40), windows=3)
    ask = {"n_splits": 3, "test": 10, "unit": "cell", "monitor": False, "seed": 5}
    for a, b in zip(splits.shuffle(cells, train=10, **ask), splits.shuffle(cells, train={"A": 9, "B": 8}, **ask)):
        assert np.array_equal(a.test, b.test) and set(a.train) < set(b.train)
        assert counts(cells, b.train) == [27, 24]
        assert len(set(cells.cell_id[a.test])) == 10


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train": {"A": 5, "B": 2}, "test": 2}, "class A: split.train asks for 5 cells, 4 of 5 are free"),
        ({"train": {"A": 3}, "test": 2}, r"split.train names \['A'\], the classes are \['A', 'B'\]"),
        ({"train": 9, "test": 2}, "split.train asks for 9 cells, 8 of 10 are free"),
        ({"train": 1.5, "test": 2}, "a fraction lies between 0 and 1"),
        ({"train": 2, "test": 2, "unit": "lap"}, "split.unit=cell or split.unit=window"),
    ],
)
def test_impossible_shuffles_say_what_to_set(settings, message):
    cells = make_cells([0, 1] * 5, range(10))
    with pytest.raises(UserError, match=message):
        list(splits.shuffle(cells, **{"n_splits": 1, "unit": "cell", "monitor": False, "seed": 0, **settings}))


def test_watching_the_test_cells_is_marked_and_changes_no_side():
    cells = make_cells([0, 1] * 10, range(20))
    ask = {"n_splits": 2, "train": 10, "test": 6, "unit": "cell", "seed": 0}
    watched = checked(cells, splits.shuffle(cells, monitor=True, **ask))
    for fold, plain in zip(watched, splits.shuffle(cells, monitor=False, **ask)):
        assert fold.monitored and np.array_equal(fold.valid, fold.test)
        assert np.array_equal(fold.test, plain.test) and np.array_equal(fold.train, plain.train)
        assert not len(fold.sides["valid"]) and not len(plain.valid)
    lying = replace(watched[0], valid=watched[0].train)
    with pytest.raises(UserError, match="said to repeat it"):
        checked(cells, [lying])


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_published_ids(tmp_path):
    cells = make_cells([0, 1, 0, 1, 0], "ppqrs", windows=2)
    text = "cell_id,side,fold\nc0,train,x\nc1,train,x\nc2,valid,x\nc3,test,x\nc0,test,y\nc2,train,y\nc3,train,y\n"
    ask = {"path": write(tmp_path / "ids.csv", text), "valid_fraction": 0.0, "seed": 0}
    first, second = checked(cells, splits.published(cells, shares=[], **ask))
    assert [first.train.tolist(), first.valid.tolist(), first.test.tolist()] == [[0, 1, 2, 3], [4, 5], [6, 7]]
    assert second.test.tolist() == [0, 1] and second.train.tolist() == [4, 5, 6, 7]
    assert first.note == "1 cells are not in ids.csv"
    assert second.note == "2 cells are not in ids.csv; no validation part was asked for"


def test_published_sides_that_share_groups_need_it_by_name(tmp_path):
    cells = make_cells([0, 1, 0, 1], "ppqp")
    path = write(tmp_path / "ids.txt", "cell_id\tside\nc0\ttrain\nc1\ttrain\nc2\ttest\nc3\ttest\n")
    ask = {"path": path, "valid_fraction": 0.0, "seed": 0}
    with pytest.raises(LeakageError, match="group p stands in train and test"):
        checked(cells, splits.published(cells, shares=[], **ask))
    [fold] = checked(cells, splits.published(cells, shares=["group"], **ask))
    assert fold.shares == ("group",) and fold.test.tolist() == [2, 3]


def test_published_shares_must_be_known(tmp_path):
    with pytest.raises(UserError, match="split.shares is group, expected a list"):
        list(splits.published(make_cells([0, 1], "pq"), path="x", shares="group", valid_fraction=0.0, seed=0))


def test_published_takes_validation_from_training_groups(tmp_path):
    cells = make_cells([0, 1] * 6, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
    text = "cell_id,side\n" + "".join(f"c{i},{'test' if i > 9 else 'train'}\n" for i in range(12))
    ask = {"path": write(tmp_path / "ids.csv", text), "shares": [], "seed": 0}
    [fold] = checked(cells, splits.published(cells, valid_fraction=0.25, **ask))
    assert len(fold.valid) == 2 and len(fold.train) == 8 and len(set(cells.group[fold.valid])) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cell_id,set\nc0,train\n", "expected cell_id and side"),
        ("cell_id,side\nc0,training\n", "side 'training' is none of"),
        ("cell_id,side\nc0,train\nc0,test\n", "cell c0 is listed twice in fold 0"),
        ("cell_id,side\nc0,train\nc77,test\n", "cell c77 is not in dataset toy"),
        ("", "cannot be read as a table"),
    ],
)
def test_broken_id_files(tmp_path, text, message):
    cells = make_cells([0, 1] * 3, range(6))
    with pytest.raises(UserError, match=message):
        list(splits.published(cells, path=write(tmp_path / "i.csv", text), shares=[], valid_fraction=0.0, seed=0))


def test_missing_id_file(tmp_path):
    cells = make_cells([0, 1], range(2))
    with pytest.raises(UserError, match="no such file"):
        list(splits.published(cells, path=tmp_path / "no.csv", shares=[], valid_fraction=0.0, seed=0))


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
    folds = folds_or_reject(cells, splits.grouped_kfold, n_folds=2, valid_fraction=0, seed=0)
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


CONFIGS = sorted(Path(__file__).parents[1].glob("conf/split/*.yaml"))
ALONE = [path for path in CONFIGS if path.stem != "with_new_cells"]  # wraps another; test_new_cells.py splits with it


@pytest.mark.parametrize("path", ALONE, ids=lambda p: p.stem)
def test_every_split_config_splits(path, tmp_path):
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    cells = make_cells([0, 1, 2] * 10, np.repeat(np.arange(10), 3), windows=2)
    config = OmegaConf.create(yaml.safe_load(path.read_text()))
    if path.stem == "published":
        ids = "".join(f"c{i},{'test' if i < 3 else 'train'}\n" for i in range(30))
        config.path = str(write(tmp_path / "ids.csv", "cell_id,side\n" + ids))
    folds = checked(cells, instantiate(config)(cells, seed=0))
    assert all(len(fold.test) < len(fold.train) for fold in folds)
