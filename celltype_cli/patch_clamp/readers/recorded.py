"""The sweeps of a file, of what the reader of its format yields: without padding, what cannot be used counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Float

from celltype_cli.core.messages import UserError, raise_faults
from celltype_cli.patch_clamp.recording import Recording, Remark, Sweep, by_kind, reasons

# What the reader of a format yields for each sweep: number, voltage (mV), current (pA) and sampling rate (Hz), or the
# reason why it is left out; and what it assumed.
Stored = tuple[int, Float[np.ndarray, " _"], Float[np.ndarray, " _"], float] | str | Remark


def recording_of(path: Path, found: Iterable[Stored]) -> Recording:
    """Returns the sweeps of a file that can be used, with a count of the others by their reason.

    Raises:
        UserError: when no sweep can be used.
    """
    sweeps, left_out, faults, notes = [], Counter(), [], []
    for stored in found:
        if isinstance(stored, Remark):
            notes.append(stored.text)
            continue
        if isinstance(stored, str):
            left_out[stored] += 1
            continue
        number, voltage, current, rate = stored
        recorded = min(_recorded(voltage), _given(current))
        with np.errstate(over="ignore"):  # too large for single precision is infinite, which is told below
            voltage, current = voltage[:recorded].astype(np.float32), current[:recorded].astype(np.float32)
        if recorded == 0:
            left_out["empty"] += 1
        elif np.isnan(voltage).any() or np.isnan(current).any():
            left_out["values missing within the sweep"] += 1
        else:
            try:
                sweeps.append(Sweep(voltage, current, float(rate), int(number)))
            except UserError as error:
                faults.append(str(error))
    if not sweeps:
        raise_faults(str(path), faults)
        raise UserError(
            f"{path}: no current-clamp sweep with its stimulus ({reasons(left_out) or 'it holds no sweep'})"
        )
    left_out += by_kind(faults)
    return Recording(tuple(sorted(sweeps, key=lambda s: s.number)), left_out, tuple(dict.fromkeys(notes)))


def _recorded(voltage: Float[np.ndarray, " time"]) -> int:
    """Returns how many samples there are before the padding: NaN (MIES) or 0 (Cell Types Database) up to the end."""
    used = np.isfinite(voltage) & (voltage != 0)
    return len(used) - int(np.argmax(used[::-1])) if used.any() else 0


def _given(current: Float[np.ndarray, " time"]) -> int:
    """Returns how many samples there are of a stimulus before NaN up to its end."""
    there = ~np.isnan(current)
    return len(there) - int(np.argmax(there[::-1])) if there.any() else 0
