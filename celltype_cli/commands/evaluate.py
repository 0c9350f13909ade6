"""`celltype evaluate`: scores a bundle on labelled recordings that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig

from celltype_cli.commands import typed
from celltype_cli.commands.bundle import opened, progress, settings_of
from celltype_cli.commands.spelling import word
from celltype_cli.commands.train import interval
from celltype_cli.core import configs
from celltype_cli.core.files import name_of
from celltype_cli.core.ranges import Threads
from celltype_cli.core.terminal import say, say_pairs, say_table


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
    from celltype_cli.bundles.evaluate import evaluate
    from celltype_cli.bundles.written import check_free, write_files
    from celltype_cli.cells.about import count_groups
    from celltype_cli.core import plots
    from celltype_cli.evaluation import pictures
    from celltype_cli.evaluation.predictions import write_predictions
    from celltype_cli.evaluation.saved_scores import method, write_scores
    from celltype_cli.evaluation.scores import scores

    path = Path(cfg.input).expanduser()
    out = Path(f"{name_of(path)}-scores") if cfg.out is None else Path(cfg.out).expanduser()
    check_free([out / name for name in ("predictions.csv", "scores.json")], overwrite=True)
    bundle = opened(str(cfg.bundle), Path(cfg.outputs), cfg.threads)
    labels = None if cfg.labels is None else Path(cfg.labels).expanduser()
    with progress() as watch:
        answer, table, notes = evaluate(bundle, path, labels=labels, watch=watch, **settings_of(cfg, bundle))
    values = scores(table)
    groups = count_groups(values["n_groups"], values["n_unknown"], bundle.about["group"])
    counted = f"{values['n_cells']} labelled cells{' ' if groups.startswith('of') else ', '}{groups}"
    drawn = pictures.confusion_matrix(table, f"{bundle.name} on {name_of(path)}\n{counted}") if cfg.figures else None
    images = {out / f"confusion.{of}": partial(Path.write_bytes, data=plots.drawn(drawn, of)) for of in cfg.figures}
    files = [
        (out / "predictions.csv", partial(write_predictions, table)),
        (out / "scores.json", partial(write_scores, values)),
        *images.items(),
    ]
    write_files(files, overwrite=True)
    of_run = bundle.about["scores"]
    say(f"\n{bundle.name} on {name_of(path)}: {counted}")
    rows = []
    for name in ("balanced_accuracy", "accuracy", "macro_f1"):
        floor = values["cell"]["floor"].get(name)
        rows.append([name.replace("_", " "), interval(values["cell"][name]), f"{floor:.3f}", interval(of_run[name])])
    say_table(["score [95 %]", "here", "floor", f"in its run ({of_run['split']})"], rows)
    say(f"[95 %]: {method(values, bundle.about['group'])}; in its run: {of_run['interval']}")
    say(answer.verdict.words())
    for note in (*values["notes"], *notes, *answer.notes):
        say(f"note: {note}")
    places = {"predictions": out / "predictions.csv", "scores": out / "scores.json"}
    places |= {"confusion": ", ".join(map(str, images))} if images else {}
    say_pairs({**places, "next": typed.line("predict", word("model", cfg.bundle), "input=your_recording")})
    return {"status": "finished", "folder": str(out), "result": interval(values["cell"]["balanced_accuracy"])}
