"""What there is to see of a unit beside its inputs: mean waveform as recorded, rate over time, 3D autocorrelogram."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from celltype_cli.cells.about import Axis
from celltype_cli.cells.examples import Line, Panel, Picture
from celltype_cli.extracellular import acg, waveforms
from celltype_cli.extracellular.recording import Recording

BINS = 200  # of the recording, in each of which spikes are counted


def recorded(cell_id: str, *, entries: Mapping[str, Recording]) -> list[Panel | Picture]:
    """Returns the largest channel of the waveform and, of spike times, the rate over time and the 3D autocorrelogram.

    Args:
        entries: units by id.
    """
    unit = entries[cell_id]
    channels = waveforms.measured(unit.waveform)
    panels: list[Panel | Picture] = []
    if channels.size:
        channel = channels[np.ptp(channels, axis=1).argmax()]
        time = Axis("time", "ms", 0.0, (len(channel) - 1) / unit.waveform_rate * 1000)
        panels.append(Panel("mean waveform", time, (Line(channel, "uV" if unit.in_uv else "a.u."),)))
    if unit.spikes is not None and len(unit.spikes) > 1 and unit.spikes[-1] > unit.spikes[0]:
        count, edges = np.histogram(unit.spikes, bins=BINS)
        width = edges[1] - edges[0]
        time = Axis("time", "s", edges[0] + width / 2, edges[-1] - width / 2)
        panels.append(Panel("firing rate", time, (Line(count / width, "Hz"),)))
        if unit.spikes[-1] - unit.spikes[0] > acg.SHORTEST / 1000 and len(unit.spikes) > 2:
            panels.append(Picture("3D autocorrelogram", acg.AXES, acg.acg_3d(unit.spikes) * 100, "Hz"))
    return panels
