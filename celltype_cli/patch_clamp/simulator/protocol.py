"""An experimenter at a simulated rig: current steps, and the search for the rheobase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from celltype_cli.patch_clamp.recording import CLASSES, Recording, Sweep
from celltype_cli.patch_clamp.simulator.adex import NOISE_MS, STEP_MS, Neurons, Shape, action_potential, simulate
from celltype_cli.patch_clamp.simulator.classes import QUANTITIES, neurons, shapes, traits

DURATIONS_MS = (150.0, 1000.0, 150.0)  # before, during and after the step
HYPERPOLARISING_PA = (-90.0, -70.0, -50.0, -30.0)
COARSE, HIGHEST_PA = 4, 1200.0  # fine steps in a coarse one; where the search ends
AT_ONCE = 8  # coarse steps simulated together; what comes after the first spike is thrown away
ABOVE_PA = (20.0, 40.0, 60.0)  # from the rheobase
TEMPLATE_MS = 0.005  # between the values of an action potential that samples are interpolated from


class Cell(NamedTuple):
    """Says which cell: its class, its number within the class, and its donor; all from 0."""

    label: int
    number: int
    donor: int

    @property
    def name(self) -> str:
        return f"{CLASSES[self.label].replace('/', '-')}_{self.number + 1:04d}"


def draw(cells: Sequence[Cell], *, seed: int, donor_share: float) -> dict[str, Float[np.ndarray, " cell"]]:
    """Returns the traits of the cells."""
    own = [_random(seed, 1, cell.label, cell.number).standard_normal(len(QUANTITIES)) for cell in cells]
    of_donor = [_random(seed, 0, cell.donor).standard_normal(len(QUANTITIES)) for cell in cells]
    return traits(np.array([cell.label for cell in cells]), np.array(own), np.array(of_donor), donor_share)


def record(
    cells: Sequence[Cell], *, seed: int, donor_share: float, step_pA: float, sampling_rate: float, noise_mV: float
) -> Iterator[Recording]:
    """Applies the protocol to the cells; arguments as in `simulator.dataset.load`.

    A cell depends on the seed, its class, its number and its donor, not on the other cells.

    Yields:
        One recording per cell, its sweeps in the order of recording: hyperpolarising steps; coarse ones up to the first
        with a spike; fine ones from below that up to the rheobase; and steps above the rheobase.
    """
    drawn = draw(cells, seed=seed, donor_share=donor_share)
    rig = _Rig(cells, neurons(drawn, step_pA), drawn["jitter_mV"], seed)
    orders: list[list[float]] = [[*HYPERPOLARISING_PA] for _ in cells]
    first = _first_spiking(rig, orders, COARSE * step_pA * np.arange(1, 1 + HIGHEST_PA // (COARSE * step_pA)))
    fine = {cell: [first[cell] - k * step_pA for k in range(COARSE - 1, 0, -1)] for cell in first}
    rig.apply([(cell, amplitude) for cell in fine for amplitude in fine[cell]])
    for cell, amplitudes in fine.items():
        rheobase = next((a for a in amplitudes if rig.spikes(cell, a)), first[cell])
        orders[cell] += [a for a in amplitudes if a <= rheobase and a != first[cell]]
        orders[cell] += [a for k in ABOVE_PA if (a := rheobase + k) not in orders[cell]]
    rig.apply([(cell, amplitude) for cell, order in enumerate(orders) for amplitude in order])
    times = np.arange(round(sum(DURATIONS_MS) * sampling_rate / 1e3)) * 1e3 / sampling_rate
    step = ((times >= DURATIONS_MS[0]) & (times < sum(DURATIONS_MS[:2]))).astype(np.float32)
    for k, spike in enumerate(zip(*shapes(drawn))):
        sweeps = []
        for amplitude in orders[k]:
            voltage = _traced(*rig.responses[k, amplitude], Shape(*spike), times)
            voltage += noise_mV * rig.random(k, amplitude, 1).standard_normal(len(times))
            current = np.float32(amplitude) * step
            sweeps.append(Sweep(voltage.astype(np.float32), current, float(sampling_rate), len(sweeps)))
        yield Recording(tuple(sweeps))


def _first_spiking(rig: _Rig, orders: list[list[float]], ladder: Float[np.ndarray, " step"]) -> dict[int, float]:
    """Climbs the ladder with every cell until it spikes; returns the amplitude at which it did."""
    first: dict[int, float] = {}
    for start in range(0, len(ladder), AT_ONCE):
        rungs = ladder[start : start + AT_ONCE].tolist()
        silent = [cell for cell in range(len(orders)) if cell not in first]
        rig.apply([(cell, amplitude) for cell in silent for amplitude in rungs])
        for cell in silent:
            spiking = [amplitude for amplitude in rungs if rig.spikes(cell, amplitude)]
            orders[cell] += [amplitude for amplitude in rungs if not spiking or amplitude <= spiking[0]]
            if spiking:
                first[cell] = spiking[0]
    return first


class _Rig:
    """Holds cells, and remembers their responses to the current steps applied so far."""

    def __init__(self, cells: Sequence[Cell], made: Neurons, jitter_mV: Float[np.ndarray, " cell"], seed: int) -> None:
        self.cells, self.neurons, self.seed = cells, made, seed
        tau = made.capacitance / made.leak_above
        self.noise_pA = jitter_mV * made.leak_above * np.sqrt(2 * tau / NOISE_MS)  # white noise through a membrane
        self.responses: dict[tuple[int, float], tuple[np.ndarray, np.ndarray]] = {}

    def random(self, cell: int, amplitude: float, stream: int) -> np.random.Generator:
        which = self.cells[cell]
        return _random(self.seed, 2, which.label, which.number, round(10 * (amplitude + 1e4)), stream)

    def apply(self, wanted: Sequence[tuple[int, float]]) -> None:
        """Simulates the pairs of cell and amplitude (pA) that are new, all at once."""
        new = [pair for pair in wanted if pair not in self.responses]
        if not new:
            return
        cell, amplitude = np.array([c for c, _ in new]), np.array([a for _, a in new])
        step = np.repeat([0.0, 1.0, 0.0], [round(ms / STEP_MS) for ms in DURATIONS_MS])
        blocks = round(sum(DURATIONS_MS) / NOISE_MS)
        noise = np.stack([self.random(c, a, 0).standard_normal(blocks) for c, a in new], axis=1) * self.noise_pA[cell]
        voltage, spikes = simulate(self.neurons.of(cell), step[:, None] * amplitude, noise)
        self.responses.update(zip(new, zip(voltage, spikes)))

    def spikes(self, cell: int, amplitude: float) -> bool:
        """Whether the cell spiked while the current was on."""
        times = self.responses[cell, amplitude][1] - DURATIONS_MS[0]
        return bool(((times > 0) & (times < DURATIONS_MS[1])).any())


def _traced(
    voltage: Float32[np.ndarray, " step"],
    begun_ms: Float[np.ndarray, " spike"],
    spike: Shape,
    times_ms: Float[np.ndarray, " time"],
) -> Float[np.ndarray, " time"]:
    """Returns a response at the given times, with the action potentials put in."""
    knots = np.arange(len(voltage)) * STEP_MS
    at = np.searchsorted(knots, begun_ms)
    traced = np.interp(times_ms, np.insert(knots, at, begun_ms), np.insert(voltage, at, spike.onset))
    if len(begun_ms):
        since = times_ms - np.r_[-np.inf, begun_ms][np.searchsorted(begun_ms, times_ms, side="right")]
        during = since <= spike.lasting_ms
        template = np.linspace(0, spike.lasting_ms, 1 + round(spike.lasting_ms / TEMPLATE_MS))
        traced[during] = np.interp(since[during], template, action_potential(template, spike))
    return traced


def _random(seed: int, *key: int) -> np.random.Generator:
    """Returns the stream of a donor (0, donor), a cell (1, label, number) or a sweep (2, label, number, ...)."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
