"""Whether a recording looks like the training cells: planted departures are found, new animals are not."""

import numpy as np
import pytest
from made.animals import cells_of

from celltype_cli.bundles.departures import beyond, departures, lower
from celltype_cli.bundles.familiar import compare
from celltype_cli.bundles.made import NOTED, REMARK, WITHHELD, Made, doubts
from celltype_cli.bundles.told_apart import told_apart
from celltype_cli.bundles.training import Training, describe
from celltype_cli.cells.about import Condition, Input

TRAINING = Training.of(cells_of(8))


def verdict_on(cells):
    _, values, first = describe(cells)
    return compare(TRAINING, values, cells.group[first])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda trace: trace * 100, "100|level of trace"),
        (lambda trace: np.repeat(trace[..., ::3], 3, axis=2), "noise|smoothness"),
        (lambda trace: trace + np.random.default_rng(5).normal(0, 0.5, trace.shape), "noise|smoothness"),
        (lambda trace: trace - 1.5, "level of trace"),
    ],
)
def test_planted_departures_are_found_and_said(change, said):
    import re

    verdict = verdict_on(cells_of(2, seed=3, change=change))
    assert verdict.withheld and re.search(said, verdict.words())


def test_new_animals_are_not_flagged():
    verdicts = [verdict_on(cells_of(1, seed=seed)) for seed in range(1, 41)]
    assert sum(verdict.noted for verdict in verdicts) <= 2 and not any(verdict.withheld for verdict in verdicts)
    assert "looks like the training cells; a small model tells it" in verdicts[0].words()


@pytest.mark.parametrize("animals", [3, 5])
def test_few_training_animals_tell_planted_departures_all_the_same(animals):
    def noisy(trace):  # of 0.13 from sample to sample
        return trace + np.random.default_rng(5).normal(0, 0.4, trace.shape)

    training = Training.of(cells_of(animals, each=8, seed=100, spread=0.2))
    for change, withheld in ((noisy, True), (lambda trace: 100 * trace, True), (lambda trace: trace, False)):
        for seed in range(5):
            cells = cells_of(1, each=8, seed=seed, change=change, spread=0.2)
            _, values, first = describe(cells)
            verdict = compare(training, values, cells.group[first])
            assert verdict.withheld == verdict.noted == withheld, verdict.words()


def test_noise_is_held_against_animals_not_cells():
    old, group = np.log([1.0, 1.0, 1.0, 2.0, 2.0, 9.0]), np.array(["a", "a", "b", "b", "c", "c"])
    far = beyond(old, group, np.log([6.0, 6.0, 6.0, np.nan]))  # medians of the animals are 1, sqrt(2) and sqrt(18)
    np.testing.assert_allclose(np.exp(far), [6 / np.sqrt(2), 6 / np.sqrt(18)])
    assert beyond(old, group, np.log([1.2]))[1] < 0 and beyond(old * np.nan, group, old) == (0, 0)


@pytest.mark.parametrize(("apart", "weight"), [(0.1, WITHHELD), (0.6, NOTED)])
def test_noise_is_no_reason_to_withhold_labels_where_animals_differ_in_it(apart, weight):
    """Three times that of the usual training animal, and of the noisiest 2.7 or 1.6 times."""
    animals, names = np.repeat(np.arange(5), 4), ("noise of trace", "level of trace")
    values = np.random.default_rng(0).normal(0, 0.1, (20, 2))
    values[:, 0] += apart * (animals - 2) / 2
    ids = animals.astype(str)
    training = Training(names, values, ids, ids, ids, ids, {}, Made({}, {}, {}, np.empty(0, "U1")))
    new = np.random.default_rng(1).normal(0, 0.1, (4, 2)) + [np.log(3), 0]
    found = {doubt.words.partition(" is ")[0]: doubt.weight for doubt in compare(training, new, np.zeros(4)).doubts}
    assert found["noise of trace"] == weight


