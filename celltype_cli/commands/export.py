"""`celltype export`: makes a bundle of a finished run, for labelling recordings and for passing on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from omegaconf import DictConfig

from celltype_cli.commands import typed
from celltype_cli.commands.spelling import word
from celltype_cli.commands.train import interval
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.core.terminal import say, say_pairs

if TYPE_CHECKING:
    from celltype_cli.bundles.bundle import Bundle
    from celltype_cli.runs.folder import RunFolder


@dataclass
class Settings:
    """The keys of `conf/export.yaml`."""

    run: str
    out: Path
    fit: Literal["folds", "all"]
    overwrite: bool
    onnx: bool
    register: str | None
    logger: configs.Whole
    outputs: Path


def run(cfg: DictConfig) -> dict[str, Any]:
    """Writes the bundle; returns status and folder for the table of a multirun.

    Raises:
        UserError: when no run or several are named so, or the run cannot be exported.
    """
    configs.check(cfg, Settings)
    from celltype_cli.bundles.export import export
    from celltype_cli.runs.found import one_run

    if cfg.register and "uri" not in cfg.logger:
        raise UserError(f"register={cfg.register} needs a store: leave out logger=none")
    found = one_run(Path(cfg.outputs), cfg.run)
    say(f"exporting {found.path.name}")
    bundle = export(found, Path(cfg.out).expanduser(), fit=cfg.fit, overwrite=cfg.overwrite, onnx=cfg.onnx)
    address = _registered(cfg, found, bundle) if cfg.register else ""
    scores = bundle.about["scores"]["balanced_accuracy"]
    say(f"\n{bundle.name}: {', '.join(bundle.classes)}; {bundle.about['fit']} ({len(bundle.about['models'])})")
    say(f"balanced accuracy on unseen cells {interval(scores)}")
    say_pairs(
        {
            "bundle": bundle.path,
            "card": bundle.path / "card.md",
            **({"ONNX": bundle.path / bundle.about["onnx"]["file"]} if cfg.onnx else {}),
            **({"MLflow": address} if address else {}),
            "next": typed.line("predict", word("model", bundle.path), "input=your_recording") + "   (label cells)",
        }
    )
    return {"status": "finished", "folder": str(bundle.path), "result": ""}


def _registered(cfg: DictConfig, run: RunFolder, bundle: Bundle) -> str:
    """Registers the bundle with the store of the logger; returns its address there."""
    from celltype_cli import __version__
    from celltype_cli.bundles import served
    from celltype_cli.runs.tracking_bundle import register

    facts = run.facts()
    return register(
        bundle.path,
        cfg.register,
        outputs=Path(cfg.outputs),
        uri=cfg.logger.uri,
        run=facts.get("mlflow_run"),
        experiment=facts["labels"]["dataset"],
        takes=served.arrays(bundle),
        rate=served.RATE,
        gives=served.columns(bundle),
        note=served.NOTE,
        version=__version__,
    )
