"""conf/paper/calcium_ann.yaml: every published number is the paper's, and the protocol too."""

import re
from dataclasses import replace

import pytest
import yaml
from made.configs import compose
from made.paper import load
from made.paper_settings import settings

from celltype_cli.core import configs
from celltype_cli.studies.papers import jobs as paper_jobs

FILE = configs.folder() / "paper" / "calcium_ann.yaml"
NOT_THE_PAPERS = {  # sections of the shared file with nothing that the paper published in numbers
    "modality", "known_limits_of_the_original", "public_datasets", "measured_on_cascade", "simulator",
}  # fmt: skip


@pytest.fixture(scope="module")
def paper():
    return load(FILE)


@pytest.fixture(scope="module")
def composed():
    """Composes overrides of `celltype train` as the command does."""
    return lambda overrides: compose("train", *overrides)


@pytest.fixture
def shared(shared_data):
    file = shared_data.parent / "papers" / "calcium_ann.yaml"
    if not file.is_file():
        pytest.skip(f"the facts of the paper are not at {file}")
    return file


def full_runs(paper, key, **chosen):
    """Row and settings of each run at full size with the paper's split."""
    jobs = paper_jobs.plan_jobs(paper, profile="full", tables=[key], **chosen)
    return [(job.row, settings(job)) for job in jobs if job.split == "published"]


def mean_and_time(row):
    return [row.published["accuracy"][0], row.published["training_seconds"][0]]


def published(paper):
    """Lays our numbers out as the shared file does."""
    found = {"table1": {}, "epochs_check": {}, "table3": {"per_class": {}, "accuracy": {}, "time_s": {}}, "table5": {}}
    for row, given in full_runs(paper, "table1"):
        (acc, sd), (time_s, time_sd) = row.published["accuracy"], row.published["training_seconds"]
        line = {"layers": given["model.layers"], "acc": acc, "sd": sd, "time_s": time_s, "time_sd": time_sd}
        line |= {"steps": given["model.steps"]} if "model.steps" in given else {}
        found["table1"].setdefault(row.model, []).append(line | ({"best": True} if row.best else {}))
    for row, given in full_runs(paper, "epochs"):
        found["epochs_check"].setdefault(row.model, {})[given["trainer.epochs"]] = row.published["accuracy"][0]
    [(row, _)] = full_runs(paper, "table2")
    rates = {metric: list(value) for metric, value in row.published.items()}
    found["table2"] = {
        name: {metric.split(".")[1]: rates[metric] for metric in rates if metric.startswith(f"{name}.")}
        for name in paper.classes
    }
    for row, given in full_runs(paper, "table3"):
        n = sum(given["split.train"].values())
        found["table3"]["per_class"][n] = given["split.train"]
        found["table3"]["accuracy"].setdefault(n, {})[row.model] = list(row.published["accuracy"])
        if "training_seconds" in row.published:
            found["table3"]["time_s"].setdefault(n, {})[row.model] = row.published["training_seconds"][0]
    found["table4"] = {row.model: list(row.published["accuracy"]) for row, _ in full_runs(paper, "table4")}
    for row, given in full_runs(paper, "table5"):
        found["table5"].setdefault(given.get("dataset.timesteps", 4000), {})[row.model] = mean_and_time(row)
    found["new_dataset"], found["fig4"] = (
        {row.model: row.published["accuracy"][0] for row, _ in full_runs(paper, key)} for key in ("new_dataset", "fig4")
    )
    found["without recurrent dropout"] = {
        row.model: list(row.published["accuracy"])
        for row, given in full_runs(paper, "recurrent_dropout")
        if "model.recurrent_dropout" not in given
    }
    return found


def expected(shared):
    """The same of the shared file; the best rows of Table 1 stand in other places of ours as well."""
    return {
        **{name: shared[name] for name in ("table1", "epochs_check", "table2", "table3", "table4", "table5")},
        **dict.fromkeys(("new_dataset", "fig4"), shared["new_dataset"]["accuracy"]),
        "without recurrent dropout": {model: shared["table4"][model] for model in ("rnn", "lstm")},
    }


def test_every_published_number_is_the_papers(paper, shared):
    assert published(paper) == expected(yaml.safe_load(shared.read_text()))


def numbers(value):
    """All numbers in nested mappings and lists."""
    if isinstance(value, (dict, list)):
        return [n for entry in (value.values() if isinstance(value, dict) else value) for n in numbers(entry)]
    return [value] if isinstance(value, float) else []


