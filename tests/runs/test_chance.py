"""What a model that learnt nothing scores: labels dealt anew keep what animals share."""

import numpy as np
import pytest
from made.configs import compose
from made.runs import LABELS

from celltype_cli.cells.about import About, Input
from celltype_cli.cells.cells import Cells
from celltype_cli.runs import chance, train
from celltype_cli.splits.grouped import grouped_kfold


def cells_of(label, group, columns):
    names = tuple(f"c{k}" for k in range(columns.shape[1]))
    about = About("made", inputs={"table": Input(columns=names)})
    ids = np.array([f"cell{i}" for i in range(len(label))])
    return Cells({"table": columns}, label, ids, group, ("A", "B"), about)


def made(n_groups=8, of_each=6, likeness=0.0, apart=0.0, seed=0):
    rng = np.random.default_rng(seed)
    animal = np.repeat(np.arange(n_groups), of_each)
    label = animal % 2
    own = np.sqrt(likeness) * rng.normal(size=(n_groups, 3))[animal]
    values = own + np.sqrt(1 - likeness) * rng.normal(size=(len(animal), 3)) + apart * label[:, None]
    return cells_of(label, np.array([f"m{a}" for a in animal]), values)


def test_whole_animals_of_one_class_swap_it_and_others_deal_within():
    group = np.repeat(["a", "b", "c", "d"], 4)
    label = np.array([0] * 4 + [1] * 4 + [0] * 4 + [0, 1, 1, 1])
    rng = np.random.default_rng(0)
    drawn = np.array([chance.dealt_anew(label, group, rng) for _ in range(50)])
    whole = drawn[:, :12].reshape(50, 3, 4)
    assert (whole == whole[:, :, :1]).all()  # an animal of one class stays one
    assert {tuple(row) for row in whole[:, :, 0]} == {(0, 1, 0), (1, 0, 0), (0, 0, 1)}
    assert (drawn[:, 12:].sum(axis=1) == 3).all() and len({tuple(row) for row in drawn[:, 12:]}) == 4


def test_what_is_told_apart_is_rare_by_chance_and_noise_is_not():
    told, noise = made(apart=3.0), made()
    for cells, observed, expected in ((told, 1.0, (0, 0.06)), (noise, 0.5, (0.2, 1))):
        folds = [*grouped_kfold(cells, n_folds=4, valid_fraction=0, seed=0)]
        found = chance.chance(cells, folds, observed, times=99, seed=0)
        assert expected[0] < found["p"] <= expected[1]
        assert found["times"] == 99 and found == chance.chance(cells, folds, observed, times=99, seed=0)


def test_animals_that_are_alike_spread_it():
    """With few animals whose cells resemble each other, guesses go far from one half."""
    sd = {}
    for likeness in (0.0, 0.9):
        cells = made(likeness=likeness)
        folds = [*grouped_kfold(cells, n_folds=4, valid_fraction=0, seed=0)]
        sd[likeness] = chance.chance(cells, folds, 0.5, times=60, seed=0)["sd"]
    assert sd[0.9] > 1.3 * sd[0.0]


def test_p_holds_when_nothing_is_there():
    """The cheap model itself, on noise: p below 0.1 in no more than 1 of 10, within the binomial limits."""
    rare = 0
    for seed in range(40):
        cells = made(likeness=0.5, seed=seed)
        folds = [*grouped_kfold(cells, n_folds=4, valid_fraction=0, seed=0)]
        table = chance._standardised(cells.inputs["table"])
        observed = chance._scored(table, np.arange(len(cells)), cells.label, folds, 2)
        rare += chance.chance(cells, folds, observed, times=19, seed=seed)["p"] <= 0.1
    assert rare <= 9


@pytest.mark.parametrize("times", [0, 20])
def test_a_run_says_it_where_it_is_asked_for(tmp_path, capsys, times):
    from celltype_cli.commands.train import print_outcome

    small = ["dataset.cells_per_class=12", "dataset.timesteps=200", "dataset.animals=6", "split.n_folds=3"]
    quiet = ["logger=none", "figures=[]", f"outputs={tmp_path}"]
    cfg = compose("train", *small, *quiet, "model=logistic", f"permutations={times}")
    outcome = train.train(cfg, labels=LABELS, overrides=[])
    print_outcome(outcome)
    said = " ".join(capsys.readouterr().out.split())
    assert ("chance" in outcome.scores) == bool(times)
    assert ("labels dealt anew over animals 20 times" in said) == bool(times)
