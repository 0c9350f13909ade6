"""Shows a run on the terminal while it computes."""

from __future__ import annotations

from celltype_cli.core.messages import printable
from celltype_cli.core.terminal import bar, say

SHOWN = ("valid_accuracy", "train_accuracy", "grid_accuracy")  # the first that an epoch has


class Progress:
    """A bar of epochs within folds, counted from 1, and a line for each finished fold; without a terminal, the lines.

    Args:
        words: that stand before the fold.
    """

    def __init__(self, folds: int, words: str = "") -> None:
        self.folds, self.words = folds, printable(words)
        self.bar = bar()
        self.task = self.bar.add_task(self._fold(1), total=folds, numbers="preparing")

    def __enter__(self) -> Progress:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def begin_fold(self, fold: int) -> None:
        self.bar.update(self.task, description=self._fold(fold), numbers="preparing")

    def epoch(self, fold: int, epoch: int, epochs: int, values: dict[str, float]) -> None:
        score = next((f"{name.replace('_', ' ')} {values[name]:.2f}" for name in SHOWN if name in values), "")
        done, total = (fold - 1) * epochs + epoch, self.folds * epochs
        what = "fit" if "grid_accuracy" in values else "epoch"
        words = f"{self._fold(fold)}, {what} {epoch}/{epochs}"
        self.bar.update(self.task, completed=done, total=total, description=words, numbers=score)

    def finish_fold(self, fold: int, balanced_accuracy: float) -> None:
        say(f"  fold {fold}/{self.folds}: balanced accuracy {balanced_accuracy:.3f} per cell")
        self.bar.update(self.task, completed=self.bar.tasks[0].total * fold / self.folds)

    def _fold(self, fold: int) -> str:
        return f"{self.words}fold {fold}/{self.folds}"
