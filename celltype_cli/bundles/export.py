"""Makes a bundle of a finished run."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml
from omegaconf import DictConfig, OmegaConf

from celltype_cli.bundles import onnx_files
from celltype_cli.bundles.bundle import ABOUT, FORMAT, HELD_OUT, TRAINING, Bundle, load_bundle
from celltype_cli.bundles.card import card
from celltype_cli.bundles.sums import write_sums
from celltype_cli.bundles.training import Training
from celltype_cli.cells import own_files
from celltype_cli.cells.cells import Cells
from celltype_cli.core import configs
from celltype_cli.core.files import config_folders
from celltype_cli.core.messages import UserError
from celltype_cli.evaluation.predictions import labelled_lines, per_cell, write_predictions
from celltype_cli.evaluation.saved_scores import method
from celltype_cli.runs.build import cells_of, check_data, refit
from celltype_cli.runs.environment import installed
from celltype_cli.runs.folder import RunFolder
from celltype_cli.trainers import kept

PARTS = ("celltype", "torch", "scikit-learn", "numpy", "skops", "safetensors", "lightgbm", "xgboost-cpu", "catboost",
         "timm", "onnx")  # fmt: skip


def export(
    run: RunFolder, out: Path, *, fit: Literal["folds", "all"] = "folds", overwrite: bool = False, onnx: bool = False
) -> Bundle:
    """Writes a bundle, whole or not at all.

    Args:
        run: finished, with the models of its folds kept.
        out: the new folder.
        fit: "folds" takes the models of all folds as an ensemble; "all" fits one more on all labelled cells.
        overwrite: replaces a bundle that is there; anything else that is there is never touched.
        onnx: adds the networks as one ONNX file.

    Raises:
        UserError: when the run is not finished, its models or its data are not there, `out` is taken, or ONNX is asked
            for and cannot be written.
    """
    _check_free(out, overwrite)
    if not run.finished:
        raise UserError(f"{run.path} is not finished: type its command again, then export")
    cfg = OmegaConf.create(yaml.safe_load((run.path / "config.yaml").read_text(encoding="utf-8")))
    if onnx:
        onnx_files.check(configs.build(cfg.model))
    source = _own(OmegaConf.to_container(cfg.prepare, resolve=True), run.path.name)
    models = _kept(run) if fit == "folds" else {}
    check_data(cfg)
    cells = cells_of(cfg)
    if cells.fingerprint() != run.facts()["dataset"]["fingerprint"]:
        raise UserError(f"the data of {run.path.name} have changed since: train again, then export")
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}-{uuid.uuid4().hex[:8]}")
    try:
        if fit == "all":
            refit(cfg, cells, temporary / "models" / "all")
            models = {"all": temporary / "models" / "all"}
        else:
            for name, folder in models.items():
                shutil.copytree(folder, temporary / "models" / name)
        name = run.path.name if out.parent == run.path else out.name
        about = _about(name, cfg, cells, run, list(models), fit, source)
        Training.of(cells).write(temporary / TRAINING)
        write_predictions(_with_rows(per_cell(labelled_lines(run.predictions()))), temporary / HELD_OUT)
        if onnx:
            about["onnx"] = onnx_files.add(temporary, about, cells, temporary / HELD_OUT)
        (temporary / ABOUT).write_text(yaml.safe_dump(about, sort_keys=False, allow_unicode=True), encoding="utf-8")
        (temporary / "card.md").write_text(card(about), encoding="utf-8")
        write_sums(temporary)
        _put(temporary, out, overwrite)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return load_bundle(out)


def _check_free(out: Path, overwrite: bool) -> None:
    if not out.exists():
        return
    if not (out / ABOUT).is_file():
        raise UserError(f"out={out} is there already and is no bundle: choose another name")
    if not overwrite:
        raise UserError(f"out={out} is a bundle already: choose another name, or overwrite=true")


def _put(written: Path, out: Path, overwrite: bool) -> None:
    """Gives a written bundle its name: at any time the one before or the new one is there whole.

    Where none was to be replaced and another process was faster, as when one run labels many recordings at once, its
    bundle stays.
    """
    before = written.with_name(f"{written.name}-before")
    if overwrite and out.exists():
        out.rename(before)
    try:
        written.rename(out)
    except OSError:
        if before.exists():
            before.rename(out)
            raise
        if not (out / ABOUT).is_file():
            raise
    shutil.rmtree(before, ignore_errors=True)


def _kept(run: RunFolder) -> dict[str, Path]:
    """Returns the folders of the models of a run, by the name of the fold.

    Raises:
        UserError: when one was not kept.
    """
    folders = {place.name: place / "model" for place in run.folds()}
    lacking = [name for name, folder in folders.items() if not kept.is_kept(folder)]
    if lacking:
        reason = next((about.get("model_not_kept") for about in run.fitted() if about.get("model_not_kept")), "")
        why = (
            f": {reason}"
            if reason
            else "; with keep_models=true its command makes them anew once the folder is deleted"
        )
        raise UserError(
            f"{run.path} holds no model of {', '.join(lacking)}{why}; one of all cells instead: celltype export "
            f"run={run.path.name} out=... fit=all"
        )
    return folders


def _about(
    name: str, cfg: DictConfig, cells: Cells, run: RunFolder, models: list[str], fit: str, source: dict[str, Any]
) -> dict[str, Any]:
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


def _own(prepare: dict[str, Any], run: str) -> dict[str, Any]:
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


def _with_rows(cells: pd.DataFrame) -> pd.DataFrame:
    """Numbers the lines of a table of cells, as a table of predictions has it."""
    return cells.assign(row=range(len(cells)))


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
