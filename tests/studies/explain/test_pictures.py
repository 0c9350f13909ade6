"""The pictures of explanations: swarms of cells, traces with what counted behind them, maps."""

from dataclasses import replace

import numpy as np
import pytest
from made.explanations import explanation, scalogram_part, table_part, trace_part
from matplotlib.text import Text

from celltype_cli.core import plots
from celltype_cli.studies.explain import draw_swarms, pictures, saved


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text)]


def test_maps_stand_beside_the_mean_input_in_ms_and_hz():
    figure = pictures.picture(explanation(), scalogram_part())
    images = [axes.images[0] for axes in figure.axes if axes.images]
    assert len(images) == 2 * 2 * 2  # two predicted classes, two channels, input and attribution
    # Five pixels from 0 to 100 ms are 25 ms wide, three from 20 to 40 Hz are 10 Hz high.
    assert images[0].get_extent() == pytest.approx([-12.5, 112.5, 15, 45])
    np.testing.assert_array_equal(images[0].get_array(), np.ones((3, 5)))
    assert images[1].get_array()[2, 4] > 0 and not images[1].get_array()[:2].any()
    assert images[1].origin == "lower"
    shown = texts(figure)
    title = "m on toy (simulated)\nsplit s, 4 test cells of 2 donors, seed 0"
    assert {"frequency (Hz)", title, "Pvalb\n2 cells, 1 right", "Excitatory\n2 cells, 1 right"} <= {*shown}
    assert any(text.startswith("time (ms)") for text in shown)


def test_swarms_show_a_dot_per_cell_at_its_attribution_and_missing_values_in_grey():
    figure = pictures.picture(explanation(), table_part())
    first = figure.axes[0]
    assert [label.get_text() for label in first.get_yticklabels()] == ["width (ms)", "tau (ms)"]
    missing, measured = first.collections[:2]
    assert missing.get_offsets()[:, 0].tolist() == [1]
    assert measured.get_offsets()[:, 0].tolist() == [3, 2, -6]
    assert np.all(np.diff(measured.get_array()) > 0)  # ranks of 0, 1, 9
    assert any("grey: not measured" in text for text in texts(figure))


@pytest.mark.parametrize(("against", "panels"), [(-1, 1), (-0.5, 2)])
def test_two_classes_of_which_one_is_the_mirror_image_are_drawn_once(against, panels):
    """With -1 what speaks for the one speaks as much against the other."""
    part = table_part()
    second = part.by_class[:, 0]
    part = replace(part, by_class=np.stack([against * second, second], axis=1))
    two = replace(explanation(), classes=("PY", "PV"), predicted=np.array([0, 1, 1, 0]), label=np.array([0, 1, 1, 0]))
    figure = pictures.picture(two, part)
    drawn = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert [axes.get_title(loc="left") for axes in drawn] == ["PY", "PV"][-panels:]
    assert drawn[-1].collections[1].get_offsets()[:, 0].tolist() == [3, 2, -6]
    assert any("right: speaks for PV, left: for PY" in text for text in texts(figure)) == (panels == 1)
    assert "m on toy (simulated)\nsplit s, 4 test cells of 2 donors, seed 0" in texts(figure)


def test_labels_of_small_amounts_do_not_run_into_each_other():
    part = table_part()
    part = replace(part, by_class=part.by_class * 0.01, attribution=part.attribution * 0.01)
    figure = pictures.picture(explanation(), part)
    figure.canvas.draw()
    for axes in (axes for axes in figure.axes if axes.get_title(loc="left")):
        low, high = axes.get_xlim()
        ticks = [label for label in axes.get_xticklabels() if low <= label.get_position()[0] <= high]
        boxes = [label.get_window_extent() for label in ticks]
        assert len(boxes) >= 2 and all(a.x1 < b.x0 for a, b in zip(boxes, boxes[1:]))


def test_dots_of_one_place_stand_beside_each_other():
    offset = draw_swarms._stacked(np.array([3, 3, 5, 3]))
    assert offset.tolist() == pytest.approx([0, 0.1, 0, -0.1])
    assert np.abs(draw_swarms._stacked(np.zeros(100, int))).max() <= 0.4


def test_traces_show_the_mean_over_the_predicted_class_and_right_examples_first():
    figure = pictures.picture(explanation(), trace_part())
    shown = texts(figure)
    assert "cell a, labelled Pvalb" in shown and "cell c" in shown and "dF/F" in shown
    assert shown.index("cell a, labelled Pvalb") < shown.index("cell c")
    assert any(text.startswith("time (s)") for text in shown)


def test_a_picture_is_a_function_of_the_saved_file(tmp_path):
    before = explanation(table=table_part())
    saved.write(before, tmp_path / "x.npz")
    again = saved.read(tmp_path / "x.npz")
    for name, one in (("a", before), ("b", again)):
        plots.save(pictures.picture(one, one.parts["table"]), tmp_path / name, ["png"])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
