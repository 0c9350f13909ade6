"""`celltype explain`: shows what the model of a finished run looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge
from omegaconf import DictConfig, OmegaConf

from celltype_cli.commands import explain_cell, typed
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.core.ranges import Count
from celltype_cli.core.terminal import say, say_note, say_pairs, say_table
from celltype_cli.runs import settings

if TYPE_CHECKING:
    import pandas as pd

    from celltype_cli.studies.explain.explain import Explained
    from celltype_cli.studies.explain.saved import Part

OWN = ("run", "method", "fold", "cells_per_class")
OF_CELL = ("bundle", "input", "cell", "out", "overwrite", "recording")
HERE = ("outputs", "figures", "logger")  # settings of a run that say where and how it is explained
TOP = 5  # columns shown on the terminal


@dataclass
class Settings(settings.Settings):
    """The keys of `conf/explain.yaml`: those of `train`, which name the run, and how it is explained."""

    run: str | None
    method: Literal["auto", "saliency", "integrated_gradients", "shap", "codes"]
    fold: Annotated[int, Ge(0)]
    cells_per_class: Count | None
    bundle: str | None
    input: Path | None
    cell: str | None
    out: Path | None
    overwrite: bool
    recording: Mapping[str, Any]


def run(cfg: DictConfig) -> dict[str, Any]:
    """Explains one fold of the run of this config; returns status and folder for the table of a multirun.

    Raises:
        UserError: when the run is not finished; the message holds the command that makes it.
    """
    configs.check(cfg, Settings, typed={"bundle": "model"})
    if any(cfg[name] is not None for name in ("bundle", "input", "cell")):
        return explain_cell.run(cfg)
    if given := typed.less(typed.overrides(), *(name for name in cfg if name not in OF_CELL)):
        raise UserError(f"{', '.join(given)} goes with model=..., input=... and cell=...")
    words = typed.less(typed.overrides(), *OWN)
    of_run, labels = OmegaConf.masked_copy(cfg, [key for key in cfg if key not in (*OWN, *OF_CELL)]), typed.labels()
    make, again = typed.line("train", *words), typed.line("explain", *words)
    if cfg.run is not None:
        of_run, labels, make = _named(cfg)
        again = typed.line("explain", f"run={cfg.run}", *words)
    from celltype_cli.studies.explain.codes import codes  # heavy, so that a wrong name is said before
    from celltype_cli.studies.explain.explain import explain

    if cfg.method == "codes":
        files = codes(of_run, labels=labels, make=make, fold=cfg.fold)
        say_pairs({**files, "next": f"{again} method=auto   (what it looked at)"})
        return {"status": "finished", "folder": str(files["codes"].parent), "result": ""}
    own = {name: cfg[name] for name in OWN if name != "run"}
    explained = explain(of_run, labels=labels, make=make, **own)
    _print(explained, again, cfg.fold)
    return {"status": "finished", "folder": str(explained.files["attributions"].parent), "result": ""}


def _named(cfg: DictConfig) -> tuple[DictConfig, dict[str, str], str]:
    """Returns config and labels of the run that `run` names, and the command that makes it.

    Raises:
        UserError: when other settings of the run are typed beside its name, or no run, or several, are meant.
    """
    from celltype_cli.runs.found import one_run

    if others := typed.less(typed.overrides(), *OWN, *HERE):
        raise UserError(f"run={cfg.run} names a run with all its settings: leave out {' '.join(others)}")
    folder = one_run(Path(cfg.outputs), str(cfg.run))
    settings, labels = folder.config(), folder.facts()["labels"]
    here = {name: cfg[name] for name in HERE}
    make = typed.line(labels["command"], *folder.overrides())
    return OmegaConf.merge(settings, here), labels, make


def _print(explained: Explained, command: str, fold: int) -> None:
    explanation = explained.explanation
    right = int((explanation.label == explanation.predicted).sum())
    counted = f"{len(explanation.predicted)} test cells, {right} of them predicted as labelled"
    say(f"\n{explanation.model} on {explanation.title}: {explanation.method.replace('_', ' ')} of {counted}")
    say(f"amounts: {explanation.quantity}")
    for name, part in explanation.parts.items():
        _print_columns(explained.numbers[name]) if part.columns else _print_places(explained.numbers[name], part)
    for note in explanation.notes:
        say_note(note)
    say_pairs({**explained.files, "next": f"{command} {_next(explanation.method, fold, explained.n_folds)}"})


def _next(method: str, fold: int, n_folds: int) -> str:
    if method == "saliency":
        return "method=integrated_gradients   (signed, and summing to the logit)"
    if n_folds > 1:
        return f"fold={fold % n_folds + 1}   (another fold's model: is it the same there?)"
    return "cells_per_class=null   (all test cells)"


def _print_columns(numbers: pd.DataFrame) -> None:
    """Prints the columns that count most for each class; names are long, and cut by no table."""
    top = numbers[numbers["rank"] <= TOP]
    classes, columns = (max(map(len, top[name])) for name in ("class", "column"))
    say(f" {'class':<{classes}}  {'column':<{columns}}  mean |amount|  speak for the class")
    for line in top.to_dict("records"):
        name = line["class"] if line["rank"] == 1 else ""
        said = {"mixed": "some"}.get(line["values_that_speak_for"], line["values_that_speak_for"])
        say(f" {name:<{classes}}  {line['column']:<{columns}}  {line['mean_absolute']:<13.3g}  {said} values")
    say(f"the {TOP} columns that count most for each class; all of them in the file of numbers")


def _print_places(numbers: pd.DataFrame, part: Part) -> None:
    """Prints where on the axes each predicted class is decided."""
    lines = numbers.itertuples(index=False)
    say_table(numbers.columns, ([f"{v:.4g}" if isinstance(v, float) else v for v in line] for line in lines))
    middle = ", ".join(f"{(axis.first + axis.last) / 2:.4g} {axis.unit}".strip() for axis in part.axes)
    say(f"centre of mass of the mean amounts of a predicted class; of an even map it is {middle}")
