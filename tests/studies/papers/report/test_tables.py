"""Tables of a report, from small fake runs: numbers by hand, what is tested, and what the notes below say."""

from dataclasses import replace
from math import isnan

import numpy as np
import pandas as pd
import pytest
from made.paper import ACCURACY, CNN, PAPER, RATES, RNN, SVM, found_for, job
from made.runs import fake_run

from celltype_cli.core.messages import UserError
from celltype_cli.core.tables import EXACT
from celltype_cli.evaluation import scores
from celltype_cli.evaluation.saved_scores import write_scores
from celltype_cli.studies.papers.paper import PROFILES, Other, Table
from celltype_cli.studies.papers.report import formats, report, sheets


def test_a_line_by_hand(toy_report, toy_runs):
    line = toy_report.tables[0].lines[0]
    assert (line.group, line.name, line.best, line.n_splits, line.command) == ("cnn1d", CNN.name, True, 3, "")
    # 8 test cells a split, of which 7, 6 and 7 are right
    assert line.ours == pytest.approx((7 + 6 + 7) / 24) and line.ours_sd == pytest.approx(np.std([7, 6, 7], ddof=1) / 8)
    assert line.difference == pytest.approx(20 / 24 - 0.9) and line.floor == 0.25
    assert (line.seconds, line.seconds_sd) == (12, 1) and (line.published_seconds, line.published_seconds_sd) == (50, 2)
    level = toy_runs["cnn1d", "grouped"].scores()["cell"]
    assert (line.apart, line.apart_low, line.apart_high) == tuple(
        level["accuracy"][name] for name in ("value", "low", "high")
    )
    assert line.balanced == level["balanced_accuracy"]["value"]
    # the paper gives none
    assert toy_report.tables[0].lines[1].published_sd != toy_report.tables[0].lines[1].published_sd


def test_calibration_stands_beside_the_scores(toy_runs, toy_report):
    """Of animals kept apart where that was run, else of the paper's own splits."""
    ece = toy_runs["cnn1d", "grouped"].confidence()["ece"]
    line = toy_report.tables[0].lines[0]
    assert (line.ece, line.ece_calibrated) == (ece["before"], ece["after"]) and ece["before"] > 0
    shown = sheets.lines_sheet(toy_report.tables[0]).columns["ECE → calibrated"]
    assert shown[0] == f"{ece['before']:.3f} → {ece['after']:.3f}"
    only = report.build(PAPER, {job("table1", CNN, "published"): toy_runs["cnn1d", "published"]}).tables[0]
    assert only.lines[0].ece == toy_runs["cnn1d", "published"].confidence()["ece"]["before"]
    assert [values["way"] for values in only.reliability.values()] == ["random splits"]


def test_a_table_may_show_another_score(toy_runs):
    row = replace(CNN, published={"weighted_f1": (0.95, None), "accuracy": (0.9, None)})
    table = Table("f1", "Three models, weighted F1", "Table 1", "scores", (row,), metric="weighted_f1")
    jobs = [job("f1", row, split) for split in ("published", "grouped")]
    [shown] = report.build(replace(PAPER, tables=(table,)), found_for(toy_runs, jobs)).tables
    [line] = shown.lines
    levels = [scores.scores(toy_runs["cnn1d", split].predictions()) for split in ("published", "grouped")]
    assert line.published == 0.95 and line.ours == levels[0]["window"]["weighted_f1"]["fold_mean"]
    assert line.apart == levels[1]["cell"]["weighted_f1"]["value"] != levels[1]["cell"]["accuracy"]["value"]
    assert line.floor == pytest.approx(0.25 * 0.4)  # a quarter of each class: F1 of guessing one is 2 x 0.25 / 1.25
    assert shown.metric == "weighted F1"


def test_dealt_labels_stand_beside_the_rows_whose_runs_have_them(tmp_path):
    found = {}
    for split, n in (("published", 3), ("grouped", 2)):
        run = fake_run(tmp_path / split, [0.9] * n)
        dealt = {"mean": 0.29, "sd": 0.152, "p": 0.01, "high": 0.571, "times": 200, "model": "m", "score": "s"}
        write_scores({**run.scores(), "chance": dealt}, run.path / "scores.json")
        found[job("table1", CNN, split)] = run
    shown = report.build(PAPER, found)
    line = shown.tables[0].lines[0]
    assert (line.chance, line.chance_sd, line.chance_p) == (0.29, 0.152, 0.01)
    assert sheets.lines_sheet(shown.tables[0]).columns["labels dealt anew"] == ["0.290 ± 0.152, p 0.010"]
    assert "Labels dealt anew: what a model scores that learnt nothing" in formats.markdown(shown)


