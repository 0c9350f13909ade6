"""Reports from small fake runs: numbers by hand, marks everywhere, commands that work, one page that needs nothing."""

import shlex
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations
from math import isnan

import numpy as np
import pandas as pd
import pytest
from fake_runs import fake_curves, fake_run
from hydra.core.override_parser.overrides_parser import OverridesParser
from matplotlib.text import Text

from celltype_cli import configs, evaluation, paper_files, paper_jobs, papers, plots, report
from celltype_cli.errors import UserError
from celltype_cli.paper_jobs import Job
from celltype_cli.papers import Paper, Row, Table
from celltype_cli.reporting import drawing, formats, latex, markdown, sheets
from celltype_cli.reporting.lines import Line
from celltype_cli.reporting.orders import order_of_groups, orders

CNN = Row(
    "conv & conv_1 <50 %> | x", "cnn1d", (), {"accuracy": (0.9, 0.01), "training_seconds": (50.0, 2.0)}, best=True
)
RNN = Row("T = 2: rnn", "rnn", (), {"accuracy": (0.8, None)}, note="the paper says nothing")
SVM = Row("Gaussian SVM", "svm_rbf", (), {"accuracy": (0.7, 0.02)})
RATES = Row("best", "cnn1d", (), {"PY.precision": (0.9, 0.05), "PV.recall": (0.8, None)})
PAPER = Paper(
    key="toy",
    title="A toy paper",
    citation="Nobody, Journal of Nothing (2020)",
    url="https://example.org/paper",
    classes=("PY", "SOM", "PV", "VIP"),
    protocol="Nothing was recorded.",
    profiles={"quick": "few cells", "full": "as published"},
    tables=(
        Table("table1", "Three models", "Table 1", "scores", (CNN, RNN, SVM)),
        Table("table2", "Classes", "Table 2", "per_class", (RATES,)),
        Table("fig2", "Confusion", "Figure 2", "confusion", (CNN, RNN)),
        Table("fig3", "Epochs", "Figure 3", "curves", (CNN, SVM)),
    ),
)
ACCURACY = {
    "cnn1d": [0.9, 0.8, 0.9], "rnn": [0.65, 0.75, 0.7], "svm_rbf": [0.75, 0.7, 0.8],
}  # fmt: skip


def job(table, row, split, profile="full", overrides=()):
    return Job(table, row, split, profile, (*overrides, f"model={row.model}", f"split={split}"))


