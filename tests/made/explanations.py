"""Explanations of four cells that are worked out by hand: of a table, a trace and a scalogram."""

import numpy as np

from celltype_cli.cells.about import Axis
from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.studies.explain.saved import Explanation, Part

CLASSES = ("Pvalb", "Excitatory", "Sst")
LABEL, PREDICTED = np.array([0, 1, UNLABELLED, 0]), np.array([0, 1, 0, 1])
IDS = np.array(["a", "b", "c", "d"])


def explanation(**parts):
    said = {"notes": ("rough",), "tested": "split s, 4 test cells of 2 donors, seed 0"}
    return Explanation("toy (simulated)", "m", "shap", "amount", CLASSES, IDS, LABEL, PREDICTED, parts, **said)


def scalogram_part():
    values = np.ones((4, 2, 3, 5), "f4")
    amount = np.zeros((4, 2, 3, 5), "f4")
    amount[PREDICTED == 0, :, 2, 4] = 1.0  # all at the highest frequency and at the end
    amount[1, 0, 0, 1], amount[3, 0, 0, 3], amount[3, 1, 1, 2] = -3.0, 1.0, 1.0
    axes = (Axis("frequency", "Hz", 20, 40), Axis("time", "ms", 0, 100))
    return Part(values, amount, axes=axes)


def table_part():
    by_class = np.zeros((4, 3, 2), "f4")
    by_class[:, 0] = [[0.1, 3], [0.1, 2], [0.1, 1], [0.1, -6]]
    by_class[:, 1, 0] = [-1, 0, 1, 2]
    values = np.array([[1, 0], [2, 1], [3, np.nan], [4, 9]], "f4")
    return Part(values, by_class[np.arange(4), PREDICTED], columns=("tau (ms)", "width (ms)"), by_class=by_class)


def trace_part():
    return Part(np.ones((4, 1, 6), "f4"), np.ones((4, 1, 6), "f4"), axes=(Axis("time", "s", 0, 5),), unit="dF/F")
