"""Sweeps whose stimulus is one long current step, and the spikes that they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from celltype_cli.patch_clamp.recording import Sweep
from celltype_cli.patch_clamp.spikes import noisy_mV, slope_of_all, spike_peaks
from celltype_cli.patch_clamp.stimuli import MARGIN_S, ShortBaseline, Step, find_long_square

TOLERANCE_S = 0.02  # of the duration of a long square


@dataclass(frozen=True)
class LongSquare:
    """A sweep whose stimulus is one long current step.

    Attributes:
        held_s: time before the step that was not recorded and is filled up with the level of what was.
    """

    sweep: Sweep
    step: Step
    held_s: float = 0.0

    @property
    def spike_times_s(self) -> Float[np.ndarray, " spike"]:
        """Peaks of the spikes during the step, from its onset; the artefact of switching off is no spike."""
        return self._times_s[(self._times_s > 0) & (self._times_s < self.step.duration_s)]

    @property
    def onset(self) -> int:
        """The first sample of the step."""
        return round(self.step.onset_s * self.sweep.sampling_rate)

    @property
    def spikes_before(self) -> int:
        """How many spikes peak before the step, from the start of the sweep."""
        return len(spike_peaks(self.sweep.voltage[: self.onset], self.sweep.sampling_rate))

    @property
    def noisy_mV(self) -> float | None:
        """By how much spikes have to stand out of the noise before the step where that is large, else None."""
        rate, onset = self.sweep.sampling_rate, self.step.onset_s
        return noisy_mV(self.sweep.voltage[round(self.held_s * rate) : round(onset * rate)], rate)

    @property
    def slope_of_spikes(self) -> float:
        """A slope (mV/ms) that all spikes reach, to look for them by: 20, or less where strong steps made some slow."""
        return slope_of_all(self._near[1], self.sweep.sampling_rate)

    @cached_property
    def _times_s(self) -> Float[np.ndarray, " spike"]:
        first, near = self._near
        return (first + spike_peaks(near, self.sweep.sampling_rate)) / self.sweep.sampling_rate - self.step.onset_s

    @property
    def _near(self) -> tuple[int, Float[np.ndarray, " time"]]:
        """The voltage (mV) of the step and `MARGIN_S` on both sides, and the sample at which that begins."""
        rate, step = self.sweep.sampling_rate, self.step
        first = max(0, round((step.onset_s - MARGIN_S) * rate))
        return first, self.sweep.voltage[first : round((step.onset_s + step.duration_s + MARGIN_S) * rate)]

    def __str__(self) -> str:
        return f"sweep {self.sweep.number} ({self.step.amplitude_pA:.4g} pA, {len(self.spike_times_s)} spikes)"


def long_squares(sweeps: Iterable[Sweep], duration_s: float = 1.0) -> tuple[list[LongSquare], Counter[str]]:
    """Returns the sweeps with one long step of that duration, and how many are none for what reason."""
    squares, left_out = [], Counter()
    for sweep in sweeps:
        try:
            squares.append(_long_square(sweep, duration_s))
        except ValueError as reason:
            left_out[str(reason)] += 1
    return squares, left_out


def _long_square(sweep: Sweep, duration_s: float) -> LongSquare:
    """Where less than `MARGIN_S` was recorded before the step, the median of what was is held for the rest of it."""
    try:
        return LongSquare(sweep, find_long_square(sweep.current, sweep.sampling_rate, duration_s, TOLERANCE_S))
    except ShortBaseline as short:
        missing = short.samples
    recorded = max(1, round(MARGIN_S * sweep.sampling_rate) - missing)
    longer = [
        np.concatenate([np.full(missing, np.median(values[:recorded]), values.dtype), values])
        for values in (sweep.voltage, sweep.current)
    ]
    sweep = replace(sweep, voltage=longer[0], current=longer[1])
    step = find_long_square(sweep.current, sweep.sampling_rate, duration_s, TOLERANCE_S)
    return LongSquare(sweep, step, missing / sweep.sampling_rate)
