"""Copies of one recording stay on one side in every split of ours, and are named by those that papers draw."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from made import sts
from made.cells import make_cells

from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.splits import grouped, published, shuffled, wrapped
from celltype_cli.splits.folds import LeakageError, checked
from celltype_cli.studies.search.training import inner_folds

LENGTH = 64


def cells(*copies, group="ppqqrrssttuu", change=lambda values: values) -> Cells:
    """Twelve cells of six groups, A and B in each; (i, j) gives cell j the values of cell i, changed."""
    made = make_cells([0, 1] * 6, group)
    trace = np.random.default_rng(1).normal(size=(12, 1, LENGTH))
    for i, j in copies:
        trace[j] = change(trace[i])
    return replace(made, inputs={"trace": trace.astype(np.float32)})


CHANGES = {
    "identical": lambda values: values,
    "rounded": lambda values: values * (1 + 2e-7),
    "rescaled": lambda values: 100 - 3 * values,
    "shifted": lambda values: np.roll(values, 1, axis=-1),
}
APART = {
    "grouped_kfold": partial(grouped.grouped_kfold, n_folds=2, valid_fraction=0.25),
    "leave_one_group_out": partial(grouped.leave_one_group_out, valid_fraction=0.25),
    "repeated": partial(
        wrapped.repeated, split=partial(grouped.grouped_kfold, n_folds=2, valid_fraction=0.25), times=2
    ),
    "first": partial(wrapped.first, split=partial(grouped.leave_one_group_out, valid_fraction=0.25)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("split", APART)
def test_groups_with_copies_are_dealt_together(split, change):
    twins = cells((0, 4), (5, 8), change=CHANGES[change])  # ties p, r and t
    for seed in range(4):
        for fold in checked(twins, APART[split](twins, seed=seed)):
            sides = [{*twins.group[rows]} & {*"prt"} for rows in fold.sides.values()]
            assert sorted(map(len, sides)) in ([0, 0, 3], [0, 0, 0])
            assert not fold.copies


def test_leaving_out_takes_tied_groups_as_one():
    twins = cells((0, 4))
    tested = [{*twins.group[fold.test]} for fold in APART["leave_one_group_out"](twins, seed=0)]
    assert sorted(map(sorted, tested)) == [["p", "r"], ["q"], ["s"], ["t"], ["u"]]


def test_too_few_groups_are_named_as_they_are_tied():
    twins = cells((0, 2), (0, 4), (0, 6), (0, 8), (0, 10))
    with pytest.raises(UserError, match=r"all cells are of one group \(p \+ q \+ r \+ s \+ t \+ u\)"):
        list(APART["grouped_kfold"](twins, seed=0))


def test_copies_of_a_source_that_is_tested_do_not_train():
    twins = replace(cells((0, 4)), source=np.array([*"aaaa", *"bbbb", *"cccc"]))
    [fold] = checked(twins, grouped.other_source(twins, source="b", valid_fraction=0, seed=0))
    assert fold.test.tolist() == [4, 5, 6, 7] and fold.train.tolist() == [2, 3, 8, 9, 10, 11]  # p is left out
    assert "2 rows left out, their groups hold copies of what is tested" in fold.note


@pytest.mark.parametrize("unit", ["cell", "window"])
def test_random_splits_name_copies_on_both_sides(unit):
    twins = cells((0, 4))
    split = partial(shuffled.shuffle, n_splits=10, train=0.5, test=0.5, unit=unit, monitor=False)
    folds = checked(twins, split(twins, seed=0))
    both = [len({0, 4} & {*fold.train}) == 1 for fold in folds]
    assert 0 < sum(both) < 10
    assert [fold.copies for fold in folds] == [
        ("c0 and c4 (identical values) in train and test",) if here else () for here in both
    ]


@pytest.mark.parametrize("change", CHANGES)
def test_published_lists_run_and_name_copies(tmp_path, change):
    twins = cells((0, 4), change=CHANGES[change])
    sts.write(tmp_path, train="\n".join(f"c{k}" for k in range(4)), test="\n".join(f"c{k}" for k in range(4, 12)))
    lists = partial(published.listed_by_side, path=tmp_path, shares=[], valid_fraction=0, seed=0,
                    sides={"train": "Split/Train_split.csv", "test": "Split/Test_split.csv"})  # fmt: skip
    [fold] = checked(twins, lists(twins, apart=False))
    assert len(fold.copies) == 1 and fold.copies[0].startswith("c0 and c4 (")
    [fold] = checked(twins, lists(twins, apart=True))
    assert fold.train.tolist() == [2, 3] and not fold.copies  # the whole group of c0 is left out


def test_validation_of_published_lists_keeps_copies_together(tmp_path):
    twins = cells((0, 4), (1, 6), (0, 8))
    (tmp_path / "ids.csv").write_text(
        "cell_id,side\n" + "".join(f"c{k},train\n" for k in range(10)) + "c10,test\nc11,test\n"
    )
    for seed in range(5):
        split = published.listed(twins, path=tmp_path / "ids.csv", shares=[], valid_fraction=0.3, seed=seed)
        [fold] = checked(twins, split)
        assert not fold.copies and len({0, 1, 4, 6, 8} & {*fold.valid}) in (0, 5)


def test_copies_among_new_cells_are_a_leak():
    twins = replace(cells((0, 10)), source=np.repeat(["known", "new"], [10, 2]))
    random = partial(shuffled.shuffle, n_splits=1, train=0.5, test=0.5, unit="cell", monitor=False)
    with pytest.raises(
        LeakageError, match=r"of the copies c0 and c10 \(identical values\) some are new and some known"
    ):
        list(wrapped.with_new(twins, split=random, source="new", seed=0))


def test_inner_folds_of_a_search_keep_copies_together():
    twins = cells((0, 4), (1, 7))
    for split in ("grouped", "stratified"):
        for fold in inner_folds(twins, np.arange(12), n_folds=2, split=split, valid_fraction=0, seed=0):
            assert len({0, 4} & {*fold.test}) in (0, 2) and len({1, 7} & {*fold.test}) in (0, 2)
