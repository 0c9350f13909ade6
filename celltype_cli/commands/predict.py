"""`celltype predict`: labels the cells of a recording with a bundle, or with a run that is exported on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Interval
from omegaconf import DictConfig

from celltype_cli.commands.bundle import opened, progress, settings_of
from celltype_cli.core import configs
from celltype_cli.core.files import name_of
from celltype_cli.core.messages import UserError, few
from celltype_cli.core.ranges import Threads
from celltype_cli.core.terminal import say, say_pairs, say_table

if TYPE_CHECKING:
    from celltype_cli.bundles.answer import Answer
    from celltype_cli.bundles.bundle import Bundle

SOME_UNUSED = 3  # exit code: labels were made, and some cells could not be used


@dataclass
class Settings:
    """The keys of `conf/predict.yaml`."""

    bundle: str
    input: Path
    out: Path | None
    dataset: Mapping[str, Any]
    prepare: Mapping[str, Any]
    accuracy: Annotated[float, Interval(gt=0, lt=1)] | None
    force: bool
    write: bool
    overwrite: bool
    stress: bool
    threads: Threads | None
    outputs: Path


def run(cfg: DictConfig) -> dict[str, Any]:
    """Writes the answer and prints a summary; returns status and folder for the table of a multirun.

    Raises:
        UserError: when there is no such bundle or run, or no cell of the input can be used.
    """
    configs.check(cfg, Settings, typed={"bundle": "model"})
    from celltype_cli.bundles.draw_survival import survival
    from celltype_cli.bundles.page import page
    from celltype_cli.bundles.predict import predict
    from celltype_cli.bundles.recordings import other_kind, recordings_of
    from celltype_cli.bundles.stress import stressed
    from celltype_cli.bundles.written import check_free, check_places, for_tools, images, write_files

    path = Path(cfg.input).expanduser()
    out = Path(f"{name_of(path)}-labels") if cfg.out is None else Path(cfg.out).expanduser()
    check_free([out / name for name in ("cells.csv", "page.html", "survival.png")], cfg.overwrite)
    beside = path if path.is_dir() else path.parent
    check_places({"out": out, **({"write=true input": beside} if cfg.write and path.exists() else {})})
    bundle = opened(str(cfg.bundle), Path(cfg.outputs), cfg.threads)
    settings = settings_of(cfg, bundle)
    recordings = recordings_of(bundle, path, **settings["dataset"])
    total = len(recordings.entries)
    with progress() as watch:
        wished = {"accuracy": cfg.accuracy, "force": cfg.force}
        answer = predict(bundle, recordings, prepare=settings["prepare"], watch=watch, **wished)
    if cfg.stress:
        how = {"prepare": settings["prepare"], "accuracy": cfg.accuracy}
        with progress("stressed") as watch:
            answer = stressed(bundle, recordings, answer, watch=watch, **how)
    if answer.used.empty:
        why = "\n  ".join([f"none of the {total} cells of {path} can be labelled:", *_reasons(answer)])
        raise UserError("\n  ".join([why, *other_kind(bundle, path, why)]))
    drawn = survival(answer.used, f"Cells left, {name_of(path)}")
    text = page(bundle, answer, name_of(path))
    files = [
        (out / "cells.csv", partial(answer.cells.to_csv, index=False)),
        (out / "page.html", lambda place: place.write_text(text, encoding="utf-8")),
        *images(drawn, out / "survival", ["png"]),
        *([(out / "stress.csv", partial(answer.stress.to_csv, index=False))] if answer.stress is not None else []),
        *(tools := for_tools(bundle, path, answer.cells, None if cfg.write else out)),
    ]
    stale = [out / "stress.csv"] if answer.stress is None else []
    stale += [place for place, _ in for_tools(bundle, path, answer.cells, out)] if cfg.write else []
    write_files(files, cfg.overwrite, stale)
    _print(bundle, answer, out, [place for place, _ in tools])
    return {"status": "finished", "folder": str(out), "result": "", "code": 0 if answer.unused.empty else SOME_UNUSED}


def _reasons(answer: Answer) -> list[str]:
    """Returns the first cell of each reason for which cells are not used, and how many more have it."""
    alike = answer.unused["note"].str.replace(r"\d[\d.,]*(?:e[+-]?\d+)?", "#", regex=True)  # but for its numbers
    counts = Counter(alike)
    first = {key: f"{one.cell_id}: {one.note}" for key, one in zip(alike[::-1], answer.unused[::-1].itertuples())}
    return few(first[key] + (f" (and {n - 1} alike)" if n > 1 else "") for key, n in counts.most_common())


def _print(bundle: Bundle, answer: Answer, out: Path, tools: list[Path]) -> None:
    from celltype_cli.bundles.promise import OF_TYPE, of_labels, of_sets, of_types
    from celltype_cli.bundles.stress import summary

    given = answer.cells[answer.cells["label"] != ""]
    say(f"\n{len(given)} of {len(answer.cells)} cells labelled with {bundle.name}; {answer.verdict.words()}")
    rows, held_out = [], of_types(bundle, answer)
    for name in bundle.classes:
        chosen, best = given[given["label"] == name], answer.used[answer.used["best"] == name]
        sure = "" if best.empty else f"{best['confidence'].median():.2f}"
        rows.append([name, len(chosen), len(best), sure, held_out[name]])
    say_table(["type", "labelled", "best guess", "median confidence", OF_TYPE], rows)
    say(of_labels(bundle, answer))
    say(of_sets(bundle, answer))
    if said := summary(answer):
        say(said)
    for line in _reasons(answer):
        say(f"not used: {line}")
    for note in answer.notes:
        say(f"note on this recording: {note}")
    for note in bundle.about["data"]["notes"]:
        say(f"note on the model's training cells: {note}")
    if bundle.about["data"]["simulated"]:
        say("note on the model's training cells: they are simulated; labels of recorded cells mean nothing")
    places = {"cells": out / "cells.csv", "page": out / "page.html"}
    if tools:
        names, folders = (sorted({str(part) for part in parts}) for parts in zip(*((t.name, t.parent) for t in tools)))
        places["for its tool"] = f"{', '.join(few(names))} in {', '.join(few(folders))}"
    say_pairs(places)
