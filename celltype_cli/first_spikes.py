"""The first spike that a stimulus evokes: its points in voltage and time, measured by allensdk.

The software is that of the feature table of the Allen Cell Types Database (`allensdk.ephys`; Gouwens et al. 2019, doi
10.1038/s41593-019-0417-0); what the points are stands in `ephys_features`. Of ramps, the first spikes of all that
evoke one are averaged; of short squares, those of the amplitude at which most sweeps fire, the lower of two
(`EphysCellFeatureExtractor`). A short square charges the membrane as steeply as some spikes rise: how steep a spike has
to be is taken from the first millisecond of such sweeps (`estimate_adjusted_detection_parameters`).
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from scipy.interpolate import PchipInterpolator

from celltype_cli.current_clamp import SAME_PA, Sweep, spike_peaks
from celltype_cli.errors import UserError
from celltype_cli.stimuli import MARGIN_S, Step, find_ramp, find_short_square

if TYPE_CHECKING:
    from allensdk.ephys.ephys_extractor import EphysSweepFeatureExtractor

Found = TypeVar("Found")
LATER = ("peak", "fast_trough", "trough", "slow_trough")  # than the threshold
FINE = 40_000.0  # Hz, to which slower sweeps are interpolated; the low-pass of allensdk, at 10 kHz, needs over 20,000
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


def extractor(
    sweep: Sweep, onset_s: float, duration_s: float, finest: float = 0.0, **detection: float
) -> EphysSweepFeatureExtractor:
    """Returns allensdk's extractor on a stretch and 0.1 s on both sides, interpolated to `finest` (Hz) or more.

    The interpolation is cubic and monotone between samples (Fritsch & Carlson 1980), so that no extreme appears that
    was not recorded.

    Args:
        onset_s, duration_s: of what the sweep is to be looked at for.
        detection: other criteria of a spike than allensdk's own.

    Raises:
        UserError: when allensdk is missing.
    """
    try:
        from allensdk.ephys.ephys_extractor import EphysSweepFeatureExtractor
    except ImportError as error:
        raise UserError(f"allensdk is missing ({error}): pip install celltype[allen]") from error

    rate = sweep.sampling_rate
    onset, duration = round(onset_s * rate), round(duration_s * rate)
    margin = min(onset, round(MARGIN_S * rate))
    voltage = sweep.voltage[onset - margin : onset + duration + margin].astype(np.float64)
    factor = max(1, math.ceil(finest / rate))
    if factor > 1:
        fine = np.arange((len(voltage) - 1) * factor + 1) / factor
        voltage = PchipInterpolator(np.arange(len(voltage)), voltage)(fine)
    time = np.arange(len(voltage)) / (factor * rate)
    start, end = time[factor * margin], time[min(factor * (margin + duration), len(time) - 1)]
    return EphysSweepFeatureExtractor(time, voltage, start=start, end=end, **detection)


def with_spikes(
    sweep: Sweep, onset_s: float, duration_s: float, **detection: float
) -> EphysSweepFeatureExtractor | None:
    """Returns the extractor with the spikes it found, or None where there is none by its criteria."""
    found = extractor(sweep, onset_s, duration_s, FINE, **detection)
    try:
        found.process_spikes()
    except ValueError:  # an empty stretch between peak and trough: in recordings of noise, by chance
        return None
    return found if found.sweep_feature("avg_rate") > 0 else None


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
    firing = [(sweep, step) for sweep, step in _stimulated(sweeps, find_short_square) if _fires(sweep, step)]
    firing = [(sweep, step) for sweep, step in firing if sweep.sampling_rate == firing[0][0].sampling_rate]
    if not firing:
        return {}
    amplitudes = Counter(round(step.amplitude_pA / SAME_PA) for _, step in firing)
    most = max(amplitudes.values())
    chosen = min(amplitude for amplitude, count in amplitudes.items() if count == most)
    detection = _detection(firing)
    return _mean(
        of_sweep(
            with_spikes(sweep, step.onset_s, AFTER_SHORT_S, **detection),
            "short_square",
            lambda s, step=step: step.amplitude_pA,
        )
        for sweep, step in firing
        if round(step.amplitude_pA / SAME_PA) == chosen
    )


def _stimulated(sweeps: Iterable[Sweep], find: Callable[[Any, float], Found]) -> Iterator[tuple[Sweep, Found]]:
    for sweep in sweeps:
        try:
            yield sweep, find(sweep.current, sweep.sampling_rate)
        except ValueError:  # another stimulus
            continue


def _fires(sweep: Sweep, step: Step) -> bool:
    first = round(step.onset_s * sweep.sampling_rate)
    last = first + round(AFTER_SHORT_S * sweep.sampling_rate)
    return len(spike_peaks(sweep.voltage[first:last], sweep.sampling_rate)) > 0


def _detection(firing: Sequence[tuple[Sweep, Step]]) -> dict[str, float]:
    """Returns criteria of a spike, from short squares of one sampling rate that evoke one."""
    from allensdk.ephys.ephys_features import FeatureError, estimate_adjusted_detection_parameters

    responses = [extractor(sweep, step.onset_s, AFTER_SHORT_S, FINE) for sweep, step in firing]
    voltages, times = ([getattr(response, name) for response in responses] for name in "vt")
    onset = responses[0].start
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # where no spike is as steep: a mean of nothing
        try:
            steepest, fraction = estimate_adjusted_detection_parameters(voltages, times, onset, onset + CHARGING_S)
        except (FeatureError, ValueError):
            return {}
    if not (math.isfinite(steepest) and math.isfinite(fraction)):
        return {}
    return {"dv_cutoff": float(steepest), "thresh_frac": max(float(fraction), SMALLEST_FRACTION)}


def _mean(spikes: Iterable[dict[str, float]]) -> dict[str, float]:
    """Averages each feature over the spikes of which it could be measured."""
    measured = [spike for spike in spikes if spike]
    known = {name: [s[name] for s in measured if math.isfinite(s[name])] for name in (measured[0] if measured else ())}
    return {name: float(np.mean(values)) for name, values in known.items() if values}
