"""The saved file of an explanation, its numbers and its pictures, worked out by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from celltype_cli.cells.about import Axis
from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.core import plots
from celltype_cli.core.messages import UserError
from celltype_cli.studies.explain import pictures, saved
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


def test_what_is_written_is_read(tmp_path):
    before = explanation(scalogram=scalogram_part(), table=table_part(), trace=trace_part())
    saved.write(before, tmp_path / "e" / "x.npz")
    assert [file.name for file in (tmp_path / "e").iterdir()] == ["x.npz"]
    again = saved.read(tmp_path / "e" / "x.npz")
    for name in ("title", "model", "method", "quantity", "classes", "notes", "tested"):
        assert getattr(again, name) == getattr(before, name)
    for name in ("cell_id", "label", "predicted"):
        assert getattr(again, name).tolist() == getattr(before, name).tolist()
    assert [*again.parts] == [*before.parts]
    for name, part in before.parts.items():
        other = again.parts[name]
        assert (other.columns, other.axes, other.unit) == (part.columns, part.axes, part.unit)
        np.testing.assert_array_equal(other.values, part.values)
        np.testing.assert_array_equal(other.attribution, part.attribution)
    assert again.parts["trace"].by_class is None
    np.testing.assert_array_equal(again.parts["table"].by_class, before.parts["table"].by_class)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 no archive", "other"])
def test_a_broken_file_is_named(tmp_path, content):
    path = tmp_path / "x.npz"
    if content == "other":
        np.savez(path, trace=np.ones(3))
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match="x.npz (cannot be read|is missing).* run celltype explain again"):
        saved.read(path)


def test_columns_are_ranked_by_class_with_the_values_that_speak_for_it():
    lines = saved.summary(explanation(), table_part())
    first = lines[lines["class"] == "Pvalb"]
    assert first["column"].tolist() == ["width (ms)", "tau (ms)"]
    assert first["mean_absolute"].tolist() == pytest.approx([3.0, 0.1])  # (3 + 2 + 1 + 6) / 4
    assert first["values_that_speak_for"].tolist() == ["low", "mixed"]  # 3, 2, -6 for 0, 1, 9; always 0.1
    second = lines[lines["class"] == "Excitatory"].iloc[0]
    assert (second["column"], second["values_that_speak_for"]) == ("tau (ms)", "high")


def test_a_table_without_values_for_every_class_speaks_of_the_predicted_one():
    part = table_part()
    lines = saved.summary(explanation(), Part(part.values, part.attribution, columns=part.columns))
    assert lines.groupby("class")["cells"].first().to_dict() == {"Pvalb": 2, "Excitatory": 2}
    assert lines.loc[lines["class"] == "Pvalb", "mean_absolute"].tolist() == pytest.approx([2.0, 0.1])  # of 3 and 1


def test_places_are_centres_of_mass_in_the_units_of_the_axes():
    lines = saved.summary(explanation(), scalogram_part())
    assert [*zip(lines["class"], lines["channel"])] == [
        ("Pvalb", "channel 1"),
        ("Pvalb", "channel 2"),
        ("Excitatory", "channel 1"),
        ("Excitatory", "channel 2"),
    ]
    assert lines["centre, frequency (Hz)"].tolist() == pytest.approx([40, 40, 20, 30])
    assert lines["centre, time (ms)"].tolist() == pytest.approx([100, 100, 37.5, 50])  # (3 * 25 + 1 * 75) / 4
    assert lines["peak, time (ms)"].tolist() == pytest.approx([100, 100, 25, 50])


def test_where_nothing_counts_there_is_no_centre():
    part = Part(np.ones((4, 1, 6), "f4"), np.zeros((4, 1, 6), "f4"), axes=(Axis("time", "s", 0, 5),))
    assert saved.summary(explanation(), part)["centre, time (s)"].isna().all()


def texts(figure):
    from matplotlib.text import Text

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
    offset = pictures._stacked(np.array([3, 3, 5, 3]))
    assert offset.tolist() == pytest.approx([0, 0.1, 0, -0.1])
    assert np.abs(pictures._stacked(np.zeros(100, int))).max() <= 0.4


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
    assert isinstance(saved.summary(again, again.parts["table"]), pd.DataFrame)


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: bytes(len(b)), lambda b: b[:-200], lambda b: b"text" + b])
def test_a_damaged_file_is_refused_with_the_way_out(tmp_path, damage):
    path = tmp_path / "x.npz"
    saved.write(explanation(table=table_part()), path)
    whole = path.read_bytes()
    path.write_bytes(damage(whole).replace(b"PK", b"PX"))
    with pytest.raises(UserError, match="x.npz cannot be read .*: delete it, and run celltype explain again"):
        saved.read(path)


def test_arrays_that_do_not_fit_together_are_refused(tmp_path):
    saved.write(explanation(table=table_part()), tmp_path / "x.npz")
    arrays = dict(np.load(tmp_path / "x.npz"))
    for changed in ({"table.values": arrays["table.values"][:1]}, {"about": "3"}):
        np.savez(tmp_path / "y.npz", **{**arrays, **changed})
        with pytest.raises(UserError, match="y.npz cannot be read"):
            saved.read(tmp_path / "y.npz")
