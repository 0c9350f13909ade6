"""Which rows of a table are compared in pairs: over the splits of the paper, and over animals beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from celltype_cli.core.messages import UserError
from celltype_cli.evaluation.comparison import LEVEL, Comparison, Entrant, compare
from celltype_cli.evaluation.paired import Difference, paired
from celltype_cli.studies.papers.report.lines import Line
from celltype_cli.studies.papers.report.results import Result

FAMILY = 12  # more lines than this are tested model by model: Holm's correction over all pairs would hide everything


@dataclass(frozen=True)
class Family:
    """Some rows of a table, compared with each other.

    Attributes:
        splits: the comparison over splits, of which p holds for the groups at hand.
        groups: of each pair of `splits` the comparison with groups as units; empty where it cannot be made.
        way: which predictions these are of: "animals kept apart" where all rows have them, else the paper's split.
    """

    splits: Comparison
    groups: tuple[Difference, ...] = ()
    way: str = ""

    @property
    def apart_over_groups(self) -> int:
        return sum(difference.adjusted < LEVEL for difference in self.groups)

    def in_short(self, group: str) -> str:
        """Says how many pairs are told apart, by either comparison."""
        n, splits = len(self.splits.pairs), self.splits
        over_splits = "no test over splits" if splits.untested else f"{splits.told_apart} of {n} pairs told apart"
        return over_splits + (f", {self.apart_over_groups} of {n} over {group}s" if self.groups else "")

    def sentences(self, words: str, way: str, group: str) -> Iterator[str]:
        """Says what both comparisons found.

        Args:
            words: what was compared.
            way: what the paper's own split is called.
            group: what the datasets call a group.
        """
        splits, n = self.splits, len(self.splits.pairs)
        if splits.untested:
            yield f"No paired test of {words} over the splits of the paper: {splits.untested}."
        else:
            yield (
                f"Paired test of {words} over {splits.counted}, {way} (Nadeau-Bengio, Holm): {splits.told_apart} of "
                f"{n} pairs told apart at {LEVEL}, for these {group}s."
            )
        if self.groups:
            counts = sorted({difference.n_groups for difference in self.groups})
            counted = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
            least = min(1.0, max(difference.least_p for difference in self.groups) * n)
            few = f"; so few {group}s and so many pairs cannot give a p below {least:.2g}" if least >= LEVEL else ""
            lost = max(difference.left_out for difference in self.groups)
            left = f"; up to {lost} cells that one row of a pair lacks are left out" if lost else ""
            yield (
                f"The same over {counted} {group}s as units, {self.way} (swaps, Holm): {self.apart_over_groups} of {n} "
                f"pairs told apart at {LEVEL}{few}{left}."
            )

    def records(self) -> Iterator[dict[str, Any]]:
        """Gives every number of both comparisons, a pair at a time."""
        for k, pair in enumerate(self.splits.pairs):
            names = {"first": self.splits.names[pair.first], "second": self.splits.names[pair.second]}
            of_splits = {**asdict(pair), **names, "n_splits": self.splits.n_splits, "untested": self.splits.untested}
            of_groups = asdict(self.groups[k]) if self.groups else {}
            yield {**of_splits, "over_groups": self.way, **{f"over_{name}": x for name, x in of_groups.items()}}


def families(
    lines: Sequence[Line],
    runs: Mapping[str, tuple[Result, Result | None]],
    metric: str,
    way: str,
    group: str,
) -> tuple[dict[str, Family], list[str]]:
    """Compares all rows of a short table; of a long one the paper's best rows of all models, and each model's rows.

    Rows that were tested on different cells are compared among those of their own dataset.

    Args:
        runs: by the label of its line, the run on the paper's split and, where there is one, with groups kept apart.

    Returns:
        the families by what was compared, and remarks on what could not be.
    """
    planned, lines = len(lines), [line for line in lines if line.label in runs]
    title = {name: run.facts["dataset"]["title"] for name, (run, _) in runs.items()}
    if len(lines) <= FAMILY:
        members = {"all rows" if len(lines) == planned else "the rows that ran": lines}
    else:
        models = dict.fromkeys(line.group for line in lines)
        members = {"the paper's best row of each model": [line for line in lines if line.best]}
        members |= {f"the rows of {model}": [line for line in lines if line.group == model] for model in models}
    found, remarks = {}, []
    waiting = [(words, [line.label for line in these]) for words, these in members.items()]
    for words, labels in waiting:
        if len(labels) < 2:
            continue
        entrants = [Entrant(label, runs[label][0].per_split(metric), runs[label][0].split) for label in labels]
        try:
            splits = compare(entrants)
        except UserError as error:
            datasets = list(dict.fromkeys(title[label] for label in labels))
            if len(datasets) == 1:
                remarks.append(f"No paired test of {words}: {error}.")
            else:
                waiting += [(f"{words} on {name}", [x for x in labels if title[x] == name]) for name in datasets]
            continue
        try:
            found[words] = Family(splits, *_over_groups({x: runs[x] for x in labels}, metric, way, group))
        except UserError as error:
            found[words] = Family(splits)
            remarks.append(f"No comparison of {words} over {group}s: {error}.")
    return found, remarks


def _over_groups(
    runs: Mapping[str, tuple[Result, Result | None]], metric: str, way: str, group: str
) -> tuple[tuple[Difference, ...], str]:
    """Compares runs with groups kept apart where all rows have one, else those on the paper's split."""
    apart = all(run for _, run in runs.values())
    tables = {name: both[apart].predictions for name, both in runs.items()}
    return tuple(paired(tables, score=metric).values()), f"{group}s kept apart" if apart else way
