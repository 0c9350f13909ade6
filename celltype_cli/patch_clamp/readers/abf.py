"""Current-clamp sweeps of Axon Binary Format files, versions 1 and 2, read with pyabf.

A channel recorded in volts is a membrane potential; mV is preferred to V, in which triggers are recorded. Its stimulus
is the command of a DAC in amperes (`abf_command`), or what a recorded channel in amperes shows (`currents` says which).
With as many channels in volts as in amperes, or as DACs that command steps, those at the same place belong together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.readers.abf_command import BROKEN, Command, cleaned, quietly, source_of
from celltype_cli.patch_clamp.readers.channels import chosen_channel
from celltype_cli.patch_clamp.readers.currents import Traces, best, choose, equal
from celltype_cli.patch_clamp.readers.units import symbol
from celltype_cli.patch_clamp.recording import Remark

TO_MV = {"V": 1e3, "mV": 1.0, "uV": 1e-3}
TO_PA = {"A": 1e12, "uA": 1e6, "nA": 1e3, "pA": 1.0, "fA": 1e-3}
PLAUSIBLE_MV = (-120.0, 20.0)  # median of a membrane potential


@dataclass(frozen=True)
class Header:
    """Units and names of the recorded channels and of the DACs, as the file states them."""

    units: list[str]
    names: list[str]
    commanded: list[str]

    def __str__(self) -> str:
        recorded = ", ".join(f"{k}: {name} ({unit})" for k, (name, unit) in enumerate(zip(self.names, self.units)))
        return f"recorded {recorded or 'nothing'}; commanded in {', '.join(u or '?' for u in self.commanded) or '?'}"


def stored(path: Path, channel: str | None = None) -> Iterator[tuple[int, Any, Any, float] | Remark]:
    """Yields each sweep as number, voltage (mV), current (pA) and sampling rate (Hz).

    Args:
        channel: name or number, from 0, of the channel of the membrane potential; None for the only one.

    Raises:
        UserError: when the file is broken, is of voltage clamp, has several cells of which none is named, or nothing in
            it says what current was given.
    """
    abf = _opened(path)
    header = _header(abf, path)
    of = _voltage(path, abf, header, channel)
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
        in_volts = any(unit in TO_MV and source_of(abf, k) for k, unit in enumerate(header.commanded))
        raise missing or UserError(
            f"{path}: its command is {commanded[0][0]:g} pA in all of its {abf.sweepCount} sweeps (protocol: "
            f"{cleaned(abf.protocol)}), and no recorded current shows a step ({header}); expected current steps: was "
            + (
                "the unit of the command left at mV? record it in pA"
                if in_volts
                else "the stimulus made by another device?"
            )
        )
    for one in (*(notes if current is commanded else ()), *([note] if note else ())):
        yield Remark(one)
    for number, v, i in zip(abf.sweepList, voltage, current):
        yield number, v, i, float(abf.dataRate)


def channels(path: Path) -> list[str]:
    """Returns the names of the channels that may each be a cell.

    Raises:
        UserError: when the file cannot be read.
    """
    header = _header(abf := _opened(path), path)
    return [header.names[k] for k in _potentials(abf, header)]


def _opened(path: Path) -> Any:
    import pyabf

    try:
        return pyabf.ABF(path, cacheStimulusFiles=False)
    except BROKEN as error:
        raise UserError(f"{path}: cannot be read as ABF, it is truncated or damaged ({_said(error)})") from error


def _header(abf: Any, path: Path) -> Header:
    try:
        units = list(abf.dacUnits)
        if abf.abfVersion["major"] == 2:  # pyabf lists as many DACs as channels
            strings = abf._stringsSection._indexedStrings
            units = [strings[k] if 0 <= k < len(strings) else "" for k in abf._dacSection.lDACChannelUnitsIndex]
        names = [cleaned(name) or "?" for name in abf.adcNames]
        names = [f"{name} {k}" if names.count(name) > 1 else name for k, name in enumerate(names)]
        return Header(
            [symbol(cleaned(unit)) for unit in abf.adcUnits], names, [symbol(cleaned(unit)) for unit in units]
        )
    except BROKEN as error:
        raise UserError(f"{path}: cannot be read as ABF, its header is damaged ({_said(error)})") from error


def _potentials(abf: Any, header: Header) -> list[int]:
    """Returns the channels that look like membrane potentials: in mV, else in V, and where it tells, near rest."""
    volts = [k for k, unit in enumerate(header.units) if unit in TO_MV]
    for unit in TO_MV:
        if len(among := [k for k in volts if header.units[k] == unit]) and unit != "V":
            volts = among
            break
    low, high = PLAUSIBLE_MV
    medians = {k: float(np.median(abf.data[k])) * TO_MV[header.units[k]] for k in volts}
    return [k for k in volts if low <= medians[k] <= high and np.ptp(abf.data[k]) > 0] or volts


def _voltage(path: Path, abf: Any, header: Header, channel: str | None) -> int:
    """Returns the channel of the membrane potential."""
    volts = [k for k, unit in enumerate(header.units) if unit in TO_MV]
    if not volts:
        raise _no_current_clamp(path, header)
    if channel is not None:
        return chosen_channel(path, {k: header.names[k] for k in volts}, channel, "channels in volts")
    likely = _potentials(abf, header)
    with_command = [k for k in likely if k < len(header.commanded) and header.commanded[k] in TO_PA]
    likely = with_command if len(with_command) == 1 else likely
    return chosen_channel(
        path, {k: header.names[k] for k in likely}, None, f"channels of current clamp in {header.units[likely[0]]}"
    )


def _no_current_clamp(path: Path, header: Header) -> UserError:
    commanded = [*header.commanded, *[""] * len(header.units)]
    found = ", ".join(f"recorded in {r or '?'} with the command in {c or '?'}" for r, c in zip(header.units, commanded))
    return UserError(f"{path}: is not of current clamp: {found}; expected a channel in mV with its command in pA")


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
            raise _no_current_clamp(path, header)
        if dac not in amperes:
            return [np.zeros(len(v)) for v in voltage], []
        command = quietly(Command, abf, dac, path)
        drawn = [quietly(command.of_sweep, k, len(v)) for k, v in zip(abf.sweepList, voltage)]
    except BROKEN as error:
        raise UserError(f"{path}: the command of its protocol cannot be drawn ({_said(error)})") from error
    if any(np.isnan(one).any() for one in drawn):
        raise UserError(f"{path}: the command of its protocol cannot be drawn: it has epochs of an unknown kind")
    to_pa = TO_PA.get(header.commanded[dac], 1.0)  # where no protocol was used, the command may have no unit
    return [one * to_pa for one in drawn], command.notes


def _recorded(path: Path, abf: Any, header: Header, of: int, voltage: Traces) -> list | None:
    """Returns the recorded current of a channel, in pA: among as many as potentials the one at its place, else the one
    that the potential follows best; None where there are too few to tell whose they are."""
    amperes = [k for k, unit in enumerate(header.units) if unit in TO_PA]
    potentials = [k for k in _potentials(abf, header) if k != of] + [of]
    if len(amperes) < len(potentials):
        return None
    if len(amperes) == len(potentials):
        amperes = [amperes[sorted(potentials).index(of)]]
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
        raise UserError(f"{path}: sweep {number} cannot be read ({_said(error)})") from error


def _said(error: BaseException) -> str:
    return cleaned(error)[:200]
