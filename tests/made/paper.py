"""A made-up paper and its runs, without training: for tests of reports; and the papers of conf/paper."""

from pathlib import Path

import numpy as np
import yaml

from celltype_cli.runs.folder import RunFolder
from celltype_cli.studies.papers import layout
from celltype_cli.studies.papers.jobs import Job
from celltype_cli.studies.papers.paper import SPLITS, Paper, Row, Table
from made.runs import fake_curves, fake_run

CNN = Row("conv & conv_1 <50 %> | x", "cnn1d", {"accuracy": (0.9, 0.01), "training_seconds": (50.0, 2.0)}, best=True)
RNN = Row("T = 2: rnn", "rnn", {"accuracy": (0.8, None)}, note="the paper says nothing")
SVM = Row("Gaussian SVM", "svm_rbf", {"accuracy": (0.7, 0.02)})
RATES = Row("best", "cnn1d", {"PY.precision": (0.9, 0.05), "PV.recall": (0.8, None)})
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


def load(file):
    return layout.parse(yaml.safe_load(file.read_text(encoding="utf-8")), str(file))


def job(table, row, split, profile="full", overrides=()):
    return Job(table, row, split, profile, (*overrides, f"model={row.model}", f"split={split}"))


def all_jobs(profile="full"):
    return [job(t.key, row, split, profile) for t in PAPER.tables for row in t.rows for split in SPLITS]


def write_runs(folder: Path) -> dict[tuple[str, str], RunFolder]:
    """Writes a run per model and split; with animals kept apart each is 0.2 less accurate."""
    found = {}
    for model, accuracy in ACCURACY.items():
        curves = fake_curves(accuracy, 4) if model != "svm_rbf" else None
        found[model, "published"] = fake_run(folder / f"{model}-p", accuracy, curves=curves, monitor="test", seconds=11)
        lower = np.array(accuracy) - 0.2
        found[model, "grouped"] = fake_run(folder / f"{model}-g", lower, split_seed=1, curves=curves)
    return found


def found_for(runs, jobs):
    return {job: runs[job.row.model, job.split] for job in jobs}
