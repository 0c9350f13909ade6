"""What one file of current-clamp sweeps holds of one cell."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float32

from celltype_cli.core.messages import UserError

# Of the public datasets and the simulator, in the order of Amprimo et al. 2025.
CLASSES = ("Pvalb", "Excitatory", "Vip/Lamp5", "Sst")
# Largest absolute values between two limits betray another unit (less than 5e-13 is rounding), those above a third are
# too large for any.
RANGES = (
    ("voltage", "mV", "volts", "uV", (-1.0, 1.0), 1e3, "-150 to 100 mV"),
    ("current", "pA", "amperes", "fA", (5e-13, 1e-6), 1e5, "-500 to 2,000 pA"),
)


@dataclass(frozen=True)
class Sweep:
    """One sweep of a cell: what was injected and what was recorded.

    Attributes:
        voltage: mV.
        current: pA, as long as the voltage.
        sampling_rate: Hz.
        number: as the recording counts its sweeps.

    Raises:
        UserError: with all that is wrong: lengths, values that are missing, values outside what the unit allows.
    """

    voltage: Float32[np.ndarray, " time"]
    current: Float32[np.ndarray, " _"]
    sampling_rate: float
    number: int

    def __post_init__(self):
        if faults := list(_faults(self)):
            raise UserError(f"sweep {self.number}: {'; '.join(faults)}")


def _faults(sweep: Sweep) -> Iterator[str]:
    if not 1e3 <= (rate := sweep.sampling_rate) <= 1e6:
        looks = ", which looks like kHz" if 1 <= rate < 1e3 else ", which looks like a period" if 0 < rate < 1 else ""
        yield f"its sampling rate is {rate:g} Hz{looks}; expected 1,000 to 1,000,000 Hz"
    if len(sweep.voltage) != len(sweep.current) or len(sweep.voltage) == 0:
        yield f"it has {len(sweep.voltage)} samples of voltage, {len(sweep.current)} of current; expected equally many"
        return
    for name, unit, si, smaller, (low, high), most, usual in RANGES:
        values = getattr(sweep, name)
        if not np.isfinite(values).all():
            yield f"{np.count_nonzero(~np.isfinite(values))} values of its {name} are NaN or infinite"
            continue
        largest = np.abs(values).max()
        if low < largest < high or largest > most:
            looks = f", which looks like {si}" if largest < high else ""
            if largest > 10 * most:  # more than an overloaded amplifier gives
                looks = f", which looks like {unit} that were called {si}, or {smaller} that were called {unit}"
            yield (
                f"its {name} lies between {values.min():.3g} and {values.max():.3g}{looks}; expected {unit}, "
                f"usually {usual}"
            )


@dataclass(frozen=True)
class Recording:
    """The current-clamp sweeps of a cell in the order of recording, how many were left out for what reason, and what
    was assumed or found out on the way."""

    sweeps: tuple[Sweep, ...]
    left_out: Counter[str] = field(default_factory=Counter)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Remark:
    """What the reader of a format assumed or found out of a file; it becomes a note of the recording."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A cell of a dataset, whose recording is read when it is measured: one has 30 to 90 MB.

    Attributes:
        cell_id: unique in the dataset.
        label: cell type; empty where it is unknown.
        group: donor animal; empty where it is unknown.
        source: laboratory, dataset or method; empty where nothing is known.
        file: for messages; empty where there is none.
        read: returns the recording, or raises a UserError that says why it cannot be used.
        made_of: all that the recording depends on, as JSON takes it: place, size and time of its files, or settings.
    """

    cell_id: str
    label: str = ""
    group: str = ""
    source: str = ""
    file: str = ""
    read: Callable[[], Recording]
    made_of: Any


def kind_of(reason: str) -> str:
    """Returns what a reason has in common with others: without file or sweep before it, numbers, and what follows."""
    said = re.sub(r"^(?:\S*[/\\]\S*|sweep \d+(?:, (?:sweep \d+|and \d+ more))*): ", "", reason)
    return _without_numbers(re.split(r"[(;:,]", said)[0]).strip()


def _without_numbers(said: str) -> str:
    return re.sub(r"(?<![A-Za-z])-?\d[\d.,e+]*", "...", said)


def by_kind(faults: Iterable[str]) -> Counter[str]:
    """Counts faults of sweeps ("sweep 0: its sampling rate is 500 Hz") by kind, each as its first sweep has it."""
    alike = defaultdict(list)
    for fault in faults:
        alike[kind_of(fault)].append(fault.partition(": "))
    return Counter({f"{of[0][2]}; as in {of[0][0]}" if of[0][1] else of[0][0]: len(of) for of in alike.values()})


def joined(recordings: Iterable[Recording]) -> Recording:
    """Joins recordings of one cell, the first first; sweeps are numbered on, so that no two have one number."""
    sweeps, left_out, notes = [], Counter(), []
    for recording in recordings:
        first = 1 + max((sweep.number for sweep in sweeps), default=-1)
        sweeps += [replace(sweep, number=first + sweep.number) for sweep in recording.sweeps]
        left_out += recording.left_out
        notes += recording.notes
    return Recording(tuple(sweeps), left_out, tuple(dict.fromkeys(notes)))


def reasons(left_out: Counter[str]) -> str:
    """Lists how many were left out for what reason, the most frequent first; of reasons that differ in numbers one."""
    first, counts = {}, Counter()
    for reason, count in left_out.items():
        first.setdefault(kind := _without_numbers(reason), reason)
        counts[kind] += count
    return "; ".join(f"{count}: {first[kind]}" for kind, count in counts.most_common())
