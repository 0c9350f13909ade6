"""`Cells` refuses what no model could be trained on, and says all of it at once."""

from dataclasses import replace

import numpy as np
import pytest

from celltype_cli.cells.about import About, Input
from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError

CELLS = Cells(
    inputs={"trace": np.zeros((4, 1, 5), np.float32), "features": np.array([[1.0], [np.nan], [2.0], [3.0]])},
    label=np.array([0, 0, 1, -1]),
    cell_id=np.array(["a", "a", "b", "c"]),
    group=np.array(["m", "m", "m", "n"]),
    classes=("PV", "SST"),
    about=About("toy", inputs={"features": Input(columns=("tau (ms)",))}),
)


def test_a_feature_that_could_not_be_measured_is_no_fault():
    assert np.isnan(CELLS.inputs["features"][1, 0])
    assert np.isnan(CELLS[np.array([1])].inputs["features"]).all()


def with_value(name, value):
    values = CELLS.inputs[name].copy()
    values.flat[0] = value
    return {"inputs": {**CELLS.inputs, name: values}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (with_value("features", np.inf), "cell a: features has 1 values that are not finite"),
        (with_value("trace", np.nan), "cell a: trace has 1 values that are not finite"),
        (
            {"about": About("toy", inputs={"features": Input(columns=("a", "b"))})},
            r"features have shape \(1,\), 2 names",
        ),
        ({"label": np.array([0, 1, 1, -1])}, "cell a has two values of label"),
        ({"group": np.array(["m", "n", "m", "n"])}, "cell a has two values of group"),
        ({"label": np.array([0, 0, 2, -1])}, "cell b: label 2 is no index into"),
    ],
)
def test_faults_are_said(change, said):
    with pytest.raises(UserError, match=said):
        replace(CELLS, **change)


def test_faults_are_said_all_at_once():
    with pytest.raises(UserError) as error:
        replace(CELLS, label=np.array([0, 1, 2, -1]), **with_value("trace", np.nan))
    assert all(said in str(error.value) for said in ("not finite", "no index into", "two values of label"))


@pytest.mark.parametrize(
    "change",
    [
        with_value("features", 1.5),
        {"label": np.array([1, 1, 1, -1])},
        {"group": np.array(["m", "m", "o", "n"])},
        {"source": np.array(["Clamp", "Clamp", "Seq", "Seq"])},
        {"classes": ("PV", "SOM")},
    ],
)
def test_the_fingerprint_tells_apart_what_a_result_depends_on(change):
    assert replace(CELLS).fingerprint() == CELLS.fingerprint() != replace(CELLS, **change).fingerprint()
