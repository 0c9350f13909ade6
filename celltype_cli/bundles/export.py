"""Makes a bundle of a finished run."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import Literal

import pandas as pd
import yaml
from omegaconf import OmegaConf

from celltype_cli.bundles import onnx_files
from celltype_cli.bundles.about import own_reader, what_it_says
from celltype_cli.bundles.bundle import ABOUT, HELD_OUT, TRAINING, Bundle, load_bundle
from celltype_cli.bundles.card import card
from celltype_cli.bundles.sums import write_sums
from celltype_cli.bundles.training import Training
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.evaluation.predictions import labelled_lines, per_cell, write_predictions
from celltype_cli.runs.build import cells_of, check_data, refit
from celltype_cli.runs.folder import RunFolder
from celltype_cli.trainers import kept


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
    source = own_reader(OmegaConf.to_container(cfg.prepare, resolve=True), run.path.name)
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
        about = what_it_says(name, cfg, cells, run, list(models), fit, source)
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


def _with_rows(cells: pd.DataFrame) -> pd.DataFrame:
    """Numbers the lines of a table of cells, as a table of predictions has it."""
    return cells.assign(row=range(len(cells)))
