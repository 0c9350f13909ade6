"""`celltype audit`: whether the inputs of a dataset give its sources away, and the sources its labels."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from celltype_cli.core.messages import UserError

SHOWN = 12  # columns


@dataclass
class Settings:
    """The keys of `conf/audit.yaml` and their types."""

    dataset: Mapping[str, Any]
    prepare: Mapping[str, Any]
    by: str
    n_folds: int
    flag_at: float
    fail: bool
    seed: int
    outputs: str


def run(cfg: DictConfig) -> None:
    """Prints what gives the source away, and writes columns.csv, audit.json and a picture."""
    from hydra.core.hydra_config import HydraConfig
    from rich.progress import Progress

    from celltype_cli.core import configs, plots
    from celltype_cli.core.files import replacing
    from celltype_cli.core.terminal import console, say
    from celltype_cli.runs.build import cells_of
    from celltype_cli.studies.audit.audit import audit
    from celltype_cli.studies.audit.pictures import source_audit

    configs.check(cfg, Settings)
    cells = cells_of(cfg)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("columns", total=None)
        found = audit(
            cells, by=cfg.by, n_folds=cfg.n_folds, flag_at=cfg.flag_at, seed=cfg.seed,
            watch=lambda done, of: bar.update(task, completed=done, total=of),
        )  # fmt: skip
    _print(found, cells, cfg)
    hydra = HydraConfig.get()
    name = hydra.runtime.choices["dataset"]
    folder = Path(cfg.outputs) / "audits" / f"{name}-{cells.fingerprint()}-{cfg.by}"
    with replacing(folder / "columns.csv") as temporary:
        found.columns.to_csv(temporary)
    numbers = {key: getattr(found, key) for key in ("within", "rest", "chance_sd", "label_from_source", "information")}
    with replacing(folder / "audit.json") as temporary:
        facts = {"dataset": cells.about.title, "by": cfg.by, "flagged": found.flagged, **numbers}
        temporary.write_text(json.dumps(facts, indent=2) + "\n")
    title = f"{cells.about.title}: what gives the {cfg.by} away"
    plots.save(source_audit(found.columns, found.shares, cfg.flag_at, title), folder / "audit.png")
    say(f"\nwritten  {folder}/columns.csv, audit.json, audit.png\nnext     {_next(found, hydra, cfg.by)}")
    if cfg.fail and found.flagged:
        raise UserError(f"{len(found.flagged)} columns give the {cfg.by} away: {', '.join(found.flagged)}")


def _next(found: Any, hydra: Any, by: str) -> str:
    if found.flagged:
        return "leave these columns out, or make them relative to the stimulus or the baseline, and audit again"
    typed = [o for o in OmegaConf.to_container(hydra.overrides.task) if o.lstrip("+~").startswith("dataset")]
    train = shlex.join(["celltype", "train", *typed, "model=forest"])
    return f"{train} split=other_source   (what the {by} costs)" if by == "source" else train


def _print(found: Any, cells: Any, cfg: DictConfig) -> None:
    from rich.table import Table

    from celltype_cli.core.terminal import console, say
    from celltype_cli.studies.audit.audit import CHANCE_SD

    n = int(found.shares.to_numpy().sum())
    say(f"\n{cells.about.title}: {n} labelled cells, {found.shares.shape[1]} values of {cfg.by}\n")
    if found.shares.shape[1] <= SHOWN:
        console.print(_table(cfg.by, found.shares.T))
    say(
        f"the {cfg.by} alone tells the label with balanced accuracy {found.label_from_source:.3f} "
        f"(floor {1 / len(cells.classes):.3f}) and gives {found.information:.0%} of its information\n"
        f"the inputs tell the {cfg.by} within a class with AUC {found.within:.3f} "
        f"(0.5 by chance, give or take {found.chance_sd:.2f})"
    )
    table = Table("column", "AUC", "missing", "", box=None)
    shown = max(SHOWN, len(found.flagged))
    for name, row in found.columns.head(shown).iterrows():
        flag = "gives it away" if row["flagged"] else ""
        table.add_row(str(name), f"{row['within']:.3f}", f"{row['missing']:.0%}", flag)
    console.print(table)
    if len(found.columns) > shown:
        say(f"... and {len(found.columns) - shown} columns below")
    if found.flagged:
        say(f"flagged (AUC of {cfg.flag_at:g} or more): {', '.join(found.flagged)}\n"
            f"without them the inputs tell the {cfg.by} with AUC {found.rest:.3f}")  # fmt: skip
    else:
        least = max(cfg.flag_at, 0.5 + CHANCE_SD * found.chance_sd)
        together = ", but all together have" if found.within >= least else ""
        say(f"no single column has an AUC of {least:.2g} or more{together}")


def _table(corner: str, frame: Any) -> Any:
    from rich.table import Table

    table = Table(corner, *map(str, frame.columns), box=None)
    for name, row in frame.iterrows():
        table.add_row(str(name), *map(str, row))
    return table
