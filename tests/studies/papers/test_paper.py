"""Papers as data: which runs they plan, and what is said about faulty files."""

import copy

import numpy as np
import pytest
import yaml
from made.paper import load

from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.evaluation import rates
from celltype_cli.studies.papers import jobs as paper_jobs
from celltype_cli.studies.papers import paper as papers

FILE = configs.folder() / "paper" / "calcium_ann.yaml"


@pytest.fixture(scope="module")
def paper():
    return load(FILE)


def test_rows_are_chosen_by_name_or_model(paper):
    def chosen(*parts, tables=("table1",), **given):
        jobs = paper_jobs.plan_jobs(paper, profile="quick", tables=tables, rows=parts, **given)
        return [(job.row.model, job.row.name) for job in jobs if job.split == "grouped"]

    assert chosen("conv, conv") == [("cnn1d", "conv, conv")]  # a whole name is that row alone
    assert len(chosen("conv, conv, pool")) == 4
    assert len(chosen("LSTM")) == 9
    assert chosen("t = 10: rnn", "T = 5: lstm") == [("rnn", "T = 10: rnn"), ("lstm", "T = 5: lstm")]
    assert chosen("one sample") == [("rnn", "T = 4,000: one sample a step"), ("lstm", "T = 4,000: one sample a step")]
    assert chosen("rnn: T = 4,000: one sample a step") == [("rnn", "T = 4,000: one sample a step")]
    assert not [name for _, name in chosen("lst") if "one sample" in name]
    assert {model for model, _ in chosen("svm", tables=None)} == {"svm_linear", "svm_rbf", "svm_poly"}
    with pytest.raises(UserError, match="rows=ltsm is part of no row's name or model; nearest: lstm; models: cnn1d, r"):
        chosen("ltsm")
    with pytest.raises(UserError, match="table=table6 is none of table1, .*; nearest: table"):
        chosen("rnn", tables=("table6",))
    with pytest.raises(UserError, match="profile=fast is none of quick, full"):
        paper_jobs.plan_jobs(paper, profile="fast")


def test_equal_runs_have_equal_overrides(paper):
    """The best rows stand in Table 1, 2, 4, 5 and Figure 2, and run once."""
    jobs = paper_jobs.plan_jobs(paper, profile="full", rows=["cnn1d"])
    best = {table: {job.overrides for job in jobs if job.table == table and job.split == "published"} for table in
            ("table1", "table2", "table4", "table5", "epochs", "fig2")}  # fmt: skip
    assert len(set.intersection(*best.values())) == 1
    assert len({*jobs}) == len(jobs)


def test_a_dataset_of_the_user_replaces_the_papers(paper):
    extra = ["dataset=traces", "dataset.path=mine.csv"]
    jobs = paper_jobs.plan_jobs(paper, profile="full", extra=extra)
    assert {job.table for job in jobs} == {"table1", "epochs", "recurrent_dropout", "table2", "table4", "fig2", "fig3"}
    for job in jobs:
        assert [o for o in job.overrides if o.startswith("dataset")] == extra
        if job.split == "published":
            assert {"split.train=0.8", "split.test=0.2", "split.n_splits=10"} <= {*job.overrides}
    with pytest.raises(UserError, match="the rows of table3 run on one dataset only, the paper's own: leave"):
        paper_jobs.plan_jobs(paper, profile="full", tables=["table3"], extra=extra)
    kept = paper_jobs.plan_jobs(paper, profile="full", tables=["table2"], extra=["dataset.seed=7"])[0]
    assert {"dataset=calcium_sim_paper", "dataset.seed=7", "split.train=3157"} <= {*kept.overrides}


def test_overrides_of_the_user_go_where_they_fit(paper):
    extra = ["trainer=cuda", "trainer.epochs=3", "split.n_folds=4", "seed=1", "+model.x=2"]
    jobs = paper_jobs.plan_jobs(paper, profile="full", tables=["table4"], rows=["rnn", "adaboost"], extra=extra)
    found = {(job.row.model, job.split): {*job.overrides} for job in jobs}
    for (model, split), overrides in found.items():
        assert {"seed=1", "+model.x=2"} <= overrides
        assert ({"trainer=cuda", "trainer.epochs=3", "trainer.lr=0.001"} <= overrides) == (model == "rnn")
        assert ("split.n_folds=4" in overrides) == (split == "grouped")
        assert not {"trainer.epochs=20", "split.n_folds=5"} & overrides
    added = paper_jobs.plan_jobs(paper, profile="full", tables=["table4"], rows=["rnn"], extra=["+split.n_splits=4"])
    assert [[o for o in job.overrides if "n_splits" in o] for job in added] == [["split.n_splits=4"], []]
    refused = {
        "model=rnn": "choose the model",
        "split=listed": "choose the split",
        "split.n_fold=3": "split.n_fold is set in no run of these rows; nearest: split.n_folds",
    }
    for override, said in refused.items():
        with pytest.raises(UserError, match=said):
            paper_jobs.plan_jobs(paper, profile="full", extra=[override])


SMALL = """
key: small
title: A small paper
citation: Nobody (2020)
url: https://example.org
classes: [A, B]
protocol: Two classes.
profiles: {quick: short, full: long}
overrides: [seed=0, dataset=one]
when:
  published: [split=shuffle, split.n_splits=2]
  grouped: [split=grouped_kfold]
  quick: [trainer.epochs=1]
  quick published: [split.n_splits=1]
models:
  net: {overrides: [&base [trainer.epochs=9], model=net]}
tables:
  t1:
    title: First
    source: Table 1
    kind: scores
    overrides: [dataset.size=3, dataset.seed=5]
    rows:
      - {name: one, model: net, published: {accuracy: 0.5, A.recall: [1, 0.1]}}
      - {name: two, model: net, overrides: [dataset=two, dataset.size=4], when: {quick grouped: [seed=2]}}
"""


