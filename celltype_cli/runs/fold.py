"""The folder of one fold: what it holds, and whether the fold is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from celltype_cli.core.files import write_text
from celltype_cli.core.states import read_json, read_state, seal, sealed
from celltype_cli.evaluation.predictions import read_predictions, write_predictions
from celltype_cli.trainers.kept import keep
from celltype_cli.trainers.protocol import Fitted

FILES = ("curves.csv", "time.json", "predictions.csv")


class FoldFolder:
    """Holds a fold's checkpoints, learning curves, time, scores and predictions; files that were cut do not count."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def model(self) -> Path:
        """Where the fitted model is kept."""
        return self.path / "model"

    @property
    def done(self) -> bool:
        return sealed(self.path)

    def write(self, k: int, table: pd.DataFrame, fitted: Fitted, scores: dict[str, float], *, keep_model: bool) -> None:
        """Writes the model and the files of fold k, and last their digests, which make it count as done."""
        history = pd.DataFrame(fitted.history, columns=None if fitted.history else ["epoch"])
        curves = history.melt("epoch", var_name="name").dropna().assign(fold=k)[["fold", "epoch", "name", "value"]]
        about = {"training_seconds": fitted.seconds, "chosen": fitted.chosen, "scores": scores}
        if keep_model and (reason := keep(fitted.predict, self.model)):
            about["model_not_kept"] = reason
        write_text(self.path / "curves.csv", curves.to_csv(index=False))
        write_text(self.path / "time.json", json.dumps(about, indent=2) + "\n")
        write_predictions(table, self.path / "predictions.csv")
        seal(self.path, FILES)

    def predictions(self) -> pd.DataFrame:
        return read_predictions(self.path / "predictions.csv")

    def curves(self) -> pd.DataFrame:
        return read_state(self.path / "curves.csv", pd.read_csv)

    def about(self) -> dict[str, Any]:
        """Returns training_seconds, the settings that a search has chosen, and scores."""
        return read_json(self.path / "time.json", {"training_seconds": float})

    def drop_checkpoints(self) -> None:
        for file in self.path.glob("*.ckpt"):
            file.unlink()
