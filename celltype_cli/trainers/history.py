"""Lightning callback that keeps a training run's history, checkpoints and patience."""

from __future__ import annotations

import atexit
import gc
import logging
import math
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from celltype_cli.core.messages import UserError
from celltype_cli.trainers.protocol import Watch

logger = logging.getLogger("celltype")
SAVE_EVERY_S = 10.0  # a checkpoint costs milliseconds; small networks train many epochs a second


class History(pl.Callback):
    """Records loss and accuracy per epoch, saves checkpoints, stops early.

    Every epoch's randomness is seeded by (seed, epoch, process), so that a run resumed from any checkpoint ends
    exactly where the uninterrupted run would have, and no two processes drop the same units. Processes that Lightning
    spawns compute with as many threads as the one that made this, for sums follow their number.

    Args:
        stem: beginning of the names of -last.ckpt (all state, after at most SAVE_EVERY_S and at the end) and -best.ckpt
            (the weights with the lowest validation loss).
        seed: of dropout and of anything else a training step draws.
        patience: epochs without a lower validation loss after which training ends; None never stops early.
        min_improvement: the fraction by which the loss must fall to count as lower for `patience`.
        watch: called after every epoch with (epochs done, epochs in all, the epoch's numbers).

    Raises:
        UserError: after an epoch whose loss is not finite, or when a checkpoint cannot be written.
    """

    def __init__(
        self, *, stem: Path, seed: int, patience: int | None, min_improvement: float, watch: Watch | None
    ) -> None:
        self.stem, self.seed, self.patience, self.min_improvement = stem, seed, patience, min_improvement
        self.watch, self.threads = watch, torch.get_num_threads()
        self.rows: list[dict[str, float]] = []
        self.best_loss, self.patience_loss, self.patience_epoch = float("inf"), float("inf"), 0
        self.sums: dict[str, dict[str, Tensor]] = {}  # by side
        self.seconds = 0.0

    def __setstate__(self, state: dict) -> None:
        """Is taken up by a process that Lightning has spawned, whose libraries say all they have to say."""
        say_less()
        vars(self).update(state)

    def on_fit_start(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        torch.set_num_threads(self.threads)
        trainer.should_stop = self._out_of_patience()  # taken up again after its end
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            atexit.register(_leave_the_others)

    def on_train_epoch_start(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        self.started = _now(task)
        if not hasattr(self, "saved"):
            self.saved = self.started
        self.sums = {}
        seeds = np.random.SeedSequence((self.seed, trainer.current_epoch, trainer.global_rank))
        torch.manual_seed(int(seeds.generate_state(1)[0]))
        trainer.train_dataloader.epoch = trainer.current_epoch

    def on_train_batch_end(self, trainer, task, outputs, batch, batch_idx) -> None:
        self._add("train", outputs)

    def on_validation_start(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        self.seconds += _now(task) - self.started

    def on_validation_end(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        self.started = _now(task)  # looking at validation cells is no training

    def on_validation_batch_end(self, trainer, task, outputs, batch, batch_idx) -> None:
        self._add("valid", outputs)

    def on_train_epoch_end(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        self.seconds += _now(task) - self.started
        row = {"epoch": trainer.current_epoch + 1, "seconds": self.seconds}
        for side, of_side in self.sums.items():
            sums = {name: trainer.strategy.reduce(value, reduce_op="sum").cpu() for name, value in of_side.items()}
            row |= {f"{side}_{name}": value for name, value in _numbers(sums).items()}
            if not math.isfinite(row[f"{side}_loss"]):
                raise UserError(
                    f"the {side} loss is {row[f'{side}_loss']} after epoch {row['epoch']}: choose a lower trainer.lr"
                )
        self.rows.append(row)
        self._keep_best(trainer, row)
        last = trainer.current_epoch + 1 == trainer.max_epochs or trainer.should_stop
        if last or time.perf_counter() - self.saved > SAVE_EVERY_S:
            self._save(trainer, "last", weights_only=False)
            self.saved = time.perf_counter()
        if self.watch and trainer.is_global_zero:
            self.watch(row["epoch"], trainer.max_epochs, row)

    def _keep_best(self, trainer: pl.Trainer, row: dict[str, float]) -> None:
        loss = row.get("valid_loss", float("inf"))
        if loss < self.best_loss:
            self.best_loss = loss
            self._save(trainer, "best", weights_only=True)
        # A fall is a share of what it falls from; the first loss has none, and a likelihood's may be below zero.
        fall = self.min_improvement * abs(self.patience_loss) if self.patience_epoch else 0.0
        if loss < self.patience_loss - fall:
            self.patience_loss, self.patience_epoch = loss, row["epoch"]
        trainer.should_stop = self._out_of_patience()

    def _out_of_patience(self) -> bool:
        epochs = len(self.rows)
        return self.patience is not None and epochs > 0 and epochs - self.patience_epoch >= self.patience

    def _save(self, trainer: pl.Trainer, name: str, *, weights_only: bool) -> None:
        """Saves under a temporary name first; all processes take part, one writes."""
        temporary = self.stem.with_name(f".{self.stem.name}-{name}.ckpt")
        try:
            trainer.save_checkpoint(temporary, weights_only=weights_only)
            if trainer.is_global_zero:
                temporary.replace(self.stem.with_name(f"{self.stem.name}-{name}.ckpt"))
        except (OSError, RuntimeError) as error:  # torch says of a full disk that its writer failed
            reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
            raise UserError(
                f"{temporary.parent}: a checkpoint cannot be written ({reason}); make room on the "
                "disk, or choose another folder with outputs=; the same command goes on"
            ) from error
        finally:
            if trainer.is_global_zero:
                temporary.unlink(missing_ok=True)

    def _add(self, side: str, outputs: dict[str, Tensor]) -> None:
        sums = self.sums.setdefault(side, {})
        for name, value in outputs.items():
            sums[name] = sums.get(name, 0.0) + value.detach()

    def state_dict(self) -> dict:
        kept = ("rows", "best_loss", "patience_loss", "patience_epoch", "seconds")
        return {name: getattr(self, name) for name in kept}

    def load_state_dict(self, state: dict) -> None:
        vars(self).update(state)


def whole_checkpoint(stem: Path, keep: str) -> Path | None:
    """Returns the checkpoint to go on from; None where the stage begins, or begins anew because one is damaged.

    The same seed gives the same weights again.
    """
    last, *others = (stem.with_name(f"{stem.name}-{name}.ckpt") for name in dict.fromkeys(("last", keep)))
    if not last.exists():
        return None
    if all(map(_whole, (last, *others))):
        return last
    logger.info("a checkpoint in %s is damaged: its training begins anew", stem.parent)
    for file in (last, *others):
        file.unlink(missing_ok=True)
    return None


def _whole(file: Path) -> bool:
    """Says whether every part of a checkpoint, which is a zip file, has the content that was written."""
    try:
        with zipfile.ZipFile(file) as parts:
            return parts.testzip() is None and "state_dict" in torch.load(file, weights_only=True, map_location="cpu")
    except Exception:  # noqa: BLE001 - damage comes in any form
        return False


def _numbers(sums: dict[str, Tensor]) -> dict[str, float]:
    """Returns what a task summed, as means over rows.

    Where it counted rows, and those that were right (`correct`), by class: accuracy and balanced accuracy.
    """
    rows = sums.pop("rows")
    numbers = {name: float(value.sum() / rows.sum()) for name, value in sums.items()}
    if "correct" in sums:
        recall = (sums["correct"] / rows)[rows > 0]
        numbers |= {"accuracy": numbers.pop("correct"), "balanced_accuracy": float(recall.mean())}
    return numbers


def _leave_the_others() -> None:
    """Ends the threads that speak with other processes while Python still runs.

    Lightning does so for NCCL only. A thread of gloo that still holds a tensor when Python ends aborts its process
    (pytorch/pytorch issue 190489), here in one of five trainings of two processes on a busy machine. What refers to the
    group may be part of a cycle, so that it is collected too.
    """
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    gc.collect()


def _now(task: pl.LightningModule) -> float:
    """Returns the time in seconds when the device has done what it was given; a GPU works behind the program."""
    if task.device.type == "cuda":
        torch.cuda.synchronize(task.device)
    return time.perf_counter()


def say_less() -> None:
    """Silences what libraries say of themselves while they train, in this process."""
    for library in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(library).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", "`isinstance.treespec, LeafSpec.` is deprecated")  # Lightning's own business
    warnings.filterwarnings("ignore", "You defined a `validation_step` but have no `val_dataloader`")
    warnings.filterwarnings("ignore", "Found .* module\\(s\\) in eval mode")  # `frozen` parts are
