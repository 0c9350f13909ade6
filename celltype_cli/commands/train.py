"""`celltype train`: trains and scores one config, and says what was made and where."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig

from celltype_cli.commands import typed


def run(cfg: DictConfig) -> dict[str, Any]:
    """Runs the config and prints the result; returns the record of the run for the table of a multirun."""
    from celltype_cli.commands.summary import print_outcome, record
    from celltype_cli.runs import train

    outcome = train.train(cfg, labels=typed.labels(), overrides=typed.overrides(), jobs=typed.jobs())
    if not typed.multirun():
        print_outcome(outcome)
    return record(outcome)
