"""Current-clamp sweeps of Axon Binary Format files, versions 1 and 2, read with pyabf.

A file is of current clamp where a channel is recorded in volts and its command is in amperes. The stimulus is the
command that pClamp's protocol describes; pyabf draws it from the file, or from the stimulus file beside it.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from celltype_cli.core.messages import UserError

TO_MV = {"V": 1e3, "mV": 1.0, "uV": 1e-3}
TO_PA = {"A": 1e12, "nA": 1e3, "pA": 1.0, "": 1.0}
# What pyabf 2.3 was seen to raise, or may, on files that are cut off, overwritten or of unknown protocols.
BROKEN = (OSError, ValueError, LookupError, ArithmeticError, AttributeError, NameError, NotImplementedError, TypeError,
          AssertionError, MemoryError, struct.error)  # fmt: skip


def stored(path: Path) -> Iterator[tuple[int, Any, Any, float]]:
    """Yields each sweep as number, voltage (mV), current (pA) and sampling rate (Hz).

    Raises:
        UserError: when the file is broken, is of voltage clamp or of several cells, or does not hold its command.
    """
    try:
        import pyabf
    except ImportError as error:
        raise UserError(f"{path}: pyabf is missing ({error}): pip install celltype[abf]") from error
    try:
        abf = pyabf.ABF(path, cacheStimulusFiles=False)
        recorded, commanded = ([unit.strip() for unit in units] for units in (abf.adcUnits, abf.dacUnits))
    except BROKEN as error:
        raise UserError(f"{path}: cannot be read as ABF, it is truncated or damaged ({error})") from error
    commanded += [""] * (len(recorded) - len(commanded))
    channel = _channel(path, recorded, commanded)
    to_mv, to_pa = TO_MV[recorded[channel]], TO_PA[commanded[channel]]
    stimulated = False
    for number in abf.sweepList:
        voltage, command = _sweep(path, abf, number, channel)
        stimulated |= bool(np.ptp(command) > 0)
        yield number, voltage * to_mv, command * to_pa, float(abf.dataRate)
    if not stimulated:
        raise UserError(
            f"{path}: its command is {command[0]:g} {commanded[channel] or 'pA'} in all of its {abf.sweepCount} sweeps"
            f" (protocol: {abf.protocol}; {abf.stimulusByChannel[channel].text.strip().splitlines()[0]}); "
            "expected current steps: was the stimulus made by another device?"
        )


def _channel(path: Path, recorded: list[str], commanded: list[str]) -> int:
    """Returns the one channel of current clamp; where no protocol was used, the command may have no unit."""
    channels = [k for k, unit in enumerate(recorded) if unit in TO_MV and commanded[k] in TO_PA]
    if len(channels) == 1:
        return channels[0]
    found = ", ".join(f"recorded in {r or '?'} with the command in {c or '?'}" for r, c in zip(recorded, commanded))
    if channels:
        raise UserError(f"{path}: has {len(channels)} channels of current clamp ({found}); expected one cell in a file")
    raise UserError(f"{path}: is not of current clamp: {found}; expected a channel in mV with its command in pA")


def _sweep(path: Path, abf: Any, number: int, channel: int) -> tuple[Any, Any]:
    """Returns the recorded trace and the command in their units."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of stimulus files that are not found: told below
            abf.setSweep(number, channel=channel)
            voltage, command = np.asarray(abf.sweepY, np.float64), np.asarray(abf.sweepC, np.float64)
    except BROKEN as error:
        raise UserError(f"{path}: sweep {number} cannot be read, or not its command ({error})") from error
    if np.isnan(command).any():
        raise UserError(
            f"{path}: the stimulus file of its protocol ({abf.protocol}) is missing; put it beside the recording"
        )
    return voltage, command