def all_jobs(profile="full"):
    return [job(t.key, row, split, profile) for t in PAPER.tables for row in t.rows for split in papers.SPLITS]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run per model and split; with animals kept apart each is 0.2 less accurate."""
    folder = tmp_path_factory.mktemp("runs")
    found = {}
    for model, accuracy in ACCURACY.items():
        curves = fake_curves(accuracy, 4) if model != "svm_rbf" else None
        found[model, "published"] = fake_run(folder / f"{model}-p", accuracy, curves=curves, monitor="test", seconds=11)
        lower = np.array(accuracy) - 0.2
        found[model, "grouped"] = fake_run(folder / f"{model}-g", lower, split_seed=1, curves=curves)
    return found


def found_for(runs, jobs):
    return {job: runs[job.row.model, job.split] for job in jobs}


@pytest.fixture(scope="module")
def full(runs):
    return report.build(PAPER, found_for(runs, all_jobs()))


@pytest.fixture(scope="module")
def written(runs, tmp_path_factory):
    """A quick report without the runs of the RNN."""
    found = {job: None if job.row.model == "rnn" else runs[job.row.model, job.split] for job in all_jobs("quick")}
    folder = tmp_path_factory.mktemp("report")
    made = report.build(PAPER, found, extra=["dataset=cascade", "dataset.path=/my data"])
    report.write(made, folder)
    return made, folder


def test_a_line_by_hand(full, runs):
    line = full.tables[0].lines[0]
    assert (line.group, line.name, line.best, line.n_splits, line.command) == ("cnn1d", CNN.name, True, 3, "")
    # 8 test cells a split, of which 7, 6 and 7 are right
    assert line.ours == pytest.approx((7 + 6 + 7) / 24) and line.ours_sd == pytest.approx(np.std([7, 6, 7], ddof=1) / 8)
    assert line.difference == pytest.approx(20 / 24 - 0.9) and line.floor == 0.25
    assert (line.seconds, line.seconds_sd) == (12, 1) and (line.published_seconds, line.published_seconds_sd) == (50, 2)
    level = evaluation.scores(runs["cnn1d", "grouped"].predictions())["cell"]
    assert (line.apart, line.apart_low, line.apart_high) == tuple(
        level["accuracy"][name] for name in ("value", "low", "high")
    )
    assert line.balanced == level["balanced_accuracy"]["value"]
    assert full.tables[0].lines[1].published_sd != full.tables[0].lines[1].published_sd  # the paper gives none


def test_classes_by_hand(full, runs):
    lines = {(line.group, line.name): line for line in full.tables[1].lines}
    assert len(lines) == 3 * 4 and list(lines)[:4] == [("precision", name) for name in PAPER.classes]
    level = evaluation.scores(runs["cnn1d", "published"].predictions())["window"]["classes"]
    line = lines["precision", "PY"]
    assert (line.published, line.published_sd) == (0.9, 0.05)
    assert (line.ours, line.ours_sd) == (level["PY"]["precision"]["fold_mean"], level["PY"]["precision"]["fold_sd"])
    assert lines["recall", "PV"].difference == pytest.approx(level["PV"]["recall"]["fold_mean"] - 0.8)
    assert isnan(lines["recall", "PY"].published) and not isnan(lines["recall", "PY"].ours)


def test_other_names_of_a_class_find_it(tmp_path):
    run = fake_run(tmp_path / "r", [0.8, 0.8], classes=("EXC", "PV", "SST"))
    jobs = {job("table2", RATES, "published"): run}
    lines = {(line.group, line.name): line for line in report.build(PAPER, jobs).tables[0].lines}
    level = evaluation.scores(run.predictions())["window"]["classes"]
    assert lines["recall", "PY"].ours == level["EXC"]["recall"]["fold_mean"]
    assert lines["recall", "SOM"].ours == level["SST"]["recall"]["fold_mean"]
    assert isnan(lines["recall", "VIP"].ours)


def test_whether_the_order_holds(full):
    # published 0.9 > 0.8 > 0.7; here cnn1d 20/24, rnn 17/24, svm 18/24: the last two change places
    order = full.tables[0].orders[0]
    assert (order.lines, order.way, order.n) == ("all", "random splits", 3)
    assert (order.spearman, order.kendall) == pytest.approx((0.5, 1 / 3))
    assert order.best_published == order.best_here == CNN.name
    models = full.tables[0].models
    assert models["published"] == ("cnn1d", "rnn", "svm_rbf") and models["ours"] == ("cnn1d", "svm_rbf", "rnn")
    assert any("in the paper cnn1d > rnn > svm_rbf" in s for s in markdown.sentences(full.tables[0]))


def test_order_within_models():
    lines = [Line("a", f"{i}", published=p, ours=o, label=f"a{i}") for i, (p, o) in
             enumerate([(0.9, 0.5), (0.8, 0.6), (0.7, 0.4), (0.6, float("nan"))])]  # fmt: skip
    lines.append(Line("b", "x", published=0.5, ours=0.9, label="bx"))
    everything, within = orders(lines, together=True)
    assert (everything.lines, everything.n, everything.best_published, everything.best_here) == ("all", 4, "a0", "bx")
    assert (within.lines, within.n, within.best_here, within.kendall) == ("a", 3, "1", pytest.approx(1 / 3))
    assert order_of_groups(lines, "ours") == ("b", "a") and order_of_groups(lines, "published") == ("a", "b")
    assert [o.lines for o in orders(lines, together=False)] == ["a"]


def test_paired_test_and_its_refusal(full, runs, tmp_path):
    (test,) = full.tables[0].comparisons.values()
    assert test.names == (CNN.name, RNN.name, SVM.name) and test.n_splits == 3
    assert any("may differ as well" in s for s in markdown.sentences(full.tables[0]))
    other = fake_run(tmp_path / "other", ACCURACY["rnn"], split_seed=5)
    found = found_for(runs, all_jobs()) | {job("table1", RNN, "published"): other}
    table = report.build(PAPER, found).tables[0]
    assert not table.comparisons and any("not tested on the same cells" in note for note in table.notes)


def test_rows_on_other_cells_are_tested_among_themselves(runs, tmp_path):
    """The paper's dataset beside another: two rows each."""
    other = {
        model: fake_run(tmp_path / model, ACCURACY[model], split_seed=5, title="other") for model in ("cnn1d", "rnn")
    }
    rows = [replace(row, name=f"{row.name} {where}") for where in ("here", "there") for row in (CNN, RNN)]
    found = [runs["cnn1d", "published"], runs["rnn", "published"], other["cnn1d"], other["rnn"]]
    paper = replace(PAPER, tables=(Table("t", "Two", "Table 9", "scores", tuple(rows)),))
    table = report.build(paper, {job("t", row, "published"): run for row, run in zip(rows, found)}).tables[0]
    names = {words: test.names for words, test in table.comparisons.items()}
    assert names == {f"all rows on {where}": (rows[k].name, rows[k + 1].name)
                     for where, k in (("toy (simulated)", 0), ("other", 2))}  # fmt: skip


