"""Shows a run on the terminal while it computes."""

from __future__ import annotations

from celltype_cli.core.terminal import bar, console


class Progress:
    """A bar of epochs within folds, and a line for each finished fold; without a terminal, the lines alone."""

    def __init__(self, dataset: str, model: str, folds: int) -> None:
        self.folds = folds
        self.bar = bar()
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

    def finish_fold(self, fold: int, balanced_accuracy: float) -> None:
        console.print(f"  fold {fold + 1}/{self.folds}: balanced accuracy {balanced_accuracy:.3f} per cell")
        self.bar.update(self.task, completed=self.bar.tasks[0].total * (fold + 1) / self.folds)
