"""`celltype explain model=... input=... cell=...`: why one cell gets its label. Joins bundles and explanations."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from celltype_cli.commands import typed
from celltype_cli.commands.bundle import opened, settings_of
from celltype_cli.commands.spelling import word
from celltype_cli.core.messages import UserError
from celltype_cli.core.terminal import say, say_note, say_pairs, say_table

if TYPE_CHECKING:
    import pandas as pd

    from celltype_cli.bundles.bundle import Bundle
    from celltype_cli.cells.cells import Cells
    from celltype_cli.studies.explain.saved import Explanation

OWN = ("bundle", "input", "cell", "out", "overwrite", "recording", "threads", "figures", "outputs")
WRITTEN = ("nearest.csv", "quantities.csv", "counted-*.csv", "why.*")
TOP = 5  # columns shown on the terminal


def run(cfg: DictConfig) -> dict[str, Any]:
    """Writes picture and tables; returns status and folder for the table of a multirun.

    Raises:
        UserError: when a setting is missing or goes with runs, or there is no such bundle, file or cell.
    """
    _check(cfg)
    from celltype_cli.bundles.nearest import about_of, of_cell, quantities
    from celltype_cli.bundles.written import check_free, images, write_files
    from celltype_cli.studies.explain import draw_cell
    from celltype_cli.studies.explain.cell import numbers

    path, cell, out = Path(cfg.input).expanduser(), str(cfg.cell), _folder(cfg)
    check_free([out / "nearest.csv"], cfg.overwrite)
    bundle = opened(str(cfg.bundle), Path(cfg.outputs), cfg.threads)
    settings = _settings(cfg, bundle)
    line, cells, near, notes = of_cell(bundle, path, cell, **settings)
    explanation, why_not = _explained(bundle, cells, line["best"])
    departs = quantities(bundle, cells, near)
    files = {"neighbours": (out / "nearest.csv", partial(near.table.to_csv, index=False))}
    files["their quantities"] = (out / "quantities.csv", partial(departs.to_csv, index_label="quantity"))
    for part, table in numbers(explanation) if explanation else ():
        files[f"what counted, {part}"] = (out / f"counted-{part}.csv", partial(table.to_csv, index=False))
    if cfg.figures:
        title = f"cell {cell} of {path.name}: {line['best']}, confidence {line['confidence']:.2f}"
        title += "\nthe training cells are simulated" if bundle.about["data"]["simulated"] else ""
        drawn = (explanation, near.table, near.examples, departs, about_of(bundle), bundle.classes, title)
        pictures = images(draw_cell.picture(*drawn), out / "why", cfg.figures)
        files |= {f"picture, {place.suffix[1:]}": (place, write) for place, write in pictures}
    written = {place for place, _ in files.values()}
    stale = [place for place in _of_before(out) if place not in written]
    write_files([*files.values()], cfg.overwrite, stale)
    _print(bundle, line, near.table, explanation)
    if bundle.about["data"]["simulated"]:
        say_note("the training cells are simulated: labels of recorded cells mean nothing")
    for note in (*notes, *why_not, *(explanation.notes if explanation else ())):
        say_note(note)
    typed_for = [w.removeprefix("++recording.") for w in typed.overrides() if w.startswith("++recording.")]
    again = typed.line("predict", word("model", cfg.bundle), word("input", cfg.input), *typed_for)
    places = {name: place for name, (place, _) in files.items()}
    say_pairs({**places, "next": f"{again}   (all cells, and whether the recording is like the training cells)"})
    return {"status": "finished", "folder": str(out), "result": ""}


def _folder(cfg: DictConfig) -> Path:
    """Returns the folder of the answer: as typed, or by the names of recording, cell and model."""
    from celltype_cli.core.files import name_of

    if cfg.out is not None:
        return Path(cfg.out).expanduser()
    of, cell = name_of(Path(cfg.input).expanduser()), str(cfg.cell)
    name = f"{cell if cell.startswith(of) else f'{of}-{cell}'}-why-{Path(str(cfg.bundle)).name}"
    return Path(re.sub(r"[^\w.-]+", "_", name))


def _of_before(out: Path) -> list[Path]:
    """Returns what an answer of before may have left in a folder: files that this command writes."""
    return [place for name in WRITTEN for place in out.glob(name)]


def _check(cfg: DictConfig) -> None:
    needed = {"bundle": "model", "input": "input", "cell": "cell"}
    if lacking := [f"{shown}=..." for name, shown in needed.items() if cfg[name] is None]:
        raise UserError(f"why a cell gets its label needs model=, input= and cell=: add {' '.join(lacking)}")
    if others := typed.less(typed.overrides(), *OWN):
        raise UserError(f"{', '.join(others)} goes with a run, and not with cell=: leave it out")
    if unknown := [name for name in cfg.recording if name not in ("dataset", "prepare")]:
        raise UserError(f"recording.{unknown[0]} is no setting: type dataset.<setting>= or prepare.<setting>=")


def _settings(cfg: DictConfig, bundle: Bundle) -> dict[str, dict[str, Any]]:
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
    from celltype_cli.bundles.predict import ACCURACY

    said = f"{line['best']}, confidence {line['confidence']:.2f}, votes {line['votes']}"
    sure = "sure enough" if line["label"] else "not sure enough"
    say(f"\ncell {line['cell_id']} with {bundle.name}: {said}; {sure} for a label at accuracy {ACCURACY:g}")
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
