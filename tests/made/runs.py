"""Small run folders as `celltype train` leaves them, without training: for tests of what is made from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from celltype_cli.core.states import seal
from celltype_cli.evaluation.predictions import write_predictions
from celltype_cli.evaluation.saved_scores import write_scores
from celltype_cli.evaluation.scores import scores
from celltype_cli.runs.folder import RunFolder

CLASSES = ("PY", "PV", "SOM", "VIP")
LABELS = {"dataset": "calcium_sim", "model": "m", "split": "grouped_kfold", "trainer": "cpu", "command": "train"}
FACTS = {
    "labels": {**LABELS, "split": "shuffle"},
    "seed": 0,
    "threads": 1,
    "split": {"folds": 1, "shares": ["group"], "monitor": "valid", "notes": [], "copies": []},
    "started": "2026-01-01T00:00:00+00:00",
}
DATASET = {"title": "toy (simulated)", "simulated": True, "fingerprint": "f0", "notes": ["no animal was recorded"],
           "group": "group", "inputs": {}}  # fmt: skip
MACHINE = {"processor": "a processor", "cores": 2, "gpu": None}


def fake_run(
    path: Path,
    accuracy: Sequence[float],
    *,
    classes: Sequence[str] = CLASSES,
    per_class: int = 10,
    test_share: float = 0.2,
    curves: pd.DataFrame | None = None,
    seconds: float = 1.0,
    chosen: Sequence[dict] = ({},),
    split_seed: int = 0,
    monitor: str = "valid",
    seed: int = 0,
    **dataset: object,
) -> RunFolder:
    """Writes a finished run of random splits with this share of right answers in each, a cell a row.

    The wrong answers name the next class. The same `split_seed` gives the same test cells.
    """
    rng = np.random.default_rng(split_seed)
    n = per_class * len(classes)
    label = np.arange(n) % len(classes)
    cell_id = np.array([f"c{i:04d}" for i in range(n)])
    group = np.array([f"animal_{i // len(classes) % 5}" for i in range(n)])
    tables, sides = [], []
    for fold, share in enumerate(accuracy):
        test = np.sort(np.concatenate([
            rng.permutation(np.flatnonzero(label == c))[: round(test_share * per_class)] for c in range(len(classes))
        ]))  # fmt: skip
        exact = np.argsort(np.arange(len(test)) * 0.6180339887 % 1)[: round(share * len(test))]
        right = np.isin(np.arange(len(test)), exact)
        predicted = np.where(right, label[test], (label[test] + 1) % len(classes))
        proba = np.full((len(test), len(classes)), 0.1)
        proba[np.arange(len(test)), predicted] = 1.1 - 0.1 * len(classes)
        names = np.array(classes)
        columns = {"fold": fold, "row": test, "cell_id": cell_id[test], "group": group[test]}
        columns |= {"label": names[label[test]], "predicted": names[predicted]}
        tables.append(pd.DataFrame({**columns, **{f"p_{name}": proba[:, c] for c, name in enumerate(classes)}}))
        side = np.where(np.isin(np.arange(n), test), "test", "train")
        of_cells = {"cell_id": cell_id, "group": group, "label": names[label]}
        sides.append(pd.DataFrame({"fold": fold, "side": side, **of_cells}))
    predictions = pd.concat(tables, ignore_index=True)
    facts = {**FACTS, "seed": seed, "dataset": {**DATASET, **dataset}, "split": {**FACTS["split"], "monitor": monitor}}
    path.mkdir(parents=True)
    write_predictions(predictions, path / "predictions.csv")
    pd.concat(sides).to_csv(path / "split.csv", index=False)
    curves = pd.DataFrame(columns=["fold", "epoch", "name", "value"]) if curves is None else curves
    curves.to_csv(path / "curves.csv", index=False)
    (path / "run.json").write_text(json.dumps(facts))
    (path / "environment.json").write_text(json.dumps(MACHINE))
    for fold in range(len(accuracy)):
        (path / f"fold_{fold}").mkdir()
        fitted = {"training_seconds": seconds + fold, "chosen": chosen[fold % len(chosen)]}
        (path / f"fold_{fold}" / "time.json").write_text(json.dumps(fitted))
    run = RunFolder(path)
    write_scores(run.confidence_of(predictions), path / "calibration.json")
    write_scores(scores(predictions), path / "scores.json")
    seal(path, ["predictions.csv", "calibration.json", "scores.json"])
    return run


def fake_curves(ends: Sequence[float], epochs: int) -> pd.DataFrame:
    """Gives learning curves that rise to these accuracies, one per fold."""
    rows = [
        (fold, epoch, "valid_accuracy", 0.25 + (end - 0.25) * (1 - 0.7**epoch) / (1 - 0.7**epochs))
        for fold, end in enumerate(ends)
        for epoch in range(1, epochs + 1)
    ]
    return pd.DataFrame(rows, columns=["fold", "epoch", "name", "value"])


def stamps(folder: Path) -> dict[str, int]:
    """Says when each finished run below a folder wrote its scores."""
    return {file.parent.name: file.stat().st_mtime_ns for file in folder.glob("outputs/runs/*/scores.json")}
