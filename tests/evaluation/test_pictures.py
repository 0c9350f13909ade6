"""Pictures: one colour per class, the word simulated, and what is drawn are the numbers given."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from celltype_cli.cells.cells import About, Cells
from celltype_cli.core import plots
from celltype_cli.evaluation import pictures, predictions, scores

CLASSES = ("PY", "PV", "SOM", "VIP")


@pytest.fixture
def cells():
    """Three cells a class, two windows each of 100 steps at 50 Hz, in two groups; the sixth has no label."""
    label = np.repeat([0, 1, 2, 3, 0, -1, 2, 3, 0, 1, 2, 3], 2)
    trace = np.random.default_rng(0).normal(size=(24, 1, 100)).astype("f4")
    cell_id = np.repeat([f"c{i}" for i in range(12)], 2)
    group = np.repeat(["m1", "m2"], 12)
    return Cells({"trace": trace}, label, cell_id, group, CLASSES, About("toy", True))


@pytest.fixture
def table(cells):
    proba = np.random.default_rng(1).dirichlet(np.ones(4), size=len(cells))
    return predictions.predictions_table(cells, proba, fold=0)


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
    drawn = texts(pictures.confusion_matrix(table, "a title"))
    counts = scores.confusion(table)
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
    figure = pictures.learning_curves(curves, "toy (simulated)")
    loss, accuracy = figure.axes
    assert (loss.get_ylabel(), accuracy.get_ylabel(), loss.get_xlabel()) == ("loss", "balanced accuracy", "epoch")
    assert [line.get_label() for line in loss.lines] == ["train", "valid"] and len(accuracy.lines) == 1
    assert [line.get_linestyle() for line in loss.lines] == ["--", "-"]
    assert loss.lines[1].get_xydata().tolist() == [[0, 2], [1, 2]]
    band = loss.collections[1].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((2 - np.sqrt(2), 2 + np.sqrt(2)))
    assert "toy (simulated)\nmean and sd over 2 folds" in texts(figure)


def test_scores_bar_draws_values_intervals_and_floor(table):
    level = scores.scores(table, n_resamples=50)["cell"]
    [axes] = pictures.scores_bar(level, "toy (simulated)").axes
    assert axes.patches[0].get_width() == level["accuracy"]["value"]
    assert axes.patches[3].get_width() == level["classes"]["PY"]["recall"]["value"]
    assert axes.lines[0].get_xdata().tolist() == [level["accuracy"]["low"], level["accuracy"]["high"]]
    floors = [line.get_xdata()[0] for line in axes.lines if line.get_color() == "#D00000" and len(line.get_xdata())]
    assert floors == [level["floor"][name] for name in ("accuracy", "balanced_accuracy", "macro_f1")]
    assert [label.get_text() for label in axes.get_yticklabels()][2:4] == ["macro F1", "recall of PY"]


def test_scores_bar_without_interval(table):
    level = scores.scores(table.assign(group="m"), n_resamples=5)["cell"]
    [axes] = pictures.scores_bar(level, "toy").axes
    assert axes.get_xlabel() == "score, no interval"


def test_save_writes_a_whole_picture(tmp_path, table):
    path = tmp_path / "pictures" / "confusion.png"
    plots.save(pictures.confusion_matrix(table, "toy"), path)
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert list(path.parent.iterdir()) == [path]


def test_style_stays_inside(table):
    import matplotlib

    before = dict(matplotlib.rcParams)
    pictures.confusion_matrix(table, "toy")
    assert dict(matplotlib.rcParams) == before