def small(tmp_path, change=lambda paper: None):
    content = copy.deepcopy(yaml.safe_load(SMALL))
    change(content)
    file = tmp_path / "small.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def test_later_levels_win_and_a_choice_voids_settings(tmp_path):
    jobs = paper_jobs.plan_jobs(load(small(tmp_path)), profile="quick")
    assert [(job.row.name, job.split, " ".join(job.overrides)) for job in jobs] == [
        ("one", "published", "dataset=one dataset.seed=5 dataset.size=3 model=net seed=0 "
                             "split=shuffle split.n_splits=1 trainer.epochs=9"),
        ("one", "grouped", "dataset=one dataset.seed=5 dataset.size=3 model=net seed=0 "
                           "split=grouped_kfold trainer.epochs=9"),
        ("two", "published", "dataset=two dataset.size=4 model=net seed=0 "
                             "split=shuffle split.n_splits=1 trainer.epochs=9"),
        ("two", "grouped", "dataset=two dataset.size=4 model=net seed=2 split=grouped_kfold trainer.epochs=9"),
    ]  # fmt: skip
    assert jobs[0].row.published == {"accuracy": (0.5, None), "A.recall": (1.0, 0.1)}
    assert jobs[2].row.overrides == ("dataset=two", "dataset.size=4")


def test_tables_and_rows_may_carry_notes(tmp_path):
    def noted(paper):
        paper["tables"]["t1"]["note"] = "of the table"
        row_of(paper)["note"] = "of the row"

    [table] = load(small(tmp_path, noted)).tables
    assert [table.note, *(row.note for row in table.rows)] == ["of the table", "of the row", ""]


def row_of(paper, n=0):
    return paper["tables"]["t1"]["rows"][n]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p.pop("citation"), "citation is missing"),
        (lambda p: p.update(table={}), "table is not known; nearest: tables"),
        (lambda p: p.update(tables={"t1": []}), "table t1: expected a mapping"),
        (lambda p: p["profiles"].pop("quick"), "profiles describes full, expected quick and full"),
        (lambda p: p["when"].update(quik=[]), "when quik: quik is none of quick, .*; nearest: quick"),
        (lambda p: p["tables"]["t1"].update(kind="score"), "table t1: kind is score, .*; nearest: scores"),
        (lambda p: row_of(p).update(model="nett"), r"row one \(nett\): model nett is none of models; nearest: net"),
        (lambda p: row_of(p).update(name="two"), r"table t1, row two \(net\): stands twice"),
        (lambda p: row_of(p).update(overrides=["epochs"]), "row one .*: override 'epochs' is no text setting=value"),
        (lambda p: row_of(p).update(overrides="a=1"), "row one .*: overrides is 'a=1', expected a list"),
        (lambda p: row_of(p).update(best="yes"), "row one .*: best is 'yes', expected true or false"),
        (lambda p: row_of(p)["published"].update(acuracy=1), "published.acuracy is no metric; nearest: accuracy"),
        (lambda p: row_of(p)["published"].update({"C.recall": 1}), "published.C.recall is of no class"),
        (lambda p: row_of(p)["published"].update(accuracy=[1, 2, 3]), r"accuracy is \[1, 2, 3\], expected a mean"),
        (lambda p: row_of(p)["published"].update(accuracy=[1]), r"accuracy is \[1\], expected a mean"),
        (lambda p: row_of(p)["published"].update(accuracy="0,5"), "published.accuracy is 0,5, expected a mean"),
        (
            lambda p: p["tables"]["t1"].update(metric="macro"),
            "table t1: metric is macro, expected one of accuracy, .*; nearest: macro_f1",
        ),
        (lambda p: p["tables"]["t1"].update(rows=[]), r"table t1: rows is \[\], expected a list that is not empty"),
        (lambda p: p["when"].pop("grouped"), r"row one \(net\): no override chooses the split of grouped"),
    ],
)
def test_faults_name_file_table_and_row(tmp_path, change, said):
    with pytest.raises(UserError, match=said) as error:
        load(small(tmp_path, change))
    assert "small.yaml" in str(error.value)


def test_all_faults_are_named_at_once(tmp_path):
    def spoil(paper):
        paper.update(title="")
        paper["models"]["net"] = ["model=net"]
        paper["tables"]["t1"].update(sourse="Table 1")
        row_of(paper).pop("name")
        row_of(paper, 1).update(overrides=[], published={"accuracy": 1, "recall": 0.5})

    with pytest.raises(UserError) as error:
        load(small(tmp_path, spoil))
    assert str(error.value).splitlines()[1:] == [
        "  title is '', expected text that is not empty",
        "  table t1, row 1 (net): name is missing",
        "  table t1, row two (net): published.recall is no metric; known: accuracy, "
        "balanced_accuracy, macro_f1, weighted_f1, training_seconds",
        "  table t1: sourse is not known; nearest: source; known: overrides, when, title, source, kind, rows, "
        "note, metric, elsewhere, dataset, others",
        "  model net: expected a mapping, found ['model=net']",
    ]


def test_a_file_that_is_no_paper(tmp_path):
    (tmp_path / "odd.yaml").write_text("- 1")
    with pytest.raises(UserError, match="it is no mapping"):
        load(tmp_path / "odd.yaml")


def test_published_metrics_are_those_we_compute():
    known = {*rates.rates(np.eye(2)[None], np.zeros((1, 2)))}
    assert {*papers.RATES} == {*rates.PER_CLASS}
    assert {*papers.METRICS} - {"training_seconds"} <= known
