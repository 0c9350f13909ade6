"""What distinguishes the four simulated classes, and AdEx neurons that follow from it.

Medians and spreads (interquartile range / 1.349, after the transform) of mouse visual cortex: the Allen Cell Types
Database (Gouwens et al., Nat Neurosci 22:1182, 2019) and Patch-seq (Gouwens et al., Cell 183:935, 2020), from their
feature tables, 5,590 cells, rounded. Correlations are those within classes, pooled over the four, to one digit.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from celltype_cli.patch_clamp.simulator.adex import Neurons, Shape, adapting

HERO_PA = 40.0  # above the rheobase: of the sweep on which rate and adaptation are measured
QUANTITIES = {  # median and spread for each class, in the order of `recording.CLASSES`
    "rheobase_pA": ("log", (240, 0.44), (110, 0.74), (80, 0.71), (80, 0.58)),
    "tau_ms": ("log", (7.5, 0.27), (18.2, 0.38), (12.2, 0.39), (20.1, 0.40)),
    "ri_MOhm": ("log", (111, 0.35), (148, 0.43), (205, 0.42), (217, 0.34)),
    "rate_Hz": ("log", (57.6, 0.54), (12.1, 0.42), (18.6, 0.64), (19.4, 0.43)),
    "rise_ms": ("log", (0.34, 0.13), (0.48, 0.15), (0.46, 0.18), (0.44, 0.14)),
    "fall_ms": ("log", (0.90, 0.27), (2.52, 0.38), (2.10, 0.50), (1.36, 0.28)),
    "up_down_ratio": ("log", (1.40, 0.14), (3.59, 0.24), (3.25, 0.19), (2.06, 0.18)),
    "rest_mV": ("linear", (-71.1, 5.7), (-75.0, 5.4), (-69.2, 6.1), (-68.0, 6.6)),
    "threshold_mV": ("linear", (-33.4, 5.5), (-37.1, 4.1), (-36.0, 5.3), (-37.4, 5.7)),
    "peak_mV": ("linear", (20.1, 7.7), (37.8, 8.6), (29.2, 10.4), (29.4, 10.4)),
    "fast_ahp_mV": ("linear", (22.8, 3.8), (10.3, 4.0), (10.7, 5.0), (15.7, 4.6)),  # from the threshold down
    "adaptation": ("asinh", (0.004, 0.11), (0.036, 0.62), (0.033, 1.0), (0.049, 0.80)),
    "sag": ("log", (0.036, 0.77), (0.049, 1.15), (0.057, 0.75), (0.074, 0.92)),
    "slow_ahp_mV": ("linear", (0.0, 0.0), (5.0, 2.5), (0.0, 0.0), (0.0, 0.0)),  # further down, by another current
    "jitter_mV": ("log", (0.7, 0.3), (0.5, 0.3), (1.0, 0.3), (0.8, 0.3)),  # sd of the membrane potential; set by hand
}
FROM_NORMAL = {"log": np.exp, "linear": np.positive, "asinh": lambda value: 0.05 * np.sinh(value)}
TO_NORMAL = {"log": np.log, "linear": np.positive, "asinh": lambda value: np.arcsinh(value / 0.05)}
CORRELATION = np.eye(len(QUANTITIES))
CORRELATION[:12, :12] = [
    [1.0, -0.6, -0.8, -0.1, -0.2, 0.0, -0.1, -0.4, 0.2, 0.0, 0.2, 0.0],
    [-0.6, 1.0, 0.7, 0.0, 0.2, 0.0, 0.1, 0.3, -0.1, 0.1, -0.1, 0.1],
    [-0.8, 0.7, 1.0, 0.1, 0.2, 0.0, 0.0, 0.3, -0.1, 0.0, -0.1, 0.0],
    [-0.1, 0.0, 0.1, 1.0, 0.0, 0.0, -0.1, 0.0, 0.0, -0.1, 0.1, -0.5],  # of the f-I slope
    [-0.2, 0.2, 0.2, 0.0, 1.0, 0.7, 0.3, 0.1, 0.1, -0.2, 0.0, -0.2],
    [0.0, 0.0, 0.0, 0.0, 0.7, 1.0, 0.6, 0.0, 0.2, -0.3, 0.0, -0.2],
    [-0.1, 0.1, 0.0, -0.1, 0.3, 0.6, 1.0, 0.0, -0.1, 0.2, -0.4, 0.0],
    [-0.4, 0.3, 0.3, 0.0, 0.1, 0.0, 0.0, 1.0, 0.3, 0.1, -0.1, 0.0],
    [0.2, -0.1, -0.1, 0.0, 0.1, 0.2, -0.1, 0.3, 1.0, 0.1, 0.4, 0.0],
    [0.0, 0.1, 0.0, -0.1, -0.2, -0.3, 0.2, 0.1, 0.1, 1.0, 0.0, 0.1],
    [0.2, -0.1, -0.1, 0.1, 0.0, 0.0, -0.4, -0.1, 0.4, 0.0, 1.0, -0.2],
    [0.0, 0.1, 0.0, -0.5, -0.2, -0.2, 0.0, 0.0, 0.0, 0.1, -0.2, 1.0],
]
MIXING = np.linalg.cholesky(CORRELATION)
FURTHEST = 2.3  # spreads from the median: the tails of the tables hold cells that were measured badly
SHARPNESS_MV = 1.0  # DeltaT; onsets of cortical spikes are sharp (Badel et al., J Neurophysiol 99:656, 2008: about 1.4)
FOOT = 2.0  # how many DeltaT lie between VT and the voltage at which a spike is seen to begin
SLOW_MS = 15.0  # from the fast trough to the slow one, but at most a quarter of the mean interval
TAU_W = (0.4, 2.2)  # in mean intervals: without adaptation, and more for each unit of the lengthening of intervals
LONGER = 0.25  # the adapted interval than the mean one, for each such unit; all three set by simulation
LIMITS = {
    "rheobase_pA": (15.0, 700.0),
    "rate_Hz": (4.0, 150.0),
    "fast_ahp_mV": (2.0, 35.0),
    "sag": (0.005, 0.4),
    "slow_ahp_mV": (0.0, 20.0),
}


def traits(
    label: Int[np.ndarray, " cell"],
    cell: Float[np.ndarray, "cell quantity"],
    donor: Float[np.ndarray, "cell quantity"],
    donor_share: float,
) -> dict[str, Float[np.ndarray, " cell"]]:
    """Returns the quantities of cells of the given classes.

    Args:
        label: index into CLASSES.
        cell, donor: independent standard normal values; cells of one donor have equal ones of `donor`.
        donor_share: of the variance within a class, from 0 to 1, that is between donors, alike for all classes.
    """
    normal = (np.sqrt(1 - donor_share) * cell + np.sqrt(donor_share) * donor) @ MIXING.T
    normal = np.clip(normal, -FURTHEST, FURTHEST)
    drawn = {}
    for column, (name, (scale, *classes)) in enumerate(QUANTITIES.items()):
        median, spread = np.array(classes, dtype=float)[label].T
        value = FROM_NORMAL[scale](TO_NORMAL[scale](median) + spread * normal[:, column])
        drawn[name] = np.clip(value, *LIMITS.get(name, (-np.inf, np.inf)))
    drawn["threshold_mV"] = np.maximum(drawn["threshold_mV"], drawn["rest_mV"] + 18)
    drawn["peak_mV"] = np.maximum(drawn["peak_mV"], drawn["threshold_mV"] + 30)
    room = drawn["threshold_mV"] - drawn["rest_mV"] - 4
    drawn["fast_ahp_mV"] = np.minimum(drawn["fast_ahp_mV"], room)
    drawn["slow_ahp_mV"] = np.minimum(drawn["slow_ahp_mV"], room - drawn["fast_ahp_mV"])
    return drawn


def shapes(drawn: dict[str, Float[np.ndarray, " cell"]]) -> Shape:
    """Returns the action potentials of cells with these traits."""
    return Shape(
        onset=drawn["threshold_mV"],
        peak=drawn["peak_mV"],
        trough=drawn["threshold_mV"] - drawn["fast_ahp_mV"],
        rise_ms=drawn["rise_ms"],
        fall_ms=drawn["fall_ms"],
        up_down_ratio=drawn["up_down_ratio"],
        slow_mV=drawn["slow_ahp_mV"],
        slow_ms=np.minimum(SLOW_MS, 250 / drawn["rate_Hz"]) * (drawn["slow_ahp_mV"] > 0),
    )


def neurons(drawn: dict[str, Float[np.ndarray, " cell"]], step_pA: float) -> Neurons:
    """Returns AdEx neurons with these traits.

    C and the leak below rest are tau / ri and 1 / ri. The leak above rest puts the rheobase of a long step, (leak + a)
    (VT - EL - DeltaT) for slow changes, half a step below the one that an experimenter would find in steps of
    `step_pA`. tau_w follows from the adaptation index, b from the firing rate (`adapting`), a from the sag.
    """
    shape = shapes(drawn)
    leak = 1e3 / drawn["ri_MOhm"]
    threshold = drawn["threshold_mV"] - FOOT * SHARPNESS_MV
    rheobase = np.maximum(drawn["rheobase_pA"] - step_pA / 2, 5.0)
    above = rheobase / (threshold - drawn["rest_mV"] - SHARPNESS_MV)
    a = np.minimum(leak * drawn["sag"] / (1 - drawn["sag"]), above / 2)
    mean_interval = 1e3 / drawn["rate_Hz"]
    lengthening = np.clip(2 * drawn["adaptation"] * (drawn["rate_Hz"] - 2), 0.0, 3.0)  # log of last over first interval
    interval = mean_interval * (1 + LONGER * lengthening)
    made = Neurons(
        capacitance=drawn["tau_ms"] * leak,
        leak_below=leak,
        leak_above=above - a,
        rest=drawn["rest_mV"],
        threshold=threshold,
        sharpness=np.full_like(leak, SHARPNESS_MV),
        onset=shape.onset,
        reset=shape.trough - shape.slow_mV,
        spike_ms=shape.lasting_ms,
        subthreshold=a,
        jump=np.zeros_like(leak),
        tau_w=mean_interval * (TAU_W[0] + TAU_W[1] * lengthening),
    )
    return adapting(made, rheobase + HERO_PA, interval)
