"""What the readers of sorted units are told, and what they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from celltype_cli.extracellular.recording import Recording


@dataclass(frozen=True)
class How:
    """What the user says of files.

    Attributes:
        quality: "good" takes the clusters of a Phy folder that are sorted as good, "all" takes all.
        units: numbers of the clusters of a Phy folder to take, whatever their quality; None for those of `quality`.
        sampling_rate: Hz, in place of what files say; None for what they say.
    """

    quality: str = "good"
    units: Sequence[int] | None = None
    sampling_rate: float | None = None


@dataclass
class Found:
    """What a file, or several, hold.

    Attributes:
        recordings: that can be used.
        lost: a line "<where>: <what is wrong>" for each unit or file that cannot.
        notes: how files were read, where that was found out or assumed.
    """

    recordings: list[Recording] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, other: Found) -> None:
        self.recordings += other.recordings
        self.lost += other.lost
        self.notes += [note for note in other.notes if note not in self.notes]
