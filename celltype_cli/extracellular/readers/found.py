"""What the readers of sorted units are told, and what they give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from celltype_cli.core.called import called
from celltype_cli.core.messages import UserError, few, nearest
from celltype_cli.extracellular.recording import Recording

TOO_SHORT_S = 1.0  # by which a duration may be rounded
ENOUGH = 20  # spikes, from which two equal trains are no accident
LABELS = ("cell_type", "celltype", "putative_cell_type", "putativeCellType", "ground_truth_label")  # columns of types
OTHERS = "of other sorters save an npz: spike_times (s), spike_offsets, waveform [unit, time], sampling_rate (Hz)"
NO_LABEL = ("unlabeled", "unlabelled", "unknown")


@dataclass(frozen=True)
class How:
    """What the user says of files.

    Attributes:
        quality: "good" takes the units that are sorted as good, "all" takes all.
        units: numbers of the units to take, or that their names end in, whatever their quality; None for those of
            `quality`.
        sampling_rate: Hz, in place of what files say; None for what they say.
        arrays: of npz and HDF5 files, by the names of `files` the name in the file; None for what `npz` knows.
        label: name of the column or field that holds cell types; None for the first that its format has.
    """

    quality: str = "good"
    units: Sequence[int] | None = None
    sampling_rate: float | None = None
    arrays: Mapping[str, str] | None = None
    label: str | None = None

    @property
    def named(self) -> dict[str, str]:
        """What arrays mean, and their names in the file."""
        return {**({"label": self.label} if self.label else {}), **(self.arrays or {})}

    def column(self, columns: Iterable[str], where: str, name: str, notes: list[str]) -> str | None:
        """Returns the column of a table of units that holds cell types: that asked for, else the first of `LABELS`.

        Args:
            where, name: of the file, for messages and for a note.

        Raises:
            UserError: when there is none of the name that is asked for.
        """
        columns = [*columns]
        if self.label is not None and self.label not in columns:
            raise UserError(f"{where}: its units have no column {self.label} (dataset.label); found "
                            f"{', '.join(columns) or 'none'}{nearest(self.label, columns)}")  # fmt: skip
        found = self.label or next((name for name in LABELS if name in columns), None)
        if found and self.label is None:
            notes.append(f"{name}: its column {found} says cell types")
        elif found is None and (said := [one for one in columns if called([one], ("label",)) and one != "label"]):
            notes.append(f"{name}: its column {said[0]} may say cell types: dataset.label={said[0]} takes it")
        return found


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

    def take(
        self,
        cell_id: str,
        *,
        spikes: np.ndarray | None,
        amplitudes: np.ndarray | None = None,
        notes: Sequence[str] = (),
        **known: Any,
    ) -> None:
        """Adds a unit, with its spikes in the order of time and none before the recording; or says what is wrong.

        Args:
            spikes: s, in any order; None where the file holds none.
            amplitudes: of each spike.
            known: further fields of a `Recording`.
        """
        notes = [*notes]
        try:
            if spikes is not None:
                spikes, order = in_order(spikes, notes)
                if amplitudes is not None and len(amplitudes) == len(order):
                    amplitudes = np.asarray(amplitudes, dtype=np.float32)[order]
                elif amplitudes is not None:
                    notes.append("their amplitudes are not as many as their spikes, and left out")
                    amplitudes = None
            if spikes is not None and known.get("duration", np.nan) < spikes[-1] - TOO_SHORT_S:
                notes.append("their spikes go on after the end of their recording (duration): is it in seconds? it is "
                             "taken to end with the last spike")  # fmt: skip
                known = {**known, "duration": float(spikes[-1])}
            unit = Recording(
                cell_id, spikes=spikes, amplitudes=amplitudes, notes=tuple(notes), **{"duration": np.nan, **known}
            )
        except UserError as error:
            text = str(error)
            self.lost.append(text if text.startswith("cell ") else f"cell {cell_id}: {text}")
            return
        self.recordings.append(unit)

    def only(self, units: Sequence[int] | None, where: str) -> Found:
        """Returns what is left when the units are taken whose names end in these numbers; all for None.

        Raises:
            UserError: when there is no unit of a number.
        """
        if units is None:
            return self
        number = {unit.cell_id: re.search(r"\d*$", unit.cell_id)[0] for unit in self.recordings}
        wanted = {str(one) for one in units}
        if lacking := sorted(wanted - {*number.values()}, key=int):
            held = ", ".join(few(number)) or "none"
            raise UserError(
                f"{where}: dataset.units names {', '.join(few(lacking))}, which it does not hold; its units are {held}"
            )
        self.recordings = [unit for unit in self.recordings if number[unit.cell_id] in wanted]
        return self

    def once(self) -> None:
        """Keeps of units that are listed twice, with the same spikes or the same histograms in one group, the first."""
        first: dict[Any, str] = {}
        kept = []
        for unit in self.recordings:
            content = _content(unit)
            if content and (unit.group, content) in first:
                what = "spikes" if unit.spikes is not None else "waveform and histograms"
                of = first[unit.group, content]
                self.lost.append(f"cell {unit.cell_id}: its {what} are those of {of}, so that it is listed twice")
                continue
            first[unit.group, content] = unit.cell_id
            kept.append(unit)
        self.recordings = kept


def in_order(spikes: np.ndarray, notes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Returns spikes (s) in the order of time without negative ones, and their places among those given.

    Raises:
        UserError: when there are none, or one is not finite.
    """
    spikes = np.asarray(spikes, dtype=np.float64).ravel()
    if not len(spikes):
        raise UserError("has no spikes")
    if not np.isfinite(spikes).all():
        raise UserError(f"{int((~np.isfinite(spikes)).sum())} of its {len(spikes)} spike times are no finite numbers")
    order = np.arange(len(spikes))
    if (np.diff(spikes) < 0).any():
        notes.append("their spikes are out of the order of time, and sorted")
        order = np.argsort(spikes, kind="stable")
    if (early := spikes[order] < 0).any():
        notes.append("spikes before the recording, at negative times, are left out")
        order = order[~early]
    if not len(order):
        raise UserError("has no spikes from time 0 on")
    return spikes[order], order


def _content(unit: Recording) -> Any:
    """Returns what tells a unit from others; None where too little is known of it."""
    if unit.spikes is not None:
        return (len(unit.spikes), hash(unit.spikes.tobytes())) if len(unit.spikes) >= ENOUGH else None
    if unit.counts:
        return hash(b"".join([unit.waveform.tobytes(), *(unit.counts[name].tobytes() for name in sorted(unit.counts))]))
    return None
