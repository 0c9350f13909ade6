"""Rows against each other: whether the paper's order holds here, and which pairs a test tells apart."""

from dataclasses import replace

import pandas as pd
import pytest
from made.paper import ACCURACY, CNN, PAPER, RNN, SVM, all_jobs, found_for, job
from made.runs import fake_run

from celltype_cli.studies.papers.paper import Row, Table
from celltype_cli.studies.papers.report import formats, report, sheets
from celltype_cli.studies.papers.report.lines import Line, order_of_groups, orders


def test_whether_the_order_holds(toy_report):
    # published 0.9 > 0.8 > 0.7; here cnn1d 20/24, rnn 17/24, svm 18/24: the last two change places
    order = toy_report.tables[0].orders[0]
    assert (order.lines, order.way, order.n) == ("all", "random splits", 3)
    assert (order.spearman, order.kendall) == pytest.approx((0.5, 1 / 3))
    assert order.best_published == order.best_here == CNN.name
    models = toy_report.tables[0].models
    assert models["published"] == ("cnn1d", "rnn", "svm_rbf") and models["ours"] == ("cnn1d", "svm_rbf", "rnn")
    assert any("in the paper cnn1d > rnn > svm_rbf" in s for s in toy_report.tables[0].sentences())


def test_order_within_models():
    lines = [Line("a", f"{i}", published=p, ours=o, label=f"a{i}") for i, (p, o) in
             enumerate([(0.9, 0.5), (0.8, 0.6), (0.7, 0.4), (0.6, float("nan"))])]  # fmt: skip
    lines.append(Line("b", "x", published=0.5, ours=0.9, label="bx"))
    everything, within = orders(lines, together=True, way="random splits", group="animal")
    assert (everything.lines, everything.n, everything.best_published, everything.best_here) == ("all", 4, "a0", "bx")
    assert (within.lines, within.n, within.best_here, within.kendall) == ("a", 3, "1", pytest.approx(1 / 3))
    assert order_of_groups(lines, "ours") == ("b", "a") and order_of_groups(lines, "published") == ("a", "b")
    assert [o.lines for o in orders(lines, together=False, way="random splits", group="animal")] == ["a"]


def test_paired_test_and_its_refusal(toy_report, toy_runs, tmp_path):
    (family,) = toy_report.tables[0].families.values()
    test = family.splits
    assert test.names == (CNN.name, RNN.name, SVM.name) and test.n_splits == 3
    said = " ".join(toy_report.tables[0].sentences())
    assert "No paired test of all rows over the splits of the paper: 3 splits, and fewer than 5" in said
    assert "The same over 5 groups as units, groups kept apart (swaps, Holm): 0 of 3 pairs" in said
    assert "so few groups and so many pairs cannot give a p below 0.19" in said  # 3 x 2 / 2^5
    sheet = sheets.pairs_sheet(family, "group").columns
    assert not {"t", "p", "p, Holm"} & {*sheet} and len(sheet["p over groups, Holm"]) == 3
    other = fake_run(tmp_path / "other", ACCURACY["rnn"], split_seed=5)
    found = found_for(toy_runs, all_jobs()) | {job("table1", RNN, "published"): other}
    table = report.build(PAPER, found).tables[0]
    assert not table.families and any("not tested on the same cells" in note for note in table.notes)


def test_five_splits_are_tested_and_compared_over_groups_beside(tmp_path):
    """Where a row has no run with groups kept apart, the predictions of the paper's split are compared over groups."""
    scores_of = {CNN: [0.9, 1, 0.9, 1, 0.9], RNN: [0.5, 0.4, 0.4, 0.5, 0.5]}
    found = {
        job("table1", row, "published"): fake_run(tmp_path / row.model, values) for row, values in scores_of.items()
    }
    [table] = report.build(PAPER, found).tables
    [family] = table.families.values()
    assert family.splits.told_apart == 1 and family.way == "random splits" and not family.splits.untested
    said = " ".join(table.sentences())
    assert (
        "over 5 splits, random splits (Nadeau-Bengio, Holm): 1 of 1 pairs told apart at 0.05, for these groups" in said
    )
    assert "over 5 groups as units, random splits (swaps, Holm): 0 of 1" in said and "below 0.062" in said
    sheet = sheets.pairs_sheet(family, "group").columns
    assert {"p", "p, Holm", "random splits [95 %]", "p over groups", "p over groups, Holm"} <= {*sheet}
    (tmp_path / "p.csv").write_text(formats.pairs_csv(report.build(PAPER, found), table))
    [pair] = pd.read_csv(tmp_path / "p.csv").to_dict("records")
    assert pair["over_p"] == family.groups[0].p >= 0.0625 and pair["over_n_groups"] == 5 and pair["adjusted"] < 0.05


def test_rows_on_other_cells_are_tested_among_themselves(toy_runs, tmp_path):
    """The paper's dataset beside another: two rows each."""
    other = {
        model: fake_run(tmp_path / model, ACCURACY[model], split_seed=5, title="other") for model in ("cnn1d", "rnn")
    }
    rows = [replace(row, name=f"{row.name} {where}") for where in ("here", "there") for row in (CNN, RNN)]
    found = [toy_runs["cnn1d", "published"], toy_runs["rnn", "published"], other["cnn1d"], other["rnn"]]
    paper = replace(PAPER, tables=(Table("t", "Two", "Table 9", "scores", tuple(rows)),))
    table = report.build(paper, {job("t", row, "published"): run for row, run in zip(rows, found)}).tables[0]
    names = {words: family.splits.names for words, family in table.families.items()}
    assert names == {f"all rows on {where}": (rows[k].name, rows[k + 1].name)
                     for where, k in (("toy (simulated)", 0), ("other", 2))}  # fmt: skip


@pytest.mark.parametrize("published", [(), (CNN,)])
def test_models_are_ordered_only_beside_published_figures(toy_runs, published):
    rows = [row if row in published else replace(row, published={}) for row in (CNN, RNN)]
    paper = replace(PAPER, tables=(Table("t", "New", "Control", "scores", tuple(rows), note="not in the paper"),))
    found = {job("t", row, "published"): toy_runs[row.model, "published"] for row in rows}
    table = report.build(paper, found).tables[0]
    assert not table.models and not table.orders
    assert table.notes[0] == "Not in the paper."


def test_long_tables_are_tested_model_by_model(toy_runs):
    rows = [Row(f"{model} {i}", model, {"accuracy": (0.8, None)}, best=i == 0) for model in ("cnn1d", "rnn")
            for i in range(7)]  # fmt: skip
    paper = replace(PAPER, tables=(Table("t", "Long", "Table 9", "scores", tuple(rows)),))
    found = {job("t", row, "published"): toy_runs[row.model, "published"] for row in rows}
    table = report.build(paper, found).tables[0]
    sizes = {words: len(family.splits.names) for words, family in table.families.items()}
    assert sizes == {"the paper's best row of each model": 2, "the rows of cnn1d": 7, "the rows of rnn": 7}
