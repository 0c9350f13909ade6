"""The whole report, before it is written in any format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from celltype_cli.evaluation.comparison import LEVEL
from celltype_cli.studies.papers.paper import Paper
from celltype_cli.studies.papers.report.tables import TableReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEW_SPLITS = 5
READING = (
    "Published and own figures on random splits are means over the splits with the standard deviation (published in "
    "brackets, ours after ±). Random splits put cells of one animal on both sides.",
    "Animals kept apart: whole animals are tested that training never saw; in square brackets the 95 % interval "
    "of a bootstrap over animals. The gap between the two is what knowing the animal is worth.",
    "Floor: the score of guessing the most frequent class. Bold: the highest figure of each model.",
    "Order: Spearman's and Kendall's rank correlation between published and own figures, 1 for the same order, "
    "0 for none; rows that lack a run are left out.",
)


@dataclass(frozen=True)
class Picture:
    """A figure of the report; `commands` make what it lacks, and `draw` is None where nothing is there to be drawn."""

    key: str
    table: str
    title: str
    caption: str
    draw: Callable[[], Figure] | None
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """A paper's tables and figures, from saved predictions.

    Attributes:
        marks: what every title says besides: "quick profile", "simulated data".
    """

    paper: Paper
    profile: str
    marks: tuple[str, ...]
    tables: tuple[TableReport, ...]
    pictures: tuple[Picture, ...]

    def marked(self, title: str) -> str:
        return f"{title} [{', '.join(self.marks)}]" if self.marks else title

    def reading(self) -> tuple[str, ...]:
        """Says what the numbers mean."""
        return (*READING, f"Profile {self.profile}: {self.paper.profiles[self.profile]}.")

    def titled(self, table: TableReport) -> str:
        return self.marked(f"{table.source}. {table.title}")


def sentences(table: TableReport) -> Iterator[str]:
    """Says in words what stands below a table: order of models, paired tests, notes."""
    if table.models:
        ways = {"published": "in the paper", "ours": "here on random splits", "apart": "here with animals kept apart"}
        orders = [f"{words} {' > '.join(table.models[key])}" for key, words in ways.items() if key in table.models]
        yield f"Models by their best row: {'; '.join(orders)}."
    for words, test in table.comparisons.items():
        few = "; with so few splits the others may differ as well" if test.n_splits < FEW_SPLITS else ""
        yield (
            f"Paired test of {words} over {test.n_splits} random splits (Nadeau-Bengio, Holm): {test.told_apart} of "
            f"{len(test.pairs)} pairs told apart at {LEVEL}{few}."
        )
    yield from table.notes
