"""What there is to see of a unit beside its inputs: the mean waveform as recorded, and its rate over time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from celltype_cli.cells.about import Axis
from celltype_cli.cells.examples import Line, Panel
from celltype_cli.extracellular import waveforms
from celltype_cli.extracellular.recording import Recording

BINS = 200  # of the recording, in each of which spikes are counted


def recorded(cell_id: str, *, entries: Mapping[str, Recording]) -> list[Panel]:
    """Returns the largest channel of the waveform and, where spike times are known, the rate over time.

    Args:
        entries: units by id.
    """
    unit = entries[cell_id]
    channels = waveforms.measured(unit.waveform)
    panels = []
    if channels.size:
        channel = channels[np.ptp(channels, axis=1).argmax()]
        time = Axis("time", "ms", 0.0, (len(channel) - 1) / unit.waveform_rate * 1000)
        panels.append(Panel("mean waveform", time, (Line(channel, "uV" if unit.in_uv else "a.u."),)))
    if unit.spikes is not None and len(unit.spikes) > 1 and unit.spikes[-1] > unit.spikes[0]:
        count, edges = np.histogram(unit.spikes, bins=BINS)
        width = edges[1] - edges[0]
        time = Axis("time", "s", edges[0] + width / 2, edges[-1] - width / 2)
        panels.append(Panel("firing rate", time, (Line(count / width, "Hz"),)))
    return panels
