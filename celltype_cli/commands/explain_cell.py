"""`celltype explain model=... input=... cell=...`: why one cell gets its label. Joins bundles and explanations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from celltype_cli.commands import typed
from celltype_cli.core.messages import UserError
from celltype_cli.core.terminal import say, say_note, say_pairs, say_table

if TYPE_CHECKING:
    import pandas as pd

    from celltype_cli.bundles.bundle import Bundle
    from celltype_cli.cells.cells import Cells
    from celltype_cli.studies.explain.saved import Explanation

OWN = ("bundle", "input", "cell", "out", "recording", "threads", "figures", "outputs")
TOP = 5  # columns shown on the terminal


def run(cfg: DictConfig) -> dict[str, Any]:
    """Writes picture and tables; returns status and folder for the table of a multirun.

    Raises:
        UserError: when a setting is missing or goes with runs, or there is no such bundle, file or cell.
    """
    _check(cfg)
    from celltype_cli.bundles.nearest import about_of, of_cell, quantities
    from celltype_cli.commands.predict import opened
    from celltype_cli.commands.spelling import word
    from celltype_cli.core import plots
    from celltype_cli.core.files import name_of, write_text
    from celltype_cli.studies.explain import draw_cell
    from celltype_cli.studies.explain.cell import numbers

    path, cell = Path(cfg.input).expanduser(), str(cfg.cell)
    bundle = opened(str(cfg.bundle), Path(cfg.outputs), cfg.threads)
    settings = _settings(cfg, bundle)
    line, cells, near, notes = of_cell(bundle, path, cell, **settings)
    explanation, why_not = _explained(bundle, cells, line["best"])
    of = name_of(path)
    name = re.sub(
        r"[^\w.-]+", "_", f"{cell if cell.startswith(of) else f'{of}-{cell}'}-why-{Path(str(cfg.bundle)).name}"
    )
    out = Path(name) if cfg.out is None else Path(cfg.out).expanduser()
    files = {"neighbours": out / "nearest.csv"}
    write_text(files["neighbours"], near.table.to_csv(index=False))
    departs = quantities(bundle, cells, near)
    files["their quantities"] = out / "quantities.csv"
    write_text(files["their quantities"], departs.to_csv(index_label="quantity"))
    for part, table in numbers(explanation) if explanation else ():
        files[f"what counted, {part}"] = out / f"counted-{part}.csv"
        write_text(out / f"counted-{part}.csv", table.to_csv(index=False))
    if cfg.figures:
        title = f"cell {cell} of {path.name}: {line['best']}, confidence {line['confidence']:.2f}"
        title += "\nthe training cells are simulated" if bundle.about["data"]["simulated"] else ""
        drawn = (explanation, near.table, near.examples, departs, about_of(bundle), bundle.classes, title)
        files |= {
            f"picture, {f.suffix[1:]}": f for f in plots.save(draw_cell.picture(*drawn), out / "why", cfg.figures)
        }
    _print(bundle, line, near.table, explanation)
    if bundle.about["data"]["simulated"]:
        say_note("the training cells are simulated: labels of recorded cells mean nothing")
    for note in (*notes, *why_not, *(explanation.notes if explanation else ())):
        say_note(note)
    typed_for = [w.removeprefix("++recording.") for w in typed.overrides() if w.startswith("++recording.")]
    again = typed.line("predict", word("model", cfg.bundle), word("input", cfg.input), *typed_for)
    say_pairs({**files, "next": f"{again}   (all cells, and whether the recording is like the training cells)"})
    return {"status": "finished", "folder": str(out), "result": ""}


def _check(cfg: DictConfig) -> None:
    if lacking := [f"{shown}=..." for name, shown in (("bundle", "model"), ("input", "input"), ("cell", "cell"))
                   if cfg[name] is None]:  # fmt: skip
        raise UserError(f"why a cell gets its label needs model=, input= and cell=: add {' '.join(lacking)}")
    if others := typed.less(typed.overrides(), *OWN):
        raise UserError(f"{', '.join(others)} goes with a run, and not with cell=: leave it out")
    if unknown := [name for name in cfg.recording if name not in ("dataset", "prepare")]:
        raise UserError(f"recording.{unknown[0]} is no setting: type dataset.<setting>= or prepare.<setting>=")


def _settings(cfg: DictConfig, bundle: Bundle) -> dict[str, dict[str, Any]]:
    from celltype_cli.commands.predict import settings_of

    typed_for = {name: OmegaConf.select(cfg.recording, name) or {} for name in ("dataset", "prepare")}
    whole = OmegaConf.create({"outputs": cfg.outputs, **typed_for})
    return settings_of(whole, bundle)


def _explained(bundle: Bundle, cells: Cells, best: str) -> tuple[Explanation | None, list[str]]:
    """Returns the explanation, or why there is none: neighbours are shown all the same."""
    from celltype_cli.bundles.nearest import cells_kept
    from celltype_cli.studies.explain.cell import explain_cell

    background = cells_kept(bundle, bundle.members[0].state().description["inputs"])
    try:
        return explain_cell(bundle.members, cells, bundle.classes.index(best), background=background), []
    except UserError as error:
        return None, [f"what the model looked at is not shown: {error}"]


def _print(bundle: Bundle, line: pd.Series, near: pd.DataFrame, explanation: Explanation | None) -> None:
    said = f"{line['best']}, confidence {line['confidence']:.2f}, votes {line['votes']}"
    label = (
        "sure enough for a label at accuracy 0.95" if line["label"] else "not sure enough for a label at accuracy 0.95"
    )
    say(f"\ncell {line['cell_id']} with {bundle.name}: {said}; {label}")
    if line["note"]:
        say_note(line["note"])
    say("nearest training cells, of any type (distance in robust standard deviations per quantity):")
    columns = {"type": "label", "distance": "distance", "cell": "cell_id", bundle.about["group"]: "group"}
    columns |= {"source": "source"} if (near["source"] != "").any() else {}
    rows = near.assign(distance=near["distance"].map("{:.2f}".format), label=near["label"].replace("", "unlabelled"))
    say_table([*columns], rows[[*columns.values()]].to_numpy().tolist())
    if explanation is None:
        return
    say(f"what counted for {line['best']}: {explanation.quantity}, mean over the models")
    from celltype_cli.studies.explain.cell import numbers

    for name, table in numbers(explanation):
        if explanation.parts[name].columns:
            for one in table.head(TOP).itertuples():
                say(f"  {one.column} = {one.value:.3g}: {one.amount:+.3g}")
