"""Figures of a report: what they draw is what the tables say."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from made.paper import ACCURACY, CNN, PAPER, RATES, found_for, job
from made.runs import fake_curves, fake_run
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex
from matplotlib.text import Text

from celltype_cli.core import classes, plots
from celltype_cli.evaluation.comparison import Comparison
from celltype_cli.studies.papers.paper import SPLITS, Row, Table
from celltype_cli.studies.papers.report import draw_tables, pictures, report
from celltype_cli.studies.papers.report.lines import Line


def test_confusions_draw_shares(toy_report):
    drawn = next(picture for picture in toy_report.pictures if picture.key == "fig2").draw()
    texts = [text.get_text() for text in drawn.findobj(Text)]
    # 6 test cells of each class in 3 splits: the wrong ones are called the next class
    assert {"conv & conv_1 <50 %> | x", "T = 2: rnn"} <= set(texts) and len(drawn.axes) == 2 * 2 + 1
    shares = [axes.collections[0].get_array().reshape(4, 4) for axes in drawn.axes[:4]]
    assert all(np.allclose(matrix.sum(axis=1), 1) for matrix in shares)
    labels = [label.get_text() for label in drawn.axes[0].get_yticklabels()]
    assert labels == ["PY", "SOM", "PV", "VIP"]  # as the paper orders them
    assert drawn.axes[0].get_yticklabels()[0].get_color() == classes.colour_of("PY")


def test_published_confusions_stand_beside(toy_runs):
    row = Row("RNN", "rnn", {"PY.PY": (0.7, None), "PY.PV": (0.3, None), "PV.PV": (1.0, None), "PV.PY": (0.0, None)})
    paper = replace(PAPER, tables=(Table("fig2", "Confusion", "Figure 2", "confusion", (row,)),))
    drawn = report.build(paper, {job("fig2", row, "published"): toy_runs["rnn", "published"]}).pictures[0].draw()
    assert drawn.axes[0].collections[0].get_array().reshape(2, 2).tolist() == [[0.7, 0.3], [0.0, 1.0]]
    assert "published" in drawn.axes[0].get_ylabel() and "random splits" in drawn.axes[1].get_ylabel()


def test_learning_curves_of_several_models(toy_report):
    drawn = next(picture for picture in toy_report.pictures if picture.key == "fig3").draw()
    random, apart = drawn.axes
    assert random.get_title(loc="left") == "random splits, test cells"
    assert apart.get_title(loc="left") == "groups kept apart, validation cells"
    cnn, svm = random.lines
    curves = fake_curves(ACCURACY["cnn1d"], 4)
    assert cnn.get_xdata().tolist() == [1, 2, 3, 4]
    assert cnn.get_ydata() == pytest.approx(curves.groupby("epoch")["value"].mean().to_numpy())
    assert svm.get_xdata().tolist() == [1, 4] and svm.get_ydata() == pytest.approx([18 / 24] * 2)
    band = random.collections[1].get_paths()[0].vertices[:, 1]
    sd = np.std([6, 6, 6], ddof=1) / 8
    assert (band.min(), band.max()) == pytest.approx((18 / 24 - sd, 18 / 24 + sd))
    models = [row.model for table in PAPER.tables for row in table.rows]
    assert [line.get_color() for line in (cnn, svm)] == [pictures.model_colour(m, models) for m in ("cnn1d", "svm_rbf")]


def test_reliability_of_every_row(toy_report, toy_runs):
    drawn = next(picture for picture in toy_report.pictures if picture.key == "table1_reliability").draw()
    title = drawn.axes[0].get_title(loc="left")
    assert len(drawn.axes) == 3 and "groups kept apart, n = " in title and ", by chance 0." in title
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["as the model says", "with temperature"]
    bins = toy_runs["cnn1d", "grouped"].confidence()["bins"]["before"]
    line = next(line for line in drawn.axes[0].lines if line.get_marker() == "s")
    assert line.get_xydata().tolist() == [[one["confidence"], one["accuracy"]] for one in bins]


def test_the_reliability_of_the_same_runs_is_drawn_once(toy_runs):
    table = PAPER.tables[0]
    both = replace(PAPER, tables=(table, replace(table, key="again", metric="macro_f1")))
    jobs = [job(key, row, split) for key in (table.key, "again") for row in table.rows for split in SPLITS]
    shown = report.build(both, found_for(toy_runs, jobs))
    assert [p.key for p in shown.pictures if p.key.endswith("_reliability")] == ["table1_reliability"]


def test_dots_are_the_numbers(toy_report):
    drawn = next(picture for picture in toy_report.pictures if picture.key == "table1_published").draw()
    dots = [dots for dots in drawn.axes[0].collections if isinstance(dots, PathCollection)]
    values = {round(float(x), 9) for each in dots for x in each.get_offsets()[:, 0]}
    expected = {
        round(getattr(line, key), 9) for line in toy_report.tables[0].lines for key in ("published", "ours", "apart")
    }
    assert values == expected


def test_ranks_are_drawn_with_their_groups(toy_report):
    picture = next(picture for picture in toy_report.pictures if picture.key == "table1_ranks")
    (family,) = toy_report.tables[0].families.values()
    test = family.splits
    axes = picture.draw().axes[0]
    bars = [line for line in axes.lines if line.get_linewidth() == 5]
    assert (
        not bars and "Without a test there are no bars: 3 splits" in picture.caption and "A bar" not in picture.caption
    )
    texts = [text.get_text().strip() for text in axes.texts]
    assert f"{CNN.name}  {test.ranks[0]:.1f}" in texts


def ends_of_bars(figure):
    bars = figure.axes[0].findobj(LineCollection)
    return [x for each in bars for line in each.get_segments() for x, _ in line if np.isfinite(x)]


def test_bars_end_where_shares_do(toy_report):
    drawn = next(picture for picture in toy_report.pictures if picture.key == "table1_published").draw()
    ends = ends_of_bars(drawn)
    assert ends and min(ends) >= 0 and max(ends) <= 1
    line = toy_report.tables[0].lines[0]
    wide = replace(line, ours=0.9, ours_sd=0.2, published=0.1, published_sd=0.3)
    drawn = draw_tables.published_dots([wide], ["black"], "accuracy", "random splits", "animal", "")
    ends = ends_of_bars(drawn)
    assert {0.0, 0.4, 0.7, 1.0} <= {round(x, 9) for x in ends}


def floors(line):
    """The red lines of a picture of one table line: value, from and to, downwards; the line stands at 0."""
    figure = draw_tables.published_dots([line], ["black"], "accuracy", "random splits", "animal", "")
    red = [bars for bars in figure.axes[0].findobj(LineCollection) if to_hex(bars.get_color()[0]).upper() == "#D00000"]
    return [(x, top, bottom) for bars in red for (x, top), (_, bottom) in bars.get_segments()]


def test_each_way_has_its_own_floor_where_they_differ():
    line = Line("cnn1d", "conv", ours=0.6, apart=0.5, floor=0.561, apart_floor=0.448)
    assert floors(line) == [(0.561, -0.44, 0.12), (0.448, 0.12, 0.44)]
    assert floors(replace(line, apart_floor=0.56)) == [(0.561, -0.44, 0.44)]


def test_long_names_of_ranks_fit_into_the_picture():
    names = (
        "noise_and_mean_floor: cell types, all laboratories",
        "forest: laboratories",
        "cnn1d: " + "cell types " * 5,
    )
    test = Comparison(names, 10, 10, np.array([2.3, 1.0, 2.7]), (), ((0, 2),))
    head = "all rows on cascade all fake_classes (null): 0 of 3 pairs told apart, 0 of 3 over animals, " * 2
    for panels in ({head: (test, ["black"] * 3)}, {"short": (test, ["black"] * 3)}):
        figure = draw_tables.critical_differences(panels, "mean ranks")
        figure.draw_without_rendering()
        axes = figure.axes[0]
        for text in (*axes.texts, axes.title, axes._left_title):
            box = text.get_window_extent()
            assert box.x0 >= 0 and box.x1 <= figure.bbox.width, text.get_text()


def test_bars_join_what_a_test_does_not_tell_apart(tmp_path):
    rows = {"cnn1d": [0.9, 1, 0.9, 1, 0.9], "rnn": [1, 0.9, 0.9, 0.9, 1], "svm_rbf": [0.4, 0.5, 0.4, 0.5, 0.5]}
    found = {
        job("table1", row, "published"): fake_run(tmp_path / row.model, rows[row.model]) for row in PAPER.tables[0].rows
    }
    made = report.build(PAPER, found)
    [family] = made.tables[0].families.values()
    picture = next(picture for picture in made.pictures if picture.key == "table1_ranks")
    bars = [line for line in picture.draw().axes[0].lines if line.get_linewidth() == 5]
    assert len(bars) == len(family.splits.groups) == 1
    assert all(word in picture.caption for word in ("Nemenyi", "Holm", "for these groups"))


def test_classes_of_several_rows_keep_their_colours(toy_runs):
    rows = (RATES, replace(RATES, name="again"))
    table = Table("table2", "Classes", "Table 2", "per_class", rows)
    jobs = [job("table2", row, split) for row in rows for split in ("published", "grouped")]
    shown = report.build(replace(PAPER, tables=(table,)), found_for(toy_runs, jobs))
    axes = next(picture for picture in shown.pictures if picture.draw).draw().axes[0]
    colours = {label.get_text(): label.get_color() for label in axes.get_yticklabels()}
    assert colours["best: PV"] == colours["again: PV"] == classes.colour_of("PV")
    blocks = [text.get_text() for text in axes.texts]
    assert blocks == ["precision", "recall", "specificity"] * 2


def test_models_and_classes_have_colours_of_their_own():
    models = ["cnn1d", "rnn", "cnn1d", *(f"model {i}" for i in range(14))]
    colours = [pictures.model_colour(model, models) for model in dict.fromkeys(models)]
    known = [entry["colour"] for entry in classes.vocabulary().values()]
    assert all(a.upper() != b.upper() for a, b in combinations(colours, 2))
    assert not set(colours) & {*known, *plots.OTHER_COLOURS[:2]}