def test_models_are_ordered_only_beside_published_figures(runs):
    rows = [replace(row, published={}) for row in (CNN, RNN)]
    paper = replace(PAPER, tables=(Table("t", "New", "Control", "scores", tuple(rows), note="not in the paper"),))
    found = {job("t", row, "published"): runs[row.model, "published"] for row in rows}
    table = report.build(paper, found).tables[0]
    assert not table.models and not table.orders
    assert table.notes[0] == "Not in the paper."


def test_long_tables_are_tested_model_by_model(runs):
    rows = [Row(f"{model} {i}", model, (), {"accuracy": (0.8, None)}, best=i == 0) for model in ("cnn1d", "rnn")
            for i in range(7)]  # fmt: skip
    paper = replace(PAPER, tables=(Table("t", "Long", "Table 9", "scores", tuple(rows)),))
    table = report.build(paper, {job("t", row, "published"): runs[row.model, "published"] for row in rows}).tables[0]
    sizes = {words: len(test.names) for words, test in table.comparisons.items()}
    assert sizes == {"the paper's best row of each model": 2, "the rows of cnn1d": 7, "the rows of rnn": 7}


def test_a_missing_row_shows_a_command_that_plans_it(written):
    made, folder = written
    _, line, _ = made.tables[0].lines
    assert made.tables[0].missing == 1 and made.tables[0].planned == 3
    assert isnan(line.ours) and line.published == 0.8
    program, command, *arguments = shlex.split(line.command)
    assert (program, command) == ("celltype", "reproduce")
    values = {o.key_or_group: o.value() for o in OverridesParser.create().parse_overrides(arguments)}
    assert {name: str(values[name]) for name in ("paper", "table", "rows", "profile", "dataset.path")} == {
        "paper": "toy", "table": "table1", "rows": "rnn: T = 2: rnn", "profile": "quick", "dataset.path": "/my data",
    }  # fmt: skip
    assert made.tables[0].command == "celltype reproduce paper=toy table=table1 profile=quick dataset=cascade " \
                                     "'dataset.path=/my data'"  # fmt: skip
    for file in ("report.md", "report.html", "report.tex", "table1.csv"):
        text = (folder / file).read_text()
        assert "table=table1" in text and "T = 2: rnn" in text


@pytest.mark.parametrize("split", papers.SPLITS)
def test_half_a_row_shows_its_half_and_the_command(runs, split):
    found = {job("table1", CNN, s): runs["cnn1d", s] if s == split else None for s in papers.SPLITS}
    table = report.build(PAPER, found).tables[0]
    sheet = sheets.lines_sheet(table)
    assert table.missing == 1 and len(sheet.rows) == 2
    assert [cell.text == "not run" for cell in sheet.rows[0]].index(True) == (6 if split == "published" else 3)
    assert sheet.rows[1][-1] == sheets.Text(table.lines[0].command, "code")
    assert any(note == "Left out here: rnn: T = 2: rnn; svm_rbf: Gaussian SVM." for note in table.notes)


