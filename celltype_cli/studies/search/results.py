"""What a search leaves in its folder: a table of trials, the best settings as overrides, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from celltype_cli.core.files import write_text
from celltype_cli.studies.search.journal import Done, Study
from celltype_cli.studies.search.space import text
from celltype_cli.studies.search.trials import Result

FIGURES = ("history", "slices")
ENOUGH = 20  # trials with a score, for importances


def best_of(done: Sequence[Done]) -> Done | None:
    """Returns the trial with the largest mean over the inner folds, the earliest, so the first, of equal ones."""
    return max((trial for trial in done if trial.result), key=lambda trial: trial.result.value, default=None)


def paths(folder: Path, formats: Sequence[str] = ()) -> dict[str, Path]:
    """Returns the files of a finished search by kind, its figures in some formats."""
    names = {"trials": "trials.csv", "settings": "best.yaml"}
    names |= {f"{figure}, {kind}": f"{figure}.{kind}" for figure in FIGURES for kind in formats}
    return {kind: folder / name for kind, name in names.items()}


def write(study: Study, overrides: Sequence[str], title: str, formats: Sequence[str]) -> None:
    """Writes the table of trials, the overrides of the refit as a YAML list, and the pictures in some formats."""
    from celltype_cli.core import plots
    from celltype_cli.studies.search import pictures

    files, metric = paths(study.folder), study.search.metric
    done = write_table(study)
    scored, best = [trial for trial in done if trial.result], best_of(done)
    comment = f"{metric} {best.result.value:.4f} on {study.search.folds} inner folds, {' '.join(title.splitlines())}"
    listed = yaml.safe_dump(list(overrides), width=1000)
    write_text(files["settings"], f"# celltype train, trial {best.number}: {comment}\n{listed}")
    shares = importances(study) if len(scored) >= ENOUGH else {}
    figures = pictures.history(done, metric, title), pictures.slices(scored, study.space, shares, metric, title)
    for name, figure in zip(FIGURES, figures):
        plots.save(figure, study.folder / name, formats)


def write_table(study: Study) -> list[Done]:
    """Writes one line per finished trial: its score (mean over inner folds), each fold's, seconds, epochs, settings.

    Returns the trials.
    """
    done, nothing = study.done(), Result([np.nan] * study.search.folds, [], np.nan)
    lines = []
    for trial in done:
        result = trial.result or nothing
        line = {"trial": trial.number, study.search.metric: result.value}
        line |= {f"fold_{k}": value for k, value in enumerate(result.values, start=1)}
        line |= {"training_seconds": result.seconds, "epochs": " ".join(map(str, result.epochs))}
        lines.append(line | {key: text(value) for key, value in trial.values.items()} | {"failed": trial.reason})
    write_text(paths(study.folder)["trials"], pd.DataFrame(lines).to_csv(index=False))
    return done


def importances(study: Study) -> dict[str, float]:
    """Returns each setting's share in the variance of the score, by functional ANOVA of a forest fitted to the trials.

    Source: Hutter, Hoos and Leyton-Brown, ICML 2014, as Optuna has it. Its default, PED-ANOVA, gave a setting without
    any effect a fifth of the importance after 50 trials, this one a tenth.
    """
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    return get_param_importances(study.study, evaluator=FanovaImportanceEvaluator(seed=0), params=list(study.space))
