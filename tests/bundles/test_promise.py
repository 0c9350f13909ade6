"""What an answer promises: the shares are those of the held-out cells, and each case has its own words."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from celltype_cli.bundles.answer import Answer
from celltype_cli.bundles.bundle import Bundle
from celltype_cli.bundles.familiar import Verdict
from celltype_cli.bundles.made import WITHHELD, Doubt
from celltype_cli.bundles.promise import of_labels, of_sets, of_types
from celltype_cli.bundles.sure import HeldOut

TYPES = ("A", "B", "rare")


def bundle(sure=0.9):
    """40 cells called A, 38 of them rightly; 20 called B, all rightly; 2 called rare, none of them rightly."""
    best = np.repeat([0, 1, 2], [40, 20, 2])
    label = np.where(np.arange(62) < 2, 1, best)
    label[60:] = 0, 1
    proba = np.full((62, 3), (1 - sure) / 2)
    proba[np.arange(62), best] = sure
    group = np.array([f"m{k % 10}" for k in range(62)])
    held_out = HeldOut(label, proba, group, np.arange(62).astype(str))
    about = {"classes": TYPES, "group": "animal", "trust": {"sets": "in 90 % of the A, B cells"}}
    made = Bundle(Path(), about)
    vars(made)["held_out"] = held_out
    return made


def answer(accuracy=0.9, withheld=False, forced=False):
    none = np.empty(0, bool)
    doubts = (Doubt("it is another", WITHHELD),) if withheld else ()
    verdict = Verdict(1.0, None, doubts, none, np.empty((0, 5), int), np.empty((0, 5)))
    return Answer(pd.DataFrame(), (), verdict, {}, none, none, {}, accuracy, forced)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (answer(), "labels at any confidence (rare never: right too rarely), where 58 of 60 held-out cells were right "
                   "(96.7 %), in the mix of types"),
        (answer(0.95), "no label: no confidence was right for 95 % of held-out cells, or too few of them say so "
                       "(accuracy=0.9 labels some, accuracy=null labels all)"),
        (answer(0.9, withheld=True), "labels are withheld; force=true gives them all the same"),
        (answer(0.9, withheld=True, forced=True), "nothing says how often they are right"),
        (answer(None), "each cell that is not unlike the training cells has a label, however unsure"),
        (answer(None, forced=True), "each cell has a label, however unsure"),
    ],
)  # fmt: skip
def test_labels_promise_what_held_out_cells_show(asked, said):
    assert said in of_labels(bundle(), asked)


def test_of_each_type_it_is_said_how_many_held_out_labels_are_right():
    assert of_types(bundle(), answer()) == {"A": "38 of 40", "B": "20 of 20", "rare": "0 of 2: no label"}
    assert of_types(bundle(), answer(0.99)) == dict.fromkeys(TYPES, "none given")


def test_a_type_that_is_right_too_rarely_takes_more_confidence_or_has_no_label():
    """100 cells called A, all rightly; of B 20 surely and rightly, and 10 less surely, 3 of them rightly."""
    best, sure = np.repeat([0, 1], [100, 30]), np.repeat([0.99, 0.95, 0.85], [100, 20, 10])
    label = np.where(np.arange(130) < 123, best, 0)
    proba = np.stack([np.where(best == 0, sure, 1 - sure), np.where(best == 0, 1 - sure, sure)], axis=1)
    held_out = HeldOut(label, proba, np.arange(130).astype(str), np.arange(130).astype(str))
    vars(held_out)["temperature"] = 1.0
    assert held_out.threshold(0.9) == 0 and held_out.labelled(np.zeros(2))[1] == (23, 30)  # binomial p = 0.03
    np.testing.assert_allclose(held_out.thresholds(0.9), [0, 0.95])
    assert held_out.thresholds(0.8).tolist() == [0, 0] and held_out.thresholds(None).tolist() == [0, 0]


def test_no_label_is_promised_where_no_type_has_any():
    made = bundle()
    vars(made.held_out)["thresholds"] = lambda accuracy: np.full(3, np.inf)  # too few of each, or too rarely right
    assert made.held_out.threshold(0.9) < np.inf and of_labels(made, answer()).startswith("no label: ")


def test_sets_say_which_types_are_in_each_of_them():
    said = of_sets(bundle(), answer())
    assert said == "sets: in 90 % of the A, B cells; rare, of which too few animals have cells, in every set"
    assert of_sets(bundle(), answer(withheld=True)) == "sets promise nothing of such a recording"