def test_every_command_of_the_paper_plans_its_row():
    paper = papers.load(configs.folder() / "paper" / "calcium_ann.yaml")
    planned = paper_jobs.jobs(paper, profile="quick")
    for table in report.build(paper, dict.fromkeys(planned)).tables:
        for line in table.lines:
            arguments = shlex.split(line.command)[2:]
            asked = {o.key_or_group: o.value() for o in OverridesParser.create().parse_overrides(arguments)}
            jobs = paper_jobs.jobs(paper, profile="quick", tables=[asked["table"]], rows=[str(asked["rows"])])
            name = line.group, line.name
            assert name in {(job.row.model, job.row.name) for job in jobs} or table.kind == "per_class"
            assert {job.table for job in jobs} == {table.key}
        assert table.missing == table.planned


def test_below_a_table_stands_what_it_is_of(full):
    notes = " ".join(full.tables[0].notes)
    assert "toy (simulated): 40 cells in 5 groups" in notes and "Profile full, seed 0" in notes
    assert "3 splits, 32 cells train and 8 test" in notes and "No animal was recorded." in notes
    # three models, three splits of 11, 12 and 13 s, and as many folds of 1, 2 and 3 s: 108 + 18 s
    assert "a processor, 2 cores, 1 thread; training took 2.1 min" in notes
    assert "rnn: T = 2: rnn: the paper says nothing." in notes and "rough" in notes


def test_what_a_search_chose_stands_beside_what_the_paper_chose(tmp_path):
    row = replace(SVM, note="C = 10 was chosen")
    chosen = [{"gamma": 0.1, "C": 1}, {"C": 1, "gamma": 0.1}, {"C": 9, "gamma": 0.1}]
    run = fake_run(tmp_path / "searched", [0.5, 0.6, 0.7], chosen=chosen)
    paper = replace(PAPER, tables=(replace(PAPER.tables[0], rows=(row,)),))
    table = report.build(paper, {job("table1", row, "published"): run}).tables[0]
    said = (
        "C = 10 was chosen; here C = 1, gamma = 0.1 in 2 of 3 random splits; here C = 9, gamma = 0.1 in 1 of 3 random"
    )
    assert any(said in note for note in table.notes)


def test_quick_and_simulated_mark_every_output(written, capsys):
    made, folder = written
    mark = "[quick profile, simulated data]"
    assert made.marks == ("quick profile", "simulated data")
    text = (folder / "report.md").read_text()
    headings = [line for line in text.splitlines() if line.startswith("#") and "At a glance" not in line]
    assert len(headings) > 5 and all(line.endswith(mark) for line in headings)
    assert all(mark in line for line in (folder / "report.tex").read_text().splitlines() if r"\caption" in line)
    assert set(pd.read_csv(folder / "table1.csv")["marks"]) == {"quick profile; simulated data"}
    page = (folder / "report.html").read_text()
    assert page.count('<span class="mark">quick profile') == page.count("<h2>") + 1
    for picture in made.pictures:
        assert any(mark in text.get_text() for text in picture.draw().findobj(Text))
    formats.terminal(made)
    titles = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("Table", "Figure"))]
    assert len(titles) == 3 and all(mark in title for title in titles)


def test_recorded_data_in_full_carry_no_mark(tmp_path):
    run = fake_run(tmp_path / "r", [0.8, 0.7], title="recorded", simulated=False, notes=[])
    made = report.build(PAPER, {job("table1", CNN, "published"): run})
    assert made.marks == () and made.titled(made.tables[0]) == "Table 1. Three models"


@pytest.mark.parametrize(
    ("settings", "overrides", "message"),
    [
        ({"fingerprint": "f1"}, (), "data f0 in .* and data f1 in"),
        ({"seed": 1}, (), "seed is 0 in one run and 1 in another"),
    ],
)
def test_different_experiments_share_no_table(tmp_path, runs, settings, overrides, message):
    other = fake_run(tmp_path / "other", ACCURACY["rnn"], **settings)
    for table in ("table1", "fig2"):
        found = {job(table, CNN, "published"): runs["cnn1d", "published"], job(table, RNN, "published"): other}
        with pytest.raises(UserError, match=message):
            report.build(PAPER, found)


def test_rows_may_ask_for_different_data(tmp_path, runs):
    other = fake_run(tmp_path / "other", ACCURACY["rnn"], fingerprint="f1")
    longer = job("table1", RNN, "published", overrides=("dataset.timesteps=2000",))
    found = {job("table1", CNN, "published"): runs["cnn1d", "published"], longer: other}
    assert any("2 versions of the data" in note for note in report.build(PAPER, found).tables[0].notes)


