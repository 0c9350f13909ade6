"""Pictures: one colour per class, the word simulated, and what is drawn are the numbers given."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from celltype_cli import evaluation, plots, plots_of_cells
from celltype_cli.cells import About, Axis, Cells

CLASSES = ("PY", "PV", "SOM", "VIP")


@pytest.fixture
def cells():
    """Three cells a class, two windows each of 100 steps at 50 Hz, in two groups; the sixth has no label."""
    label = np.repeat([0, 1, 2, 3, 0, -1, 2, 3, 0, 1, 2, 3], 2)
    trace = np.random.default_rng(0).normal(size=(24, 1, 100)).astype("f4")
    cell_id = np.repeat([f"c{i}" for i in range(12)], 2)
    group = np.repeat(["m1", "m2"], 12)
    return Cells({"trace": trace}, label, cell_id, group, CLASSES, About("toy", True, 50.0, "dF/F"))


@pytest.fixture
def table(cells):
    proba = np.random.default_rng(1).dirichlet(np.ones(4), size=len(cells))
    return evaluation.predictions_table(cells, proba, fold=0)


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text)]


@pytest.mark.parametrize(
    "names", [CLASSES, ("Pvalb", "Sst", "Vip", "Lamp5", "Excitatory"), ("PV", "Pvalb", "x", "y"), tuple("abcdefg")]
)
def test_classes_of_one_dataset_have_different_colours(names):
    assert len({plots.class_colour(name, names) for name in names}) == len(names)


def test_a_known_class_keeps_its_colour_in_any_company():
    for order in permutations(("new", "VIP", "other", "PV")):
        assert plots.class_colour("VIP", order) == "#CC79A7" and plots.class_colour("PV", order) == "#0072B2"
    assert plots.class_colour("SST", ("SST",)) == plots.class_colour("SOM", CLASSES) == "#009E73"


def test_more_classes_than_colours_still_draw():
    names = tuple("abcdefghijkl")
    assert all(plots.class_colour(name, names).startswith("#") for name in names)


def test_confusion_matrix_shows_shares_and_counts(table):
    drawn = texts(plots.confusion_matrix(table, "a title"))
    counts = evaluation.confusion(table)
    for share, count in zip((counts.T / counts.sum(axis=1)).T.to_numpy().flat, counts.to_numpy().flat):
        assert f"{share:.2f}\n({count})" in drawn
    assert "a title" in drawn and {"true", "predicted"} <= set(drawn)


def test_learning_curves_draw_mean_and_band():
    # Two folds with values 1 and 3, then 2 and 2: means 2 and 2, sd sqrt(2) and 0.
    curves = pd.DataFrame(
        [(fold, epoch, name, value) for name in ("train_loss", "valid_loss", "valid_balanced_accuracy", "seconds")
         for fold, values in enumerate([(1.0, 2.0), (3.0, 2.0)]) for epoch, value in enumerate(values)],
        columns=["fold", "epoch", "name", "value"],
    )  # fmt: skip
    figure = plots.learning_curves(curves, "toy (simulated)")
    loss, accuracy = figure.axes
    assert (loss.get_ylabel(), accuracy.get_ylabel(), loss.get_xlabel()) == ("loss", "balanced accuracy", "epoch")
    assert [line.get_label() for line in loss.lines] == ["train", "valid"] and len(accuracy.lines) == 1
    assert [line.get_linestyle() for line in loss.lines] == ["--", "-"]
    assert loss.lines[1].get_xydata().tolist() == [[0, 2], [1, 2]]
    band = loss.collections[1].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((2 - np.sqrt(2), 2 + np.sqrt(2)))
    assert "toy (simulated)\nmean and sd over 2 folds" in texts(figure)


def test_example_traces_draw_one_window_of_a_cell_in_seconds(cells):
    figure = plots_of_cells.example_traces(cells, 2, cells.about.title)
    assert len(figure.axes) == 10 and figure.axes[4].get_title() == "no label"
    for c, name in enumerate(CLASSES):
        rows = [np.flatnonzero(cells.cell_id == cell)[0] for cell in dict.fromkeys(cells.cell_id[cells.label == c])]
        for axes, row in ((figure.axes[c], rows[0]), (figure.axes[5 + c], rows[-1])):
            [line] = axes.lines
            assert np.array_equal(line.get_ydata(), cells.inputs["trace"][row, 0])
            assert line.get_xdata()[-1] == pytest.approx(99 / 50)
            assert line.get_color() == plots.CLASS_COLOURS[name]
    assert {"toy (simulated)", "time (s)"} <= set(texts(figure)) and any("dF/F" in text for text in texts(figure))


def test_without_a_rate_time_is_in_steps(cells):
    bare = Cells(cells.inputs, cells.label, cells.cell_id, cells.group, CLASSES)
    figure = plots_of_cells.example_traces(bare, 1, "bare")
    assert "time step" in texts(figure) and figure.axes[0].lines[0].get_xdata()[-1] == 99


def test_a_class_with_few_cells_leaves_empty_panels(cells):
    figure = plots_of_cells.example_traces(cells, 5, "toy")
    assert sum(len(axes.lines) for axes in figure.axes) == 3 + 2 + 3 + 3 + 1


def test_overview_counts_cells_and_groups(cells):
    figure = plots_of_cells.dataset_overview(cells)
    per_class, per_group = figure.axes[:2]
    assert [bar.get_width() for bar in per_class.patches] == [3, 2, 3, 3, 1]
    assert {"3 cells, 6 rows\nin 2 groups", "1 cells, 2 rows\nin 1 groups", "no label"} <= set(texts(figure))
    # m1 has PY PV SOM VIP PY and the one without label, m2 has SOM VIP PY PV SOM VIP: both six cells.
    assert [bar.get_height() for bar in per_group.patches] == [2, 1, 1, 1, 1, 2, 1, 2, 1, 0]
    assert to_hex(per_group.patches[0].get_facecolor()).upper() == plots.CLASS_COLOURS["PY"]
    assert "toy (simulated)" in texts(figure) and len(figure.axes) == 2 + 10


def test_overview_of_an_input_that_cannot_be_drawn(cells):
    bare = Cells({"waveform": np.ones((24, 3))}, cells.label, cells.cell_id, cells.group, CLASSES)
    assert len(plots_of_cells.dataset_overview(bare).axes) == 2


def test_overview_shows_an_image_a_class_with_units(cells):
    axes = {"scalogram": (Axis("frequency", "Hz", 20, 199), Axis("time", "ms", -100, 1100))}
    images = np.random.default_rng(0).random((24, 2, 6, 9), dtype="f4")
    about = About("toy", axes=axes, channels={"scalogram": ("rheobase", "above")})
    shown = Cells({"scalogram": images}, cells.label, cells.cell_id, cells.group, CLASSES, about)
    figure = plots_of_cells.dataset_overview(shown)
    drawn = [image for panel in figure.axes[2:] for image in panel.images]
    assert len(drawn) == 10 and drawn[0].get_extent() == [-100, 1100, 20, 199]
    assert np.array_equal(drawn[0].get_array(), images[0, 0]) and np.array_equal(drawn[5].get_array(), images[0, 1])
    assert {"frequency (Hz)", "time (ms)", "rheobase", "above"} <= set(texts(figure))


def test_overview_shows_median_and_quartiles_of_measured_features(cells):
    values = np.tile([1.0, 2, 3, 4, 5, np.nan], 4)[:, None]
    about = About("toy", features=("tau (ms)",))
    label = np.repeat([0, 1, 2, 3], 6)
    shown = Cells({"features": values}, label, np.arange(24), np.arange(24), CLASSES, about)
    [panel, *empty] = plots_of_cells.dataset_overview(shown).axes[2:]
    assert panel.get_xlabel() == "tau (ms)"
    assert [line.get_xdata()[0] for line in panel.lines[:3]] == pytest.approx([1.2, 2, 3])
    assert not any(axes.axison for axes in empty)


def test_scores_bar_draws_values_intervals_and_floor(table):
    level = evaluation.scores(table, n_resamples=50)["cell"]
    [axes] = plots.scores_bar(level, "toy (simulated)").axes
    assert axes.patches[0].get_width() == level["accuracy"]["value"]
    assert axes.patches[3].get_width() == level["classes"]["PY"]["recall"]["value"]
    assert axes.lines[0].get_xdata().tolist() == [level["accuracy"]["low"], level["accuracy"]["high"]]
    floors = [line.get_xdata()[0] for line in axes.lines if line.get_color() == "#D00000" and len(line.get_xdata())]
    assert floors == [level["floor"][name] for name in ("accuracy", "balanced_accuracy", "macro_f1")]
    assert [label.get_text() for label in axes.get_yticklabels()][2:4] == ["macro F1", "recall of PY"]


def test_scores_bar_without_interval(table):
    level = evaluation.scores(table.assign(group="m"), n_resamples=5)["cell"]
    [axes] = plots.scores_bar(level, "toy").axes
    assert axes.get_xlabel() == "score, no interval"


def test_save_writes_a_whole_picture(tmp_path, table):
    path = tmp_path / "pictures" / "confusion.png"
    plots.save(plots.confusion_matrix(table, "toy"), path)
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert list(path.parent.iterdir()) == [path]


def test_style_stays_inside(table):
    import matplotlib

    before = dict(matplotlib.rcParams)
    plots.confusion_matrix(table, "toy")
    assert dict(matplotlib.rcParams) == before
