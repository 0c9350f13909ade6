"""The first spike that a stimulus evokes: its points in voltage and time.

What the points are stands in `features.cell`. Of ramps, the first spikes of all that evoke one are averaged; of short
squares, those of the amplitude at which most sweeps fire, the lower of two (`EphysCellFeatureExtractor` of allensdk). A
short square charges the membrane as steeply as some spikes rise: how steep a spike has to be, and at what part of its
upstroke it begins, is taken from the first millisecond of all of them (`estimate_adjusted_detection_parameters`).
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from celltype_cli.patch_clamp.choice import SAME_PA
from celltype_cli.patch_clamp.features.extractor import FINE, extractor, with_spikes
from celltype_cli.patch_clamp.recording import Sweep
from celltype_cli.patch_clamp.stimuli import Step, find_ramp, find_short_square

if TYPE_CHECKING:
    from allensdk.ephys.ephys_extractor import EphysSweepFeatureExtractor

Found = TypeVar("Found")
LATER = ("peak", "fast_trough", "trough", "slow_trough")  # than the threshold
AFTER_SHORT_S = 1.0  # how long the response to a short square is looked at
CHARGING_S = 0.001  # after its onset, in which the membrane charges and no spike begins
SMALLEST_FRACTION = 0.1  # of the mean upstroke, for the threshold of a spike that follows a short square


def names(stimulus: str) -> tuple[str, ...]:
    """Returns the names of the features of one spike, units in them, in the order of `of_sweep`."""
    return (
        *(f"{point}_v_{stimulus} (mV)" for point in ("threshold", *LATER)),
        f"threshold_t_{stimulus} (ms from onset)",
        *(f"{point}_t_{stimulus} (ms from threshold)" for point in LATER),
        f"threshold_i_{stimulus} (pA)",
        f"upstroke_downstroke_ratio_{stimulus}",
        *(f"{name}_{stimulus} (mV)" for name in ("spike_height", "fast_trough_depth", "trough_depth")),
    )


def of_sweep(
    found: EphysSweepFeatureExtractor | None, stimulus: str, current_pA: Callable[[float], float]
) -> dict[str, float]:
    """Returns the features `names(stimulus)` of the first spike, none where there is no spike.

    Args:
        current_pA: what is injected so many seconds after the onset.
    """
    if found is None:
        return {}
    spike = found.spikes()[0]
    v, t = ({point: spike[f"{point}_{kind}"] for point in ("threshold", *LATER)} for kind in "vt")
    values = (
        *v.values(),
        1e3 * (t["threshold"] - found.start),
        *(1e3 * (t[point] - t["threshold"]) for point in LATER),
        current_pA(t["threshold"] - found.start),
        spike["upstroke_downstroke_ratio"],
        v["peak"] - v["threshold"],
        v["threshold"] - v["fast_trough"],
        v["threshold"] - v["trough"],
    )
    return dict(zip(names(stimulus), values))


def of_ramps(sweeps: Iterable[Sweep]) -> dict[str, float]:
    """Returns the features of first spikes in ramps, averaged over those that evoke one."""
    return _mean(
        of_sweep(with_spikes(sweep, ramp.onset_s, ramp.duration_s), "ramp", lambda s, ramp=ramp: s * ramp.slope_pA_s)
        for sweep, ramp in _stimulated(sweeps, find_ramp)
    )


def of_short_squares(sweeps: Iterable[Sweep]) -> dict[str, float]:
    """Returns the features of first spikes after short squares, averaged over the sweeps of one amplitude."""
    pulsed = _stimulated(sweeps, find_short_square)
    rates = {sweep.sampling_rate for sweep, _ in pulsed}
    detection = {rate: _detection([pair for pair in pulsed if pair[0].sampling_rate == rate]) for rate in rates}
    responses = [
        (step.amplitude_pA, with_spikes(sweep, step.onset_s, AFTER_SHORT_S, **detection[sweep.sampling_rate]))
        for sweep, step in pulsed
    ]
    counts = Counter(round(amplitude / SAME_PA) for amplitude, found in responses if found)
    most = min((amplitude for amplitude, count in counts.items() if count == max(counts.values())), default=None)
    return _mean(
        of_sweep(found, "short_square", lambda _, amplitude=amplitude: amplitude)
        for amplitude, found in responses
        if round(amplitude / SAME_PA) == most
    )


def _stimulated(sweeps: Iterable[Sweep], find: Callable[[Any, float], Found]) -> list[tuple[Sweep, Found]]:
    pairs = []
    for sweep in sweeps:
        try:
            pairs.append((sweep, find(sweep.current, sweep.sampling_rate)))
        except ValueError:  # another stimulus
            continue
    return pairs


def _detection(pulsed: Sequence[tuple[Sweep, Step]]) -> dict[str, float]:
    """Returns criteria of a spike, from short squares of one sampling rate; else allensdk's own steepness."""
    from allensdk.ephys.ephys_features import FeatureError, estimate_adjusted_detection_parameters

    responses = [extractor(sweep, step.onset_s, AFTER_SHORT_S, FINE) for sweep, step in pulsed]
    voltages, times = ([getattr(response, name) for response in responses] for name in "vt")
    onset = responses[0].start
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # where no spike is as steep: a mean of nothing
        try:
            steepest, fraction = estimate_adjusted_detection_parameters(voltages, times, onset, onset + CHARGING_S)
        except (FeatureError, ValueError):
            return {"thresh_frac": SMALLEST_FRACTION}
    if not (math.isfinite(steepest) and math.isfinite(fraction)):
        return {"thresh_frac": SMALLEST_FRACTION}
    return {"dv_cutoff": float(steepest), "thresh_frac": max(float(fraction), SMALLEST_FRACTION)}


def _mean(spikes: Iterable[dict[str, float]]) -> dict[str, float]:
    """Averages each feature over the spikes of which it could be measured; a difference, over its own."""
    measured = [spike for spike in spikes if spike]
    known = {name: [s[name] for s in measured if math.isfinite(s[name])] for name in (measured[0] if measured else ())}
    return {name: float(np.mean(values)) for name, values in known.items() if values}