def test_two_profiles_make_no_report(runs):
    found = {job("table1", CNN, "published", p): runs["cnn1d", "published"] for p in paper_files.PROFILES}
    with pytest.raises(UserError, match="one profile, found full and quick"):
        report.build(PAPER, found)


class Page(HTMLParser):
    """Follows a page: every element that opens closes, and what it would load or lead to."""

    VOID = {"meta", "img", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.ids, self.images = [], [], [], 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.open += [] if tag in self.VOID else [tag]
        self.images += tag == "img"
        self.links += [value for name, value in attributes if name in ("href", "src", "srcset", "action", "data")]
        self.ids += [value for name, value in attributes if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(written):
    made, folder = written
    text = (folder / "report.html").read_text()
    page = Page(text)
    assert not page.open and page.images == len(made.pictures) == 5
    assert all(link.startswith(("#", "data:image/svg+xml;base64,")) for link in page.links)
    assert "url(" not in text and "@import" not in text and "<script" not in text
    contents = [link[1:] for link in page.links if link.startswith("#")]
    assert contents == page.ids == ["glance", "reading", "table1", "table2", "fig2", "fig3"]
    assert "conv &amp; conv_1 &lt;50 %&gt; | x" in text and CNN.name not in text


def test_names_are_escaped(written):
    made, folder = written
    tex = (folder / "report.tex").read_text()
    assert r"conv \& conv\_1 \textless{}50 \%\textgreater{} | x" in tex
    assert r"\toprule" in tex and tex.count(r"\begin{table}") == tex.count(r"\end{table}") == 2
    row = next(line for line in (folder / "report.md").read_text().splitlines() if line.startswith("| cnn1d |"))
    assert r"conv & conv\_1 \<50 %> \| x" in row
    assert latex._latex("a−b ± c\\{}") == r"a$-$b $\pm$ c\textbackslash{}\{\}"


def test_markdown_tables_have_equal_columns(written):
    made, folder = written
    blocks = (folder / "report.md").read_text().split("\n\n")
    tables = [block.replace(r"\|", "").splitlines() for block in blocks if block.startswith("|")]
    assert len(tables) == 5  # at a glance; two tables; the order and the pairs of the first
    assert all(len({line.count("|") for line in table}) == 1 and len(table) > 2 for table in tables)


def test_csv_has_every_digit(full, tmp_path):
    (tmp_path / "t.csv").write_text(formats.csv(full, full.tables[0]))
    table = pd.read_csv(tmp_path / "t.csv", float_precision="round_trip")
    assert table["ours"].tolist() == [line.ours for line in full.tables[0].lines]
    assert {"published", "apart_low", "difference", "seconds_sd", "command", "profile"} <= set(table.columns)
    (tmp_path / "p.csv").write_text(formats.pairs_csv(full, full.tables[0]))
    pairs = pd.read_csv(tmp_path / "p.csv")
    assert pairs["first"].tolist() == [CNN.name, CNN.name, RNN.name] and {"t", "p", "adjusted"} <= set(pairs.columns)


def test_the_files_are_the_same_twice_and_nothing_is_left(written, runs, tmp_path):
    made, folder = written
    report.write(made, tmp_path)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert "figures/fig3.png" in names and not any(name.startswith(".") or "/." in name for name in names)
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_figures_say_what_they_lack(written):
    made, folder = written
    lacking = {picture.key: picture.commands for picture in made.pictures if picture.commands}
    assert set(lacking) == {"fig2"} and len(lacking["fig2"]) == 1 and "rnn" in lacking["fig2"][0]
    nothing = report.build(PAPER, {job("fig2", RNN, "published"): None})
    assert nothing.pictures[0].draw is None and "Not run yet." in markdown.markdown(nothing)


def test_confusions_draw_shares(full):
    drawn = next(picture for picture in full.pictures if picture.key == "fig2").draw()
    texts = [text.get_text() for text in drawn.findobj(Text)]
    # 6 test cells of each class in 3 splits: the wrong ones are called the next class
    assert {"conv & conv_1 <50 %> | x", "T = 2: rnn"} <= set(texts) and len(drawn.axes) == 2 * 2 + 1
    shares = [axes.collections[0].get_array().reshape(4, 4) for axes in drawn.axes[:4]]
    assert all(np.allclose(matrix.sum(axis=1), 1) for matrix in shares)
    labels = [label.get_text() for label in drawn.axes[0].get_yticklabels()]
    assert labels == ["PY", "SOM", "PV", "VIP"]  # as the paper orders them
    assert drawn.axes[0].get_yticklabels()[0].get_color() == plots.CLASS_COLOURS["PY"]


def test_published_confusions_stand_beside(runs):
    row = Row(
        "RNN", "rnn", (), {"PY.PY": (0.7, None), "PY.PV": (0.3, None), "PV.PV": (1.0, None), "PV.PY": (0.0, None)}
    )
    paper = replace(PAPER, tables=(Table("fig2", "Confusion", "Figure 2", "confusion", (row,)),))
    drawn = report.build(paper, {job("fig2", row, "published"): runs["rnn", "published"]}).pictures[0].draw()
    assert drawn.axes[0].collections[0].get_array().reshape(2, 2).tolist() == [[0.7, 0.3], [0.0, 1.0]]
    assert "published" in drawn.axes[0].get_ylabel() and "random splits" in drawn.axes[1].get_ylabel()


def test_learning_curves_of_several_models(full):
    drawn = next(picture for picture in full.pictures if picture.key == "fig3").draw()
    random, apart = drawn.axes
    assert random.get_title(loc="left") == "random splits, test cells"
    assert apart.get_title(loc="left") == "animals kept apart, validation cells"
    cnn, svm = random.lines
    curves = fake_curves(ACCURACY["cnn1d"], 4)
    assert cnn.get_xdata().tolist() == [1, 2, 3, 4]
    assert cnn.get_ydata() == pytest.approx(curves.groupby("epoch")["value"].mean().to_numpy())
    assert svm.get_xdata().tolist() == [1, 4] and svm.get_ydata() == pytest.approx([18 / 24] * 2)
    band = random.collections[1].get_paths()[0].vertices[:, 1]
    sd = np.std([6, 6, 6], ddof=1) / 8
    assert (band.min(), band.max()) == pytest.approx((18 / 24 - sd, 18 / 24 + sd))
    assert cnn.get_color() == drawing.MODEL_COLOURS["cnn1d"] and svm.get_color() == drawing.MODEL_COLOURS["svm_rbf"]


def test_dots_are_the_numbers(full):
    drawn = next(picture for picture in full.pictures if picture.key == "table1_published").draw()
    values = {round(float(line.get_xdata()[0]), 9) for line in drawn.axes[0].lines if len(line.get_xdata()) == 1}
    expected = {round(getattr(line, key), 9) for line in full.tables[0].lines for key in ("published", "ours", "apart")}
    assert values == expected


def test_ranks_are_drawn_with_their_groups(full):
    picture = next(picture for picture in full.pictures if picture.key == "table1_ranks")
    (test,) = full.tables[0].comparisons.values()
    axes = picture.draw().axes[0]
    bars = [line for line in axes.lines if line.get_linewidth() == 5]
    assert len(bars) == len(test.groups) and "Nemenyi" in picture.caption and "Holm" in picture.caption
    texts = [text.get_text().strip() for text in axes.texts]
    assert f"{CNN.name}  {test.ranks[0]:.1f}" in texts


def test_models_and_classes_have_colours_of_their_own():
    models = [*drawing.MODEL_COLOURS, "mine", "yours"]
    colours = [drawing.model_colour(model, models) for model in models]
    classes = [*plots.CLASS_COLOURS.values(), *plots.OTHER_COLOURS[:2]]
    assert all(a.upper() != b.upper() for a, b in combinations(colours, 2))
    assert not set(colours) & set(classes)


def test_the_terminal_takes_commands_whole_and_columns_that_fit(written, capsys, monkeypatch):
    made, _ = written
    formats.terminal(made)
    out = capsys.readouterr().out
    assert made.tables[0].lines[1].command in out and "published training, s" in out
    from celltype_cli import progress

    monkeypatch.setattr(progress.console, "_force_terminal", True)
    monkeypatch.setattr(progress.console, "_width", 80)
    formats.terminal(made)
    out = capsys.readouterr().out
    assert "published training, s" not in out and "ours, random splits" in out
