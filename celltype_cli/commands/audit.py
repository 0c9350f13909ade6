"""`celltype audit`: whether the inputs of a dataset give its sources away, and the sources its labels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge
from omegaconf import DictConfig

from celltype_cli.commands import data, typed
from celltype_cli.core import configs
from celltype_cli.core.files import write_text
from celltype_cli.core.messages import UserError
from celltype_cli.core.ranges import SeedNumber, Share
from celltype_cli.core.terminal import say, say_note, say_pairs, say_table

if TYPE_CHECKING:
    from celltype_cli.cells.cells import Cells
    from celltype_cli.studies.audit.audit import Audit

SHOWN = 12  # columns


@dataclass
class Settings(data.Settings):
    """The keys of `conf/audit.yaml` and their types."""

    by: Literal["source", "group"]
    n_folds: Annotated[int, Ge(2)]
    flag_at: Share
    fail: bool
    seed: SeedNumber


def run(cfg: DictConfig) -> None:
    """Prints what gives the source away, and writes columns.csv, audit.json and a picture."""
    configs.check(cfg, Settings)
    from celltype_cli.core import plots
    from celltype_cli.runs.build import cells_of
    from celltype_cli.runs.environment import limit_threads
    from celltype_cli.studies.audit.audit import audit
    from celltype_cli.studies.audit.pictures import source_audit

    limit_threads(cfg.threads)
    cells = cells_of(cfg)
    word = cells.about.group if cfg.by == "group" else cfg.by
    found = audit(cells, by=cfg.by, n_folds=cfg.n_folds, flag_at=cfg.flag_at, seed=cfg.seed)
    _print(found, cells, cfg, word)
    folder = Path(cfg.outputs) / "audits" / f"{typed.option('dataset')}-{cells.fingerprint()}-{cfg.by}"
    write_text(folder / "columns.csv", found.columns.to_csv())
    numbers = {
        key: getattr(found, key)
        for key in ("within", "rest", "chance_sd", "least_p", "label_from_source", "information")
    }
    facts = {
        "dataset": cells.about.title,
        "by": cfg.by,
        "flagged": found.flagged,
        **numbers,
        "notes": cells.about.notes,
    }
    write_text(folder / "audit.json", json.dumps(facts, indent=2) + "\n")
    title = f"{cells.about.title}: what gives the {word} away"
    picture = source_audit(found.columns, found.shares, cfg.flag_at, title, word)
    drawn = plots.save(picture, folder / "audit", cfg.figures)
    files = ", ".join(["columns.csv", "audit.json", *(file.name for file in drawn)])
    say_pairs({"written": f"{folder}/{files}", "next": _next(found, cfg.by)})
    if cfg.fail and found.flagged:
        raise UserError(f"{len(found.flagged)} columns give the {word} away: {', '.join(found.flagged)}")


def _next(found: Audit, by: str) -> str:
    if found.flagged:
        return "leave these columns out, or make them relative to the stimulus or the baseline, and audit again"
    of_train = typed.less(typed.overrides(), "by", "n_folds", "flag_at", "fail", "seed", "outputs", "figures")
    train = typed.line("train", *of_train, "model=forest")
    return f"{train} split=other_source   (what the {by} costs)" if by == "source" else train


def _print(found: Audit, cells: Cells, cfg: DictConfig, word: str) -> None:
    from celltype_cli.studies.audit.audit import SURE

    n = int(found.shares.to_numpy().sum())
    say(f"\n{cells.about.title}: {n} labelled cells, {found.shares.shape[1]} {word}s\n")
    data.say_copies(cells)
    if found.shares.shape[1] <= SHOWN:
        say_table([word, *found.shares.index], found.shares.T.itertuples())
    say(
        f"the {word} alone tells the label with balanced accuracy {found.label_from_source:.3f} "
        f"(floor {1 / len(cells.classes):.3f}) and gives {found.information:.0%} of its information\n"
        f"the inputs tell the {word} within a class with AUC {found.within:.3f} "
        f"(0.5 by chance, give or take {found.chance_sd:.2f})"
    )
    shown = found.columns.head(max(SHOWN, len(found.flagged)))
    rows = (
        [
            line.Index,
            f"{line.within:.3f}",
            f"{line.p:.3f}",
            f"{line.missing:.0%}",
            "gives it away" if line.flagged else "",
        ]
        for line in shown.itertuples()
    )
    say_table(["column", "AUC", "p by chance", "missing", ""], rows)
    if len(found.columns) > len(shown):
        say(f"... and {len(found.columns) - len(shown)} columns below")
    if found.flagged:
        say(f"flagged (AUC of {cfg.flag_at:g} or more): {', '.join(found.flagged)}")
        say(f"without them the inputs tell the {word} with AUC {found.rest:.3f}")
    else:
        together = ", but all together have" if found.within >= cfg.flag_at else ""
        say(f"no single column has an AUC of {cfg.flag_at:g} or more and p of {SURE:g} or less{together}")
    if found.least_p > SURE:
        say_note(
            f"so few {'cells' if cfg.by == 'group' else cells.about.group + 's'} can fall to a {word} in so few ways "
            f"that chance alone reaches p = {found.least_p:.2f}: no column can be flagged, whatever its AUC"
        )
