"""Simulated calcium traces of four cell classes, with animals, sessions and cells that differ.

A cell fires (`spikes`), and an indicator under a microscope shows it (`indicator`). Parameters differ between animals,
sessions of an animal and cells by factors exp(normal), and all cells of a session fire with the same running. Every
animal has cells of all classes, unless each is asked to have one, and noise and drift have the same distribution for
all classes: a class that is told by its noise would be a laboratory told by its noise, as in the recorded data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import signature
from typing import Annotated, NamedTuple

import numpy as np
from annotated_types import Interval

from celltype_cli.calcium.recording import Recording
from celltype_cli.calcium.simulator.indicator import measured
from celltype_cli.calcium.simulator.spikes import episodes, spike_train
from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings
from celltype_cli.core.messages import UserError
from celltype_cli.core.ranges import Count, SeedNumber, held

CLASSES = ("PY", "PV", "SOM", "VIP")
Amount = Annotated[int, Interval(ge=0, le=1_000_000)]  # of cells
OPTICAL = ("half_spikes", "decay_s")  # the parameters of a class that belong to the indicator, not to the spikes
LIMITS = {  # of parameters that may be 0 or have a largest value; the others are above 0
    "slow_sd": (0.0, 5.0),
    "burst_probability": (0.0, 0.99),
    "cluster_share": (0.01, 1.0),
    "refractory_s": (0.0, 1.0),
    "baseline_percentile": (0.0, 100.0),
    "max_dff": (0.0, np.inf),
    "drift_dff": (0.0, np.inf),
    "noise_nu": (0.0, np.inf),
    "on_s": (0.1, 1e4),
    "off_s": (0.1, 1e4),
}


class Cell(NamedTuple):
    """Says which cell: its class, its number within the class, its animal, and the animal's session; all from 0."""

    label: int
    number: int
    animal: int
    session: int


