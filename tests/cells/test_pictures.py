"""Pictures of a dataset: what is drawn are the numbers given."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from celltype_cli.cells import pictures
from celltype_cli.cells.about import About, Axis, Input
from celltype_cli.cells.cells import Cells
from celltype_cli.cells.examples import Line, Panel
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


def drawn(cells):
    return dict(pictures.dataset_pictures(cells))


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text)]


def test_overview_draws_two_windows_of_a_class_in_seconds(cells):
    figure = drawn(cells)["trace"]
    panels = figure.axes
    assert len(panels) == 10 and panels[4].get_title() == "no label"
    for c, name in enumerate(CLASSES):
        rows = [np.flatnonzero(cells.cell_id == cell)[0] for cell in dict.fromkeys(cells.cell_id[cells.label == c])]
        for axes, row in ((panels[c], rows[0]), (panels[5 + c], rows[-1])):
            [line] = axes.lines
            assert np.array_equal(line.get_ydata(), cells.inputs["trace"][row, 0])
            assert line.get_xdata()[-1] == pytest.approx(99 / 50)
            assert line.get_color() == colour_of(name)
    assert not panels[9].axison  # one cell alone has no label
    assert {"toy (simulated): 12 cells of 2 groups\ntrace", "time (s)"} <= set(texts(figure))
    assert any("dF/F" in text for text in texts(figure))


def test_overview_counts_cells_and_groups(cells):
    figure = drawn(cells)["cells"]
    per_class, per_group = figure.axes
    assert [bar.get_width() for bar in per_class.patches] == [3, 2, 3, 3, 1]
    assert {"3 cells, 6 rows\nof 2 groups", "1 cells, 2 rows\nof 1 group", "no label"} <= set(texts(figure))
    # m1 has PY PV SOM VIP PY and the one without label, m2 has SOM VIP PY PV SOM VIP: both six cells.
    assert [bar.get_height() for bar in per_group.patches] == [2, 1, 1, 1, 1, 2, 1, 2, 1, 0]
    assert to_hex(per_group.patches[0].get_facecolor()).upper() == colour_of("PY")
    assert "toy (simulated): 12 cells of 2 groups" in texts(figure)


def test_overview_of_an_input_that_cannot_be_drawn(cells):
    bare = Cells({"waveform": np.ones((24, 3))}, cells.label, cells.cell_id, cells.group, CLASSES)
    assert [*drawn(bare)] == ["cells"]


def test_overview_shows_an_image_a_class_with_units(cells):
    axes = (Axis("frequency", "Hz", 20, 199), Axis("time", "ms", -100, 1100))
    images = np.random.default_rng(0).random((24, 2, 6, 9), dtype="f4")
    about = About("toy", inputs={"scalogram": Input(axes=axes, channels=("rheobase", "above"))})
    shown = Cells({"scalogram": images}, cells.label, cells.cell_id, cells.group, CLASSES, about)
    figure = drawn(shown)["scalogram"]
    found = [image for panel in figure.axes for image in panel.images]
    assert len(found) == 10 and found[0].get_extent() == [-100, 1100, 20, 199]
    assert np.array_equal(found[0].get_array(), images[0, 0]) and np.array_equal(found[5].get_array(), images[0, 1])
    assert {"frequency (Hz)", "time (ms)", "rheobase", "above"} <= set(texts(figure))


def test_overview_shows_median_and_quartiles_of_measured_features(cells):
    values = np.tile([1.0, 2, 3, 4, 5, np.nan], 4)[:, None]
    about = About("toy", inputs={"features": Input(columns=("tau (ms)",))})
    label = np.repeat([0, 1, 2, 3], 6)
    shown = Cells({"features": values}, label, np.arange(24), np.arange(24), CLASSES, about)
    [panel, *empty] = drawn(shown)["features"].axes
    assert panel.get_xlabel() == "tau (ms)"
    assert [line.get_xdata()[0] for line in panel.lines[:3]] == pytest.approx([1.2, 2, 3])
    assert not any(axes.axison for axes in empty)


def test_of_many_columns_those_that_tell_most_are_drawn():
    """Of 30 columns the 8th tells the classes apart wholly, the 21st half, the others are noise or constant."""
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1, -1], 20)
    values = rng.normal(size=(60, 30)).astype("f4")
    values[:, 7] = label + rng.normal(scale=0.01, size=60)
    values[:, 20] += 1.5 * label
    values[:, 3], values[::3, 20] = 5, np.nan
    about = About("toy", inputs={"features": Input(columns=tuple(f"f{k} (mV)" for k in range(30)))})
    cells = Cells({"features": values}, label, np.arange(60), np.arange(60), ("PY", "PV"), about)
    figure = drawn(cells)["features"]
    names = [panel.get_xlabel() for panel in figure.axes]
    assert names[:2] == ["f7 (mV)", "f20 (mV)"] and len(names) == 12 and "f3 (mV)" not in names
    assert any("12 of 30 columns" in text for text in texts(figure))
    assert figure.get_size_inches()[1] < 12  # no page of great length


def test_recordings_are_shown_as_the_dataset_gives_them(cells):
    """Of one cell a class: two panels, a voltage with marks above a current."""
    asked = []

    def recorded(cell):
        asked.append(cell)
        lines = Line(np.arange(5.0), "mV", np.array([10.0, 20.0]), "spikes", share=3), Line(np.ones(5), "pA")
        return tuple(Panel(f"{title} of {cell}", Axis("time", "ms", -100, 300), lines) for title in ("first", "second"))

    figure = drawn(replace(cells, recorded=recorded))["recordings"]
    assert asked == ["c0", "c1", "c2", "c3", "c5"] and len(figure.axes) == 5 * 4
    voltage, current = figure.axes[:2]
    assert (voltage.get_ylabel(), current.get_ylabel(), voltage.get_xlim()) == ("mV", "pA", (-100, 300))
    assert voltage.lines[0].get_xydata()[[0, -1]].tolist() == [[-100, 0], [300, 4]]
    assert voltage.lines[0].get_color() == colour_of("PY")
    assert [line.vertices[0, 0] for line in voltage.collections[0].get_paths()] == [10, 20]
    assert {"time (ms)\nred: spikes found", "first of c0", "PY, cell c0\n", "no label, cell c5\n"} <= set(texts(figure))


@pytest.mark.parametrize(("unit", "said"), [("100 Hz", "180 Hz"), ("mV", "1.8 mV"), ("value", "1.8 value")])
def test_an_amount_is_said_in_its_unit_alone(unit, said):
    assert pictures._amount(1.796, unit) == said
