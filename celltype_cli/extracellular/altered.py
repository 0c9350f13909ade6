"""Units with errors of sorting, as further training examples of the same units: spikes lost, added and moved.

Beau et al. 2025 (Cell, doi 10.1016/j.cell.2025.01.041) train the autoencoder of 3D autocorrelograms so: 10 % of spikes
deleted, 10 % added, and jitter of 60 samples. Here a number of copies is drawn once of each unit, because counting
anew for each mini-batch takes longer than training (docs/units_networks.md).

A finished histogram, of a file without spike trains, is changed as added spikes would: where a share f of foreign
spikes, independent of the others, joins a train, a histogram of the lags or intervals between its spikes, g with mean
m, becomes (g + (2f + f^2) m) / (1 + f)^2. For intervals this is an approximation.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float, Float64, Shaped

from celltype_cli.core.ranges import Count, NotNegative, Share, held
from celltype_cli.extracellular.recording import Recording
from celltype_cli.extracellular.rows import HISTOGRAMS, of_spikes


@dataclass(frozen=True)
class Altered:
    """Makes the inputs of a unit that are counted of its spikes again, of its spikes with errors.

    Attributes:
        entries: units by id.
        inputs: that there are.
        made: what was made so far, which folds share.
    """

    entries: Mapping[str, Recording]
    inputs: Sequence[str]
    made: dict[tuple, dict[str, Shaped[np.ndarray, "copy ..."]]] = field(default_factory=dict)

    def __str__(self) -> str:
        n = sum(unit.spikes is None for unit in self.entries.values())
        return f"spikes of {len(self.entries) - n} units, finished histograms of {n} whose files hold no spikes"

    def __call__(
        self, cell_id: str, *, number: Count, lost: Share, added: Share, jitter: NotNegative
    ) -> dict[str, Shaped[np.ndarray, "copy ..."]]:
        """Returns inputs by name; what cannot be counted of a copy is as it is without errors.

        The draws of a unit go by its id, so that they are the same in every fold.

        Args:
            number: of copies.
            lost: share of the spikes that are lost, at random.
            added: foreign spikes, uniform in time, as a share of the unit's; of a finished histogram up to this share.
            jitter: s, largest shift of a spike, uniform.
        """
        asked = (cell_id, number, lost, added, jitter)
        if asked not in self.made:
            how = {"number": number, "lost": lost, "added": added, "jitter": jitter}
            self.made[asked] = copies(self.entries[cell_id], self.inputs, **how)
        return self.made[asked]


@held
def copies(
    unit: Recording, inputs: Sequence[str], *, number: Count, lost: Share, added: Share, jitter: NotNegative
) -> dict[str, Shaped[np.ndarray, "copy ..."]]:
    """Makes what `Altered` returns."""
    draws = np.random.default_rng([number, zlib.crc32(unit.cell_id.encode())])
    whole = {name: of_spikes(unit, name) for name in inputs if name in (*HISTOGRAMS, "acg")}
    found: dict[str, list[np.ndarray]] = {name: [] for name in whole}
    for _ in range(number if whole else 0):
        if unit.spikes is None:
            share = added * draws.random()
            changed = {name: flattened(values, share) for name, values in whole.items()}
        else:
            other = replace(unit, spikes=with_errors(unit.spikes, lost, added, jitter, draws), amplitudes=None)
            changed = {name: _or(values, other, name) for name, values in whole.items()}
        for name, values in changed.items():
            found[name].append(values)
    return {name: np.stack(values) for name, values in found.items()}


def _or(whole: Shaped[np.ndarray, "1 ..."], other: Recording, name: str) -> Shaped[np.ndarray, "1 ..."]:
    try:
        return of_spikes(other, name)
    except ValueError:
        return whole


def with_errors(
    spikes: Float64[np.ndarray, " spike"], lost: float, added: float, jitter: float, draws: np.random.Generator
) -> Float64[np.ndarray, " other"]:
    """Returns spikes, s, of which some are lost, all are moved, and to which foreign ones are added."""
    if not len(spikes):
        return spikes
    kept = spikes[draws.random(len(spikes)) >= lost]
    kept = kept + draws.uniform(-jitter, jitter, len(kept))
    foreign = draws.uniform(spikes[0], spikes[-1], round(added * len(spikes)))
    return np.sort(np.concatenate([kept, foreign])).clip(min=0)


def flattened(histogram: Float[np.ndarray, "1 bin"], share: float) -> Float[np.ndarray, "1 bin"]:
    """Returns a histogram as a share of foreign spikes would make it."""
    more = 2 * share + share**2
    return ((histogram + more * histogram.mean()) / (1 + more)).astype(np.float32)
