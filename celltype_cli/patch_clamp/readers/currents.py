"""Which current a cell was given: what was commanded, or what was recorded beside the potential.

Both are compared in blocks of 10 ms, less their level at the start of the sweep. Where they differ by more than a tenth
of the larger one and more than the noise, the recorded one is believed, unless the membrane potential follows the
command better: a recorded channel may be left open, or have the other sign.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.ndimage import median_filter

BLOCK_S = 0.01
SHARE = 0.1  # of the larger current: a droop, or an amplifier's calibration
SMALLEST_PA = 5.0
DEVIATIONS = 6.0  # sd of the noise of a block
BETTER = 0.1  # by which the correlation of one current with the potential must be higher
Traces = Sequence[Float[np.ndarray, " time"]]


def choose(voltage: Traces, commanded: Traces, recorded: Traces, sampling_rate: float) -> tuple[bool, str]:
    """Says whether the recorded current is to be taken (mV, pA, of each sweep), and what is to be noted.

    Returns:
        True for the recorded one; a note, empty where the two agree.
    """
    edge = max(1, round(BLOCK_S * sampling_rate))
    v, command, current = ([_levels(one, edge) for one in traces] for traces in (voltage, commanded, recorded))
    if not any(map(_differ, command, current)):
        return False, ""
    steps = max((np.abs(one).max() for one in command), default=0.0) > 0
    follows_command, follows_recorded = _correlation(v, command), _correlation(v, current)
    if steps and follows_command > follows_recorded + BETTER:
        return False, (
            "the recorded current contradicts the command, which the membrane potential follows: the command was taken"
        )
    if steps:
        return True, "the recorded current contradicts the command of the protocol: the recorded one was taken"
    return True, "the protocol commands no step: the recorded current was taken"


def best(voltage: Traces, recorded: Sequence[Traces], sampling_rate: float) -> Traces:
    """Returns, of several recorded currents, the one that the membrane potential follows best."""
    edge = max(1, round(BLOCK_S * sampling_rate))
    v = [_levels(one, edge) for one in voltage]
    return max(recorded, key=lambda traces: _correlation(v, [_levels(one, edge) for one in traces]))


def equal(voltage: Traces, commanded: Traces, sampling_rate: float) -> bool:
    """Says whether potentials (mV) are what was commanded (mV), but for their first level: voltage clamp."""
    edge = max(1, round(BLOCK_S * sampling_rate))
    v, command = (np.concatenate([_levels(one, edge) for one in traces]) for traces in (voltage, commanded))
    return bool(np.ptp(command) > 0 and np.abs(v - command).mean() < SHARE * np.abs(command).mean())


def _levels(trace: Float[np.ndarray, " time"], edge: int) -> Float[np.ndarray, " block"]:
    blocks = trace[: len(trace) // edge * edge].reshape(-1, edge)
    means = np.median(blocks, axis=1) if len(blocks) else np.zeros(1)
    return median_filter(means, 5, mode="nearest") - np.median(means[:3])


def _differ(command: Float[np.ndarray, " block"], current: Float[np.ndarray, " block"]) -> bool:
    n = min(len(command), len(current))
    noise = float(np.median(np.abs(np.diff(current)))) / 0.954 if len(current) > 1 else 0.0
    largest = max(np.abs(command).max(), np.quantile(np.abs(current), 0.99))
    strays = np.abs(command[:n] - current[:n])
    # A step that begins within a block moves one block; what differs for longer is another current.
    return bool(median_filter(strays, 5).max() > max(SMALLEST_PA, DEVIATIONS * noise, SHARE * largest))


def _correlation(voltage: Traces, current: Traces) -> float:
    v, i = (np.concatenate(traces) for traces in (voltage, current))
    n = min(len(v), len(i))
    v, i = v[:n] - v[:n].mean(), i[:n] - i[:n].mean()
    size = np.sqrt((v**2).sum() * (i**2).sum())
    return float((v * i).sum() / size) if size > 0 else 0.0
