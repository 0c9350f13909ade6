"""`celltype demo`: the main job, small, on simulated traces; then a dozen new simulated cells are labelled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from celltype_cli.commands import train, typed
from celltype_cli.commands.bundle import opened
from celltype_cli.core import configs
from celltype_cli.core.terminal import say, say_table

NEW = 3  # of each class
ACCURACY = 0.8  # that labelled cells shall have; at the usual 0.95 few simulated ones get a label


def run(cfg: DictConfig) -> dict[str, Any]:
    """Trains and scores as `celltype train`, then labels cells of animals that no fold has seen."""
    record = train.run(cfg)
    if not typed.multirun() and cfg.keep_models:
        _label(cfg, Path(record["folder"]))
    return record


def _label(cfg: DictConfig, folder: Path) -> None:
    from celltype_cli.bundles.predict import predict

    bundle = opened(str(folder), Path(cfg.outputs), cfg.threads)
    dataset = OmegaConf.merge(cfg.dataset, {"cells_per_class": NEW, "seed": cfg.dataset.seed + 1})
    recordings = configs.build(dataset)
    answer = predict(bundle, recordings, accuracy=ACCURACY)
    true = [entry.label for entry in recordings.entries]
    rows = [
        [line.cell_id, line.label or f"unsure ({line.best}?)", f"{line.confidence:.2f}", line.votes, label]
        for line, label in zip(answer.cells.itertuples(), true)
    ]
    say(f"\n{len(rows)} new simulated cells, labelled by the models of all folds together at accuracy={ACCURACY}:")
    say_table(["cell", "label", "confidence", "votes", "simulated as"], rows)
    say(f"label your own: celltype predict model={bundle.path} input=your_recording")
