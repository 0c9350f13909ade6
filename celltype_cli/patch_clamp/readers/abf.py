"""Current-clamp sweeps of Axon Binary Format files, versions 1 and 2, read with pyabf.

A channel recorded in volts is a membrane potential; mV is preferred to V, in which triggers are recorded. Its stimulus
is the command of a DAC in amperes (`abf_command`), or what a recorded channel in amperes shows (`currents` says which).
With as many channels in volts as in amperes, or as DACs that command steps, those at the same place belong together.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.readers.abf_channels import (
    Header,
    no_current_clamp,
    opened,
    potentials,
    said,
    voltage_channel,
)
from celltype_cli.patch_clamp.readers.abf_command import BROKEN, Command, cleaned, quietly, source_of
from celltype_cli.patch_clamp.readers.currents import Traces, best, choose, equal
from celltype_cli.patch_clamp.readers.units import TO_MV, TO_PA
from celltype_cli.patch_clamp.recording import Remark


def stored(path: Path, channel: str | None = None) -> Iterator[tuple[int, Any, Any, float] | Remark]:
    """Yields each sweep as number, voltage (mV), current (pA) and sampling rate (Hz).

    Args:
        channel: name or number, from 0, of the channel of the membrane potential; None for the only one.

    Raises:
        UserError: when the file is broken, is of voltage clamp, has several cells of which none is named, or nothing in
            it says what current was given.
    """
    abf, header = opened(path)
    of = voltage_channel(path, abf, header, channel)
    voltage = [_sweep(path, abf, number, of) * TO_MV[header.units[of]] for number in abf.sweepList]
    if min(map(len, voltage)) < 2:
        raise UserError(f"{path}: cannot be read as ABF, its {len(voltage)} sweeps hold no samples; is it complete?")
    _refuse_voltage_clamp(path, abf, header, voltage)
    recorded = _recorded(path, abf, header, of, voltage)
    commanded, notes, missing = [np.zeros(len(v)) for v in voltage], [], None
    try:
        commanded, notes = _commanded(path, abf, header, of, voltage)
    except UserError as error:  # a recorded current may do as well
        missing = error
    current, note = _chosen(voltage, commanded, recorded, float(abf.dataRate))
    if current is None:
        raise missing or _no_step(path, abf, header, float(commanded[0][0]))
    if channel is None and (others := [header.names[k] for k in potentials(abf, header) if k != of]):
        taken = f"{header.names[of]}, whose command is in amperes, is taken for the cell, and not {', '.join(others)}"
        yield Remark(f"{taken}: dataset.channel names another, or all")
    for one in (*(notes if current is commanded else ()), *([note] if note else ())):
        yield Remark(one)
    for number, v, i in zip(abf.sweepList, voltage, current):
        yield number, v, i, float(abf.dataRate)


def channels(path: Path) -> list[str]:
    """Returns the names of the channels that may each be a cell.

    Raises:
        UserError: when the file cannot be read.
    """
    abf, header = opened(path)
    return [header.names[k] for k in potentials(abf, header)]


def _no_step(path: Path, abf: Any, header: Header, held_pA: float) -> UserError:
    in_volts = any(unit in TO_MV and source_of(abf, k) for k, unit in enumerate(header.commanded))
    unit, device = "the unit of the command left at mV? record it in pA", "the stimulus made by another device?"
    return UserError(
        f"{path}: its command is {held_pA:g} pA in all of its {abf.sweepCount} sweeps (protocol: "
        f"{cleaned(abf.protocol)}), and no recorded current shows a step ({header}); expected current steps: was "
        f"{unit if in_volts else device}"
    )


def _refuse_voltage_clamp(path: Path, abf: Any, header: Header, voltage: Traces) -> None:
    """Raises a UserError where the potential does what a command in volts says, and none in amperes has a waveform."""
    active = [k for k, unit in enumerate(header.commanded) if unit in (*TO_MV, *TO_PA) and source_of(abf, k)]
    if len(active) != 1 or header.commanded[active[0]] not in TO_MV:
        return
    try:
        command = quietly(Command, abf, active[0], path)
        drawn = [quietly(command.of_sweep, k, len(v)) for k, v in zip(abf.sweepList, voltage)]
    except (*BROKEN, UserError):
        return
    if equal(voltage, [one * TO_MV[header.commanded[active[0]]] for one in drawn], float(abf.dataRate)):
        raise UserError(
            f"{path}: is of voltage clamp: its potential follows the command in {header.commanded[active[0]]} "
            f"({header}); expected current clamp, a channel in mV with its command in pA"
        )


def _commanded(path: Path, abf: Any, header: Header, of: int, voltage: Traces) -> tuple[list, list[str]]:
    """Returns the command that belongs to a channel, in pA, of each sweep; and notes on how it was drawn.

    It is that of the DAC at the place of the channel, unless only another one, in amperes too, has a waveform.
    """
    try:
        amperes = [k for k, unit in enumerate(header.commanded) if unit in TO_PA or not unit]
        active = [k for k in amperes if source_of(abf, k)]
        dac = of if of in active or not active else active[0]
        if not amperes:
            raise no_current_clamp(path, header)
        if dac not in amperes:
            return [np.zeros(len(v)) for v in voltage], []
        command = quietly(Command, abf, dac, path)
        drawn = [quietly(command.of_sweep, k, len(v)) for k, v in zip(abf.sweepList, voltage)]
    except BROKEN as error:
        raise UserError(f"{path}: the command of its protocol cannot be drawn ({said(error)})") from error
    if any(np.isnan(one).any() for one in drawn):
        raise UserError(f"{path}: the command of its protocol cannot be drawn: it has epochs of an unknown kind")
    to_pa = TO_PA.get(header.commanded[dac], 1.0)  # where no protocol was used, the command may have no unit
    return [one * to_pa for one in drawn], command.notes


def _recorded(path: Path, abf: Any, header: Header, of: int, voltage: Traces) -> list | None:
    """Returns the recorded current of a channel, in pA: among as many as potentials the one at its place, else the one
    that the potential follows best; None where there are too few to tell whose they are."""
    amperes, cells = header.in_units(TO_PA), sorted({*potentials(abf, header), of})
    if len(amperes) < len(cells):
        return None
    if len(amperes) == len(cells):
        amperes = [amperes[cells.index(of)]]
    found = [[_sweep(path, abf, n, k) * TO_PA[header.units[k]] for n in abf.sweepList] for k in amperes]
    return best(voltage, found, float(abf.dataRate))


def _chosen(voltage: Traces, commanded: list, recorded: list | None, rate: float) -> tuple[list | None, str]:
    """Returns the current of each sweep, in pA, and a note; None where neither the command nor a channel has a step."""
    take, note = choose(voltage, commanded, recorded, rate) if recorded is not None else (False, "")
    if take:
        return recorded, note
    return (commanded, note) if any(np.ptp(one) > 0 for one in commanded) else (None, "")


def _sweep(path: Path, abf: Any, number: int, channel: int) -> Float[np.ndarray, " time"]:
    """Returns the recorded trace, in its unit; pyabf's setSweep would draw the commands of all sweeps for each."""
    try:
        samples = abf.sweepPointCount
        if len({*getattr(abf, "_synchArraySection", abf).__dict__.get("lLength", ())}) > 1:  # of unequal length
            quietly(abf.setSweep, number, channel=channel)
            return np.array(abf.sweepY, np.float64)
        return abf.data[channel, number * samples : (number + 1) * samples].astype(np.float64)
    except BROKEN as error:
        raise UserError(f"{path}: sweep {number} cannot be read ({said(error)})") from error
