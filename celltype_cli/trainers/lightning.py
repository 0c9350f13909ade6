"""Trains networks with PyTorch Lightning, on CPU, CUDA or several devices, resuming from checkpoints."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Interval, Len

from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.core.ranges import Count, NotNegative, Positive, Share, held
from celltype_cli.trainers.kept import described
from celltype_cli.trainers.protocol import Fitted, Watch, labelled, taken
from celltype_cli.trainers.stages import after, check_choosing, check_stages, takes_unlabelled, watched

Beta = Annotated[float, Interval(ge=0, lt=1)]


@held
@dataclass(frozen=True, kw_only=True)
class LightningTrainer:
    """Trains a network on z-scored inputs by cross-entropy with Adam.

    Args:
        epochs: passes over the training rows.
        batch_size: rows per optimiser step, over all devices together.
        lr, betas: of Adam.
        precision: "fp32", or "bf16" for autocast.
        accelerator, devices: as in Lightning; more than one device trains with DDP.
        patience: epochs without a lower validation loss after which training ends; None trains all epochs.
        min_improvement: the fraction by which the loss must fall to count as lower for `patience`.
        keep: which epoch's weights predict: the "last", or the "best" by validation loss.
        lr_decay, period: every `period` epochs the learning rate is multiplied by `lr_decay`; 0 never changes it.
        auxiliary_weight: of the loss of an auxiliary classifier, where the network has one in training.
        class_weights: "balanced" weights the loss of a row in inverse proportion to the training rows of its class;
            None counts all rows alike.
        oversample: draws rows of rarer classes again, anew in every epoch, until all have as many as the largest; rows
            without a label, where they train, count as a class.
        laplace: makes the last layer a distribution, as `laplace.with_laplace` does, which tempers the probabilities.
        stages: by name, one after the other, each from the weights that the one before has kept: `task`, a Lightning
            module that owns a loss, and whatever it needs otherwise of the settings above. They see the training cells
            alone; those without a label where the task says that it takes them (`unlabelled`).

    Raises:
        UserError: when a number is out of range, or batch_size is no multiple of devices.
    """

    validates: ClassVar[bool] = True  # for the curves too, where nothing is chosen by them
    epochs: Count
    batch_size: Count
    lr: Positive
    betas: Annotated[Sequence[Beta], Len(2, 2)]
    precision: Literal["fp32", "bf16"]
    accelerator: Literal["cpu", "cuda", "auto"]
    devices: Count
    patience: Count | None
    min_improvement: Annotated[float, Interval(ge=0, lt=1)]
    keep: Literal["last", "best"]
    stages: Mapping[str, Mapping[str, Any]]
    lr_decay: Share = 0.0
    period: Count = 1
    auxiliary_weight: NotNegative = 0.4
    class_weights: Literal["balanced"] | None = None
    oversample: bool = False
    laplace: bool = False

    def __post_init__(self) -> None:
        if self.batch_size % self.devices:
            raise UserError(
                f"trainer.batch_size={self.batch_size} cannot be shared by {self.devices} devices: choose a multiple"
            )
        shared = {"stages", "accelerator", "devices", "class_weights", "laplace"}
        check_stages(self.stages, (field.name for field in fields(self) if field.name not in shared))

    @property
    def device(self) -> Literal["cpu", "cuda"]:
        """The accelerator; "auto" is CUDA where there are GPUs enough, else the CPU."""
        import torch

        if self.accelerator != "auto":
            return self.accelerator
        return "cuda" if torch.cuda.device_count() >= self.devices else "cpu"

    def check(self, model: Callable[..., Any], cells: Cells, *, any_valid: bool) -> None:
        """Raises a UserError when the model is no network, does not fit the inputs, or lacks validation cells.

        It builds the network without memory for its weights; files of weights are looked at.
        """
        import torch

        from celltype_cli.trainers.laplace import last_layer
        from celltype_cli.trainers.networks import build, normalises_batches, unmeasured

        if not any_valid:
            check_choosing(self.keep, self.patience, self.stages)
        if self.accelerator == "cuda" and (found := torch.cuda.device_count()) < self.devices:
            raise UserError(
                f"trainer.accelerator=cuda with trainer.devices={self.devices}: {found} usable GPUs were found; "
                "choose fewer, or trainer=cpu"
            )
        with torch.device("meta"):
            network = build(model, cells)
        if self.laplace:
            last_layer(network)
        for name, values in taken(network.forward, cells.inputs).items():
            if np.isnan(values.min()):
                raise unmeasured(name, values)
        if normalises_batches(network) and self.batch_size < 2 * self.devices:
            raise UserError(
                f"trainer.batch_size={self.batch_size}: this network normalises over the rows of a mini-batch; "
                "choose at least 2 for each device"
            )

    def fit(
        self, model: Callable[..., Any], train: Cells, valid: Cells, *, seed: int, folder: Path, watch: Watch | None
    ) -> Fitted:
        """Trains, or goes on from the last checkpoint in `folder`; the result does not depend on interruptions."""
        import torch

        from celltype_cli.trainers.laplace import with_laplace
        from celltype_cli.trainers.networks import NetworkPredictor, Standardised, build, moments

        known, valid = labelled(train), labelled(valid)
        if not len(valid):
            check_choosing(self.keep, self.patience, self.stages)
        init, order, dropout = (int(s.generate_state(1)[0]) for s in np.random.SeedSequence(seed).spawn(3))
        torch.manual_seed(init)
        inner = build(model, known)
        rows = train if any(takes_unlabelled(stage) for stage in self.stages.values()) else known
        network = Standardised(inner, moments(taken(inner.forward, rows.inputs)))
        folder.mkdir(parents=True, exist_ok=True)
        history: list[dict[str, float]] = []
        for k, (name, stage) in enumerate(self.stages.items()):
            own = self._of_stage(stage)
            cells = train if takes_unlabelled(stage) else known
            left = len(self.stages) - 1 - k  # stages to come; the last has the streams of a single one
            seeds = (order, dropout) if not left else np.random.SeedSequence((seed, left)).generate_state(2).tolist()
            hears = watched(watch, "" if not left else name, len(history), own.epochs)
            own._train(network, cells, valid, seeds, folder / name, hears)
            history += own._loaded(network, folder / name, hears, "" if not left else name, history)
        network = with_laplace(network, known, self.batch_size) if self.laplace else network
        made = described(model, known)
        predict = NetworkPredictor(network, accelerator=self.device, batch_size=self.batch_size, made=made)
        return Fitted(predict, history, history[-1]["seconds"])

    def _loaded(
        self, network, stem: Path, hears: Watch | None, prefix: str, before: list[dict[str, float]]
    ) -> list[dict]:
        """Puts the weights that a stage keeps into the network; returns its history after that of those before."""
        import torch

        load = partial(torch.load, weights_only=True, map_location="cpu")
        last, chosen = load(f"{stem}-last.ckpt"), load(f"{stem}-{self.keep}.ckpt")
        weights = {name: w for name, w in chosen["state_dict"].items() if name.startswith("network.")}
        network.load_state_dict({name.removeprefix("network."): w for name, w in weights.items()})
        rows = last["callbacks"]["History"]["rows"]
        if hears and self.devices > 1:  # the processes that trained could not call it
            for row in rows:
                hears(row["epoch"], self.epochs, row)
        return [after(row, prefix, len(before), before[-1]["seconds"] if before else 0.0) for row in rows]

    def _of_stage(self, stage: Mapping[str, Any]) -> LightningTrainer:
        return replace(self, **{key: value for key, value in stage.items() if key != "task"})

    def _train(self, network, train, valid, seeds, stem, watch) -> None:
        """Trains one stage; its checkpoints are `stem`-last.ckpt and `stem`-best.ckpt."""
        import pytorch_lightning as pl

        from celltype_cli.trainers.batches import Batches, keep_large_blocks
        from celltype_cli.trainers.history import History, whole_checkpoint
        from celltype_cli.trainers.networks import normalises_batches
        from celltype_cli.trainers.tasks import balanced

        keep_large_blocks()
        logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", "`isinstance.treespec, LeafSpec.` is deprecated")  # Lightning's own business
        warnings.filterwarnings("ignore", "You defined a `validation_step` but have no `val_dataloader`")
        warnings.filterwarnings("ignore", "Found .* module\\(s\\) in eval mode")  # `frozen` parts are
        smallest = 2 if normalises_batches(network) else 1
        share = {"batch_size": self.batch_size, "world_size": self.devices, "smallest": smallest}
        chosen = ("lr", "betas", "lr_decay", "period", "auxiliary_weight", "precision")
        settings = {name: getattr(self, name) for name in chosen}
        if self.class_weights:  # tasks of other packages need not know it
            settings["class_weights"] = balanced(train.label, len(train.classes))
        inputs = partial(taken, network.inner.forward)
        order, dropout = seeds
        history = History(
            stem=stem,
            seed=dropout,
            patience=self.patience,
            min_improvement=self.min_improvement,
            watch=watch if self.devices == 1 else None,
        )
        trainer = pl.Trainer(
            max_epochs=self.epochs,
            accelerator=self.device,
            devices=self.devices,
            # Spawned rather than relaunched: the command line and its multirun stay with this process.
            strategy="ddp_spawn" if self.devices > 1 else "auto",
            callbacks=[history],
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
        )
        try:
            trainer.fit(
                self.stages[stem.name]["task"](network, **settings),
                Batches(inputs(train.inputs), train.label, seed=order, oversample=self.oversample, **share),
                Batches(inputs(valid.inputs), valid.label, seed=None, **share) if len(valid) else None,
                ckpt_path=whole_checkpoint(stem, self.keep),
                weights_only=True,
            )
        except SystemExit as error:  # Lightning's answer to Ctrl-C
            raise KeyboardInterrupt from error