def test_no_published_number_escapes_the_comparison(paper):
    """With each number of ours replaced by one of its own, all of these are found in what is compared."""
    mark, used = iter(range(10**6)), []

    def marked(row):
        marks = {metric: (float(next(mark)), sd if sd is None else float(next(mark)))
                 for metric, (_, sd) in row.published.items()}  # fmt: skip
        used.extend(number for both in marks.values() for number in both if number is not None)
        return replace(row, published=marks)

    tables = [replace(table, rows=tuple(map(marked, table.rows))) for table in paper.tables]
    assert {*used} <= {*numbers(published(replace(paper, tables=tuple(tables))))}
    n = len(used)
    # Table 1: 26 rows x 4; epochs 9; recurrent dropout 2 x 2; Table 2: 12 x 2; Table 3: 12 x 2 and 6 times;
    # Table 4: 7 x 2; Table 5: 9 x 2; new dataset 3, and again in Figure 4
    assert n == 104 + 9 + 4 + 24 + 30 + 14 + 18 + 3 + 3


def test_the_protocol_is_the_papers(paper, shared, composed):
    """At full size the composed config says what the paper did."""
    facts = yaml.safe_load(shared.read_text())
    best = paper_jobs.plan_jobs(paper, profile="full", tables=["fig2"])
    runs = {job.row.model: composed(job.overrides) for job in best if job.split == "published"}
    assert {*runs} == {"cnn1d", "rnn", "lstm"}
    for cfg in runs.values():
        assert dict(cfg.dataset.cells_per_class) == facts["dataset"]["examples"]
        assert cfg.dataset.timesteps == facts["dataset"]["timesteps"]
        assert [cfg.split.train, cfg.split.test] == [facts["dataset"]["train"], facts["dataset"]["test"]]
        assert str(cfg.split.n_splits) == facts["dataset"]["splits"].split()[0]
        assert [cfg.trainer.lr, [*cfg.trainer.betas]] == [facts["optimiser"]["lr"], facts["optimiser"]["betas"]]
        assert cfg.trainer.epochs == facts["epochs"]
    cnn, conv = runs["cnn1d"].model, facts["cnn1d"]["conv"]
    widths = [conv[k] for k in ("filters_first", "filters_rest")]
    assert [cnn.kernel_size, cnn.width_first, cnn.width] == [conv["kernel"], *widths]
    assert [cnn.pool_size] * 2 == [facts["cnn1d"]["max_pool"][k] for k in ("size", "stride")]
    assert [runs[m].model.hidden for m in ("rnn", "lstm")] == [facts["recurrent"]["hidden_units"]] * 2
    steps = {given["model.steps"] for row, given in full_runs(paper, "table1", rows=["rnn", "lstm"])}
    assert sorted(steps) == facts["recurrent"]["T_values"]
    assert all(sum(given["split.test"].values()) == 640 for _, given in full_runs(paper, "table3"))
    new = composed(paper_jobs.plan_jobs(paper, profile="full", tables=["new_dataset"])[0].overrides)
    assert {name: n for name, n in new.dataset.new.cells_per_class.items() if n} == facts["new_dataset"]["examples"]
    assert new.dataset.new.timesteps == facts["new_dataset"]["timesteps"]
    assert dict(new.dataset.known.cells_per_class) == facts["dataset"]["examples"]
    assert [new.split.split.train, new.split.split.test] == [facts["dataset"]["train"], facts["dataset"]["test"]]


def test_what_the_paper_says_without_a_figure_stands_in_notes(paper, shared):
    facts = yaml.safe_load(shared.read_text())
    of_row = {(table.key, row.model, row.name): row.note for table in paper.tables for row in table.rows}
    slow = [note for (key, _, name), note in of_row.items() if "one sample a step" in name]
    assert slow == [f"accuracy at most {facts['recurrent']['T_4000_d_1']['accuracy_at_most']}"] * 2
    lower = re.search(r"lowers accuracy by [\d.]+ to [\d.]+", facts["recurrent"]["recurrent_dropout"])[0]
    assert [note.startswith(lower.replace("lowers accuracy", "accuracy lower"))
            for (key, _, name), note in of_row.items() if name == "recurrent dropout"] == [True] * 2  # fmt: skip
    for model, chosen in re.findall(r"^  (svm_\w+|adaboost): .*# (.*)$", shared.read_text(), re.M):
        assert [note.startswith(f"{chosen} w") for (_, m, _), note in of_row.items() if m == model and note] == [True]


def test_nothing_of_the_shared_file_is_forgotten(paper, shared):
    facts = yaml.safe_load(shared.read_text())
    tested = {*expected(facts), "key", "classes", "dataset", "optimiser", "epochs", "cnn1d", "recurrent", "figures"}
    assert set(facts) - NOT_THE_PAPERS == tested - {"fig4", "without recurrent dropout"}
    assert [paper.key, [*paper.classes]] == [facts["key"], facts["classes"]]
    assert {t.key for t in paper.tables if t.kind in ("confusion", "curves")} == {*facts["figures"]}
