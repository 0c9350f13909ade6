"""What one finished run says, read from its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from celltype_cli.evaluation.comparison import Entrant
from celltype_cli.evaluation.scores import scores
from celltype_cli.runs.folder import RunFolder


@dataclass(frozen=True, eq=False)
class Result:
    """A finished run.

    Attributes:
        folder: name of the run's folder.
        facts: as in run.json.
        environment: as in environment.json.
        scores: of `predictions`, by `evaluation.scores`.
        split: fold, side, cell_id and group, one line per cell.
        curves: fold, epoch, name and value; empty for models without epochs.
        seconds: training time of each split.
        chosen: the settings that a search has chosen in each split; empty where none was made.
    """

    folder: str
    facts: dict[str, Any]
    environment: dict[str, Any]
    predictions: pd.DataFrame
    scores: dict[str, Any]
    split: pd.DataFrame
    curves: pd.DataFrame
    seconds: list[float]
    chosen: list[dict[str, Any]]

    @classmethod
    def read(cls, folder: RunFolder) -> Result:
        predictions = folder.predictions()
        fitted = folder.fitted()
        return cls(
            folder=folder.path.name,
            facts=folder.facts(),
            environment=json.loads((folder.path / "environment.json").read_text()),
            predictions=predictions,
            scores=scores(predictions),
            split=pd.read_csv(folder.path / "split.csv", dtype={"cell_id": str, "group": str}, keep_default_na=False),
            curves=pd.read_csv(folder.path / "curves.csv"),
            seconds=[fold["training_seconds"] for fold in fitted],
            chosen=[fold["chosen"] for fold in fitted],
        )

    @property
    def n_splits(self) -> int:
        return self.predictions["fold"].nunique()

    def per_split(self, metric: str) -> Float[np.ndarray, " split"]:
        """Returns a score per split, each row of the dataset counting once, as papers count."""
        table = self.predictions[self.predictions["label"] != ""]
        return np.array([scores(part, n_resamples=1)["window"][metric]["value"] for _, part in table.groupby("fold")])

    @property
    def n_cells(self) -> int:
        return self.split["cell_id"].nunique()

    @property
    def n_groups(self) -> int:
        return self.split["group"].nunique()

    def side(self, name: str) -> int:
        """Counts the cells on one side of the first split."""
        return int(((self.split["side"] == name) & (self.split["fold"] == self.split["fold"].min())).sum())

    @property
    def dataset(self) -> str:
        """Says what was classified, in words for people."""
        return f"{self.facts['dataset']['title']}: {self.n_cells:,} cells in {self.n_groups} groups"

    @property
    def machine(self) -> str:
        threads, cores, gpu = self.facts["threads"], self.environment["cores"], self.environment["gpu"]
        used = f", {gpu}" if gpu and self.facts["labels"]["trainer"] not in ("cpu", "sklearn") else ""
        counted = [f"{n} {word}" + ("s" if n != 1 else "") for n, word in ((cores, "core"), (threads, "thread"))]
        return f"{self.environment['processor']}, {', '.join(counted)}{used}"

    def entrant(self, name: str, metric: str) -> Entrant:
        return Entrant(name, self.per_split(metric), self.split)