def test_runs_without_dealt_labels_have_no_such_column_and_no_word_of_it(toy_report):
    assert "labels dealt anew" not in sheets.lines_sheet(toy_report.tables[0]).columns
    assert "Labels dealt anew" not in formats.markdown(toy_report)


def test_the_floor_of_the_groups_apart_stands_beside_that_of_the_split_where_they_differ(toy_report):
    table = toy_report.tables[0]
    alike = replace(table, lines=tuple(replace(line, floor=0.25, apart_floor=0.255) for line in table.lines))
    apart = replace(table, lines=tuple(replace(line, floor=0.56, apart_floor=0.448) for line in table.lines))
    assert "floor, animals apart" not in sheets.lines_sheet(replace(alike, group="animal")).columns
    assert {*sheets.lines_sheet(replace(apart, group="animal")).columns["floor, animals apart"]} == {"0.448"}


def test_what_others_report_stands_below_with_its_source(toy_runs):
    other = Other("NEMO", "hull, random folds", "a benchmark of 2026", {"balanced_accuracy": 0.96})
    table = Table("own", "A model", "Not in the paper", "scores", (CNN,), others=(other,))
    jobs = [job("own", CNN, split) for split in ("published", "grouped")]
    made = report.build(replace(PAPER, tables=(table,)), found_for(toy_runs, jobs))
    [below] = [line for line in formats.markdown(made).splitlines() if "NEMO" in line]
    assert [cell.strip() for cell in below.strip("|").split("|")] == [
        "NEMO", "0.960", "hull, random folds", "a benchmark of 2026"
    ]  # fmt: skip
    assert "Elsewhere: NEMO, balanced accuracy 0.960 (hull, random folds; a benchmark of 2026)." in formats.latex(made)


def test_without_a_published_figure_ours_stands_alone(toy_runs):
    rows = tuple(replace(row, published={}) for row in (CNN, RNN))
    table = Table("own", "Two models", "Not in the paper", "scores", rows)
    jobs = [job("own", row, split) for row in rows for split in ("published", "grouped")]
    shown = report.build(replace(PAPER, tables=(table,)), found_for(toy_runs, jobs))
    sheet = sheets.lines_sheet(shown.tables[0])
    assert not {"published", "difference"} & {*sheet.columns}
    assert sheet.columns["ours, random splits"][0].startswith("0.833 ± ")
    picture = shown.pictures[0]
    legend = [text.get_text() for text in picture.draw().legends[0].get_texts()]
    assert not any("published" in words.lower() for words in (picture.title, picture.caption, *legend))


def test_classes_by_hand(toy_report, toy_runs):
    lines = {(line.group, line.name): line for line in toy_report.tables[1].lines}
    assert len(lines) == 3 * 4 and list(lines)[:4] == [("precision", name) for name in PAPER.classes]
    level = scores.scores(toy_runs["cnn1d", "published"].predictions())["window"]["classes"]
    line = lines["precision", "PY"]
    assert (line.published, line.published_sd) == (0.9, 0.05)
    assert (line.ours, line.ours_sd) == (level["PY"]["precision"]["fold_mean"], level["PY"]["precision"]["fold_sd"])
    assert lines["recall", "PV"].difference == pytest.approx(level["PV"]["recall"]["fold_mean"] - 0.8)
    assert isnan(lines["recall", "PY"].published) and not isnan(lines["recall", "PY"].ours)


def test_other_names_of_a_class_find_it(tmp_path):
    run = fake_run(tmp_path / "r", [0.8, 0.8], classes=("EXC", "PV", "SST"))
    jobs = {job("table2", RATES, "published"): run}
    lines = {(line.group, line.name): line for line in report.build(PAPER, jobs).tables[0].lines}
    level = scores.scores(run.predictions())["window"]["classes"]
    assert lines["recall", "PY"].ours == level["EXC"]["recall"]["fold_mean"]
    assert lines["recall", "SOM"].ours == level["SST"]["recall"]["fold_mean"]
    assert isnan(lines["recall", "VIP"].ours)


