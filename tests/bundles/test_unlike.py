"""Cells of a type that the model does not know lie far from the type that they are taken for."""

import numpy as np
import pytest

from celltype_cli.bundles.training import Training
from celltype_cli.bundles.unlike import Types, Unlike
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


def said(rows, best, axis=LAG, rate=None):
    types = Types(training(), {"counts": {"axes": [axis], "sampling_rate": rate}})
    return Unlike(types.far({"counts": rows}, np.array(best)))


def test_new_cells_of_known_types_are_like_them_and_others_are_not():
    known = [*"AB" * 20]
    assert said(histograms(known, seed=1), known).far.mean() < 0.2
    assert said(histograms(["other"] * 40, seed=2), ["A"] * 40).far.all()
    assert said(histograms(["other"] * 40, seed=2), ["B"] * 40).far.all()
    assert said(histograms([*"A" * 8], seed=3), ["B"] * 8).far.all()


def test_a_type_of_few_cells_and_inputs_over_time_are_not_judged():
    rows = histograms(["other"] * 6, seed=2)
    assert not said(rows, ["rare"] * 6).far.any()
    assert not said(rows, ["A"] * 6, axis=TIME).far.any()
    assert not said(rows, ["A"] * 6, rate=30.0).far.any()


@pytest.mark.parametrize(("other", "noted", "withheld"), [(0, False, False), (4, True, False), (8, True, True)])
def test_a_recording_of_many_such_cells_is_doubted(other, noted, withheld):
    labels = [*"A" * (10 - other), *["other"] * other]
    found = said(histograms(labels, seed=4), ["A"] * 10)
    assert (found.words() != "", found.withheld) == (noted, withheld)
    assert said(histograms(["other"] * 4, seed=2), ["A"] * 4).words() == ""  # four cells do not say it
