"""What a bundle says of itself, bundle.yaml: the data, how it was scored, and how new recordings are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from importlib import import_module
from typing import Any

from omegaconf import DictConfig, OmegaConf

from celltype_cli.bundles.bundle import FORMAT
from celltype_cli.cells import own_files
from celltype_cli.cells.cells import Cells
from celltype_cli.core.files import config_folders
from celltype_cli.core.messages import UserError
from celltype_cli.evaluation.saved_scores import method
from celltype_cli.runs.environment import installed
from celltype_cli.runs.folder import RunFolder

PARTS = ("celltype", "torch", "scikit-learn", "numpy", "skops", "safetensors", "lightgbm", "xgboost-cpu", "catboost",
         "timm", "onnx")  # fmt: skip


def what_it_says(
    name: str, cfg: DictConfig, cells: Cells, run: RunFolder, models: list[str], fit: str, source: dict[str, Any]
) -> dict[str, Any]:
    """Returns what bundle.yaml holds: mappings, lists, numbers and text, as safe YAML takes them.

    Args:
        cfg: of the run, as it was typed.
        cells: that it was trained on.
        models: names of the fitted models.
        fit: "folds" or "all", as of `export`.
        source: the config node that reads new recordings (`own_reader`).
    """
    facts, scores, trust = run.facts(), run.scores(), run.confidence()
    prepare = OmegaConf.to_container(cfg.prepare, resolve=True)
    pinned = import_module(prepare["_target_"].rpartition(".")[0]).pinned
    wanted = asdict(cells.about)["inputs"]
    inputs = {
        name: {key: value for key, value in wanted.get(name, {}).items() if value not in (None, "", ())}
        | {"shape": list(values.shape[1:]), "dtype": str(values.dtype)}
        for name, values in cells.inputs.items()
    }
    plain = {
        "format": FORMAT,
        "name": name,
        "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "classes": list(cells.classes),
        "group": cells.about.group,
        "inputs": inputs,
        "source": source,
        "prepare": pinned({key: value for key, value in prepare.items() if key != "_partial_"}, cells)
        | ({"cache": None} if "cache" in prepare else {}),  # of this machine
        "models": models,
        "fit": "an ensemble of the models of all folds"
        if fit == "folds"
        else "one model, fitted on all labelled cells",
        "scores": _scores(scores, facts),
        "trust": {"sets": trust["sets"]["words"], "notes": trust["notes"], "ece": trust["ece"]},
        "data": {key: facts["dataset"][key] for key in ("title", "simulated", "citation", "fingerprint", "notes")}
        | {"cells": scores["n_cells"], "groups": scores["n_groups"]},
        "config": OmegaConf.to_container(cfg, resolve=True),
        "versions": {name: installed(name) for name in PARTS if installed(name)},
    }
    return _plain(plain)


def own_reader(prepare: dict[str, Any], run: str) -> dict[str, Any]:
    """Returns the node that reads the user's own recordings of a kind: the option of conf/dataset that names it.

    A file that cannot be read stops no other there, and none has to say labels.

    Raises:
        UserError: when the cells of the run were no recordings, so that nothing new could be labelled.
    """
    module, known = prepare["_target_"].rpartition(".")[0], []
    for option, node in own_files.nodes(config_folders()):
        known.append(f"dataset={option}")
        if node["_target_"] == module.removesuffix(".prepare") + own_files.TARGET:
            node.pop("defaults", None)
            node |= {"labelled": False} if "labelled" in node else {}
            whole = OmegaConf.create({"dataset": node, "prepare": {**prepare, "unusable": "drop"}})
            return OmegaConf.to_container(whole, resolve=True)["dataset"]
    raise UserError(
        f"{run} was trained on finished tables, and new recordings cannot be made such: no bundle is made; train on "
        f"recordings ({', '.join(known)}), and export that run"
    )


def _scores(scores: dict, facts: dict) -> dict[str, Any]:
    cell = scores["cell"]
    shown = ("balanced_accuracy", "accuracy", "macro_f1")
    return {
        "split": facts["labels"]["split"],
        "model": facts["labels"]["model"],
        "seed": facts["seed"],
        "folds": scores["n_folds"],
        **{name: {key: cell[name][key] for key in ("value", "low", "high")} for name in shown},
        "interval": method(scores, facts["dataset"]["group"]),
        "floor": cell["floor"],
        "recall": {name: of["recall"]["value"] for name, of in cell["classes"].items()},
        "notes": [*facts["split"]["notes"], *scores["notes"]],
    }


def _plain(value: Any) -> Any:
    """Returns a value of dicts, lists, numbers and text alone, as safe YAML takes them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    return float(value) if isinstance(value, float) or hasattr(value, "dtype") else str(value)
