"""Pictures: one colour per class, the word simulated, and what is drawn are the numbers given."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from PIL import Image

from celltype_cli.cells.about import About
from celltype_cli.cells.cells import Cells
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
    proba = np.random.default_rng(3).dirichlet(np.ones(4), size=len(cells))
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
    assert any(
        text.startswith("toy (simulated)\nline: mean of 2 folds; band: one standard dev") for text in texts(figure)
    )


def test_bands_stay_where_the_metric_can_be():
    """Two folds at 0.1 and 1.9, so mean 1 and sd 1.27; of balanced accuracy 0.2 and 1.0, so 0.6 and sd 0.57."""
    curves = pd.DataFrame(
        [(fold, epoch, name, value) for name, values in
         (("valid_loss", (0.1, 1.9)), ("valid_accuracy", (0.5, 0.5)), ("valid_balanced_accuracy", (0.2, 1.0)))
         for fold, value in enumerate(values) for epoch in (1, 2)],
        columns=["fold", "epoch", "name", "value"],
    )  # fmt: skip
    loss, accuracy = pictures.learning_curves(curves, "toy").axes  # where balanced accuracy is known, it alone
    assert accuracy.get_ylabel() == "balanced accuracy" and accuracy.get_ylim() == (0, 1.02)
    bands = [axes.collections[0].get_paths()[0].vertices[:, 1] for axes in (loss, accuracy)]
    assert (bands[0].min(), bands[0].max()) == pytest.approx((0, 1 + 0.9 * np.sqrt(2)))
    assert (bands[1].min(), bands[1].max()) == pytest.approx((0.6 - 0.4 * np.sqrt(2), 1))
    assert loss.get_ylim()[0] == 0
    old = curves[curves["name"] != "valid_balanced_accuracy"]
    assert pictures.learning_curves(old, "toy").axes[1].get_ylabel() == "accuracy"


def test_scores_bar_draws_values_intervals_and_floor(table):
    level = scores.scores(table.assign(group=table["cell_id"]), n_resamples=50)["cell"]
    [axes] = pictures.scores_bar(level, "toy (simulated)", "animal", "jackknife over animals").axes
    assert axes.patches[0].get_width() == level["accuracy"]["value"]
    assert axes.patches[3].get_width() == level["classes"]["PY"]["recall"]["value"]
    value, low, high = (level["accuracy"][key] for key in ("value", "low", "high"))
    assert [low, high] in [list(line.get_xdata()) for line in axes.lines]
    assert f"{value:.2f} [{low:.2f}, {high:.2f}]" in texts(axes.figure)
    floors = [line.get_xdata()[0] for line in axes.lines if line.get_color() == "#D00000" and len(line.get_xdata())]
    assert floors == [level["floor"][name] for name in ("accuracy", "balanced_accuracy", "macro_f1")]
    assert [label.get_text() for label in axes.get_yticklabels()][2:4] == ["macro F1", "recall of PY"]


def test_scores_bar_without_interval(table):
    level = scores.scores(table.assign(group="m"), n_resamples=5)["cell"]
    [axes] = pictures.scores_bar(level, "toy", "animal", "jackknife over animals").axes
    assert f"{level['accuracy']['value']:.2f} [not defined: 1 animal]" in texts(axes.figure)
    assert not any(len({*line.get_xdata()}) == 2 for line in axes.lines)  # no bar, of whatever width


def test_a_class_that_is_never_predicted_is_said(cells):
    """Every cell is taken for PV."""
    proba = np.tile([0.1, 0.7, 0.1, 0.1], (len(cells), 1))
    table = predictions.predictions_table(cells, proba, fold=0)
    assert "predicted\nnever predicted: PY, SOM, VIP" in texts(pictures.confusion_matrix(table, "toy"))
    drawn = texts(pictures.scores_bar(scores.scores(table)["cell"], "toy", "animal", "jackknife over animals"))
    assert sum(text.endswith("never predicted") for text in drawn) == 3


def test_save_writes_whole_pictures_in_every_format(tmp_path, table):
    figure = pictures.confusion_matrix(table, "toy")
    files = plots.save(figure, tmp_path / "a" / "v1.2", ["png", "pdf", "svg"])
    assert [file.name for file in files] == ["v1.2.png", "v1.2.pdf", "v1.2.svg"]
    assert sorted(tmp_path.glob("a/*")) == sorted(files)
    png, pdf, svg = (file.read_bytes() for file in files)
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and pdf[:5] == b"%PDF-"
    with Image.open(files[0]) as image:
        assert image.info["dpi"] == pytest.approx((200, 200), abs=0.01) and image.mode == "RGBA"
    assert b"/FontType 42" in pdf or b"/TrueType" in pdf or b"/CIDFontType2" in pdf
    assert b">predicted</text>" in svg  # letters, not paths
    assert plots.drawn(pictures.confusion_matrix(table, "toy"), "png") == png
    assert plots.save(figure, tmp_path / "none", []) == []


def test_style_stays_inside(table):
    import matplotlib

    before = dict(matplotlib.rcParams)
    pictures.confusion_matrix(table, "toy")
    assert dict(matplotlib.rcParams) == before
