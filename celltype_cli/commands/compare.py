"""`celltype compare`: is one model better than another on the same cells?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from omegaconf import DictConfig

from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.core.terminal import say, say_pairs, say_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Settings:
    """The keys of `conf/compare.yaml`."""

    runs: Sequence[str]
    score: Literal["balanced_accuracy", "accuracy", "macro_f1", "weighted_f1"]
    out: Path | None
    figures: Sequence[Literal["png", "pdf", "svg"]]
    outputs: Path


def run(cfg: DictConfig) -> dict[str, Any]:
    """Prints and writes every pair's difference with its interval and p value, and draws them.

    Raises:
        UserError: when a run is not found or not finished, or two have no cell in common.
    """
    configs.check(cfg, Settings)
    import pandas as pd

    from celltype_cli.core import plots
    from celltype_cli.core.files import write_text
    from celltype_cli.evaluation import draw_pairs
    from celltype_cli.evaluation.paired import paired

    if len(cfg.runs) < 2:
        raise UserError(f"runs={[*cfg.runs]}: expected two or more, runs=[cnn1d,forest]")
    tables = dict(_table(str(name), Path(cfg.outputs)) for name in cfg.runs)
    if len(tables) < len(cfg.runs):
        raise UserError(f"runs={[*cfg.runs]} name one run twice: {', '.join(tables)}")
    found = {pair: paired(*(tables[name] for name in pair), score=cfg.score) for pair in combinations(tables, 2)}
    out = Path("compare-" + "-".join(map(str, cfg.runs))) if cfg.out is None else Path(cfg.out).expanduser()
    lines = [{"first": a, "second": b, "score": cfg.score, **vars(d)} for (a, b), d in found.items()]
    write_text(out / "pairs.csv", pd.DataFrame(lines).to_csv(index=False))
    drawn = []
    if cfg.figures:
        drawn = plots.save(draw_pairs.differences(found, cfg.score.replace("_", " ")), out / "pairs", cfg.figures)
    rows = []
    for (a, b), d in found.items():
        alone, counted = f"{d.only_first} / {d.only_second}", f"{d.n_cells} of {d.n_groups}"
        rows.append([f"{a} - {b}", f"{d.value:+.3f} [{d.low:+.3f}, {d.high:+.3f}]", f"{d.p:.3g}", alone, counted])
    say()
    say_table([f"{cfg.score.replace('_', ' ')}", "difference [95 %]", "p", "right alone", "cells of groups"], rows)
    weakest = max(d.least_p for d in found.values())
    if weakest > 0.05:
        say(f"note: so few groups cannot give a p below {weakest:.2g}, however large the difference")
    if len(found) > 1:
        say(f"note: {len(found)} pairs: multiply each p by {len(found)} to hold the error of all together (Bonferroni)")
    say_pairs({"table": out / "pairs.csv", **({"picture": ", ".join(map(str, drawn))} if drawn else {})})
    return {"status": "finished", "folder": str(out), "result": ""}


def _table(name: str, outputs: Path) -> tuple[str, pd.DataFrame]:
    """Returns name and predictions of a run, or of a folder that `celltype evaluate` wrote."""
    from celltype_cli.evaluation.predictions import read_predictions
    from celltype_cli.runs.found import one_run

    folder = Path(name).expanduser()
    if (folder / "predictions.csv").is_file():
        return folder.name, read_predictions(folder / "predictions.csv")
    run = one_run(outputs, name, "runs")
    if not run.finished:
        raise UserError(f"{run.path.name} is not finished: type its command again, then compare")
    return run.path.name, run.predictions()
