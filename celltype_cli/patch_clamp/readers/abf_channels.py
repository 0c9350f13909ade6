"""The channels of an ABF file: their names and units, and which hold membrane potentials."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.readers.abf_command import BROKEN, cleaned
from celltype_cli.patch_clamp.readers.channels import chosen_channel
from celltype_cli.patch_clamp.readers.units import TO_MV, TO_PA, symbol

PLAUSIBLE_MV = (-120.0, 20.0)  # median of a membrane potential


@dataclass(frozen=True)
class Header:
    """Units and names of the recorded channels, and units of the DACs' commands, as the file states them."""

    units: list[str]
    names: list[str]
    commanded: list[str]

    def __str__(self) -> str:
        recorded = ", ".join(f"{k}: {name} ({unit})" for k, (name, unit) in enumerate(zip(self.names, self.units)))
        return f"recorded {recorded or 'nothing'}; commanded in {', '.join(u or '?' for u in self.commanded) or '?'}"

    def in_units(self, factors: dict[str, float]) -> list[int]:
        """Returns the recorded channels in units of a table (`units.TO_MV`, `units.TO_PA`)."""
        return [k for k, unit in enumerate(self.units) if unit in factors]


def opened(path: Path) -> tuple[Any, Header]:
    """Opens a file with pyabf, and reads what it says of its channels.

    Raises:
        UserError: when it is damaged.
    """
    import pyabf

    try:
        abf = pyabf.ABF(path, cacheStimulusFiles=False)
    except BROKEN as error:
        raise UserError(f"{path}: cannot be read as ABF, it is truncated or damaged ({said(error)})") from error
    try:
        return abf, _header(abf)
    except BROKEN as error:
        raise UserError(f"{path}: cannot be read as ABF, its header is damaged ({said(error)})") from error


def _header(abf: Any) -> Header:
    commanded = list(abf.dacUnits)
    if abf.abfVersion["major"] == 2:  # pyabf lists as many DACs as channels
        strings = abf._stringsSection._indexedStrings
        commanded = [strings[k] if 0 <= k < len(strings) else "" for k in abf._dacSection.lDACChannelUnitsIndex]
    names = [cleaned(name) or "?" for name in abf.adcNames]
    names = [f"{name} {k}" if names.count(name) > 1 else name for k, name in enumerate(names)]
    units, commanded = ([symbol(cleaned(unit)) for unit in of] for of in (abf.adcUnits, commanded))
    return Header(units, names, commanded)


def potentials(abf: Any, header: Header) -> list[int]:
    """Returns the channels that look like membrane potentials: in mV, else in V, and where it tells, near rest."""
    by_unit = [[k for k, unit in enumerate(header.units) if unit == wanted] for wanted in ("mV", "uV", "V")]
    volts = next(filter(None, by_unit), [])
    low, high = PLAUSIBLE_MV
    medians = {k: float(np.median(abf.data[k])) * TO_MV[header.units[k]] for k in volts}
    return [k for k in volts if low <= medians[k] <= high and np.ptp(abf.data[k]) > 0] or volts


def voltage_channel(path: Path, abf: Any, header: Header, channel: str | None) -> int:
    """Returns the channel of the membrane potential: by name or number, or the only one.

    Raises:
        UserError: when there is none, or several are and none is named.
    """
    volts = header.in_units(TO_MV)
    if not volts:
        raise no_current_clamp(path, header)
    if channel is not None:
        return chosen_channel(path, {k: header.names[k] for k in volts}, channel, "channels in volts")
    likely = potentials(abf, header)
    with_command = [k for k in likely if k < len(header.commanded) and header.commanded[k] in TO_PA]
    likely = with_command if len(with_command) == 1 else likely
    what = f"channels of current clamp in {header.units[likely[0]]}"
    return chosen_channel(path, {k: header.names[k] for k in likely}, None, what)


def no_current_clamp(path: Path, header: Header) -> UserError:
    """Returns the error that says in which units a file was recorded and commanded instead."""
    commanded = [*header.commanded, *[""] * len(header.units)]
    found = ", ".join(f"recorded in {r or '?'} with the command in {c or '?'}" for r, c in zip(header.units, commanded))
    return UserError(f"{path}: is not of current clamp: {found}; expected a channel in mV with its command in pA")


def said(error: BaseException) -> str:
    """Returns what an error of pyabf says, in one short line."""
    return cleaned(error)[:200]
