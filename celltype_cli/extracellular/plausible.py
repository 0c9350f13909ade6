"""Spike times that no sorted unit has, and what they look like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from celltype_cli.cells.assemble import named
from celltype_cli.core.messages import few
from celltype_cli.extracellular.recording import Recording

SHORTEST_S = 2e-4  # between two spikes of one neuron, which last longer; sorters leave out what is nearer
SHARE = 0.02  # of the intervals; of 111 real units one of Kilosort and CellExplorer has 0.4 %, the others less
LONGEST_S = 86400.0 * 7  # of a recording
SLOW_S = 10.0  # median interval of most units; few neurons are that silent, and of most recordings none


def notes_on(units: Sequence[Recording]) -> Iterator[str]:
    """Yields notes on units whose spikes follow each other too closely, or last too long."""
    trains = [unit for unit in units if unit.spikes is not None and len(unit.spikes) > 1]
    close = [named(unit) for unit in trains if (np.diff(unit.spikes) < SHORTEST_S).mean() > SHARE]
    if close:
        yield (
            f"{len(close)} units have more than {SHARE:.0%} of their spikes within {1e3 * SHORTEST_S:g} ms of the one "
            f"before: listed twice, rounded, or not in seconds? ({', '.join(few(close))})"
        )
    long = [named(unit) for unit in trains if unit.spikes[-1] - unit.spikes[0] > LONGEST_S]
    if long:
        days = max(unit.spikes[-1] - unit.spikes[0] for unit in trains) / 86400
        yield f"the spikes of {len(long)} units span {days:,.0f} days: are they in seconds? ({', '.join(few(long))})"
    elif trains and (slow := float(np.median([np.median(np.diff(unit.spikes)) for unit in trains]))) > SLOW_S:
        yield (
            f"the spikes of most units are {slow:,.0f} s apart, which makes {1 / slow:.2g} Hz: are they in seconds, "
            "and not in milliseconds or samples?"
        )
