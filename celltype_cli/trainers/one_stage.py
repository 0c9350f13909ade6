"""One stage of a training, by Lightning: from the weights that a network has to those that the stage keeps."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments import LightningEnvironment

from celltype_cli.cells.cells import Cells
from celltype_cli.trainers.batches import Batches, altered, keep_large_blocks
from celltype_cli.trainers.history import History, say_less, whole_checkpoint
from celltype_cli.trainers.networks import Standardised, normalises_batches
from celltype_cli.trainers.protocol import Watch, taken
from celltype_cli.trainers.stages import own_inputs
from celltype_cli.trainers.tasks import balanced

if TYPE_CHECKING:
    from celltype_cli.trainers.lightning import LightningTrainer

logger = logging.getLogger("celltype")
OF_TASKS = ("lr", "betas", "lr_decay", "period", "auxiliary_weight", "precision")  # settings that each task is given


def train(
    trainer: LightningTrainer,
    stage: Mapping[str, Any],
    network: Standardised,
    cells: Cells,
    valid: Cells,
    *,
    seeds: Sequence[int],
    stem: Path,
    watch: Watch | None,
) -> None:
    """Trains, or goes on; its checkpoints are `stem`-last.ckpt and `stem`-best.ckpt.

    Args:
        trainer: with the settings of this stage.
        stage: as it is configured.
        seeds: of the order of rows, and of what else is drawn.
    """
    keep_large_blocks()
    say_less()
    settings = {name: getattr(trainer, name) for name in OF_TASKS}
    if trainer.class_weights:  # tasks of other packages need not know it
        settings["class_weights"] = balanced(cells.label, len(cells.classes))
    given = taken(network.inner.forward, cells.inputs)
    names = [name for name in given if name in (own_inputs(stage) or given)]
    if trainer.copies:
        logger.info("stage %s trains on copies, changed: %s", stem.name, cells.altered)
    order, draws = seeds
    share = {
        "batch_size": trainer.batch_size,
        "world_size": trainer.devices,
        "smallest": 2 if normalises_batches(network) else 1,
    }

    def batches(side: Cells, **drawn: Any) -> Batches:
        return Batches({name: side.inputs[name] for name in names}, side.label, **drawn, **share)

    history = History(
        stem=stem,
        seed=draws,
        patience=trainer.patience,
        min_improvement=trainer.min_improvement,
        watch=watch if trainer.devices == 1 else None,
    )
    try:
        _lightning(trainer, history).fit(
            stage["task"](network, **settings),
            batches(cells, seed=order, oversample=trainer.oversample, copies=altered(cells, trainer.copies)),
            batches(valid, seed=None) if len(valid) else None,
            ckpt_path=whole_checkpoint(stem, trainer.keep),
            weights_only=True,
        )
    except SystemExit as error:  # Lightning's answer to Ctrl-C
        raise KeyboardInterrupt from error


def _lightning(trainer: LightningTrainer, history: History) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=trainer.epochs,
        accelerator=trainer.device,
        devices=trainer.devices,
        # Spawned rather than relaunched: the command line and its multirun stay with this process.
        strategy="ddp_spawn" if trainer.devices > 1 else "auto",
        plugins=[LightningEnvironment()],  # on this machine, whatever a scheduler such as Slurm says of its tasks
        callbacks=[history],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
    )


def kept(trainer: LightningTrainer, network: Standardised, stem: Path, watch: Watch | None) -> list[dict[str, float]]:
    """Puts the weights that a trained stage keeps into the network; returns its epochs."""
    last, chosen = (
        torch.load(f"{stem}-{name}.ckpt", weights_only=True, map_location="cpu") for name in ("last", trainer.keep)
    )
    weights = {name: w for name, w in chosen["state_dict"].items() if name.startswith("network.")}
    network.load_state_dict({name.removeprefix("network."): w for name, w in weights.items()})
    rows = last["callbacks"]["History"]["rows"]
    if watch and trainer.devices > 1:  # the processes that trained could not call it
        for row in rows:
            watch(row["epoch"], trainer.epochs, row)
    return rows
