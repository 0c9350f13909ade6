"""Pictures of a dataset: what is drawn are the numbers given."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from celltype_cli.cells import pictures
from celltype_cli.cells.cells import About, Axis, Cells, Input
from celltype_cli.core.classes import colour_of

TRACE = Input("dF/F", 50.0, (Axis("time", "s", 0.0, 99 / 50),))
CLASSES = ("PY", "PV", "SOM", "VIP")


@pytest.fixture
def cells():
    """Three cells a class, two windows each of 100 steps at 50 Hz, in two groups; the sixth has no label."""
    label = np.repeat([0, 1, 2, 3, 0, -1, 2, 3, 0, 1, 2, 3], 2)
    trace = np.random.default_rng(0).normal(size=(24, 1, 100)).astype("f4")
    cell_id = np.repeat([f"c{i}" for i in range(12)], 2)
    group = np.repeat(["m1", "m2"], 12)
    return Cells({"trace": trace}, label, cell_id, group, CLASSES, About("toy", True, inputs={"trace": TRACE}))


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text)]


def test_overview_draws_two_windows_of_a_class_in_seconds(cells):
    figure = pictures.dataset_overview(cells)
    panels = figure.axes[2:]
    assert len(panels) == 10 and panels[4].get_title() == "no label"
    for c, name in enumerate(CLASSES):
        rows = [np.flatnonzero(cells.cell_id == cell)[0] for cell in dict.fromkeys(cells.cell_id[cells.label == c])]
        for axes, row in ((panels[c], rows[0]), (panels[5 + c], rows[-1])):
            [line] = axes.lines
            assert np.array_equal(line.get_ydata(), cells.inputs["trace"][row, 0])
            assert line.get_xdata()[-1] == pytest.approx(99 / 50)
            assert line.get_color() == colour_of(name)
    assert not panels[9].axison  # one cell alone has no label
    assert {"toy (simulated)", "time (s)"} <= set(texts(figure)) and any("dF/F" in text for text in texts(figure))


def test_overview_counts_cells_and_groups(cells):
    figure = pictures.dataset_overview(cells)
    per_class, per_group = figure.axes[:2]
    assert [bar.get_width() for bar in per_class.patches] == [3, 2, 3, 3, 1]
    assert {"3 cells, 6 rows\nof 2 groups", "1 cells, 2 rows\nof 1 groups", "no label"} <= set(texts(figure))
    # m1 has PY PV SOM VIP PY and the one without label, m2 has SOM VIP PY PV SOM VIP: both six cells.
    assert [bar.get_height() for bar in per_group.patches] == [2, 1, 1, 1, 1, 2, 1, 2, 1, 0]
    assert to_hex(per_group.patches[0].get_facecolor()).upper() == colour_of("PY")
    assert "toy (simulated)" in texts(figure) and len(figure.axes) == 2 + 10


def test_overview_of_an_input_that_cannot_be_drawn(cells):
    bare = Cells({"waveform": np.ones((24, 3))}, cells.label, cells.cell_id, cells.group, CLASSES)
    assert len(pictures.dataset_overview(bare).axes) == 2


def test_overview_shows_an_image_a_class_with_units(cells):
    axes = (Axis("frequency", "Hz", 20, 199), Axis("time", "ms", -100, 1100))
    images = np.random.default_rng(0).random((24, 2, 6, 9), dtype="f4")
    about = About("toy", inputs={"scalogram": Input(axes=axes, channels=("rheobase", "above"))})
    shown = Cells({"scalogram": images}, cells.label, cells.cell_id, cells.group, CLASSES, about)
    figure = pictures.dataset_overview(shown)
    drawn = [image for panel in figure.axes[2:] for image in panel.images]
    assert len(drawn) == 10 and drawn[0].get_extent() == [-100, 1100, 20, 199]
    assert np.array_equal(drawn[0].get_array(), images[0, 0]) and np.array_equal(drawn[5].get_array(), images[0, 1])
    assert {"frequency (Hz)", "time (ms)", "rheobase", "above"} <= set(texts(figure))


def test_overview_shows_median_and_quartiles_of_measured_features(cells):
    values = np.tile([1.0, 2, 3, 4, 5, np.nan], 4)[:, None]
    about = About("toy", inputs={"features": Input(columns=("tau (ms)",))})
    label = np.repeat([0, 1, 2, 3], 6)
    shown = Cells({"features": values}, label, np.arange(24), np.arange(24), CLASSES, about)
    [panel, *empty] = pictures.dataset_overview(shown).axes[2:]
    assert panel.get_xlabel() == "tau (ms)"
    assert [line.get_xdata()[0] for line in panel.lines[:3]] == pytest.approx([1.2, 2, 3])
    assert not any(axes.axison for axes in empty)
