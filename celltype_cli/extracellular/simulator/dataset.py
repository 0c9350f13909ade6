"""Simulated units of the cerebellar cortex, with laboratories, animals and units that differ.

Class medians follow those of public units in Beau et al. 2025 (Cell, doi 10.1016/j.cell.2025.01.041). Parameters differ
between laboratories, animals and units by factors exp(normal). Every animal has units of all classes. Simple and
complex spikes of the same number belong to one Purkinje cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Annotated

import numpy as np
from annotated_types import Interval

from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings
from celltype_cli.core.messages import UserError
from celltype_cli.core.ranges import Count, SeedNumber, held
from celltype_cli.extracellular.recording import Recording
from celltype_cli.extracellular.simulator.spikes import paused, spike_train
from celltype_cli.extracellular.simulator.waveforms import waveforms

CLASSES = ("PkC_ss", "PkC_cs", "MLI", "GoC", "MFB")
LEVELS = ("laboratory", "animal", "unit")
OF_PROBE = ("waveform_rate", "channels", "pitch_um", "noise_uv")
CITATION = "medians after Beau et al. 2025, Cell, doi 10.1016/j.cell.2025.01.041"
HIGHEST = {"burst_share": 0.9, "rate_hz": 500.0}  # of parameters of a class
Positive = Annotated[float, Interval(gt=0, le=1e5)]


@held
def load(
    *,
    units_per_class: Count,
    unlabelled_per_class: SeedNumber,
    laboratories: Count,
    animals: Count,
    duration_s: Annotated[float, Interval(ge=10, le=36_000)],
    seed: SeedNumber,
    pause_s: Annotated[float, Interval(ge=0, le=1)],
    probe: Mapping[str, Positive],
    layers: Mapping[str, str],
    classes: Mapping[str, Mapping[str, Annotated[float, Interval(ge=0, le=1e4)]]],
    spread: Mapping[str, Mapping[str, Annotated[float, Interval(ge=0, le=3)]]],
) -> Recordings:
    """Simulates the dataset; sources are laboratories, groups are animals.

    Args:
        units_per_class: of each of CLASSES, even over laboratories and animals.
        unlabelled_per_class: further units of each class, whose label is kept back.
        laboratories: how many there are.
        animals: of each laboratory.
        duration_s: s, of each recording.
        seed: of everything random.
        pause_s: s without simple spikes after a complex spike of the same cell.
        probe: `OF_PROBE`, see `waveforms.waveforms`.
        layers: of each class.
        classes: for each class the keywords of `spikes.spike_train` and the rest of those of `waveforms.waveforms`.
        spread: for each of LEVELS, sd of the logarithm of the factor on each parameter named.

    Raises:
        UserError: with all faults at once, when a name is missing or unknown or a number is out of range.
    """
    faults = _faults(probe, layers, classes, spread)
    if faults:
        raise UserError("dataset units_sim: " + "\n  ".join(["cannot be simulated:", *faults]))
    climbing: dict[int, np.ndarray] = {}
    made: dict[str, list[Recording]] = {}
    on_probe = {**probe, "channels": int(probe["channels"])}
    for k in (1, 0, 2, 3, 4):  # complex spikes before the simple spikes that they silence
        name, made[CLASSES[k]] = CLASSES[k], []
        for i in range(units_per_class + unlabelled_per_class):
            laboratory, animal = i % laboratories, i // laboratories % animals
            keys = ((0, laboratory, k), (1, laboratory, animal, k), (2, k, i))
            values, draws = _of_unit(classes[name], spread, seed, keys)
            times = spike_train(draws, duration_s, **{p: values[p] for p in _keywords(spike_train)})
            if name == "PkC_cs":
                climbing[i] = times
            elif name == "PkC_ss":
                times = paused(times, climbing[i], pause_s)
            shape = {p: values[p] for p in _keywords(waveforms) if p not in OF_PROBE}
            made[name].append(
                Recording(
                    cell_id=f"{name}_{i + 1:04d}",
                    label=name if i < units_per_class else "",
                    group=f"lab_{laboratory + 1}_animal_{animal + 1:02d}",
                    waveform=waveforms(draws, **on_probe, **shape),
                    waveform_rate=float(probe["waveform_rate"]),
                    spikes=times,
                    duration=float(duration_s),
                    source=f"lab_{laboratory + 1}",
                    layer=layers[name],
                    in_uv=True,
                )
            )
    note = "no animal was recorded: a score on these units says nothing about recorded ones"
    about = About("units_sim", simulated=True, citation=CITATION, notes=(note,), group="animal")
    return Recordings([unit for name in CLASSES for unit in made[name]], about, CLASSES)


def _of_unit(
    values: Mapping[str, float], spread: Mapping[str, Mapping[str, float]], seed: int, keys: Sequence[tuple[int, ...]]
) -> tuple[dict[str, float], np.random.Generator]:
    """Returns the parameters of a unit, and what the rest of it is drawn with; `keys` tell the levels' seeds apart."""
    found = dict(values)
    for level, key in zip(LEVELS, keys, strict=True):
        draws = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
        for parameter, sd in spread[level].items():
            found[parameter] *= float(np.exp(sd * draws.standard_normal()))
    found["burst_share"] = min(found["burst_share"], HIGHEST["burst_share"])
    return found, draws


def _keywords(function) -> list[str]:
    return [name for name, p in signature(function).parameters.items() if p.kind is p.KEYWORD_ONLY]


def _faults(probe: Mapping, layers: Mapping, classes: Mapping, spread: Mapping) -> list[str]:
    of_class = {*_keywords(spike_train), *_keywords(waveforms)} - {*OF_PROBE}
    blocks = {"probe": (probe, {*OF_PROBE}), "layers": (layers, {*CLASSES}), "classes": (classes, {*CLASSES})}
    blocks |= {"spread": (spread, {*LEVELS})} | {f"classes.{name}": (v, of_class) for name, v in classes.items()}
    faults = []
    for where, (given, expected) in blocks.items():
        faults += [f"{where}.{name} is missing" for name in sorted(expected - {*given})]
        known = ", ".join(sorted(expected))
        faults += [f"{where}.{name} is not known; known here: {known}" for name in sorted({*given} - expected)]
    for level, sds in spread.items():
        faults += [f"spread.{level}.{name} is no parameter of a class" for name in sorted({*sds} - of_class)]
    for name, values in classes.items():
        for parameter, value in values.items():
            lowest = 0.0 if parameter in ("dead_s", "slow_sd", "burst_share", "peak_to_trough") else 1e-4
            highest = HIGHEST.get(parameter, 1e4)
            if not lowest <= value <= highest:
                faults.append(f"classes.{name}.{parameter} is {value}; give a number from {lowest} to {highest}")
    return faults
