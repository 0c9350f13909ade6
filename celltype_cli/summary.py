"""Ends a run on the terminal: what was found, how sure it is, where it lies, what to do next."""

from __future__ import annotations

import shlex

from rich.table import Table

from celltype_cli.experiment import Outcome
from celltype_cli.progress import console, say
from celltype_cli.runs import RunFolder
from celltype_cli.tracking import store_uri


def one_line(scores: dict) -> str:
    return _interval(scores["cell"]["balanced_accuracy"])


def print_outcome(outcome: Outcome) -> None:
    """Prints scores beside their floors, warnings, places and the next command."""
    facts, scores = outcome.folder.facts(), outcome.scores
    say(f"\n{facts['labels']['model']} on {facts['dataset']['title']} ({outcome.status}): "
                  f"{scores['n_cells']} cells in {scores['n_groups']} groups, {scores['n_folds']} folds "
                  f"({facts['labels']['split']}), seed {facts['seed']}")  # fmt: skip
    table = Table("score [95 %]", "per cell", "per window", "floor", box=None)
    for name in ("balanced_accuracy", "accuracy", "macro_f1"):
        row = [_interval(scores[level][name]) for level in ("cell", "window")]
        floor = scores["cell"]["floor"].get(name)
        table.add_row(name.replace("_", " "), *row, "" if floor is None else f"{floor:.3f}")
    console.print(table)
    say("floor: what guessing the most frequent class would score")
    recalls = (f"{c} {entry['recall']['value']:.2f}" for c, entry in scores["cell"]["classes"].items())
    say("recall per class: " + ", ".join(recalls))
    for note in (*facts["dataset"]["notes"], *facts["split"]["notes"], *scores["notes"]):
        say(f"note: {note}")
    path = outcome.folder.path
    say(f"\npredictions  {path / 'predictions.csv'}\nscores       {path / 'scores.json'}")
    say(f"figures      {path / 'figures'}")
    if facts["mlflow_run"]:
        say(f"MLflow       mlflow ui --backend-store-uri {store_uri(path.parents[1], None)}")
    say(f"next         {_next(outcome.folder)}")


def _interval(entry: dict[str, float]) -> str:
    return f"{entry['value']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}]"


def _next(folder: RunFolder) -> str:
    kept = [word for word in folder.overrides() if not word.startswith(("model=", "model."))]
    words = shlex.join([*kept, "model=cnn1d,rnn,lstm,forest"])
    return f"celltype train -m {words}   (compare models; finished runs are kept)"
