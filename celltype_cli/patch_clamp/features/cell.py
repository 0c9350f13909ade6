"""Electrophysiological features of a cell from its sweeps, as in the feature table of the Allen Institute.

Spikes are measured by the software that made the table of its Cell Types Database (`features.extractor`). A feature is
NaN where it cannot be measured. Names are those of the table; but no time is from the start of the sweep, because that
tells whose protocol it was.

First spike of the rheobase sweep, *_long_square:
    threshold        the last sample before the upstroke with dV/dt of 5 % or less of the mean upstroke of the sweep
    peak             the largest voltage
    fast_trough      the end of the downstroke: dV/dt is back at 1 % of its smallest
    trough           the smallest voltage before the next spike, or else before the end of the step
    slow_trough      the minimum after the fast trough, if 0.5 mV lower or more; unknown for the last spike of a sweep
    threshold_i      the amplitude of the step
    upstroke_downstroke_ratio    largest over smallest dV/dt, as a positive number
    spike_height, *_depth        differences of voltage from the threshold
Spike train of the hero sweep, from threshold to threshold:
    latency          of the first spike, from the onset of the step
    avg_isi          mean interval between spikes
    adaptation       mean of (next interval - interval) / (next interval + interval)
All long squares, not for "two_sweep":
    vrest            mean voltage of the 0.1 s before the step
    f_i_curve_slope  of the line through firing rate against amplitude, over the sweeps that fire
Steps of negative amplitude at which the cell does not fire, not for "two_sweep":
    vm_for_sag       the smallest voltage of the sweep in which it is nearest to -100 mV
    sag              what part of that deflection (mean of 5 ms) is gone in the last 0.1 s of the step
    ri               slope of the line through smallest voltage against current, over the sweeps above -100 pA
    tau              mean over the same sweeps of the time constant of an exponential, fitted from where 10 % of the
                     deflection is reached to its largest
    capacitance      tau / ri, where ri is positive
    drive            ri times threshold_i: by how much the current would depolarise a passive cell
    *_from_rest      differences of voltage from vrest
Ramps and short squares, for "all" only: what the first spike of a rheobase sweep shows, *_ramp and *_short_square, as
averaged in `first_spikes`. The threshold after a short square lies at 10 % of the mean upstroke or more; its trough is
the smallest voltage before the next spike or the end of 1 s. `sts_features` says why the columns `UNUSED` are left out.
A difference is averaged over sweeps, where that of the published tables is one of averages.

Sampling rates: Allen sweeps brought from 50 down to 20 kHz keep the threshold within 0.3 mV and the ratio (about 4)
within 0.1; at 10 kHz they are 0.2 mV and 0.2 too low. At 4 and 5 kHz spikes are not resolved (2 mV and 1 too low, peaks
off by 2 mV), so that such values compare with their like only. Latencies keep within 0.2 ms.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import OptimizeWarning

from celltype_cli.core.messages import UserError, check_choice
from celltype_cli.patch_clamp.choice import SAME_PA, Chosen
from celltype_cli.patch_clamp.features import extractor, first_spike
from celltype_cli.patch_clamp.recording import Sweep
from celltype_cli.patch_clamp.squares import LongSquare

if TYPE_CHECKING:
    from allensdk.ephys.ephys_extractor import EphysSweepFeatureExtractor

STIMULI = ("long_square", "ramp", "short_square")
SPIKE = first_spike.names("long_square")
UNUSED = ("slow_trough_v_short_square", "slow_trough_t_short_square", "trough_t_short_square", "threshold_t_ramp")
TRAIN = {"adaptation": "adapt", "latency (ms)": "latency", "avg_isi (ms)": "mean_isi"}  # names in allensdk
ALL_SQUARES = ("vrest (mV)", "ri (MOhm)", "sag", "tau (ms)", "vm_for_sag (mV)", "f_i_curve_slope (Hz/pA)")
COMPARED_WITH_REST = ("threshold", "fast_trough", "trough")
FROM_REST = (
    "capacitance (pF)",
    "drive_long_square (mV)",
    *(f"{point}_from_rest_long_square (mV)" for point in COMPARED_WITH_REST),
)
OTHERS = tuple(n for stimulus in STIMULI[1:] for n in first_spike.names(stimulus) if not n.startswith(UNUSED))
NAMES = {
    "two_sweep": (*TRAIN, *SPIKE),
    "long_square": (*TRAIN, *ALL_SQUARES, *FROM_REST, *SPIKE),
    "all": (*TRAIN, *ALL_SQUARES, *FROM_REST, *SPIKE, *OTHERS),
}
SLOWEST = 4000.0  # Hz
SAG_TARGET = -100.0  # mV; this and the next as in `EphysCellFeatureExtractor` of allensdk
LOWEST_PA = -100.0


def features(chosen: Chosen, kind: str, sweeps: Sequence[Sweep] = ()) -> dict[str, float]:
    """Returns the features `NAMES[kind]`, units in their names, NaN where one cannot be measured.

    Args:
        kind: "two_sweep": what the rheobase and the hero sweep show; "long_square": what all long squares show; "all":
            what ramps and short squares show as well.
        sweeps: of the cell, among which ramps and short squares of 4 kHz or more are looked for.

    Raises:
        UserError: when allensdk is missing, or the sampling rate of a long square that counts is below 4 kHz.
    """
    check_choice("features", kind, NAMES)
    squares = chosen.squares if kind != "two_sweep" else ()
    others = [sweep for sweep in sweeps if sweep.sampling_rate >= SLOWEST] if kind == "all" else []
    _check_rates({s.sweep.number: s.sweep.sampling_rate for s in (chosen.rheobase, chosen.hero, *squares)})
    found = _first_spike(chosen.rheobase) | _train(chosen.hero)
    found |= first_spike.of_ramps(others) | first_spike.of_short_squares(others)
    if kind != "two_sweep":
        found |= {"vrest (mV)": _vrest(squares), "f_i_curve_slope (Hz/pA)": _f_i_slope(squares)}
        found |= _passive([s for s in squares if s.step.amplitude_pA < 0 and len(s.spike_times_s) == 0])
        found |= from_rest({name: found.get(name, math.nan) for name in (*ALL_SQUARES, *SPIKE)})
    values = {name: float(found.get(name, math.nan)) for name in NAMES[kind]}
    return {name: value if math.isfinite(value) else math.nan for name, value in values.items()}


def from_rest(found: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the features `FROM_REST` from others by name, which may be numbers, arrays or columns of a table."""
    resistance, rest = found["ri (MOhm)"], found["vrest (mV)"]
    capacitance = 1e3 * found["tau (ms)"] / np.where(resistance > 0, resistance, math.nan)
    drive = 1e-3 * resistance * found["threshold_i_long_square (pA)"]
    distances = (found[f"{point}_v_long_square (mV)"] - rest for point in COMPARED_WITH_REST)
    return dict(zip(FROM_REST, (capacitance, drive, *distances)))


