"""What is kept of a recording: the two sweeps that stand for the cell, and its features. Measured once, found again.

That is some 40 kB of 30 to 90 MB. It is stored in the cache folder under a hash of what it was made from: recording,
settings, code. The reason why a recording cannot be used is stored likewise. All of it may be deleted at any time.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from celltype_cli.core.cache import cached
from celltype_cli.core.code import code_identity
from celltype_cli.core.messages import UserError
from celltype_cli.core.terminal import track
from celltype_cli.patch_clamp import scalograms
from celltype_cli.patch_clamp.choice import HERO_PA, chosen, notes_on
from celltype_cli.patch_clamp.doubts import doubts
from celltype_cli.patch_clamp.features.cell import features
from celltype_cli.patch_clamp.plausible import check_spikes, plausible
from celltype_cli.patch_clamp.recording import Entry, Recording, reasons
from celltype_cli.patch_clamp.stimuli import MARGIN_S

RATE = 4000.0  # Hz, of the windows
CODE = ("celltype_cli.patch_clamp.measure", "celltype_cli.patch_clamp.readers.files")


@dataclass(frozen=True)
class Measured:
    """What is kept of a recording.

    Attributes:
        windows: the responses at rheobase and at rheobase + 40 pA, mV at 4 kHz, from 0.1 s before the step to 0.1 s
            after it, as `scalograms.stimulus_window` returns them.
        features: value of each feature, NaN where it could not be measured; names with units: "tau (ms)".
        notes: what was assumed of the recording, and what makes the choice of the sweeps doubtful.
        rate: Hz, of the sweep at rheobase as it was recorded.
        step: s, how long its current step lasts.
    """

    windows: Float32[np.ndarray, "2 timesteps"]
    features: dict[str, float]
    notes: tuple[str, ...] = ()
    rate: float = float("nan")
    step: float = float("nan")


@dataclass(frozen=True)
class Found:
    """What came of the recordings of a dataset: used ones in their order, (entry, reason) for the others, and how many
    sweeps were left out for what reason."""

    used: list[tuple[Entry, Measured]]
    left_out: list[tuple[Entry, str]]
    sweeps_left_out: Counter[str]


def measure(
    recording: Recording,
    *,
    feature_set: str | None = "two_sweep",
    duration_s: float = 1.0,
    hero_pA: tuple[float, float] = HERO_PA,
    implausible: str = "error",
) -> Measured:
    """Chooses the two sweeps of a cell, cuts and resamples them, and measures the features.

    Args:
        feature_set: of `features.cell.features`, "two_sweep", "long_square" or "all"; None for no features.
        duration_s: of the long squares of the protocol.
        hero_pA: how far above the rheobase the second sweep lies, limits excluded.
        implausible: "keep" takes spike rates that no cell reaches as well.

    Raises:
        UserError: with the reason why the cell cannot be used, for instance because it has not both sweeps; the
            caller knows which cell it is.
    """
    two = chosen(recording.sweeps, duration_s, hero_pA=hero_pA)
    if implausible == "error":
        check_spikes(two)
    windows = [
        scalograms.stimulus_window(
            square.sweep.voltage,
            square.sweep.sampling_rate,
            square.step.onset_s,
            new_rate=RATE,
            before=MARGIN_S,
            duration=duration_s,
            after=MARGIN_S,
        )
        for square in (two.rheobase, two.hero)
    ]
    values = {} if feature_set is None else features(two, feature_set, recording.sweeps)
    rate, step = two.rheobase.sweep.sampling_rate, two.rheobase.step.duration_s
    notes = (*recording.notes, *notes_on(two), *doubts(two))
    return Measured(np.stack(windows), values, notes, float(rate), float(step))


def measured(entries: Sequence[Entry], cache: Path, **settings: Any) -> Found:
    """Measures all recordings, one at a time, or finds what was kept of them; a bar on a terminal shows how far.

    Args:
        cache: the folder that what is kept goes to, below `measured`.
        settings: of `measure`.

    Raises:
        UserError: when a library is missing that reads or measures, or the folder cannot be written to.
    """
    used, left_out, sweeps_left_out = [], [], Counter()
    code = code_identity(*CODE)
    for entry in track(entries, f"recordings of {len(entries)} cells", len(entries)):
        stored = cached(cache / "measured", [code, settings, entry.made_of], partial(_arrays, entry, settings))
        sweeps_left_out.update(json.loads(str(stored["sweeps_left_out"])))
        if "reason" in stored:
            left_out.append((entry, str(stored["reason"])))
        else:
            values = dict(zip(stored["names"].tolist(), stored["values"].tolist(), strict=True))
            notes = tuple(json.loads(str(stored["notes"])))
            used.append((entry, Measured(stored["windows"], values, notes, *map(float, stored["made"]))))
    return Found(used, left_out, sweeps_left_out)


def _arrays(entry: Entry, settings: dict[str, Any]) -> dict[str, Any]:
    """Reads and measures a recording, as arrays for the cache."""
    found: Counter[str] = Counter()
    notes: tuple[str, ...] = ()
    try:
        recording = entry.read()
        notes = recording.notes
        found = recording.left_out
        if settings.get("implausible", "error") == "error":
            recording = plausible(recording)
            found = recording.left_out
        kept = measure(recording, **settings)
    except UserError as error:
        if isinstance(error.__cause__, ImportError):  # a library is missing, which is no fault of the file
            raise
        lost = f"; {found.total()} sweeps were left out before ({reasons(found)})" if found else ""
        said = _one_line(str(error), entry.file)
        more = "".join(f"; {note}" for note in notes if note not in said)
        return {"reason": said + more + lost, "sweeps_left_out": json.dumps(found)}
    return {
        "windows": kept.windows,
        "names": np.array([*kept.features], dtype=str),
        "values": np.array([*kept.features.values()], dtype=np.float64),
        "notes": json.dumps(kept.notes),
        "made": np.array([kept.rate, kept.step]),
        "sweeps_left_out": json.dumps(found),
    }


def _one_line(reason: str, file: str) -> str:
    """Returns a reason, or the first of several faults, without the path of the file that stands before it."""
    head, *faults = [line.strip() for line in reason.splitlines()]
    if faults:
        return faults[0] + (" (and other faults)" if len(faults) > 1 else "")
    before, colon, rest = head.partition(f"{Path(file).name}: ") if file else ("", "", "")
    return rest if colon and " " not in before.rpartition("/")[2] else head
