"""Trains networks with PyTorch Lightning, on CPU, CUDA or several devices, resuming from checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Interval, Len

from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.core.ranges import Count, NotNegative, Positive, Share, held
from celltype_cli.trainers.kept import described
from celltype_cli.trainers.protocol import Fitted, Watch, labelled, taken
from celltype_cli.trainers.stages import after, check_choosing, check_stages, takes_unlabelled, watched, with_inputs

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
        copies: as errors of the recording change training rows before they are measured, for the kind of recording to
            make (`Cells.altered`): {number: 10, ...}; each epoch draws one of them or the row as it is. None: none.
        laplace: makes the last layer a distribution, as `laplace.with_laplace` does, which tempers the probabilities.
        stages: by name, one after the other, each from the weights that the one before has kept: `task`, a Lightning
            module that owns a loss, and whatever it needs otherwise of the settings above. They see the training cells
            alone; those without a label where the task says that it takes them (`unlabelled`). One whose task is about
            some `inputs` gets these alone, and is passed over where none of them is prepared.

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
    copies: Mapping[str, Any] | None = None
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

        from celltype_cli.trainers.batches import altered
        from celltype_cli.trainers.laplace import last_layer
        from celltype_cli.trainers.networks import build, lstm_in_bf16, normalises_batches, unmeasured

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
        has_lstm = any(isinstance(layer, torch.nn.LSTM) for layer in network.modules())
        inputs = taken(network.forward, cells.inputs)
        for name, values in inputs.items():
            if np.isnan(values.min()):
                raise unmeasured(name, values)
        smallest = 2 * self.devices if normalises_batches(network) else 1
        for name, stage in with_inputs(self.stages, inputs, network.forward).items():
            own = self._of_stage(stage)
            altered(cells[np.arange(1)], own.copies)
            if own.precision == "bf16" and self.device == "cpu" and has_lstm and not lstm_in_bf16():
                raise UserError("trainer.precision=bf16: PyTorch has no LSTM in bf16 for this processor; type "
                                "trainer.precision=fp32")  # fmt: skip
            if own.batch_size < smallest:
                raise UserError(
                    f"trainer{f'.stages.{name}' if 'batch_size' in stage else ''}.batch_size={own.batch_size}: this "
                    "network normalises over the rows of a mini-batch; choose at least 2 for each device"
                )

    def fit(
        self, model: Callable[..., Any], train: Cells, valid: Cells, *, seed: int, folder: Path, watch: Watch | None
    ) -> Fitted:
        """Trains, or goes on from the last checkpoint in `folder`; the result does not depend on interruptions."""
        import torch

        from celltype_cli.trainers import one_stage
        from celltype_cli.trainers.laplace import with_laplace
        from celltype_cli.trainers.networks import NetworkPredictor, Standardised, build, moments

        known, valid = labelled(train), labelled(valid)
        if not len(valid):
            check_choosing(self.keep, self.patience, self.stages)
        init, order, dropout = (int(s.generate_state(1)[0]) for s in np.random.SeedSequence(seed).spawn(3))
        torch.manual_seed(init)
        inner = build(model, known)
        inputs = taken(inner.forward, train.inputs)
        stages = with_inputs(self.stages, inputs, inner.forward)
        rows = train if any(map(takes_unlabelled, stages.values())) else known
        network = Standardised(inner, moments({name: rows.inputs[name] for name in inputs}))
        folder.mkdir(parents=True, exist_ok=True)
        history: list[dict[str, float]] = []
        for k, (name, stage) in enumerate(stages.items()):
            own = self._of_stage(stage)
            cells = train if takes_unlabelled(stage) else known
            left = len(stages) - 1 - k  # stages to come; the last has the streams of a single one
            seeds = (order, dropout) if not left else np.random.SeedSequence((seed, left)).generate_state(2).tolist()
            hears = watched(watch, name if left else "", len(history), own.epochs)
            one_stage.train(own, stage, network, cells, valid, seeds=seeds, stem=folder / name, watch=hears)
            epochs = one_stage.kept(own, network, folder / name, hears)
            spent = history[-1]["seconds"] if history else 0.0
            history += [after(row, name if left else "", len(history), spent) for row in epochs]
        network = with_laplace(network, known, self.batch_size) if self.laplace else network
        made = described(model, known)
        predict = NetworkPredictor(network, accelerator=self.device, batch_size=self.batch_size, made=made)
        return Fitted(predict, history, history[-1]["seconds"])

    def _of_stage(self, stage: Mapping[str, Any]) -> LightningTrainer:
        return replace(self, **{key: value for key, value in stage.items() if key != "task"})
