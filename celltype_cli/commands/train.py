"""`celltype train`: trains and scores one config, and says what was found, how sure it is, where it lies, what next."""

from __future__ import annotations

import shlex
from math import isnan
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from celltype_cli.commands import typed
from celltype_cli.core.messages import counted
from celltype_cli.core.terminal import say, say_note, say_pairs, say_table

if TYPE_CHECKING:
    from celltype_cli.runs.folder import RunFolder
    from celltype_cli.runs.train import Outcome

PLACES = {"predictions": "predictions.csv", "per cell": "cells.csv", "measured": "features.csv",
          "scores": "scores.json", "figures": "figures"}  # fmt: skip


def run(cfg: DictConfig) -> dict[str, Any]:
    """Runs the config and prints the result; returns the record of the run for the table of a multirun."""
    if not typed.multirun():
        say_first()
    from celltype_cli.runs import train

    outcome = train.train(cfg, labels=typed.labels(), overrides=typed.overrides())
    if not typed.multirun():
        print_outcome(outcome)
    return record(outcome)


def say_first() -> None:
    """Says at once what was asked for: to load the libraries and the data takes seconds."""
    say(f"{typed.option('model')} on {typed.option('dataset')}: loading")


def record(outcome: Outcome) -> dict[str, Any]:
    """Returns status, folder, score, the method of its interval, and notes of a run for the table of a multirun."""
    from celltype_cli.evaluation.saved_scores import method

    path, scores = outcome.folder.path, outcome.scores
    return {
        "status": outcome.status,
        "folder": str(path),
        "result": interval(scores["cell"]["balanced_accuracy"]),
        "interval": method(scores, outcome.folder.facts()["dataset"].get("group", "group")),
        "notes": scores["notes"],
    }


def print_outcome(outcome: Outcome) -> None:
    """Prints scores beside their floors, warnings, places and the next command."""
    from celltype_cli.evaluation import confidence_words, saved_scores
    from celltype_cli.evaluation.scores import in_words

    facts, scores = outcome.folder.facts(), outcome.scores
    group = facts["dataset"]["group"]
    cells, method = in_words(scores, group), saved_scores.method(scores, group)
    how = f"{counted(scores['n_folds'], 'fold')} ({facts['labels']['split']}), seed {facts['seed']}"
    say(f"\n{facts['labels']['model']} on {facts['dataset']['title']} ({outcome.status}): {cells}, {how}")
    rows = []
    for name in ("balanced_accuracy", "accuracy", "macro_f1", "weighted_f1", "log_loss", "brier"):
        floor = scores["cell"]["floor"].get(name)
        shown = [interval(scores[level][name]) for level in ("cell", "window")]
        rows.append([name.replace("_", " "), *shown, "" if floor is None else f"{floor:.3f}"])
    say_table(["score [95 %]", "per cell", "per window", "floor"], rows)
    method += "; of labelled cells: jackknife" if scores.get("interval") == "bootstrap" else ""
    say(f"[95 %]: {method}; floor: what guessing the most frequent class would score, and for the losses")
    say("(lower is better) what predicting the shares of the classes would")
    if chance := scores.get("chance"):
        say(
            f"balanced accuracy of {chance['model']}, labels dealt anew over {group}s {chance['times']} times: "
            f"{chance['mean']:.3f} (sd {chance['sd']:.3f}, 95 % below {chance['high']:.3f}); as high as here: p = "
            f"{chance['p']:.3f}"
        )
    recalls = (f"{c} {entry['recall']['value']:.2f}" for c, entry in scores["cell"]["classes"].items())
    say("recall per class: " + ", ".join(recalls))
    trust = outcome.folder.confidence()
    for name, words in confidence_words.told(trust, group).items():
        say(f"{name}: {words}")
    told = (*facts["dataset"]["notes"], *facts["split"]["notes"], *scores["notes"], *trust["notes"])
    for note in dict.fromkeys(told):  # that of copies stands with the data and with the scores
        say_note(note)
    path = outcome.folder.path
    places = {name: path / file for name, file in PLACES.items() if (path / file).exists()}
    if facts.get("in_store") is False:
        places["MLflow"] = f"not in {facts['mlflow_uri']} yet: the same command, or any later run, logs it"
    elif facts.get("mlflow_run"):
        places["MLflow"] = f"mlflow ui --backend-store-uri {shlex.quote(facts['mlflow_uri'])}"
    say_pairs({**places, "next": _next(outcome.folder)})


def interval(entry: dict[str, float]) -> str:
    """Writes a score with its 95 % interval."""
    low, high = entry["low"], entry["high"]
    return f"{entry['value']:.3f} [{'not defined' if isnan(low) else f'{low:.3f}, {high:.3f}'}]"


def _next(folder: RunFolder) -> str:
    """Returns the line to type next: other models on the same data, or what this one looked at."""
    overrides, facts = folder.overrides(), folder.facts()
    if facts["labels"]["command"] == "demo":  # it sets the trainer of networks, too
        others = typed.line("demo", "-m", *typed.less(overrides, "model"), "model=cnn1d,rnn,lstm")
        return f"{others}   (compare models; finished runs are kept)"
    model = facts["labels"]["model"]
    alike = [entry["models"] for entry in facts["dataset"]["inputs"].values() if model in entry["models"]]
    if not alike or len(alike[0]) < 2:
        return f"{typed.line('explain', *overrides)}   (what it looked at)"
    compare = typed.line("train", "-m", *typed.less(overrides, "model"), f"model={','.join(alike[0])}")
    return f"{compare}   (compare models; finished runs are kept)"
