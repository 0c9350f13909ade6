"""Trains networks with PyTorch Lightning, on CPU, CUDA or several devices, resuming from checkpoints."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.trainers.protocol import Fitted, Watch, labelled, taken

if TYPE_CHECKING:
    from torch import nn


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
        weights: "last", or "best" for those with the lowest validation loss.
        lr_decay, period: every `period` epochs the learning rate is multiplied by `lr_decay`; 0 never changes it.
        auxiliary_weight: of the loss of an auxiliary classifier, where the network has one in training.

    Raises:
        UserError: when a number is too small, or batch_size is no multiple of devices.
    """

    epochs: int
    batch_size: int
    lr: float
    betas: Sequence[float]
    precision: Literal["fp32", "bf16"]
    accelerator: Literal["cpu", "cuda", "auto"]
    devices: int
    patience: int | None
    min_improvement: float
    weights: Literal["last", "best"]
    lr_decay: float = 0.0
    period: int = 1
    auxiliary_weight: float = 0.4

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "devices", "period"):
            if getattr(self, name) < 1:
                raise UserError(f"trainer.{name}={getattr(self, name)}: choose at least 1")
        if self.batch_size % self.devices:
            raise UserError(
                f"trainer.batch_size={self.batch_size} cannot be shared by {self.devices} devices: choose a multiple"
            )
        if not 0 <= self.lr_decay <= 1:
            raise UserError(f"trainer.lr_decay={self.lr_decay}: choose 0, which never changes the learning rate, to 1")

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

        from celltype_cli.trainers.networks import normalises_batches, unmeasured

        if not any_valid:
            self._check_choosing()
        if self.accelerator == "cuda" and (found := torch.cuda.device_count()) < self.devices:
            raise UserError(
                f"trainer.accelerator=cuda with trainer.devices={self.devices}: {found} usable GPUs were found; "
                "choose fewer, or trainer=cpu"
            )
        with torch.device("meta"):
            network = build(model, cells)
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
        """Trains, or goes on from `folder`/last.ckpt; the result does not depend on interruptions."""
        import torch

        from celltype_cli.trainers.networks import NetworkPredictor, Standardised, moments

        train, valid = labelled(train), labelled(valid)
        if not len(valid):
            self._check_choosing()
        init, order, dropout = (int(s.generate_state(1)[0]) for s in np.random.SeedSequence(seed).spawn(3))
        torch.manual_seed(init)
        inner = build(model, train)
        network = Standardised(inner, moments(taken(inner.forward, train.inputs)))
        folder.mkdir(parents=True, exist_ok=True)
        self._train(network, train, valid, order, dropout, folder, watch)
        load = partial(torch.load, weights_only=True, map_location="cpu")
        last, chosen = load(folder / "last.ckpt"), load(folder / f"{self.weights}.ckpt")
        network.load_state_dict({name.removeprefix("network."): w for name, w in chosen["state_dict"].items()})
        history = last["callbacks"]["History"]["rows"]
        if watch and self.devices > 1:  # the processes that trained could not call it
            for row in history:
                watch(row["epoch"], self.epochs, row)
        predict = NetworkPredictor(network, accelerator=self.device, batch_size=self.batch_size)
        return Fitted(predict, history, history[-1]["seconds"])

    def _check_choosing(self) -> None:
        """Raises a UserError when validation cells, of which there are none, are to choose something."""
        instead = {"trainer.weights=best": "trainer.weights=last"} if self.weights == "best" else {}
        if self.patience is not None:
            instead[f"trainer.patience={self.patience}"] = "trainer.patience=null"
        if instead:
            raise UserError(
                f"{' and '.join(instead)} need validation cells, and the split leaves none: "
                f"set {' '.join(instead.values())}, or a split that leaves some"
            )

    def _train(self, network, train, valid, order, dropout, folder, watch) -> None:
        import pytorch_lightning as pl

        from celltype_cli.trainers.batches import Batches, keep_large_blocks
        from celltype_cli.trainers.history import History
        from celltype_cli.trainers.networks import normalises_batches
        from celltype_cli.trainers.tasks import Supervised

        keep_large_blocks()
        logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", "`isinstance.treespec, LeafSpec.` is deprecated")  # Lightning's own business
        warnings.filterwarnings("ignore", "You defined a `validation_step` but have no `val_dataloader`")
        smallest = 2 if normalises_batches(network) else 1
        share = {"batch_size": self.batch_size, "world_size": self.devices, "smallest": smallest}
        chosen = ("lr", "betas", "lr_decay", "period", "auxiliary_weight", "precision")
        inputs = partial(taken, network.inner.forward)
        history = History(
            folder=folder,
            seed=dropout,
            patience=self.patience,
            min_improvement=self.min_improvement,
            watch=watch if self.devices == 1 else None,
        )
        trainer = pl.Trainer(
            max_epochs=self.epochs,
            accelerator=self.device,
            devices=self.devices,
            # Spawned rather than relaunched: the command line and its sweep stay with this process.
            strategy="ddp_spawn" if self.devices > 1 else "auto",
            callbacks=[history],
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
        )
        last = folder / "last.ckpt"
        try:
            trainer.fit(
                Supervised(network, **{name: getattr(self, name) for name in chosen}),
                Batches(inputs(train.inputs), train.label, seed=order, **share),
                Batches(inputs(valid.inputs), valid.label, seed=None, **share) if len(valid) else None,
                ckpt_path=last if last.exists() else None,
                weights_only=True,
            )
        except SystemExit as error:  # Lightning's answer to Ctrl-C
            raise KeyboardInterrupt from error


def build(model: Callable[..., Any], cells: Cells) -> nn.Module:
    """Builds the network for the shapes and classes of `cells`.

    Raises:
        UserError: when the model is no network, does not fit the shapes, or lacks its weights or a library.
    """
    import torch

    try:
        network = model(cells.shapes, len(cells.classes))
    except ValueError as error:
        raise UserError(f"the model does not fit inputs of shape {cells.shapes}: {error}") from error
    except KeyError as error:
        raise UserError(
            f"the model takes the input {error}, the dataset has {', '.join(cells.inputs)}: choose another model, or "
            "what the dataset gives (dataset.inputs, where it has that setting)"
        ) from error
    except (OSError, ImportError) as error:
        raise UserError(str(error)) from error
    except TypeError as error:
        raise UserError(f"this model is no network; leave out `trainer=`, its config chooses one ({error})") from error
    if not isinstance(network, torch.nn.Module):
        raise UserError("this model is no network; leave out `trainer=`, its config chooses one")
    return network