def test_below_a_table_stands_what_it_is_of(toy_report):
    notes = " ".join(toy_report.tables[0].notes)
    assert "toy (simulated): 40 cells in 5 groups" in notes and "Profile full, seed 0" in notes
    assert "3 splits, 32 cells train and 8 test" in notes and "No animal was recorded." in notes
    # three models, three splits of 11, 12 and 13 s, and as many folds of 1, 2 and 3 s: 108 + 18 s
    assert "a processor, 2 cores, 1 thread; training took 2.1 min" in notes
    assert "rnn: T = 2: rnn: the paper says nothing." in notes


def test_what_a_search_chose_stands_beside_what_the_paper_chose(tmp_path):
    row = replace(SVM, note="C = 10 was chosen")
    chosen = [{"gamma": 0.1, "C": 1}, {"C": 1, "gamma": 0.1}, {"C": 9, "gamma": 0.1}]
    run = fake_run(tmp_path / "searched", [0.5, 0.6, 0.7], chosen=chosen)
    paper = replace(PAPER, tables=(replace(PAPER.tables[0], rows=(row,)),))
    table = report.build(paper, {job("table1", row, "published"): run}).tables[0]
    said = "C = 10 was chosen; here C = 1, gamma = 0.1 in 2 of 3 splits; here C = 9, gamma = 0.1 in 1 of 3 splits"
    assert any(said in note for note in table.notes)


@pytest.mark.parametrize(
    ("settings", "overrides", "message"),
    [
        ({"fingerprint": "f1"}, (), "data f0 in .* and data f1 in"),
        ({"seed": 1}, (), "seed is 0 in one run and 1 in another"),
    ],
)
def test_different_experiments_share_no_table(tmp_path, toy_runs, settings, overrides, message):
    other = fake_run(tmp_path / "other", ACCURACY["rnn"], **settings)
    for table in ("table1", "fig2"):
        found = {job(table, CNN, "published"): toy_runs["cnn1d", "published"], job(table, RNN, "published"): other}
        with pytest.raises(UserError, match=message):
            report.build(PAPER, found)


@pytest.mark.parametrize("setting", ["dataset.timesteps=2000", "prepare.size=[32,448]", "prepare.inputs=[features]"])
def test_rows_may_ask_for_different_data(tmp_path, toy_runs, setting):
    other = fake_run(tmp_path / "other", ACCURACY["rnn"], fingerprint="f1")
    longer = job("table1", RNN, "published", overrides=(setting,))
    found = {job("table1", CNN, "published"): toy_runs["cnn1d", "published"], longer: other}
    assert any("2 versions of the data" in note for note in report.build(PAPER, found).tables[0].notes)


def test_a_warning_names_the_rows_that_it_is_of(toy_runs, tmp_path):
    all_of, odd = "no animal was recorded", "never predicted: PV (of 8 cells)"
    warned = fake_run(tmp_path / "w", ACCURACY["rnn"], notes=[all_of, odd])
    apart = fake_run(tmp_path / "a", ACCURACY["cnn1d"], split_seed=1, notes=[all_of, "every fold lacks PV"])
    found = {
        job("table1", CNN, "published"): toy_runs["cnn1d", "published"],
        job("table1", RNN, "published"): warned,
        job("table1", CNN, "grouped"): apart,
    }
    notes = report.build(PAPER, found).tables[0].notes
    assert "No animal was recorded." in notes
    assert "Never predicted: PV (of 8 cells). Rows: rnn: T = 2: rnn (random splits)." in notes
    assert "Every fold lacks PV. Rows: groups kept apart." in notes


def test_two_profiles_make_no_report(toy_runs):
    found = {job("table1", CNN, "published", p): toy_runs["cnn1d", "published"] for p in PROFILES}
    with pytest.raises(UserError, match="one profile, found full and quick"):
        report.build(PAPER, found)


def test_csv_has_every_digit(toy_report, tmp_path):
    (tmp_path / "t.csv").write_text(formats.csv(toy_report, toy_report.tables[0]))
    table = pd.read_csv(tmp_path / "t.csv", **EXACT)
    assert table["ours"].tolist() == [line.ours for line in toy_report.tables[0].lines]
    assert {"published", "apart_low", "difference", "seconds_sd", "command", "profile"} <= set(table.columns)
    (tmp_path / "p.csv").write_text(formats.pairs_csv(toy_report, toy_report.tables[0]))
    pairs = pd.read_csv(tmp_path / "p.csv")
    assert pairs["first"].tolist() == [CNN.name, CNN.name, RNN.name] and {"t", "p", "adjusted"} <= set(pairs.columns)
