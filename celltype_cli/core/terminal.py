"""Shows a run on the terminal while it computes."""

from __future__ import annotations

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from celltype_cli.evaluation import scores

console = Console(highlight=False)


def say(text: str = "") -> None:
    """Prints a line as it is: paths and commands are not wrapped, so that they can be copied."""
    console.print(text, soft_wrap=True, markup=False)


class Progress:
    """A bar of epochs within folds, and a line for each finished fold; without a terminal, the lines alone."""

    def __init__(self, dataset: str, model: str, folds: int) -> None:
        self.folds = folds
        self.bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.task = self.bar.add_task(f"{model} on {dataset}", total=folds, numbers="")

    def __enter__(self) -> Progress:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def epoch(self, fold: int, epoch: int, epochs: int, values: dict[str, float]) -> None:
        numbers = [f"fold {fold + 1}/{self.folds}"]
        numbers += [f"{side} accuracy {values[f'{side}_accuracy']:.2f}" for side in ("train", "valid")
                    if f"{side}_accuracy" in values]  # fmt: skip
        done, total = fold * epochs + epoch, self.folds * epochs
        self.bar.update(self.task, completed=done, total=total, numbers=", ".join(numbers))

    def finish_fold(self, fold: int, table: pd.DataFrame) -> None:
        value = scores(table, n_resamples=1)["cell"]["balanced_accuracy"]["value"]
        console.print(f"  fold {fold + 1}/{self.folds}: balanced accuracy {value:.3f} per cell")
        self.bar.update(self.task, completed=self.bar.tasks[0].total * (fold + 1) / self.folds)
