"""Arrays of a file by what they mean, checked against the number of its units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from celltype_cli.core.called import meant
from celltype_cli.core.messages import UserError, check_choice, few, nearest, raise_faults
from celltype_cli.core.text import as_text
from celltype_cli.extracellular import counts as histograms
from celltype_cli.extracellular.readers.found import How

# By the name of an array: its rate in Hz, where the name says it, and whether it is in uV. The first there is counts.
WAVEFORMS = {
    "waveform": (None, False),
    "waveform_uV": (None, True),
    "waveform_norm90": (30000.0, False),
    "waveform_uV100_40kHz": (40000.0, True),
    "waveform_uV_8ch": (None, True),
    "waveform_z46": (1000 / 0.03, False),  # measured: 0.03 ms a sample, by 37 units that another file holds as recorded
}
# By what an array means: its names, that of `files` first.
NAMES = {
    "sampling_rate": ("sampling_rate", "waveform_fs"),
    "spike_times": ("spike_times", "spike_tick_delta"),
    "spike_offsets": ("spike_offsets",),
    "tick_hz": ("tick_hz",),
    "duration": ("duration",),
    "correlogram": ("correlogram", "acg_counts", "acg_wide_hz"),
    "isi": ("isi", "isi_counts100", "isi_log"),
    "log_correlogram": ("log_correlogram", "acg_log_hz"),
    "log_isi": ("log_isi", "isi_log"),
    "label": ("label",),
    "cell_id": ("cell_id", "neuron", "uid"),
    "session": ("session",),
    "group": ("group", "recording", "animal"),
    "source": ("source",),
    "layer": ("layer",),
}
COUNTS = ("correlogram", "isi", "log_correlogram", "log_isi")
BINS = histograms.BINS
FEWEST = 3  # units whose correlograms are judged
TIMES = 3  # as high as any other is lag 0 at least; of 1,581 units of three sets the first bin of none


def wanted(how: How) -> Callable[[str], bool]:
    """Returns what says of the name of an array whether it is read.

    Raises:
        UserError: when the user names an array that has no meaning.
    """
    said = how.named
    for role in said:
        check_choice("dataset.arrays", role, ("waveform", "waveform_uV", *NAMES))
    return {*WAVEFORMS, *(name for names in NAMES.values() for name in names), *said.values()}.__contains__


@dataclass(frozen=True)
class Arrays:
    """The arrays of a file.

    Attributes:
        path: of the file, for messages.
        held: by their names in the file, those that are `wanted`.
        names: of all that there are.
        said: by what they mean, the names that the user gives.

    Raises:
        UserError: when the user names an array that there is not.
    """

    path: Path
    held: Mapping[str, np.ndarray]
    names: Sequence[str]
    said: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for role, name in self.said.items():
            if name not in self.held:
                raise UserError(f"{self.path}: dataset.arrays says {role}: {name}, which it does not hold; found "
                                f"{self.listed}{nearest(name, self.names)}")  # fmt: skip

    @property
    def listed(self) -> str:
        return ", ".join(few(self.names)) or "none"

    @property
    def others(self) -> set[str]:
        """The names that mean nothing here."""
        return {*self.names} - {*WAVEFORMS, *(name for names in NAMES.values() for name in names)}

    def name(self, role: str) -> str | None:
        """Returns the name of the array that has a meaning, or None where there is none."""
        names = (self.said[role],) if role in self.said else NAMES[role]
        return next((name for name in names if name in self.held), None)

    @cached_property
    def waveform(self) -> tuple[np.ndarray, str, float | None, bool]:
        """Waveforms [unit, channel, time], the name of their array, its rate where that says it, whether in uV.

        Raises:
            UserError: when there are none, or they have another shape.
        """
        role = next((role for role in ("waveform", "waveform_uV") if role in self.said), None)
        name = self.said[role] if role else next((name for name in WAVEFORMS if name in self.held), None)
        if name is None:
            near = meant("waveform", self.names)
            raise UserError(f"{self.path}: has no array waveform{near}; found {self.listed}; dataset.arrays="
                            f"{{waveform: <its name>}} says which it is")  # fmt: skip
        values = self.held[name]
        if values.dtype.kind not in "fiu" or values.ndim not in (2, 3) or not values.size:
            raise UserError(
                f"{self.path}: {name} is {values.dtype} of shape {values.shape}; expected numbers [unit, time] or "
                "[unit, channel, time]"
            )
        rate, in_uv = WAVEFORMS.get(name, (None, role == "waveform_uV"))
        return values.reshape(len(values), -1, values.shape[-1]).astype(np.float32), name, rate, in_uv

    def __len__(self) -> int:
        return len(self.waveform[0])

    def texts(self, role: str) -> list[str]:
        """Returns one text a unit; empty ones where there is no such array."""
        name, n = self.name(role), len(self)
        if name is None:
            return [""] * n
        values = self.held[name].ravel()
        if len(values) not in (1, n):
            raise UserError(f"{self.path}: {name} holds {len(values)} values of {n} units; expected one each "
                            "(of waveform [unit, time])")  # fmt: skip
        try:
            return [as_text(value) for value in np.broadcast_to(values, n)]
        except UserError as error:
            raise UserError(f"{self.path}: {name}: {error}") from error

    def per_unit(self, role: str) -> np.ndarray | None:
        """Returns one number a unit, or None where there is no such array."""
        name, n = self.name(role), len(self)
        if name is None:
            return None
        values = self.held[name].ravel()
        if values.dtype.kind not in "fiu" or len(values) not in (1, n):
            raise UserError(f"{self.path}: {name} holds {len(values)} values ({values.dtype}) of {n} units; expected "
                            "one number, or one each")  # fmt: skip
        return np.broadcast_to(values.astype(np.float64), n)

    def trains(self) -> list[np.ndarray] | None:
        """Returns the spikes of each unit, s; None where there are none."""
        name, n = self.name("spike_times"), len(self)
        if name is None:
            return None
        values, deltas = self.held[name], name == "spike_tick_delta"
        if values.ndim == 2 and len(values) == n > 1 and values.dtype.kind in "fiu" and not self.name("spike_offsets"):
            return [np.trim_zeros(row[~np.isnan(row)], "b") for row in values.astype(np.float64)]  # 0 fills up, too
        values = values.ravel()
        offsets = np.asarray(self.held.get(self.name("spike_offsets"), [0, len(values)])).ravel()
        faults = []
        if values.dtype.kind not in "fiu":
            faults.append(f"{name} holds what is no number ({values.dtype})")
        if n > 1 and self.name("spike_offsets") is None:
            faults.append(f"has no spike_offsets; expected {n + 1} whole numbers, where the spikes of each of {n} "
                          "units begin in spike_times, and the last end")  # fmt: skip
        elif offsets.dtype.kind not in "iu" or len(offsets) != n + 1:
            faults.append(f"spike_offsets holds {len(offsets)} values ({offsets.dtype}); expected {n + 1} whole "
                          f"numbers, where the spikes of each of {n} units begin, and the last end")  # fmt: skip
        elif offsets[0] != 0 or offsets[-1] != len(values) or (np.diff(offsets.astype(np.int64)) < 0).any():
            faults.append(f"spike_offsets runs from {offsets[0]} to {offsets[-1]}; expected 0 to {len(values)}, "
                          "ascending")  # fmt: skip
        ticks = np.asarray(self.held.get(self.name("tick_hz"), []))
        if deltas and not (ticks.size == 1 and ticks.item() > 0):
            faults.append("tick_hz is missing or no rate; expected the ticks in a second of spike_tick_delta")
        raise_faults(str(self.path), faults)
        parts = np.split(values, offsets[1:-1].astype(np.int64))
        if deltas:
            return [np.cumsum(part, dtype=np.int64) / float(ticks.item()) for part in parts]
        return [part.astype(np.float64) for part in parts]

    def counts(self) -> dict[str, np.ndarray]:
        """Returns finished histograms [unit, bin] of 1 ms by name; of both sides of a correlogram lags from 1 ms on."""
        found, faults, n = {}, [], len(self)
        for role in COUNTS:
            if (name := self.name(role)) is None:
                continue
            rows = self.held[name]
            wide = rows.shape[1] if rows.ndim == 2 and rows.dtype.kind in "fiu" and len(rows) == n else 0
            both = role == "correlogram" and wide > 2 * BINS and wide % 2
            if wide != BINS and not both:
                faults.append(f"{name} is {rows.dtype} of shape {rows.shape}; expected counts of shape ({n}, {BINS})")
            elif name == "isi_log":
                counted = histograms.of_log10 if role == "isi" else histograms.of_density
                found[role] = np.stack([counted(row) for row in rows]).astype(np.float32)
            else:
                found[role] = rows[:, wide // 2 + 1 if both else 0 :][:, :BINS].astype(np.float32)
                if role == "correlogram" and not both and (other := _other_lags(rows)):
                    faults.append(f"{name} {other}; expected lags of 1 to {BINS} ms in bins of 1 ms, or of -n to n ms")
        raise_faults(str(self.path), faults)
        return found


def _other_lags(rows: np.ndarray) -> str:
    """Says which lags correlograms [unit, bin] seem to hold other than those on one side, from 1 ms on; or nothing."""
    rows = rows[(np.abs(rows) > 0).sum(axis=1) >= BINS // 4].astype(np.float64)
    if len(rows) < FEWEST:
        return ""
    if any(np.allclose(part, part[:, ::-1], rtol=1e-6) for part in (rows, rows[:, 1:], rows[:, :-1])):
        return "reads the same from either end, as lags on both sides do"
    if (rows[:, 0] > TIMES * rows[:, 1:].max(axis=1)).mean() > 0.5:
        return f"is {TIMES} times as high in its first bin as anywhere else, as lag 0 is, of each spike with itself"
    return ""
