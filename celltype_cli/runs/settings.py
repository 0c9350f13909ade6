"""The settings of a run, for commands that name one before anything heavy is imported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge

from celltype_cli.core import configs
from celltype_cli.core.ranges import SeedNumber, Threads


@dataclass
class Settings:
    """The keys of `conf/train.yaml` and their types."""

    dataset: configs.Whole
    prepare: configs.Partial
    split: configs.Partial
    trainer: configs.Whole
    model: configs.Partial
    logger: configs.Whole
    seed: SeedNumber
    threads: Threads
    permutations: Annotated[int, Ge(0)]
    keep_checkpoints: bool
    keep_models: bool
    figures: Sequence[Literal["png", "pdf", "svg"]]
    outputs: Path
