"""Two models on the same cells, with animals as the units of chance."""

import numpy as np
import pandas as pd
import pytest

from celltype_cli.core.messages import UserError
from celltype_cli.evaluation import paired as module
from celltype_cli.evaluation.comparison import holm
from celltype_cli.evaluation.paired import Difference


def table(right, group, label=None, fold=0):
    """Predictions of classes A and B; `right` says of each cell whether the answer is."""
    right, n = np.asarray(right, bool), len(right)
    label = np.arange(n) % 2 if label is None else np.asarray(label)
    chosen = np.where(right, label, 1 - label)
    p = np.where(chosen == 0, 0.9, 0.1)
    names = np.array(["A", "B"])
    return pd.DataFrame({"fold": fold, "row": range(n), "cell_id": [f"c{k}" for k in range(n)], "group": group,
                         "label": names[label], "predicted": names[chosen], "p_A": p, "p_B": 1 - p})  # fmt: skip


def paired(first, second, **settings) -> Difference:
    [found] = module.paired({"a": first, "b": second}, **settings).values()
    return found


GROUPS = np.repeat([f"m{k}" for k in range(6)], 4)


def test_a_difference_worked_out_by_hand():
    first = table(np.ones(24), GROUPS)
    second = table(np.arange(24) % 4 != 0, GROUPS)  # one cell of class A wrong in each animal
    found = paired(first, second)
    assert found.value == pytest.approx(0.25)  # recall of A 6/12 against 1
    assert np.isnan([found.low, found.high]).all() and found.words == "+0.250"  # every animal says the same
    assert found.p == found.least_p == pytest.approx(2 / 64)  # all or none swapped
    assert (found.n_cells, found.n_groups, found.only_first, found.only_second) == (24, 6, 6, 0)
    assert paired(second, first).value == pytest.approx(-0.25)


def test_equal_models_do_not_differ():
    found = paired(table(np.ones(24), GROUPS), table(np.ones(24), GROUPS))
    assert (found.value, found.p) == (0, 1) and np.isnan([found.low, found.high]).all()


def test_chance_finds_a_difference_no_more_often_than_it_says():
    rng = np.random.default_rng(0)

    def draw():  # how often a model is right differs by animal and by model
        rate = np.repeat(rng.uniform(0.3, 0.9, 8), 6)
        return table(rng.random(48) < rate, np.repeat(np.arange(8).astype(str), 6))

    assert np.mean([paired(draw(), draw()).p <= 0.1 for _ in range(40)]) <= 0.17  # ties make it less than 0.1


def test_many_animals_are_swapped_at_random():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(20).astype(str), 4)
    found = paired(table(np.ones(80), group), table(rng.random(80) < 0.6, group))
    assert found.p <= 0.001 and found.least_p == 1 / 10_001 and found.low > 0


def test_a_cell_that_is_tested_twice_counts_once_and_each_test_half():
    half = pd.concat([table(np.ones(24), GROUPS, fold=0), table(np.zeros(24), GROUPS, fold=1)])
    found = paired(half, table(np.ones(24), GROUPS))
    assert found.n_cells == 24 and found.value == pytest.approx(-0.5)  # not the score of the averaged answer
    assert (found.only_first, found.only_second) == (0, 24)


def test_one_group_alone_says_nothing():
    found = paired(table(np.ones(8), ["m"] * 8), table(np.zeros(8), ["m"] * 8))
    assert (found.p, found.least_p) == (1, 1) and np.isnan(found.low)


def test_cells_that_one_alone_has_are_counted():
    first = table(np.ones(24), GROUPS)
    assert paired(first, first.iloc[:-3]).left_out == 3


def test_classes_in_another_order_or_under_another_name_are_the_same():
    first = table(np.arange(24) % 3 > 0, GROUPS)
    names = {"A": "PV", "B": "SOM"}
    first = first.replace(names).rename(columns={"p_A": "p_PV", "p_B": "p_SOM"})
    other = first.replace("SOM", "SST").rename(columns={"p_SOM": "p_SST"})
    other = other[[*other.columns[:6], "p_SST", "p_PV"]]
    assert paired(first, other).value == 0 == paired(first, other).only_first


def test_holm_over_all_pairs_by_hand():
    rng = np.random.default_rng(3)
    tables = {name: table(rng.random(24) < rate, GROUPS) for name, rate in (("a", 1), ("b", 0.6), ("c", 0.1))}
    found = module.paired(tables)
    assert [*found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [d.adjusted for d in found.values()] == holm(np.array([d.p for d in found.values()])).tolist()
    assert found["a", "b"].p == paired(tables["a"], tables["b"]).p < found["a", "b"].adjusted


def test_a_swap_test_is_the_sign_test_of_animals_of_one_size():
    """With accuracy and animals of equal size, swapping predictions flips the sign of each animal's difference."""
    rng = np.random.default_rng(1)
    first, second = (table(rng.random(24) < rate, GROUPS, label=np.zeros(24, int)) for rate in (0.9, 0.5))
    right = [(of["predicted"] == of["label"]).groupby(of["group"]).mean() for of in (first, second)]
    d = (right[0] - right[1]).to_numpy()
    signs = np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1).T
    expected = (np.abs((signs * d).mean(axis=1)) >= abs(d.mean()) - 1e-9).mean()
    assert paired(first, second, score="accuracy").p == pytest.approx(expected)


def test_what_cannot_be_compared():
    first = table(np.ones(24), GROUPS)
    with pytest.raises(UserError, match="b has other classes"):
        paired(first, first.rename(columns={"p_B": "p_C"}).replace("B", "C"))
    with pytest.raises(UserError, match="needs two models or more, found a"):
        module.paired({"a": first})
    with pytest.raises(UserError, match="no labelled cell in common"):
        paired(first, first.assign(cell_id="x" + first["cell_id"]))
    with pytest.raises(UserError, match=r"cell c0 has the labels A and B in a and b \(24 such cells\)"):
        paired(first, table(np.ones(24), GROUPS, label=1 - np.arange(24) % 2))


def test_a_class_of_one_animal_leaves_no_interval_of_what_averages_over_classes():
    group, label = np.repeat(["a", "b", "c"], 4), np.repeat([0, 0, 1], 4)
    right = np.array([1, 1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0], bool)
    first, second = table(right, group, label), table(np.roll(right, 1), group, label)
    assert np.isnan(paired(first, second).low)
    assert np.isfinite(paired(first, second, score="accuracy").low)
