"""Cells of a type that the model does not know lie far from the type that they are taken for."""

import numpy as np
import pytest

from celltype_cli.bundles.made import NOTED, WITHHELD
from celltype_cli.bundles.training import Training
from celltype_cli.bundles.unlike import Types
from celltype_cli.cells.about import About, Axis, Input
from celltype_cli.cells.cells import Cells

CLASSES = ("A", "B", "rare")
LAG, TIME = {"name": "lag", "unit": "ms"}, {"name": "time", "unit": "s"}


def histograms(labels, seed=0, shift=0.0):
    """Of each cell a bump, of A narrow, of B wide, of others between them, each animal with a place of its own."""
    rng = np.random.default_rng(seed)
    width = np.array([{"A": 3.0, "B": 9.0}.get(label, 6.0) for label in labels])
    place = 50 + shift + np.repeat(rng.normal(0, 1, -(-len(labels) // 4)), 4)[: len(labels)]
    bump = np.exp(-(((np.arange(100) - place[:, None]) / width[:, None]) ** 2))
    return (bump + rng.normal(0, 0.02, bump.shape))[:, None].astype("f4")


def training():
    labels = [*"AB" * 20, "rare", "rare"]
    n = len(labels)
    about = About("toy", inputs={"counts": Input("share", None, (Axis("lag", "ms", 1, 100),))})
    ids, group = np.array([f"c{k}" for k in range(n)]), np.array([f"m{k // 4}" for k in range(n)])
    label = np.array([CLASSES.index(name) for name in labels])
    return Training.of(Cells({"counts": histograms(labels)}, label, ids, group, CLASSES, about))


def types_of(axis=LAG, rate=None):
    known = training()
    return Types(known, {"counts": {"axes": [axis], "sampling_rate": rate}}, known.label)


def far(rows, best, **inputs):
    return types_of(**inputs).far({"counts": rows}, np.array(best))


def test_new_cells_of_known_types_are_like_them_and_others_are_not():
    known = [*"AB" * 20]
    assert far(histograms(known, seed=1), known).mean() < 0.2
    assert far(histograms(["other"] * 40, seed=2), ["A"] * 40).all()
    assert far(histograms(["other"] * 40, seed=2), ["B"] * 40).all()
    assert far(histograms([*"A" * 8], seed=3), ["B"] * 8).all()


def test_a_type_of_few_cells_and_inputs_over_time_are_not_judged():
    rows = histograms(["other"] * 6, seed=2)
    assert not far(rows, ["rare"] * 6).any()
    assert not far(rows, ["A"] * 6, axis=TIME).any()
    assert not far(rows, ["A"] * 6, rate=30.0).any()


@pytest.mark.parametrize(("n", "other", "weight"), [(10, 0, 0), (10, 5, NOTED), (10, 10, WITHHELD), (4, 4, 0)])
def test_a_recording_of_many_such_cells_is_doubted(n, other, weight):
    found = types_of().doubts(np.arange(n) < other)
    assert [doubt.weight for doubt in found] == [weight] * (weight > 0)


def test_how_many_are_usual_is_counted_in_types_that_held_out_models_named():
    known = training()
    inputs = {"counts": {"axes": [LAG]}}
    wrong = np.where(known.label == "A", "B", known.label)
    assert Types(known, inputs, known.label).own.mean() < 0.1 < 0.4 < Types(known, inputs, wrong).own.mean()
    some = np.where(np.arange(len(wrong)) < 8, known.label, "")  # the others were never held out
    assert len(Types(known, inputs, some).own) == len(Types(known, inputs, some).group) == 8
