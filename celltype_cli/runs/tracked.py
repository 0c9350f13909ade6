"""What the store is told of a run: a name that differs where it is cut, its own fields of MLflow, few scores."""

from __future__ import annotations

import getpass
import shlex
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pandas as pd

from celltype_cli.core.states import DamagedState, read_json
from celltype_cli.runs.identity import ELSEWHERE
from celltype_cli.runs.tracking import Logged

if TYPE_CHECKING:
    from celltype_cli.runs.folder import RunFolder

FILES = ("config.yaml", "environment.json", "split.csv", "predictions.csv", "cells.csv", "features.csv", "curves.csv",
         "calibration.json", "scores.json", "figures/*.*")  # fmt: skip
HEADLINE = ("balanced_accuracy", "accuracy", "macro_f1")  # per cell; with ECE, all else is in scores.json
IN_NAME = 60  # characters of changed settings in the name of a run


def tracked(folder: RunFolder, values: dict | None) -> Logged:
    """Returns what the store is told of a run, as far as it has come; `values` are the scores of a finished one."""
    facts, config = folder.facts(), folder.config()
    about, labels = facts["dataset"], facts["labels"]
    said = [*about["notes"], *facts["split"]["notes"], *facts["split"]["copies"]]
    command = shlex.join(["celltype", labels["command"], *folder.overrides()])
    tags = {
        **{name: labels[name] for name in ("dataset", "model", "split")},
        "folder": folder.path.name,
        "identity": facts["identity"],
        "simulated": str(about["simulated"]),
        "fingerprint": about["fingerprint"],
        "notes": " | ".join(said),
        "mlflow.source.name": command,
        "mlflow.source.type": "LOCAL",
        "mlflow.note.content": _description(folder, facts, said, command),
    }
    with suppress(OSError, KeyError, ImportError):  # a user that the system does not know
        tags["mlflow.user"] = getpass.getuser()
    with suppress(DamagedState):
        commit = read_json(folder.path / "environment.json").get("commit")
        tags |= {"mlflow.source.git.commit": commit} if commit else {}
    (params,) = pd.json_normalize(config).to_dict("records")  # named like model.dropout
    folds = [folder.fold(k) for k in range(1, facts["split"]["folds"] + 1)]
    done = [(fold.curves()[["epoch", "name", "value"]], fold.about()["scores"]) for fold in folds if fold.done]
    files = [file for name in FILES for file in sorted(folder.path.glob(name))] if values else []
    scores = {name: values["cell"][name]["value"] for name in HEADLINE} if values else {}
    scores |= {"ece": folder.confidence()["ece"]["after"]} if values else {}
    place = "simulated" if about["simulated"] else str(config.get("dataset", {}).get("path", about["title"]))
    dataset = {"name": about["title"], "digest": about["fingerprint"], "source": place}
    multirun = labels.get("multirun")
    name = _name(folder, facts)
    return Logged(name, facts.get("mlflow_run"), tags, params, done, scores, files, dataset, multirun)


def _name(folder: RunFolder, facts: dict[str, Any]) -> str:
    """Names a run by what differs between those of an experiment, which is its dataset: lists cut names at the end."""
    labels, changed = facts["labels"], []
    for override in folder.overrides():
        key, _, value = override.lstrip("+").partition("=")
        node, _, last = key.rpartition(".")
        if node and last not in ELSEWHERE and "/" not in value:  # no groups, no paths
            changed.append((node.partition(".")[0] not in ("model", "trainer"), f"{last}={value}"))
    words = " ".join(word for _, word in sorted(changed, key=lambda entry: entry[0]))
    words = words if len(words) <= IN_NAME else f"{words[: IN_NAME - 3]}..."
    parts = (labels["model"], f"seed{facts['seed']}", words, labels["split"], facts["identity"])
    return " ".join(part for part in parts if part)


def _description(folder: RunFolder, facts: dict[str, Any], said: list[str], command: str) -> str:
    labels = facts["labels"]
    lines = [
        f"**{labels['model']}** on **{facts['dataset']['title']}**, split {labels['split']}, "
        f"{facts['split']['folds']} folds, seed {facts['seed']}",
        f"`{command}`",
        f"Folder: `{folder.path.name}`; scores with intervals, per class and per window: scores.json",
        *(f"* {note}" for note in said),
    ]
    return "\n\n".join(lines)
