"""`celltype compare`: is one model better than another on the same cells?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from omegaconf import DictConfig

from celltype_cli.commands.bundle import evaluated, opened
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.core.ranges import Threads
from celltype_cli.core.terminal import say, say_note, say_pairs, say_table

if TYPE_CHECKING:
    import pandas as pd

    from celltype_cli.evaluation.paired import Difference

WIDE = 20  # letters of a name, from which on a row of the terminal has its telling parts only


@dataclass
class Settings:
    """The keys of `conf/compare.yaml`."""

    runs: Sequence[str] | None
    models: Sequence[str] | None
    input: Path | None
    labels: Path | None
    score: Literal["balanced_accuracy", "accuracy", "macro_f1", "weighted_f1"]
    out: Path | None
    dataset: dict[str, Any]
    prepare: dict[str, Any]
    threads: Threads | None
    figures: Sequence[Literal["png", "pdf", "svg"]]
    outputs: Path


def run(cfg: DictConfig) -> dict[str, Any]:
    """Prints and writes every pair's difference with its interval and p value, and draws them.

    Raises:
        UserError: when a run or bundle is not found or not finished, two have no cell in common, or a file of others is
            there.
    """
    configs.check(cfg, Settings)
    import pandas as pd

    from celltype_cli.bundles.written import check_places, images, write_files
    from celltype_cli.evaluation import draw_pairs
    from celltype_cli.evaluation.paired import paired

    names = _names(cfg)
    out = Path("compare-" + "-".join(Path(name).name for name in names)) if cfg.out is None else Path(cfg.out)
    out = out.expanduser()
    check_places({"out": out})
    tables, notes = _of_bundles(cfg, names) if cfg.models else _of_runs(names, Path(cfg.outputs))
    found = paired(tables, score=cfg.score)
    lines = [{"first": a, "second": b, "score": cfg.score, **vars(d)} for (a, b), d in found.items()]
    drawn = draw_pairs.differences(found, cfg.score.replace("_", " ")) if cfg.figures else None
    pictures = images(drawn, out / "pairs", cfg.figures)
    table = partial(pd.DataFrame(lines).to_csv, index=False)
    write_files([(out / "pairs.csv", table), *pictures], overwrite=True)
    _print(found, cfg.score.replace("_", " "), [*notes, *_notes(found)])
    places = {"picture": ", ".join(str(place) for place, _ in pictures)} if pictures else {}
    say_pairs({"table": out / "pairs.csv", **places})
    return {"status": "finished", "folder": str(out), "result": ""}


def _names(cfg: DictConfig) -> list[str]:
    """Returns what is to be compared."""
    if (cfg.runs is None) == (cfg.models is None):
        raise UserError("expected runs=[cnn1d,forest], or models=[my_model,yours] with input=<recordings>")
    key = "runs" if cfg.models is None else "models"
    names = [str(name) for name in cfg[key]]
    if len(names) < 2:
        raise UserError(f"{key}={names}: expected two or more, {key}=[cnn1d,forest]")
    if key == "models" and cfg.input is None:
        raise UserError("models= are compared on recordings with known types: add input=<file or folder>")
    given = [name for name in ("input", "labels", "dataset", "prepare") if cfg[name]]
    if key == "runs" and given:
        raise UserError(f"{', '.join(given)} goes with models=; runs= are compared by the cells that they tested")
    return names


def _of_runs(names: Sequence[str], outputs: Path) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Returns the predictions of runs, or of folders that `celltype evaluate` wrote, and notes."""
    from celltype_cli.evaluation.predictions import read_predictions
    from celltype_cli.runs.found import one_run

    tables, notes, place_of = {}, [], {}
    for name in names:
        folder = Path(name).expanduser()
        if (folder / "predictions.csv").is_file() and not (folder / "run.json").is_file():
            called, table = name.rstrip("/"), read_predictions(folder / "predictions.csv")
        else:
            run = one_run(outputs, name, "runs")
            if not run.finished:
                raise UserError(f"{run.path.name} is not finished: type its command again, then compare")
            called, table, facts = run.path.name, run.predictions(), run.facts()
            if "group" in facts["split"]["shares"]:
                group = facts["dataset"]["group"]
                notes.append(f"{called}: its split has {group}s on both sides, so this is no test of new {group}s")
        if called in tables:
            raise UserError(f"runs={[*names]}: {name} and {place_of[called]} name one run, {called}")
        tables[called], place_of[called] = table, name
    return tables, notes


def _of_bundles(cfg: DictConfig, names: Sequence[str]) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Returns the predictions of bundles for the labelled cells of the input, and notes."""
    tables, notes = {}, []
    for name in names:
        bundle, called = opened(name, Path(cfg.outputs), cfg.threads), name.rstrip("/")
        if called in tables:
            raise UserError(f"models={[*names]} name one bundle twice: {called}")
        try:
            answer, tables[called], said = evaluated(cfg, bundle)
        except UserError as error:
            raise UserError(f"{called}: {error}") from error
        notes += [f"{called}: {note}" for note in (answer.verdict.words(), *said)]
    return tables, notes


def _print(found: Mapping[tuple[str, str], Difference], score: str, notes: Sequence[str]) -> None:
    several, rows = len(found) > 1, []
    short = _short(list(dict.fromkeys(name for pair in found for name in pair)))
    for (a, b), d in found.items():
        p = [f"{d.p:.3g}", *([f"{d.adjusted:.3g}"] if several else [])]
        right, counted = f"{d.only_first} / {d.only_second}", f"{d.n_cells} of {d.n_groups}"
        rows.append([f"{short[a]} - {short[b]}", d.words, *p, right, counted])
    say()
    ps = ["p", "p, Holm"] if several else ["p"]
    say_table([score, "difference [95 %]", *ps, "right alone", "cells of groups"], rows)
    say("[95 %]: jackknife over groups; p: predictions swapped within whole groups")
    for note in dict.fromkeys(notes):
        say_note(note)


def _short(names: Sequence[str]) -> dict[str, str]:
    """Returns what tells long names apart: their parts between hyphens that not all of them have."""
    if max(map(len, names)) <= WIDE:
        return {name: name for name in names}
    shared = set.intersection(*({*name.split("-")} for name in names))
    return {name: "-".join(part for part in name.split("-") if part not in shared) or name for name in names}


def _notes(found: Mapping[tuple[str, str], Difference]) -> Iterator[str]:
    weakest = max(d.least_p for d in found.values()) * len(found)
    if weakest > 0.05:
        many = f" of {len(found)} pairs, after Holm," if len(found) > 1 else ""
        yield f"so few groups cannot give a p{many} below {min(1.0, weakest):.2g}, however large the difference"
    for (a, b), d in found.items():
        if d.left_out:
            yield f"{a} - {b}: {d.left_out} labelled cells that one of them alone has are left out"
        if d.low != d.low:
            why = "all groups say the same" if d.n_groups > 2 else f"{d.n_groups} groups are too few"
            yield f"{a} - {b}: no interval, {why}"
