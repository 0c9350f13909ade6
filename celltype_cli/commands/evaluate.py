"""`celltype evaluate`: scores a bundle on labelled recordings that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from omegaconf import DictConfig

from celltype_cli.commands import typed
from celltype_cli.commands.bundle import evaluated, opened
from celltype_cli.commands.spelling import word
from celltype_cli.commands.train import interval
from celltype_cli.core import configs
from celltype_cli.core.files import name_of
from celltype_cli.core.ranges import Threads
from celltype_cli.core.terminal import say, say_note, say_pairs, say_table

if TYPE_CHECKING:
    from celltype_cli.bundles.bundle import Bundle


@dataclass
class Settings:
    """The keys of `conf/evaluate.yaml`."""

    bundle: str
    input: Path
    labels: Path | None
    out: Path | None
    dataset: dict[str, Any]
    prepare: dict[str, Any]
    threads: Threads | None
    figures: Sequence[Literal["png", "pdf", "svg"]]
    outputs: Path


def run(cfg: DictConfig) -> dict[str, Any]:
    """Writes predictions, scores and a confusion matrix, and prints the scores beside those of the bundle's own run.

    Raises:
        UserError: when there is no such bundle or run, no cell has a label that it knows, or a file of others is there.
    """
    configs.check(cfg, Settings, typed={"bundle": "model"})
    from celltype_cli.bundles.written import check_free, check_places, images, write_files
    from celltype_cli.cells.about import count_groups
    from celltype_cli.evaluation import pictures
    from celltype_cli.evaluation.predictions import write_predictions
    from celltype_cli.evaluation.saved_scores import write_scores
    from celltype_cli.evaluation.scores import scores

    path = Path(cfg.input).expanduser()
    out = Path(f"{name_of(path)}-scores") if cfg.out is None else Path(cfg.out).expanduser()
    check_places({"out": out})
    check_free([out / name for name in ("predictions.csv", "scores.json")], overwrite=True)
    bundle = opened(str(cfg.bundle), Path(cfg.outputs), cfg.threads)
    answer, table, notes = evaluated(cfg, bundle)
    values = scores(table)
    groups = count_groups(values["n_groups"], values["n_unknown"], bundle.about["group"])
    counted = f"{values['n_cells']} labelled cells{' ' if groups.startswith('of') else ', '}{groups}"
    title = f"{bundle.name} on {name_of(path)}"
    drawn = pictures.confusion_matrix(table, f"{title}\n{counted}") if cfg.figures else None
    confusion = images(drawn, out / "confusion", cfg.figures)
    files = {"predictions": out / "predictions.csv", "scores": out / "scores.json"}
    write_table, write_values = partial(write_predictions, table), partial(write_scores, values)
    tables = [(files["predictions"], write_table), (files["scores"], write_values)]
    write_files([*tables, *confusion], overwrite=True)
    say(f"\n{title}: {counted}")
    _print(bundle, values)
    say(answer.verdict.words())
    for note in (*values["notes"], *notes, *answer.notes):
        say_note(note)
    files |= {"confusion": ", ".join(str(place) for place, _ in confusion)} if confusion else {}
    say_pairs({**files, "next": typed.line("predict", word("model", cfg.bundle), "input=your_recording")})
    return {"status": "finished", "folder": str(out), "result": interval(values["cell"]["balanced_accuracy"])}


def _print(bundle: Bundle, values: dict[str, Any]) -> None:
    """Prints the scores beside their floors and beside those of the bundle's own run."""
    from celltype_cli.evaluation.saved_scores import method

    rows, of_run = [], bundle.about["scores"]
    for name in ("balanced_accuracy", "accuracy", "macro_f1"):
        floor = values["cell"]["floor"].get(name)
        rows.append([name.replace("_", " "), interval(values["cell"][name]), f"{floor:.3f}", interval(of_run[name])])
    say_table(["score [95 %]", "here", "floor", f"in its run ({of_run['split']})"], rows)
    say(f"[95 %]: {method(values, bundle.about['group'])}; in its run: {of_run['interval']}")
