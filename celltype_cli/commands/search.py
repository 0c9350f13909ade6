"""`celltype search`: searches settings on inner folds, trains once with the best, and looks at the hold-out once."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, open_dict

if TYPE_CHECKING:
    from celltype_cli.studies.search.search import Found


def run(cfg: DictConfig) -> dict[str, Any]:
    """Runs or continues the search and prints what it found; returns status, folder and score for a sweep's table."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from celltype_cli.commands.summary import one_line
    from celltype_cli.runs.environment import cores
    from celltype_cli.studies.search import search

    hydra = HydraConfig.get()
    sweeping = hydra.mode == RunMode.MULTIRUN
    jobs = int(hydra.launcher.get("n_jobs", 1)) if sweeping else 1
    labels = {name: str(hydra.runtime.choices[name]) for name in ("dataset", "model", "split", "trainer", "search")}
    labels["command"] = hydra.job.config_name
    chosen, base = _as_train(hydra.runtime.choices)
    found = search.run(cfg, labels=labels, chosen=chosen, base=base, jobs=jobs if jobs > 0 else cores())
    if not sweeping:
        show(found)
    outcome = found.outcome
    return {"status": outcome.status, "folder": str(outcome.folder.path), "result": one_line(outcome.scores)}


def show(found: Found) -> None:
    """Prints the best settings, what to know about them, the refit's score on the hold-out, and the places."""
    from celltype_cli.commands.summary import print_outcome
    from celltype_cli.core.terminal import say

    best, failed = found.best, sum(not trial.result for trial in found.done)
    metric = found.search.metric.replace("_", " ").replace("f1", "F1")
    said = f"{len(found.done)} trials" + (f", {failed} of them failed" if failed else "")
    say(f"\n{said}; the best, trial {best.number}: {metric} {best.result.value:.3f} in inner folds")
    for key, value in best.values.items():
        say(f"  {key}={value}")
    for note in found.notes:
        say(f"note: {note}")
    say()
    for kind, path in found.files.items():
        say(f"{kind:<11}{path}")
    say(f"again      celltype train {shlex.join(found.overrides)}")
    say("\nThe refit, on the hold-out:")
    print_outcome(found.outcome)


def _as_train(choices: DictConfig) -> tuple[list[str], DictConfig]:
    """Returns overrides of `celltype train` that choose the same options, and what it composes from them.

    The trainer is named only where the model's config would choose another.
    """
    left_out = ("search", "logger", "trainer")
    groups = {g: choice for g, choice in choices.items() if choice and not g.startswith("hydra/") and g not in left_out}
    chosen = [f"{group}={groups[group]}" for group in sorted(groups, key=lambda group: ("@" in group, group))]
    base, trainer = _composed(chosen)
    if trainer != choices["trainer"]:
        chosen.append(f"trainer={choices['trainer']}")
        base, _ = _composed(chosen)
    return chosen, base


def _composed(chosen: list[str]) -> tuple[DictConfig, str]:
    """Composes `celltype train` inside the running Hydra application; returns the config and the trainer's option."""
    from hydra import compose

    cfg = compose("train", overrides=chosen, return_hydra_config=True)
    trainer = str(cfg.hydra.runtime.choices["trainer"])
    with open_dict(cfg):
        del cfg["hydra"]
    return cfg, trainer
