"""The bundle, or a run in its place, that a command is typed with: opened, with what is set, and evaluated."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from celltype_cli.core.messages import UserError, nearest_file
from celltype_cli.core.terminal import bar

if TYPE_CHECKING:
    import pandas as pd

    from celltype_cli.bundles.answer import Answer
    from celltype_cli.bundles.bundle import Bundle
    from celltype_cli.bundles.predict import Watch


def settings_of(cfg: DictConfig, bundle: Bundle) -> dict[str, dict[str, Any]]:
    """Returns the settings of the reader and of the preparation that were typed, and where its cache lies.

    Raises:
        UserError: when the bundle's kind of recording takes no such setting, or not with such a value.
    """
    from celltype_cli.bundles.called import check

    settings = {name: OmegaConf.to_container(cfg[name], resolve=True) for name in ("dataset", "prepare")}
    check({"dataset": bundle.about["source"], "prepare": bundle.about["prepare"]}, settings)
    if "cache" in bundle.about["prepare"]:
        settings["prepare"].setdefault("cache", str(Path(cfg.outputs) / "cache"))
    return settings


@contextmanager
def progress(what: str = "cells") -> Iterator[Watch]:
    """Shows a bar of cells, and yields what moves it."""
    with bar() as shown:
        task = shown.add_task(what, total=None, numbers="")
        yield lambda done, total: shown.update(task, completed=done, total=total)


def evaluated(cfg: DictConfig, bundle: Bundle) -> tuple[Answer, pd.DataFrame, list[str]]:
    """Labels the recordings of `input`, whose types they or `labels` say, as `bundles.evaluate.evaluate` does.

    Raises:
        UserError: as there, and as `settings_of`.
    """
    from celltype_cli.bundles.evaluate import evaluate

    labels = None if cfg.labels is None else Path(cfg.labels).expanduser()
    settings = settings_of(cfg, bundle)
    with progress() as watch:
        return evaluate(bundle, Path(cfg.input).expanduser(), labels=labels, watch=watch, **settings)


def opened(name: str, outputs: Path, threads: int | None) -> Bundle:
    """Opens a bundle by its folder, by its name in `outputs/models`, or of a run, exported into the run's folder once.

    Its models are loaded, and the libraries that they bring limited to so many threads.

    Raises:
        UserError: when there is neither.
    """
    from celltype_cli.runs.environment import limit_threads

    bundle = _opened(name, outputs)
    _ = bundle.members
    limit_threads(threads)
    return bundle


def _unpacked(file: Path) -> str:
    packed = zipfile.is_zipfile(file) or tarfile.is_tarfile(file)
    if packed:
        return ": unpack it, and type the name of the folder that holds bundle.yaml"
    return f": type model={file.parent}" if file.name == "bundle.yaml" else ""


def _opened(name: str, outputs: Path) -> Bundle:
    from celltype_cli.bundles.bundle import load_bundle

    folder = Path(name).expanduser()
    if folder.is_file():
        raise UserError(f"model={name} is a file, and a bundle is a folder{_unpacked(folder)}")
    if (folder / "bundle.yaml").is_file() or folder.is_dir() and not (folder / "run.json").is_file():
        return load_bundle(folder)
    if ((kept := outputs / "models" / name) / "bundle.yaml").is_file():
        return load_bundle(kept)
    from celltype_cli.bundles.export import export  # of runs alone: with all that trains
    from celltype_cli.runs.found import one_run

    try:
        run = one_run(outputs, name, "model")
    except UserError as error:
        raise UserError(
            f"model={name} is no bundle: there is no such folder here, nor {kept}{nearest_file(folder)}; as a run: "
            f"{error}"
        ) from error
    place = run.path / "bundle"
    return load_bundle(place) if place.is_dir() else export(run, place)