def test_a_small_model_tells_what_no_quantity_shows():
    rng = np.random.default_rng(0)
    old, group = np.stack([x := rng.normal(size=120), x + 0.2 * rng.normal(size=120)], axis=1), np.arange(120) // 12
    new = np.stack([x := rng.normal(size=12), x + 0.9 + 0.2 * rng.normal(size=12)], axis=1)
    told = told_apart(old, group, new, np.zeros(12))
    assert told.auc > 0.95 and told.p < 0.01 and max(told.others) < told.auc and len(told.others) == 10
    assert departures(old, group, new, np.zeros(12)).min() > 0.05
    same = told_apart(old, group, old[:12] + 0.01, np.zeros(12))
    assert same.p > 0.05
    assert told_apart(old, group, new[:2], np.zeros(2)) is None  # too few cells
    assert told_apart(old, group % 2, new, np.zeros(12)) is None  # too few animals
    alone = told_apart(old, np.arange(120), new, np.array([""] * 12))  # animals unknown: sets of cells stand for one
    assert len(alone.others) == 20 and alone.p < 0.01


def test_how_a_recording_was_made():
    limits = {
        "recorded rate": Condition("Hz", noted=(0.8, 1.5), withheld=(0.6, np.inf)),
        "length": Condition("s", (0, 2)),
    }
    old = Made({"recorded rate": np.array([20.0, 30.0])}, {}, {}, np.array(["a", "b"]))

    def said(rate, unit="dF/F", prepared=10.0, digest=("c", "d")):
        inputs = {"trace": Input(unit, prepared), "features": Input(columns=("x",))}
        made = {"recorded rate": np.array([rate, rate]), "length": np.array([1.0, 1.0])}
        known = {"trace": {"unit": "dF/F", "sampling_rate": 10.0}, "features": {"columns": ["x"]}}
        return [
            (doubt.words, doubt.weight) for doubt in doubts(old, Made(made, limits, inputs, np.array(digest)), known)
        ]

    assert said(25.0) == said(16.0) == said(45.0) == said(np.nan) == []
    assert said(15.0) == [("recorded rate is 15 Hz, of the training cells 20 to 30 Hz", NOTED)]
    assert said(60.0) == [("recorded rate is 60 Hz, of the training cells 20 to 30 Hz", NOTED)]
    assert said(10.0)[0][1] == WITHHELD
    assert said(25.0, unit="raw fluorescence") == [
        ("trace is in raw fluorescence, that of the training cells in dF/F", WITHHELD)
    ]
    assert said(25.0, prepared=5.0) == [("trace is at 5 Hz, that of the training cells at 10 Hz", WITHHELD)]
    assert said(25.0, digest=("b", "c")) == [("1 of 2 cells are training cells, whose labels show nothing", REMARK)]
    assert said(25.0, digest=("c", "c")) == [("2 cells hold a recording that another of them holds too", REMARK)]


def test_p_values_hold_where_cells_of_an_animal_resemble_each_other():
    rng = np.random.default_rng(0)

    def draw(animals, each=6, shared=0.5):
        mean = rng.normal(0, np.sqrt(shared), (animals, 3))
        x = np.repeat(mean, each, axis=0) + rng.normal(0, np.sqrt(1 - shared), (animals * each, 3))
        return x, np.repeat(np.arange(animals).astype(str), each)

    p = np.array([departures(*draw(8), *draw(1)).min() for _ in range(400)])
    assert (p < 0.05).mean() < 0.08  # cells taken as independent give 0.4


def test_cells_of_unknown_animals_do_not_say_how_animals_differ():
    rng = np.random.default_rng(0)
    old, new = rng.normal(size=(300, 1)), rng.normal(1.0, 1.0, (40, 1))
    of_many, alone = np.arange(300) // 10, np.arange(300)
    p = [departures(old, group, new, np.zeros(40))[0] for group in (of_many, alone)]
    assert p[0] < p[1] / 2


def test_lower_values_are_told_on_one_side():
    rng = np.random.default_rng(0)
    old, group, one = rng.normal(size=80), np.arange(80) // 8, np.zeros(8)
    assert lower(old, group, rng.normal(-4, 1, 8), one) < 0.001 < 0.99 < lower(old, group, rng.normal(4, 1, 8), one)
    p = [lower(rng.normal(size=80), group, rng.normal(size=8), one) for _ in range(300)]
    assert np.mean(np.array(p) < 0.05) < 0.08


def test_one_animal_of_training_tells_nothing():
    one = Training.of(cells_of(1, each=6))
    _, values, first = describe(cells_of(1, seed=2))
    assert compare(one, values, np.array(["x"] * len(first))).p == 1


def test_neighbours_are_the_cells_themselves_where_they_are_known():
    verdict = verdict_on(cells_of(8))
    assert verdict.neighbours[:, 0].tolist() == list(range(32))
    assert np.allclose(verdict.distance[:, 0], 0) and (np.diff(verdict.distance, axis=1) >= 0).all()
