"""What an ensemble looked at in one cell: means over models and rows by hand, and the picture of it."""

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text
from torch import nn

from celltype_cli.cells.about import About, Axis, Input
from celltype_cli.cells.cells import Cells
from celltype_cli.core.plots import THIS_CELL
from celltype_cli.studies.explain import draw_cell
from celltype_cli.studies.explain.cell import explain_cell, numbers
from celltype_cli.studies.explain.saved import Explanation, Part
from celltype_cli.trainers.networks import NetworkPredictor, Standardised

CLASSES = ("A", "B")
TIME = Axis("time", "s", 0.0, 0.5)
TRACE = np.array([[[0.0, 1, 2, 3, 4, 5]], [[5.0, 4, 3, 2, 1, 0]]], "f4")
ABOUT = About(
    "toy", inputs={"trace": Input("dF/F", axes=(TIME,)), "features": Input(columns=("tau (ms)", "width (ms)"))}
)
ROWS = np.array(["c", "c"])
CELL = Cells({"trace": TRACE}, np.array([-1, -1]), ROWS, ROWS, CLASSES, ABOUT)
NEAR = pd.DataFrame({"cell_id": ["n1", "n2"], "label": ["B", ""], "group": ["mouse", "mouse"], "source": ["lab", ""],
                     "distance": [0.25, 1.5]})  # fmt: skip


QUANTITIES = pd.DataFrame([[-1.0, -0.5, 0.0], [2.0, 1.5, 1.0]], index=["tau (ms)", "width (ms)"],
                          columns=["this cell", "n1", "n2"])  # fmt: skip


class Weighed(nn.Module):
    """Logits 0 and `weight` times the fourth sample."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, trace):
        return torch.stack([0 * trace[:, 0, 3], self.weight * trace[:, 0, 3]], dim=1)


def ensemble(*weights):
    moments = {"trace": (1.0, 1.0)}
    return [NetworkPredictor(Standardised(Weighed(w), moments), accelerator="cpu", batch_size=8) for w in weights]


def test_the_mean_over_models_of_the_type_that_they_call_together():
    found = explain_cell(ensemble(2.0, -1.0), CELL, 1, background=None)
    expected = np.zeros((1, 1, 6))
    expected[0, 0, 3] = (2.0 - 1.0) / 2 * (3 - 1)  # the first row: 3, less the mean of 1
    np.testing.assert_allclose(found.parts["trace"].attribution, expected, atol=1e-5)
    assert found.predicted.tolist() == [1] and found.quantity == "contribution to the logit of B"
    assert found.parts["trace"].values.tolist() == TRACE[:1].tolist()
    assert "the cell has 2 rows: of traces and pictures the first is shown, of tables the mean" in found.notes
    ((name, table),) = numbers(found)
    assert name == "trace" and [*table] == ["channel", "time (s)", "value", "amount"]
    assert table["time (s)"].tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert table["amount"].abs().idxmax() == 3


def made(parts):
    one = {"cell_id": np.array(["c"]), "label": np.array([-1]), "predicted": np.array([1])}
    return Explanation("toy", "m", "shap", "SHAP value (probability)", CLASSES, **one, parts=parts)


TABLE = Part(np.array([[1.0, np.nan]], "f4"), np.array([[-0.1, 0.3]], "f4"), columns=("tau (ms)", "width (ms)"))


def test_tables_begin_with_what_counts_most():
    ((_, table),) = numbers(made({"table": TABLE}))
    assert table["column"].tolist() == ["width (ms)", "tau (ms)"] and table["amount"].tolist() == pytest.approx(
        [0.3, -0.1]
    )


@pytest.mark.parametrize("explained", [True, False])
@pytest.mark.parametrize("drawn", [True, False])
def test_the_picture_shows_neighbours_and_what_counted(explained, drawn):
    examples = {"trace": np.concatenate([TRACE[:1], TRACE[1:], TRACE[1:] + 1])} if drawn else {}
    explanation = made({"table": TABLE}) if explained else None
    figure = draw_cell.picture(explanation, NEAR, examples, QUANTITIES, ABOUT, CLASSES, "cell c: B")
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert "B, distance 0.25:\nn1, mouse, lab" in texts and "unlabelled, distance 1.50:\nn2, mouse" in texts
    assert ("width (ms) = ?" in texts) == explained
    lines = [axes.lines for axes in figure.findobj(lambda one: hasattr(one, "lines")) if len(axes.lines) == 2]
    assert len(lines) == 2 * drawn
    (diamonds,) = [one for one in figure.findobj(Line2D) if one.get_marker() == "D" and len(one.get_xdata()) == 2] or [
        None
    ]
    assert (diamonds is None) == drawn
    if not drawn:
        order = [1, 0] if explained else [0, 1]  # what counts most is on top
        assert diamonds.get_xdata().tolist() == [[-1.0, 2.0][k] for k in order]
    if drawn:
        neighbour, cell = lines[1]
        assert cell.get_ydata().tolist() == TRACE[0, 0].tolist() and cell.get_color() == THIS_CELL
        assert neighbour.get_ydata().tolist() == (TRACE[1, 0] + 1).tolist()
        assert neighbour.get_xdata().tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])


def test_names_stand_clear_of_the_rows_and_within_the_picture():
    named = NEAR.assign(cell_id="recording_of_another_laboratory/17")
    examples = {"trace": np.concatenate([TRACE[:1], TRACE[1:], TRACE[1:] + 1])}
    figure = draw_cell.picture(made({"table": TABLE}), named, examples, QUANTITIES, ABOUT, CLASSES, "cell c: B")
    figure.draw_without_rendering()
    above, below = [axes for axes in figure.findobj(Axes) if len(axes.lines) == 2]
    assert below.title.get_window_extent().height == 0  # the one in the middle is empty
    assert below._left_title.get_window_extent().y1 <= above.bbox.y0
    for text in figure.findobj(Text):
        if text.get_text().strip() and text.get_visible():
            box = text.get_window_extent()
            assert box.x0 >= 0 and box.y1 <= figure.bbox.height + 1, text.get_text()
    (counted,) = [text for text in figure.findobj(Text) if text.get_text() == "what counted most"]
    assert counted.get_window_extent().x1 <= figure.bbox.width


def test_pictures_stand_beside_each_other_with_a_map_below():
    rng = np.random.default_rng(0)
    about = About("toy", inputs={"scalogram": Input(axes=(Axis("frequency", "Hz", 1, 4), TIME))})
    part = Part(rng.normal(size=(1, 2, 4, 6)).astype("f4"), rng.normal(size=(1, 2, 4, 6)).astype("f4"),
                axes=about.inputs["scalogram"].axes)  # fmt: skip
    examples = {"scalogram": rng.normal(size=(3, 2, 4, 6))}
    figure = draw_cell.picture(made({"scalogram": part}), NEAR, examples, QUANTITIES, about, CLASSES, "cell c: B")
    first, _, amounts = figure.axes
    shown = first.images[0].get_array()
    assert shown.shape == (8, 12) and shown[:4, :6].tolist() == examples["scalogram"][0, 1].tolist()  # the first on top
    assert amounts.images[0].get_array().shape == (8, 6)
