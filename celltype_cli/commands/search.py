"""`celltype search`: searches settings on inner folds, trains once with the best, and looks at the hold-out once."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from celltype_cli.commands import typed
from celltype_cli.commands.train import print_outcome, record, say_first
from celltype_cli.core.messages import UserError
from celltype_cli.core.terminal import say, say_note, say_pairs

if TYPE_CHECKING:
    from celltype_cli.studies.search.search import Found


def run(cfg: DictConfig) -> dict[str, Any]:
    """Runs or continues the search and prints what it found; returns the refit's record for the table of a multirun."""
    if find_spec("optuna") is None:
        raise UserError("optuna is missing: pip install 'celltype[search]'")
    if not typed.multirun():
        say_first()
    from celltype_cli.studies.search import search

    chosen, base = _as_train()
    found = search.run(cfg, labels=typed.labels("search"), chosen=chosen, base=base)
    if not typed.multirun():
        _show(found)
    return record(found.outcome)


def _show(found: Found) -> None:
    """Prints the best settings, what to know about them, the refit's score on the hold-out, and the places."""
    best, failed = found.best, sum(not trial.result for trial in found.done)
    metric = found.search.metric.replace("_", " ").replace("f1", "F1")
    said = f"{len(found.done)} trials" + (f", {failed} of them failed" if failed else "")
    say(f"\n{said}; the best, trial {best.number}: {metric} {best.result.value:.3f} in inner folds")
    for key, value in best.values.items():
        say(f"  {key}={value}")
    for note in found.notes:
        say_note(note)
    say_pairs({**found.files, "again": typed.line("train", *found.overrides)})
    say("\nThe refit, on the hold-out:")
    print_outcome(found.outcome)


def _as_train() -> tuple[list[str], DictConfig]:
    """Returns overrides of `celltype train` that choose the same options, and what it composes from them.

    Trainer and prepare are named only where the configs of model and dataset would choose others.
    """
    choices, by_others = HydraConfig.get().runtime.choices, ("trainer", "prepare")
    left_out = ("search", "logger", *by_others)
    groups = [g for g, choice in choices.items() if choice and not g.startswith("hydra/") and g not in left_out]
    chosen = [f"{group}={choices[group]}" for group in sorted(groups, key=lambda group: ("@" in group, group))]
    unnamed = compose("train", overrides=chosen, return_hydra_config=True).hydra.runtime.choices
    chosen += [f"{group}={choices[group]}" for group in by_others if unnamed[group] != choices[group]]
    return chosen, compose("train", overrides=chosen)
