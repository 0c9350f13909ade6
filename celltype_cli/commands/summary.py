"""Ends a run on the terminal: what was found, how sure it is, where it lies, what to do next."""

from __future__ import annotations

import shlex
from typing import Any

from celltype_cli.commands.typed import less, line
from celltype_cli.core.terminal import say, say_pairs, say_table
from celltype_cli.runs.folder import RunFolder
from celltype_cli.runs.train import Outcome


def one_line(scores: dict) -> str:
    return _interval(scores["cell"]["balanced_accuracy"])


def record(outcome: Outcome) -> dict[str, Any]:
    """Returns status, folder, score and notes of a run for the table of a multirun."""
    path, scores = outcome.folder.path, outcome.scores
    return {"status": outcome.status, "folder": str(path), "result": one_line(scores), "notes": scores["notes"]}


def print_outcome(outcome: Outcome) -> None:
    """Prints scores beside their floors, warnings, places and the next command."""
    facts, scores = outcome.folder.facts(), outcome.scores
    counted = f"{scores['n_cells']} cells of {scores['n_groups']} {facts['dataset']['group']}s"
    how = f"{scores['n_folds']} folds ({facts['labels']['split']}), seed {facts['seed']}"
    say(f"\n{facts['labels']['model']} on {facts['dataset']['title']} ({outcome.status}): {counted}, {how}")
    rows = []
    for name in ("balanced_accuracy", "accuracy", "macro_f1", "weighted_f1"):
        floor = scores["cell"]["floor"].get(name)
        intervals = [_interval(scores[level][name]) for level in ("cell", "window")]
        rows.append([name.replace("_", " "), *intervals, "" if floor is None else f"{floor:.3f}"])
    say_table(["score [95 %]", "per cell", "per window", "floor"], rows)
    say("floor: what guessing the most frequent class would score")
    recalls = (f"{c} {entry['recall']['value']:.2f}" for c, entry in scores["cell"]["classes"].items())
    say("recall per class: " + ", ".join(recalls))
    for note in (*facts["dataset"]["notes"], *facts["split"]["notes"], *scores["notes"]):
        say(f"note: {note}")
    path = outcome.folder.path
    places = {"predictions": path / "predictions.csv", "scores": path / "scores.json", "figures": path / "figures"}
    if facts["mlflow_run"]:
        places["MLflow"] = f"mlflow ui --backend-store-uri {shlex.quote(facts['mlflow_uri'])}"
    say()
    say_pairs({**places, "next": _next(outcome.folder)})


def _interval(entry: dict[str, float]) -> str:
    return f"{entry['value']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}]"


def _next(folder: RunFolder) -> str:
    typed, facts = folder.overrides(), folder.facts()
    kept = less(typed, "model")
    if facts["labels"].get("command") == "demo":  # it sets the trainer of networks, too
        return "celltype demo -m model=cnn1d,rnn,lstm   (compare models; finished runs are kept)"
    model = facts["labels"]["model"]
    alike = [entry["models"] for entry in facts["dataset"]["inputs"].values() if model in entry["models"]]
    if not alike or len(alike[0]) < 2:
        return f"{line('explain', *typed)}   (what it looked at)"
    return f"{line('train', '-m', *kept, 'model=' + ','.join(alike[0]))}   (compare models; finished runs are kept)"
