"""What `celltype data` shows of current-clamp recordings: the two sweeps of a cell, the step and the spikes found."""

from __future__ import annotations

from collections.abc import Mapping

from celltype_cli.cells.about import Axis
from celltype_cli.cells.examples import Line, Panel
from celltype_cli.patch_clamp.choice import chosen
from celltype_cli.patch_clamp.recording import Entry
from celltype_cli.patch_clamp.squares import LongSquare
from celltype_cli.patch_clamp.stimuli import MARGIN_S


def two_sweeps(
    cell_id: str,
    *,
    entries: Mapping[str, Entry],
    names: tuple[str, str],
    duration_s: float,
    hero_pA: tuple[float, float],
) -> tuple[Panel, ...]:
    """Reads a recording once more, and returns its sweep at rheobase and the one above: voltage over current.

    Args:
        entries: by cell.
        names: of the two sweeps.
        duration_s, hero_pA: as in `choice.chosen`.

    Raises:
        UserError: when the recording can no longer be read.
    """
    two = chosen(entries[cell_id].read().sweeps, duration_s, hero_pA=hero_pA)
    return tuple(_panel(name, square) for name, square in zip(names, (two.rheobase, two.hero)))


def _panel(name: str, square: LongSquare) -> Panel:
    sweep, step, rate = square.sweep, square.step, square.sweep.sampling_rate
    first = max(0, round((step.onset_s - MARGIN_S) * rate))
    last = min(len(sweep.voltage), round((step.onset_s + step.duration_s + MARGIN_S) * rate))
    ends = (1e3 * (place / rate - step.onset_s) for place in (first, last - 1))
    spikes = 1e3 * square.spike_times_s
    return Panel(
        f"{name}: {step.amplitude_pA:.4g} pA, {len(spikes)} spike{'s' if len(spikes) != 1 else ''}",
        Axis("time from the onset of the step", "ms", *ends),
        (Line(sweep.voltage[first:last], "mV", spikes, "spikes", share=3), Line(sweep.current[first:last], "pA")),
    )
