"""What a search leaves in its folder: a table of trials, the best settings as overrides, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from celltype_cli.core.files import replacing
from celltype_cli.studies.search.journal import Done, Study
from celltype_cli.studies.search.overrides import text
from celltype_cli.studies.search.space import Space

ENOUGH = 20  # trials with a score, for importances


def best_of(done: Sequence[Done]) -> Done | None:
    """Returns the trial with the largest mean over the inner folds, the earliest of equal ones."""
    scored = [trial for trial in done if trial.result]
    return max(scored, key=lambda trial: (trial.result.value, -trial.number)) if scored else None


def table(done: Sequence[Done], space: Space, metric: str) -> pd.DataFrame:
    """Makes one line per finished trial: its score (mean over inner folds), each fold's, time, epochs and settings."""
    folds = max((len(trial.result.values) for trial in done if trial.result), default=0)
    lines = []
    for trial in done:
        result = trial.result
        values = result.values if result else [np.nan] * folds
        lines.append(
            {
                "trial": trial.number,
                metric: result.value if result else np.nan,
                **{f"fold_{k}": value for k, value in enumerate(values)},
                "training_seconds": result.seconds if result else np.nan,
                "epochs": " ".join(map(str, result.epochs)) if result else "",
                **{key: text(trial.values[key]) for key in space},
                "failed": trial.reason,
            }
        )
    return pd.DataFrame(lines)


def paths(folder: Path) -> dict[str, Path]:
    """Returns the files of a finished search by kind."""
    names = {"trials": "trials.csv", "settings": "best.yaml", "history": "history.png", "slices": "slices.png"}
    return {kind: folder / name for kind, name in names.items()}


def write(study: Study, space: Space, metric: str, title: str) -> None:
    """Writes trials.csv and the pictures."""
    from celltype_cli.core import plots
    from celltype_cli.studies.search import pictures

    done, files = study.done(), paths(study.folder)
    write_table(study.folder, done, space, metric)
    plots.save(pictures.history(done, metric, title), files["history"])
    scored = [trial for trial in done if trial.result]
    plots.save(pictures.slices(scored, space, importances(study, space), metric, title), files["slices"])


def write_table(folder: Path, done: Sequence[Done], space: Space, metric: str) -> None:
    with replacing(paths(folder)["trials"]) as temporary:
        table(done, space, metric).to_csv(temporary, index=False)


def write_best(folder: Path, overrides: Sequence[str], comment: str) -> None:
    """Writes the overrides of the refit as a YAML list under a comment."""
    with replacing(paths(folder)["settings"]) as temporary:
        temporary.write_text(f"# {comment}\n" + yaml.safe_dump(list(overrides), width=1000), encoding="utf-8")


def importances(study: Study, space: Space) -> dict[str, float]:
    """Returns each setting's share in the variance of the score, by functional ANOVA of a forest fitted to the trials.

    Source: Hutter, Hoos and Leyton-Brown, ICML 2014, as Optuna has it. Its default, PED-ANOVA, gave a setting without
    any effect a fifth of the importance after 50 trials, this one a tenth. Empty where trials are too few to tell.
    """
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    if sum(trial.result is not None for trial in study.done()) < ENOUGH:
        return {}
    return get_param_importances(study.study, evaluator=FanovaImportanceEvaluator(seed=0), params=list(space))