@held
def load(
    *,
    cells_per_class: Amount | Mapping[str, Amount],
    animals: Count,
    one_class_per_animal: bool,
    sessions: Count,
    timesteps: Annotated[int, Interval(ge=2, le=10_000_000)],
    sampling_rate: Annotated[float, Interval(gt=0, le=1000)],
    seed: SeedNumber,
    baseline_s: Annotated[float, Interval(gt=0, le=3600)],
    running: Mapping[str, float],
    indicator: Mapping[str, float],
    classes: Mapping[str, Mapping[str, float]],
    spread: Mapping[str, Mapping[str, Annotated[float, Interval(ge=0, le=3)]]],
) -> Recordings:
    """Simulates the dataset, a trace in dF/F for each cell; groups are animals.

    More cells, or more timesteps, with the same seed continue the same dataset: the cells and samples that were
    there before stay as they are.

    Args:
        cells_per_class: one number for all, or a number for each of CLASSES; even over animals and sessions.
        animals: how many there are.
        one_class_per_animal: whether the cells of an animal are all of one class, as where a Cre line decides which
            cells express the indicator; animals 1, 5, 9 ... then have the first class, 2, 6, 10 ... the second.
        sessions: recordings of each animal.
        timesteps: samples of each trace.
        sampling_rate: Hz.
        seed: of everything random.
        baseline_s: seconds recorded before the first sample, to which dF/F refers.
        running: `on_s` and `off_s`, mean seconds of a run and of a rest.
        indicator: those keywords of `indicator.measured` that all classes share.
        classes: for each class the keywords of `spikes.spike_train` and the rest of those of `indicator.measured`.
        spread: for `animal`, `session` and `cell`, sd of the logarithm of the factor on each parameter named.

    Raises:
        UserError: with all faults at once, when a number is out of range or a name is missing or unknown.
    """
    faults = [*_faults(cells_per_class, running, indicator, classes, spread)]
    if one_class_per_animal and animals < len(CLASSES):
        faults.append(f"animals is {animals}; with one class per animal give at least {len(CLASSES)}")
    if faults:
        raise UserError("dataset calcium_sim: " + "\n  ".join(["cannot be simulated:", *faults]))
    counts = [cells_per_class if isinstance(cells_per_class, int) else cells_per_class[name] for name in CLASSES]
    having = [range(k, animals, len(CLASSES)) if one_class_per_animal else range(animals) for k in range(len(CLASSES))]
    cells = [
        Cell(k, i, animals_of[i % len(animals_of)], i // len(animals_of) % sessions)
        for k, (n, animals_of) in enumerate(zip(counts, having))
        for i in range(n)
    ]
    dff, _ = simulate(
        cells,
        timesteps=timesteps,
        sampling_rate=sampling_rate,
        seed=seed,
        baseline_s=baseline_s,
        running=running,
        indicator=indicator,
        classes=classes,
        spread=spread,
    )
    recordings = [
        Recording(
            cell_id=f"{CLASSES[cell.label]}_{cell.number + 1:04d}",
            label=CLASSES[cell.label],
            group=f"animal_{cell.animal + 1:02d}",
            segments=(trace,),
            sampling_rate=float(sampling_rate),
        )
        for cell, trace in zip(cells, dff)
    ]
    note = "no animal was recorded: a score on these cells says nothing about recorded ones"
    return Recordings(recordings, About("calcium_sim", simulated=True, notes=(note,), group="animal"), CLASSES)


def simulate(
    cells: Sequence[Cell],
    *,
    timesteps: int,
    sampling_rate: float,
    seed: int,
    baseline_s: float,
    running: Mapping[str, float],
    indicator: Mapping[str, float],
    classes: Mapping[str, Mapping[str, float]],
    spread: Mapping[str, Mapping[str, float]],
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Simulates the cells asked for; arguments as in `load`.

    Returns:
        dF/F, float32 [cell, timesteps], and the spike times of each cell in seconds from its first sample.
    """
    n_before, dt = round(baseline_s * sampling_rate), 1 / sampling_rate
    running_share = running["on_s"] / (running["on_s"] + running["off_s"])
    of_animal = {a: _factors(_seed(seed, 0, a), spread["animal"]) for a in {cell.animal for cell in cells}}
    of_session, runs = {}, {}
    for place in {(cell.animal, cell.session) for cell in cells}:
        factors, feet = _seed(seed, 1, *place).spawn(2)
        of_session[place] = _factors(factors, spread["session"])
        runs[place] = episodes(np.random.default_rng(feet), n_before + timesteps, dt, **running)
    dff, spikes = np.empty((len(cells), timesteps), dtype=np.float32), []
    for row, cell in enumerate(cells):
        traits, firing, optics = _seed(seed, 2, cell.label, cell.number).spawn(3)
        place = (cell.animal, cell.session)
        values = {**indicator, **classes[CLASSES[cell.label]]}
        for factors in (of_animal[cell.animal], of_session[place], _factors(traits, spread["cell"])):
            values.update({name: values[name] * factor for name, factor in factors.items()})
        light = {name: values.pop(name) for name in (*indicator, *OPTICAL)}
        times = spike_train(runs[place], firing, dt=dt, running_share=running_share, **values)
        dff[row] = measured(times, optics, n_before=n_before, n_samples=timesteps, dt=dt, **light)
        spikes.append(times[times >= n_before * dt] - n_before * dt)
    return dff, spikes


def _seed(seed: int, *key: int) -> np.random.SeedSequence:
    """Returns the seed of an animal (0, animal), a session (1, animal, session) or a cell (2, label, number)."""
    return np.random.SeedSequence(seed, spawn_key=key)


def _factors(seed: np.random.SeedSequence, spread: Mapping[str, float]) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    return {name: float(np.exp(sd * rng.standard_normal())) for name, sd in spread.items()}


def _faults(
    cells_per_class: int | Mapping[str, int],
    running: Mapping[str, float],
    indicator: Mapping[str, float],
    classes: Mapping[str, Mapping[str, float]],
    spread: Mapping[str, Mapping[str, float]],
) -> Iterator[str]:
    counts = [cells_per_class] if isinstance(cells_per_class, int) else list(cells_per_class.values())
    if min(counts, default=0) < 0 or not any(counts):
        yield f"cells_per_class is {cells_per_class}; give whole numbers from 0, not all of them 0"
    optical, firing = _keywords(measured), _keywords(spike_train)
    blocks = {"running": (running, {"on_s", "off_s"}), "indicator": (indicator, optical - {*OPTICAL})}
    blocks |= {f"classes.{name}": (values, firing | {*OPTICAL}) for name, values in classes.items()}
    blocks |= {"classes": (classes, {*CLASSES}), "spread": (spread, {"animal", "session", "cell"})}
    if not isinstance(cells_per_class, int):
        blocks["cells_per_class"] = (cells_per_class, {*CLASSES})
    for where, (given, expected) in blocks.items():
        known = ", ".join(sorted(expected))
        yield from (f"{where}.{name} is missing" for name in sorted(expected - {*given}))
        yield from (f"{where}.{name} is not known; known here: {known}" for name in sorted({*given} - expected))
    for level, sds in spread.items():
        unknown = sorted({*sds} - optical - firing)
        yield from (f"spread.{level}.{name} is no parameter of a class or of the indicator" for name in unknown)
    for where in ("running", "indicator", *(f"classes.{name}" for name in classes)):
        for name, value in blocks[where][0].items():
            lowest, highest = LIMITS.get(name, (1e-9, 1e4))
            if not lowest <= value <= highest:
                yield f"{where}.{name} is {value}; give a number from {lowest} to {highest}"


def _keywords(function: Callable) -> set[str]:
    """Returns the keywords of a step of the simulation that a config gives, not `simulate`."""
    by_simulate = {"dt", "running_share", "n_before", "n_samples"}
    return {name for name, p in signature(function).parameters.items() if p.kind is p.KEYWORD_ONLY} - by_simulate
