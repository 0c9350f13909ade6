"""Recordings without gaps, which hold the steps of a whole protocol in one sweep: cut into a sweep for each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from celltype_cli.patch_clamp.pulses import EDGE_S
from celltype_cli.patch_clamp.recording import Sweep
from celltype_cli.patch_clamp.stimuli import pulses_without_hum


def cut(sweeps: Sequence[Sweep], duration_s: float, tolerance_s: float) -> tuple[list[Sweep], str]:
    """Returns a sweep for each step of about `duration_s` of a recording of one sweep, and what is to be noted of it.

    It is cut in the middle of the longest stretch without a pulse between one step and the next. Of several sweeps with
    several such steps none is cut, as the later ones follow the first by design; the note says that the first counts.
    """
    ends = [_cuts(sweep, duration_s, tolerance_s) for sweep in sweeps]
    if not any(ends):
        return [*sweeps], ""
    if len(sweeps) > 1:
        n = sum(map(bool, ends))
        return [*sweeps], f"{n} of its {len(sweeps)} sweeps hold several steps of {duration_s:g} s: the first counts"
    sweep, bounds = sweeps[0], [0, *ends[0], len(sweeps[0].voltage)]
    parts = [
        replace(sweep, voltage=sweep.voltage[a:b], current=sweep.current[a:b], number=sweep.number + k)
        for k, (a, b) in enumerate(zip(bounds[:-1], bounds[1:]))
    ]
    return parts, f"its one sweep holds {len(parts)} steps of {duration_s:g} s: each was taken for a sweep of its own"


def _cuts(sweep: Sweep, duration_s: float, tolerance_s: float) -> list[int]:
    """Returns the samples between one step and the next; none where there are fewer than two."""
    pulses = pulses_without_hum(sweep.current, sweep.sampling_rate)
    ends = pulses.ends
    steps = np.flatnonzero(np.abs(pulses.lengths_s - duration_s) <= tolerance_s + 2 * EDGE_S)
    found = []
    for one, following in zip(steps[:-1], steps[1:]):
        quiet = np.stack([ends[one:following, 1], ends[one + 1 : following + 1, 0]])  # from, to
        widest = quiet[:, np.argmax(quiet[1] - quiet[0])]
        found.append(int(widest.mean()))
    return found
