"""What the readers are told, what they give, and which ROIs a pipeline has flagged as no cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from celltype_cli.calcium.recording import Recording, as_rate
from celltype_cli.core.messages import UserError, few
from celltype_cli.core.text import as_text


@dataclass(frozen=True)
class How:
    """What the user says of files.

    Attributes:
        keep_rejected: takes ROIs that their pipeline has flagged as no cells.
        frame_rate: Hz, which takes the place of what files say; None for what they say.
        neuropil: how much of the neuropil's fluorescence is taken from that of an ROI of suite2p.
        trace: of CaImAn: F_dff, C or C+YrA; None for F_dff.
        series: of NWB: the name of the RoiResponseSeries; None for the only one of dF/F.
        labelled: whether files have to say the label of each cell.
    """

    keep_rejected: bool = False
    frame_rate: float | None = None
    neuropil: float = 0.7
    trace: str | None = None
    series: str | None = None
    labelled: bool = True

    def unasked(self, asked: Iterable[str]) -> list[str]:
        """Returns a note on each setting of one format that was given, where no file of that format was read."""
        usual, whose = How(), {"neuropil": "suite2p", "trace": "CaImAn", "series": "NWB"}
        given = [name for name in whose if getattr(self, name) != getattr(usual, name) and name not in asked]
        return [f"dataset.{name}={getattr(self, name)} is of {whose[name]}'s files; none was read" for name in given]

    def rate(self, value: Any, where: str, name: str = "sampling_rate") -> float:
        """Returns the rate that counts, in Hz, or raises a UserError."""
        try:
            rate = self.frame_rate or as_rate(value, where, name)
            if np.isnan(rate):
                raise UserError(f"{where}: {name} is missing; expected one number of Hz")
            return rate
        except UserError as error:
            raise UserError(f"{error} (or set dataset.frame_rate)") from error


@dataclass
class Found:
    """What a file, or several, hold.

    Attributes:
        recordings: that can be used.
        faults: a line for each cell or file that cannot.
        notes: how the file was read, where that was found out.
        rejected: how many ROIs are flagged as no cells, by the flag that says so.
        rois: of NWB, file and id of each ROI, those flagged included.
        counted: how many ROIs there are, flagged ones included, by what stands before their number in the ids of cells;
            of recordings whose ROIs go by numbers from 0.
        asked: settings that concern this format: neuropil, trace or series.
    """

    recordings: list[Recording] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rejected: dict[str, int] = field(default_factory=dict)
    rois: list[tuple[str, str]] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def add(self, other: Found) -> None:
        self.recordings += other.recordings
        self.faults += other.faults
        self.rois += other.rois
        self.counted |= other.counted
        self.asked |= other.asked
        self.notes += [note for note in other.notes if note not in self.notes]
        for flag, count in other.rejected.items():
            self.rejected[flag] = self.rejected.get(flag, 0) + count

    def said(self, keep_rejected: bool) -> list[str]:
        """Returns the notes, and one on the ROIs that are flagged."""
        flagged = ", ".join(f"{count} by {flag}" for flag, count in self.rejected.items())
        total = sum(self.rejected.values())
        if not total:
            return self.notes
        done = "taken all the same" if keep_rejected else "left out; dataset.rejected=keep takes them"
        return [*self.notes, f"{total} ROIs are flagged as no cells ({flagged}) and {done}"]


# Names of flags, in lower case without separators: suite2p and its NWB files (iscell), CaImAn and its NWB files and
# NeuroConv (accepted, rejected), allensdk (valid_roi, exclusion_labels), and what people call them in tables.
CELL = ("iscell", "accepted", "isaccepted", "valid", "validroi", "roivalid", "isvalid", "keep", "included")
NO_CELL = ("rejected", "isrejected", "excluded", "isexcluded", "exclude", "invalid", "isinvalid", "notcell")
REASONS = ("exclusionlabels", "exclusionlabel", "exclusionreason")
WORDS = ("quality", "roiquality", "status", "curation", "roistatus")
GOOD_WORDS = ("cell", "neuron", "good", "accepted", "accept", "included", "valid", "undecided")
BAD_WORDS = ("bad", "rejected", "reject", "noise", "notcell", "nocell", "artifact", "artefact", "invalid", "exclude",
             "excluded", "poor", "junk")  # fmt: skip


def is_flag(name: str) -> bool:
    return _plain(name) in (*CELL, *NO_CELL, *REASONS, *WORDS)


def flagged(columns: Mapping[str, Iterable[Any]], where: str) -> tuple[np.ndarray | None, str]:
    """Returns which ROIs are flagged as no cells, and the names of the columns that say so.

    A column of pairs [0 or 1, probability], as suite2p's iscell, counts by its first. ROIs without a flag are cells.

    Raises:
        UserError: when a flag is neither 0 nor 1.
    """
    out, names = None, []
    for name, values in columns.items():
        if not is_flag(name):
            continue
        bad = np.array([_is_bad(_plain(name), value, f"{where}: {name}") for value in values], dtype=bool)
        out = bad if out is None else out | bad
        names += [name] if bad.any() else []
    return out, " and ".join(names)


def without_meaning(columns: Mapping[str, Iterable[Any]], where: str) -> list[str]:
    """Returns notes on columns of words (`WORDS`) that hold something else, such as scores, which leaves out no ROI."""
    notes = []
    for name in (name for name in columns if _plain(name) in WORDS):
        words = {text.lower() for value in columns[name] if (text := as_text(value))}
        if unknown := sorted(word for word in words if _plain(word) not in (*GOOD_WORDS, *BAD_WORDS)):
            said = f"{where}: {name} says {', '.join(few(unknown))}, of which no word is known as a flag"
            notes.append(f"{said}: by these no ROI is left out")
    return notes


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", str(name).lower())


def _is_bad(name: str, value: Any, where: str) -> bool:
    if name in REASONS:
        return any(as_text(one) for one in np.ravel(np.asarray(value, dtype=object)))
    if isinstance(value, (list, tuple, np.ndarray)) and np.size(value) == 2 and name == "iscell":
        value = np.ravel(value)[0]
    text = as_text(value).lower()
    if name in WORDS:
        return _plain(text) in BAD_WORDS
    if name not in REASONS and _plain(text) in (*GOOD_WORDS, *BAD_WORDS):
        return _plain(text) in BAD_WORDS
    if text not in ("", "0", "1", "true", "false", "yes", "no", "t", "f"):
        raise UserError(f"{where} is {text!r}; expected 0 or 1: correct it, or rename it and read all ROIs")
    return text != "" and (text in ("1", "true", "yes", "t")) == (name in NO_CELL)
