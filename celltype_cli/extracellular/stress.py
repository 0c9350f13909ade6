"""What sorting errors do to units: spikes lost, spikes of others taken in, half of the recording.

Waveforms stay as they are: what a foreign spike would do to the mean is not modelled.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from celltype_cli.extracellular.recording import Recording

LOST = (0.1, 0.2, 0.3)  # of the spikes
FOREIGN = (0.05, 0.1)  # of the spikes that a unit has then
HALVES = ("first half", "second half")
SEED = 0


def perturbed(units: Sequence[Recording], among: Sequence[Recording]) -> Iterator[tuple[str, str, list[Recording]]]:
    """Yields units again and again, each time with another error, worse ones of a kind later.

    Spikes are lost at random, those lost at 10 % also at 30 %. Foreign spikes are drawn from another unit of the
    recording, or, where none has enough, uniformly in time. The draws of a unit go by its id: they do not depend on
    which others there are, but for the choice of the unit that foreign spikes come from.

    Args:
        units: to perturb; those without spike times are left out.
        among: all units, which foreign spikes may come from.

    Yields:
        the worst error of a kind, the error, and the units with it.
    """
    units = [unit for unit in units if unit.spikes is not None]
    of_group: dict[str, list[Recording]] = {}
    for unit in among:
        if unit.spikes is not None and unit.group:
            of_group.setdefault(unit.group, []).append(unit)
    for share in LOST:
        yield f"{100 * LOST[-1]:g} % loss", f"{100 * share:g} % loss", [_with(u, _less(u, share)) for u in units]
    for share in FOREIGN:
        made = [_with(unit, _more(unit, share, of_group.get(unit.group, ()))) for unit in units]
        yield f"{100 * FOREIGN[-1]:g} % contamination", f"{100 * share:g} % contamination", made
    for k, half in enumerate(HALVES):
        yield half, half, [_with(unit, _half(unit, k)) for unit in units]


def _with(unit: Recording, spikes: Float64[np.ndarray, " spike"]) -> Recording:
    return replace(unit, spikes=spikes, amplitudes=None, good=None)


def _draws(unit: Recording) -> np.random.Generator:
    return np.random.default_rng([SEED, zlib.crc32(unit.cell_id.encode())])


def _less(unit: Recording, share: float) -> Float64[np.ndarray, " spike"]:
    return unit.spikes[_draws(unit).random(len(unit.spikes)) >= share]


def _more(unit: Recording, share: float, group: Sequence[Recording]) -> Float64[np.ndarray, " spike"]:
    draws, n = _draws(unit), round(len(unit.spikes) * share / (1 - share))
    others = [other for other in group if other.cell_id != unit.cell_id and len(other.spikes) >= n]
    if others:
        foreign = draws.choice(others[draws.integers(len(others))].spikes, n, replace=False)
    else:
        foreign = draws.uniform(unit.spikes[0], unit.spikes[-1], n) if n else np.empty(0)
    return np.sort(np.concatenate([unit.spikes, foreign]))


def _half(unit: Recording, k: int) -> Float64[np.ndarray, " spike"]:
    """Returns the spikes of the first or second half of the recording, s from its start."""
    ends = (unit.spikes[0], unit.spikes[-1]) if len(unit.spikes) else (0.0, 0.0)
    middle = (unit.duration if np.isfinite(unit.duration) else sum(ends)) / 2
    return unit.spikes[unit.spikes < middle] if k == 0 else unit.spikes[unit.spikes >= middle] - middle
