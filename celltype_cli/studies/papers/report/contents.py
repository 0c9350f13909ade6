"""The whole report, before it is written in any format."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from celltype_cli.studies.papers.paper import Paper
from celltype_cli.studies.papers.report.tables import TableReport

READING = (
    "Published and own figures on random splits are means over the splits with the standard deviation (published in "
    "brackets, ours after ±). Random splits put cells of one {group} on both sides.",
    "{Group}s kept apart: whole {group}s are tested that training never saw; in square brackets the 95 % interval "
    "of a bootstrap over {group}s. The gap between the two is what knowing the {group} is worth.",
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
    draw: partial | None
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """A paper's tables and figures, from saved predictions.

    Attributes:
        marks: what every title says besides: "quick profile", "simulated data".
        group: what the datasets call a group: "animal", "donor".
    """

    paper: Paper
    profile: str
    marks: tuple[str, ...]
    group: str
    tables: tuple[TableReport, ...] = ()
    pictures: tuple[Picture, ...] = ()

    @property
    def mark(self) -> str:
        return f" [{', '.join(self.marks)}]" if self.marks else ""

    def titled(self, table: TableReport) -> str:
        return f"{table.source}. {table.title}{self.mark}"

    def reading(self) -> list[str]:
        """Says what the numbers mean."""
        said = [sentence.format(group=self.group, Group=self.group.capitalize()) for sentence in READING]
        return [*said, f"Profile {self.profile}: {self.paper.profiles[self.profile]}."]

    def without_table(self) -> list[Picture]:
        """Lists the pictures that belong to no table: the paper's own figures."""
        own = {table.key for table in self.tables}
        return [picture for picture in self.pictures if picture.table not in own]
