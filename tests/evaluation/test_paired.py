"""Two models on the same cells, with animals as the units of chance."""

import numpy as np
import pandas as pd
import pytest

from celltype_cli.core.messages import UserError
from celltype_cli.evaluation.paired import paired


def table(right, group, label=None, fold=0):
    """Predictions of classes A and B; `right` says of each cell whether the answer is."""
    right, n = np.asarray(right, bool), len(right)
    label = np.arange(n) % 2 if label is None else np.asarray(label)
    chosen = np.where(right, label, 1 - label)
    p = np.where(chosen == 0, 0.9, 0.1)
    names = np.array(["A", "B"])
    return pd.DataFrame({"fold": fold, "row": range(n), "cell_id": [f"c{k}" for k in range(n)], "group": group,
                         "label": names[label], "predicted": names[chosen], "p_A": p, "p_B": 1 - p})  # fmt: skip


GROUPS = np.repeat([f"m{k}" for k in range(6)], 4)


def test_a_difference_worked_out_by_hand():
    first = table(np.ones(24), GROUPS)
    second = table(np.arange(24) % 4 != 0, GROUPS)  # one cell of class A wrong in each animal
    found = paired(first, second)
    assert found.value == pytest.approx(0.25)  # recall of A 6/12 against 1
    assert (found.low, found.high) == pytest.approx((0.25, 0.25))  # every animal says the same
    assert found.p == found.least_p == pytest.approx(2 / 64)  # all or none swapped
    assert (found.n_cells, found.n_groups, found.only_first, found.only_second) == (24, 6, 6, 0)
    assert paired(second, first).value == pytest.approx(-0.25)


def test_equal_models_do_not_differ():
    found = paired(table(np.ones(24), GROUPS), table(np.ones(24), GROUPS))
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_chance_finds_a_difference_no_more_often_than_it_says():
    rng = np.random.default_rng(0)

    def draw():  # how often a model is right differs by animal and by model
        rate = np.repeat(rng.uniform(0.3, 0.9, 8), 6)
        return table(rng.random(48) < rate, np.repeat(np.arange(8).astype(str), 6))

    assert np.mean([paired(draw(), draw()).p <= 0.1 for _ in range(60)]) <= 0.17  # ties make it less than 0.1


def test_many_animals_are_swapped_at_random():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(20).astype(str), 4)
    found = paired(table(np.ones(80), group), table(rng.random(80) < 0.6, group))
    assert found.p <= 0.001 and found.least_p == 1e-4 and found.low > 0


def test_folds_of_one_cell_are_averaged():
    twice = pd.concat([table(np.ones(24), GROUPS, fold=k) for k in (0, 1)])
    assert paired(twice, table(np.ones(24), GROUPS)).n_cells == 24


def test_what_cannot_be_compared():
    first = table(np.ones(24), GROUPS)
    with pytest.raises(UserError, match="other classes"):
        paired(first, first.rename(columns={"p_B": "p_C"}))
    with pytest.raises(UserError, match="no labelled cell in common"):
        paired(first, first.assign(cell_id="x" + first["cell_id"]))
    with pytest.raises(UserError, match="cell c0 has another label"):
        paired(first, table(np.ones(24), GROUPS, label=1 - np.arange(24) % 2))
