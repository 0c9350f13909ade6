"""`celltype export`: makes a bundle of a finished run, for labelling recordings and for passing on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig

from celltype_cli.commands import typed
from celltype_cli.commands.train import interval
from celltype_cli.core import configs
from celltype_cli.core.terminal import say, say_pairs


@dataclass
class Settings:
    """The keys of `conf/export.yaml`."""

    run: str
    out: Path
    fit: Literal["folds", "all"]
    overwrite: bool
    outputs: Path


def run(cfg: DictConfig) -> dict[str, Any]:
    """Writes the bundle; returns status and folder for the table of a multirun.

    Raises:
        UserError: when no run or several are named so, or the run cannot be exported.
    """
    configs.check(cfg, Settings)
    from celltype_cli.bundles.export import export
    from celltype_cli.runs.found import one_run

    found = one_run(Path(cfg.outputs), cfg.run)
    say(f"exporting {found.path.name}")
    bundle = export(found, Path(cfg.out).expanduser(), fit=cfg.fit, overwrite=cfg.overwrite)
    scores = bundle.about["scores"]["balanced_accuracy"]
    say(f"\n{bundle.name}: {', '.join(bundle.classes)}; {bundle.about['fit']} ({len(bundle.about['models'])})")
    say(f"balanced accuracy on unseen cells {interval(scores)}")
    say_pairs(
        {
            "bundle": bundle.path,
            "card": bundle.path / "card.md",
            "next": typed.line("predict", f"model={bundle.path}", "input=your_recording") + "   (label cells)",
        }
    )
    return {"status": "finished", "folder": str(bundle.path), "result": ""}
