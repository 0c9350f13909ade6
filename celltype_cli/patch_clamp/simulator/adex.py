"""Adaptive exponential integrate-and-fire neurons (Brette and Gerstner, J Neurophysiol 94:3637, 2005), many at once.

    C dV/dt = -g (V - EL) + g DeltaT exp((V - VT) / DeltaT) - w + I        tau_w dw/dt = a (V - EL) - w

Two things differ from the paper. The leak g is smaller above rest than below: at its rheobase a cortical cell is
depolarised about twice as far as its input resistance, measured by hyperpolarising steps, would have it. And the model
decides when a spike happens, not how it looks: where V crosses the voltage at which an experimenter sees a spike begin,
`action_potential` takes over; V goes on from the trough at its end, and w grows by b.

Units: mV, ms, pA, pF, nS.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int
from scipy.stats import beta

STEP_MS = 0.1  # of the integration (forward Euler); time constants are above 3 ms
NOISE_MS = 1.0  # the noise current is constant that long
AT_REST = 0.2  # of the noise current at VT
LINEAR = 0.06  # share of a stroke that is not bell-shaped: it begins, or ends, at 4 to 5 % of its steepest slope
RISE = (5.0, 4.0)  # the beta distribution of the upstroke
FALL = 2.2  # first parameter of the beta distribution of the downstroke; the second follows from its steepest slope
LARGEST_BOOST = 0.3  # of the current: how far below 0 the jump b may go
SECOND = np.geomspace(2.0, 60.0, 200)
STEEPEST = beta.pdf((FALL - 1) / (FALL + SECOND - 2), FALL, SECOND)


class Neurons(NamedTuple):
    """Parameters of the cells, each an array [cell]."""

    capacitance: Float[np.ndarray, " cell"]
    leak_below: Float[np.ndarray, " cell"]
    leak_above: Float[np.ndarray, " cell"]
    rest: Float[np.ndarray, " cell"]  # EL
    threshold: Float[np.ndarray, " cell"]  # VT
    sharpness: Float[np.ndarray, " cell"]  # DeltaT
    onset: Float[np.ndarray, " cell"]  # V at which a spike begins
    reset: Float[np.ndarray, " cell"]  # V at the end of a spike, its slow trough included
    spike_ms: Float[np.ndarray, " cell"]  # how long it lasts
    subthreshold: Float[np.ndarray, " cell"]  # a
    jump: Float[np.ndarray, " cell"]  # b
    tau_w: Float[np.ndarray, " cell"]

    def of(self, cells: Int[np.ndarray, " chosen"]) -> Neurons:
        return Neurons(*(values[cells] for values in self))


class Shape(NamedTuple):
    """Of action potentials: mV and ms, each an array [cell], or a number for one cell."""

    onset: Float[np.ndarray, " cell"] | float
    peak: Float[np.ndarray, " cell"] | float
    trough: Float[np.ndarray, " cell"] | float
    rise_ms: Float[np.ndarray, " cell"] | float
    fall_ms: Float[np.ndarray, " cell"] | float
    up_down_ratio: Float[np.ndarray, " cell"] | float  # steepest slopes
    slow_mV: Float[np.ndarray, " cell"] | float  # from the fast trough further down to the slow one
    slow_ms: Float[np.ndarray, " cell"] | float

    @property
    def lasting_ms(self) -> Float[np.ndarray, " cell"] | float:
        return self.rise_ms + self.fall_ms + self.slow_ms


def simulate(
    neurons: Neurons, current: Float[np.ndarray, "time cell"], noise: Float[np.ndarray, "block cell"]
) -> tuple[Float32[np.ndarray, "cell time"], list[Float[np.ndarray, " spike"]]]:
    """Integrates the cells from rest.

    Args:
        current: pA in steps of `STEP_MS`.
        noise: pA at VT, in steps of `NOISE_MS`, as long; proportionally less down to `AT_REST`.

    Returns:
        V (mV) at the beginning of each step; during a spike it stays at the fast trough, where the spike ends. And the
        times at which each cell's spikes begin, ms from the first step, between steps.
    """
    n = neurons
    per_block = round(NOISE_MS / STEP_MS)
    v, w = n.rest.copy(), np.zeros_like(n.rest)
    busy = np.zeros_like(v)  # ms of the spike that are left
    voltage, begun = np.empty(current.shape, dtype=np.float32), []
    span = n.threshold - n.rest
    per_c, decay = STEP_MS / n.capacitance, STEP_MS / n.tau_w
    for k in range(len(current)):
        voltage[k] = v
        above = v - n.rest
        leak = np.where(above > 0, n.leak_above, n.leak_below)
        upswing = n.leak_above * n.sharpness * np.exp((v - n.threshold) / n.sharpness)
        channels = noise[k // per_block] * np.maximum(above / span, AT_REST)
        slope = current[k] + channels - w - leak * above + upswing
        w += decay * (n.subthreshold * above - w)
        new = v + per_c * slope * np.clip(1 - busy / STEP_MS, 0, 1)
        busy -= STEP_MS
        crossed = np.flatnonzero(new >= n.onset)
        if len(crossed):
            part = (n.onset - v)[crossed] / (new - v)[crossed]
            begun.append((crossed, (k + part) * STEP_MS))
            busy[crossed] = n.spike_ms[crossed] - (1 - part) * STEP_MS
            new[crossed] = n.reset[crossed]
            w[crossed] += n.jump[crossed]
        v = new
    cells = np.concatenate([cell for cell, _ in begun] or [np.empty(0, dtype=int)])
    times = np.concatenate([time for _, time in begun] or [np.empty(0)])
    return np.ascontiguousarray(voltage.T), [times[cells == cell] for cell in range(len(v))]


def action_potential(since_ms: Float[np.ndarray, " time"], shape: Shape) -> Float[np.ndarray, " time"]:
    """Returns the voltage of one cell's spike at times from its onset, 0 to `lasting_ms`.

    Each stroke is the distribution function of a beta distribution, mixed with a little of one whose density falls, or
    rises, along a line. So the upstroke begins at 5 % of its steepest slope, where IPFX and the Allen tables have the
    threshold, and the downstroke ends above 1 % of its own, where they have the fast trough.
    """
    up, down = shape.peak - shape.onset, shape.peak - shape.trough
    steepest_up = (1 - LINEAR) * beta.pdf(4 / 7, *RISE) * up / shape.rise_ms
    wanted = steepest_up / shape.up_down_ratio * shape.fall_ms / down / (1 - LINEAR)
    second = np.interp(wanted, STEEPEST, SECOND)
    x = np.clip(since_ms / shape.rise_ms, 0, 1)
    rising = (1 - LINEAR) * beta.cdf(x, *RISE) + LINEAR * (1 - (1 - x) ** 2)
    y = np.clip((since_ms - shape.rise_ms) / shape.fall_ms, 0, 1)
    falling = (1 - LINEAR) * beta.cdf(y, FALL, second) + LINEAR * y**2
    z = np.clip((since_ms - shape.rise_ms - shape.fall_ms) / max(shape.slow_ms, STEP_MS), 0, 1)
    after = shape.peak - down * falling - shape.slow_mV * (1 - np.cos(np.pi * z)) / 2
    return np.where(since_ms < shape.rise_ms, shape.onset + up * rising, after)


def adapting(neurons: Neurons, current: Float[np.ndarray, " cell"], interval_ms: Float[np.ndarray, " cell"]) -> Neurons:
    """Returns the neurons with the jump b that makes them fire at `interval_ms` when adapted to a constant current.

    Without the exponential, V(t) after a spike is the sum of three exponentials, linear in w at the end of the spike;
    the w with which V reaches VT just then decays until the next spike by what b has to give back. The time from VT to
    the onset of the spike comes on top. Where even w = 0 is too slow, b is negative, as after-depolarisations are, but
    down to a limit.
    """
    n = neurons
    above = n.threshold - n.rest
    drive = current - n.subthreshold * above
    tau = n.capacitance / n.leak_above
    tau_w = np.where(np.abs(n.tau_w - tau) < 0.02 * tau, 1.02 * tau, n.tau_w)  # equal ones divide by zero
    free = np.maximum(interval_ms - n.spike_ms, 0.5)
    fast, slow = np.exp(-free / tau), np.exp(-free / tau_w)
    without = drive / n.leak_above * (1 - fast) + (n.reset - n.rest) * fast
    w = n.leak_above * (without - above) * (tau_w - tau) / (tau_w * (slow - fast))
    return n._replace(jump=np.maximum(w * (1 - np.exp(-interval_ms / n.tau_w)), -LARGEST_BOOST * current))
