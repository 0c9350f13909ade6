"""What a dataset and its inputs are, in words, units and names, for whoever shows a number of it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Axis:
    """One axis of an input's rows: what it is, its unit, and its values at the centres of the first and last pixel."""

    name: str
    unit: str
    first: float
    last: float

    @property
    def label(self) -> str:
        """Returns name and unit, as they stand beside the axis of a picture."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True)
class Input:
    """Says what one input of cells is, for whoever draws, explains or compares it without knowing its name.

    Attributes:
        unit: of the values, for instance "dF/F".
        sampling_rate: Hz, of the last axis; None where that is no time.
        axes: one `Axis` for each axis of a row that has a meaning, the last axis last: one for traces, two for images.
        channels: names along the axis before those.
        columns: names of the columns of a table [row, column], with units: "tau (ms)"; NaN there means "not measured".
        models: options of `model` to try on it, the usual first; further settings may follow an option.
    """

    unit: str = ""
    sampling_rate: float | None = None
    axes: tuple[Axis, ...] = ()
    channels: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class Condition:
    """Says how far a recording may be from those that a model knows, in one thing of how it was made: its rate, length.

    Attributes:
        unit: of the values, which are positive.
        noted: the smallest and largest ratio, to the nearest of the known recordings, of which nothing is said.
        withheld: likewise, beyond which a model should not label.
    """

    unit: str
    noted: tuple[float, float]
    withheld: tuple[float, float] = (0.0, float("inf"))


@dataclass(frozen=True)
class About:
    """Says what a dataset is, for every output that shows a number of it.

    Attributes:
        name: the dataset's short name, as in its config.
        simulated: True when no animal was recorded; every output then says so.
        citation: what to cite when the data are used.
        notes: warnings that belong beside every score, for instance a confound.
        group: what a group is called: animal, donor, recording.
        inputs: what each input is, by its name.
        conditions: of `Cells.conditions`, by their names.
    """

    name: str
    simulated: bool = False
    citation: str = ""
    notes: tuple[str, ...] = ()
    group: str = "group"
    inputs: dict[str, Input] = field(default_factory=dict)
    conditions: dict[str, Condition] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.name} (simulated)" if self.simulated else self.name

    def of(self, name: str) -> Input:
        """Returns what an input is; nothing is said of one that the dataset does not describe."""
        return self.inputs.get(name, Input())


def count_in_words(n_cells: int, n_groups: int, unknown: int, group: str) -> str:
    """Counts cells and what they come from: "24 cells of 6 animals".

    Args:
        unknown: cells of which no group is known; each counts as a group of its own in `n_groups`.
        group: what a group is called.
    """
    joint = ", " if unknown and unknown == n_groups else " "
    return f"{n_cells} cell{'s' * (n_cells != 1)}{joint}{count_groups(n_groups, unknown, group)}"


def count_groups(n_groups: int, unknown: int, group: str) -> str:
    """Counts groups, of which `unknown` are single cells whose group is not known: "of 6 animals"."""
    if unknown and unknown == n_groups:
        return f"{group}s unknown"
    known = n_groups - unknown
    return f"of {known} {group}{'' if known == 1 else 's'}" + (f" and {unknown} unknown" if unknown else "")