def _check_rates(rates: dict[int, float]) -> None:
    if slow := [f"{number} ({rate:,g} Hz)" for number, rate in rates.items() if rate < SLOWEST]:
        raise UserError(f"features need sweeps of {SLOWEST:,g} Hz or more; slower: sweep {', '.join(slow)}")


def _extractor(square: LongSquare) -> EphysSweepFeatureExtractor:
    return extractor.extractor(square.sweep, square.step.onset_s, square.step.duration_s)


def _with_spikes(square: LongSquare) -> EphysSweepFeatureExtractor | None:
    step = square.step
    return extractor.with_spikes(square.sweep, step.onset_s, step.duration_s, dv_cutoff=square.slope_of_spikes)


def _first_spike(rheobase: LongSquare) -> dict[str, float]:
    return first_spike.of_sweep(_with_spikes(rheobase), "long_square", lambda _: rheobase.step.amplitude_pA)


def _train(hero: LongSquare) -> dict[str, float]:
    if (extractor := _with_spikes(hero)) is None:
        return {}
    return {name: extractor.sweep_feature(key) * (1e3 if "ms" in name else 1.0) for name, key in TRAIN.items()}


def _vrest(squares: Sequence[LongSquare]) -> float:
    return float(np.mean([_extractor(square).sweep_feature("v_baseline") for square in squares]))


def _f_i_slope(squares: Sequence[LongSquare]) -> float:
    """Returns Hz/pA; the two sweeps that were chosen always fire, at different amplitudes."""
    firing = [s for s in squares if s.step.amplitude_pA > 0 and len(s.spike_times_s)]
    rate = [len(s.spike_times_s) / s.step.duration_s for s in firing]
    return float(np.polyfit([s.step.amplitude_pA for s in firing], rate, 1)[0])


def _passive(squares: Sequence[LongSquare]) -> dict[str, float]:
    """Returns the features of responses to steps of negative amplitude."""
    responses = [(square.step.amplitude_pA, _extractor(square)) for square in squares]
    if not responses:
        return {}
    nearest = min((e for _, e in responses), key=lambda e: abs(_lowest(e) - SAG_TARGET))
    with np.errstate(all="ignore"):  # no deflection: 0 / 0
        sag = nearest.sweep_feature("sag")
    weak = [(amplitude, e) for amplitude, e in responses if round(amplitude / SAME_PA) * SAME_PA > LOWEST_PA]
    found = {"sag": sag, "vm_for_sag (mV)": _lowest(nearest)}
    if weak:
        found |= {"ri (MOhm)": _resistance(weak), "tau (ms)": _time_constant([extractor for _, extractor in weak])}
    return found


def _lowest(extractor: EphysSweepFeatureExtractor) -> float:
    return extractor.voltage_deflection("min")[0]


def _resistance(responses: Sequence[tuple[float, EphysSweepFeatureExtractor]]) -> float:
    """Returns MOhm; where there is one amplitude only, the line goes from there to the baseline."""
    points = [(amplitude, _lowest(extractor)) for amplitude, extractor in responses]
    amplitudes = [amplitude for amplitude, _ in responses]
    if max(amplitudes) - min(amplitudes) < SAME_PA:
        points += [(0.0, extractor.sweep_feature("v_baseline")) for _, extractor in responses]
    return 1e3 * float(np.polyfit(*np.transpose(points), 1)[0])


def _time_constant(responses: Sequence[EphysSweepFeatureExtractor]) -> float:
    """Returns ms; fits that fail, or end at less than nothing or more than the step, do not count."""
    from allensdk.ephys.ephys_features import FeatureError

    found = []
    for response in responses:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", OptimizeWarning)
            try:
                tau = response.sweep_feature("tau")
            except (FeatureError, TypeError, ValueError):  # fewer samples than parameters, from scipy
                continue
        if 0 < tau < response.end - response.start:
            found.append(1e3 * tau)
    return float(np.mean(found)) if found else math.nan
