"""Ends a run on the terminal: what was found, how sure it is, where it lies, what to do next."""

from __future__ import annotations

import shlex

from rich.table import Table

from celltype_cli.core.terminal import console, say
from celltype_cli.runs.folder import RunFolder
from celltype_cli.runs.train import Outcome


def one_line(scores: dict) -> str:
    return _interval(scores["cell"]["balanced_accuracy"])


def print_outcome(outcome: Outcome) -> None:
    """Prints scores beside their floors, warnings, places and the next command."""
    facts, scores = outcome.folder.facts(), outcome.scores
    counted = f"{scores['n_cells']} cells of {scores['n_groups']} {facts['dataset']['group']}s"
    how = f"{scores['n_folds']} folds ({facts['labels']['split']}), seed {facts['seed']}"
    say(f"\n{facts['labels']['model']} on {facts['dataset']['title']} ({outcome.status}): {counted}, {how}")
    table = Table("score [95 %]", "per cell", "per window", "floor", box=None)
    for name in ("balanced_accuracy", "accuracy", "macro_f1", "weighted_f1"):
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
        say(f"MLflow       mlflow ui --backend-store-uri {shlex.quote(facts['mlflow_uri'])}")
    say(f"next         {_next(outcome.folder)}")


def _interval(entry: dict[str, float]) -> str:
    return f"{entry['value']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}]"


def _next(folder: RunFolder) -> str:
    typed = folder.overrides()
    kept = [word for word in typed if not word.lstrip("+~").startswith(("model=", "model."))]
    facts = folder.facts()
    if facts["labels"].get("command") == "demo":  # it sets the trainer of networks, too
        return "celltype demo -m model=cnn1d,rnn,lstm   (compare models; finished runs are kept)"
    model = facts["labels"]["model"]
    alike = [entry["models"] for entry in facts["dataset"]["inputs"].values() if model in entry["models"]]
    models = ",".join(alike[0]) if alike and len(alike[0]) > 1 else ""
    if not models:
        return f"celltype explain {shlex.join(typed)}   (what it looked at)"
    return f"celltype train -m {shlex.join([*kept, f'model={models}'])}   (compare models; finished runs are kept)"
