"""The stages of a training as they are configured: a task each, and the settings of the trainer that it has its own."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from celltype_cli.core.messages import UserError, nearest
from celltype_cli.trainers.protocol import Watch

logger = logging.getLogger("celltype")


def check_stages(stages: Mapping[str, Any], settings: Iterable[str]) -> None:
    """Raises a UserError when there are none, or one has no task or a setting that no stage has."""
    if not stages:
        raise UserError("trainer.stages is empty: name at least one, such as supervised")
    known = {"task", *settings}
    for name, stage in stages.items():
        where = f"trainer.stages.{name}"
        if not isinstance(stage, Mapping):
            raise UserError(f"{where}={stage} is no stage, expected {{task: {{_target_: ..., _partial_: true}}, ...}}")
        if "task" not in stage:
            raise UserError(f"{where}.task is needed: +{where}.task._target_=...")
        for key in stage:
            if key not in known:
                raise UserError(f"{where}.{key} is no setting of a stage{nearest(key, known)}")


def check_choosing(keep: str, patience: int | None, stages: Mapping[str, Any]) -> None:
    """Raises a UserError when validation cells, of which there are none, are to choose something.

    Args:
        keep, patience: of the trainer, for stages that have none of their own.
    """
    instead = {}
    named = {f"trainer.stages.{name}": stage for name, stage in stages.items()}
    for where, own in {"trainer": {"keep": keep, "patience": patience}, **named}.items():
        if own.get("keep") == "best":
            instead[f"{where}.keep=best"] = f"{where}.keep=last"
        if own.get("patience") is not None:
            instead[f"{where}.patience={own['patience']}"] = f"{where}.patience=null"
    if instead:
        raise UserError(
            f"{' and '.join(instead)} need validation cells, and the split leaves none: "
            f"set {' '.join(instead.values())}, or a split that leaves some"
        )


def with_inputs(
    stages: Mapping[str, Any], inputs: Iterable[str], forward: Callable[..., Any]
) -> dict[str, Mapping[str, Any]]:
    """Returns the stages that have something to train: all but those about inputs that are not prepared.

    Args:
        inputs: that the network is given.
        forward: whose arguments are all that it could take.

    Raises:
        UserError: when a stage is about what is no input of the network, or none has anything to train.
    """
    found, known = {}, inspect.signature(forward).parameters
    for name, stage in stages.items():
        own = own_inputs(stage)
        for one in own or ():
            if one not in known:
                where = f"trainer.stages.{name}.task.inputs: {one}"
                raise UserError(f"{where} is no input of this model{nearest(one, known)}; known: {', '.join(known)}")
        if own is None or {*own} & {*inputs}:
            found[name] = stage
        else:
            logger.info("stage %s is passed over: none of its inputs is prepared (%s)", name, ", ".join(own))
    if not found:
        raise UserError(f"none of trainer.stages {', '.join(stages)} is about an input that is prepared")
    return found


def own_inputs(stage: Mapping[str, Any]) -> Sequence[str] | None:
    """Returns the inputs that a stage is about; None for all."""
    return getattr(stage["task"], "keywords", {}).get("inputs")


def takes_unlabelled(stage: Mapping[str, Any]) -> bool:
    return getattr(stage["task"], "func", stage["task"]).unlabelled


def after(row: dict[str, float], prefix: str, epochs: int, seconds: float) -> dict[str, float]:
    """Returns an epoch's numbers, counted on from the stages before, and named after a stage that is not the last."""
    moved = {"epoch": row["epoch"] + epochs, "seconds": row["seconds"] + seconds}
    return moved | {(f"{prefix}_{name}" if prefix else name): row[name] for name in row if name not in moved}


def watched(watch: Watch | None, prefix: str, before: int, epochs: int) -> Watch | None:
    """Returns what hears of the epochs of one stage as of those of the whole training."""
    if watch is None or not (prefix or before):
        return watch
    return lambda epoch, of, row: watch(epoch + before, before + epochs, after(row, prefix, before, 0.0))
