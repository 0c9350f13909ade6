"""Current-clamp sweeps of Igor binary waves (.ibw, versions 2 and 5), read with igor2; a wave is a channel of a sweep.

What a wave holds is told by its unit, volts or amperes. Which belong together is told by their names: `ch` and a number
are the channel, the last other number is the sweep, and all else names the cell. So cell1_X_ch0_327.ibw (in A) and
cell1_X_ch1_327.ibw (in V) are sweep 327 of the cell cell1_X, as the recordings of Markram et al. 2015 (Cell 163:456) of
the Blue Brain Project are named.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from celltype_cli.core.messages import UserError
from celltype_cli.core.text import as_text
from celltype_cli.patch_clamp.readers.units import TO_MV, TO_PA, symbol
from celltype_cli.patch_clamp.recording import Remark

CHANNEL = re.compile(r"[_-]?(?<![a-z])ch(?:an|annel)?[_-]?(\d+)(?!\d)", re.IGNORECASE)
SWEEP = re.compile(r"[_-]?(\d+)(?=\D*$)")
TO_S = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "msec": 1e-3, "us": 1e-6}
STEPS_S = (1e-6, 1e-3)  # between samples of patch clamp
BROKEN = (OSError, ValueError, LookupError, ArithmeticError, AttributeError, TypeError, AssertionError, MemoryError,
          NotImplementedError, EOFError)  # fmt: skip


def cell_of(name: str) -> str:
    """Returns a file's name without channel, sweep and ending, where it is of an Igor wave; others as they are."""
    path = Path(name)
    if path.suffix.lower() != ".ibw" or not CHANNEL.search(path.stem):
        return name
    stem = SWEEP.sub("", CHANNEL.sub("", path.stem), count=1)
    return path.with_name(stem or path.stem).as_posix()


def first_of_cell(files: Sequence[Path]) -> list[Path]:
    """Returns the files, of the waves of each cell the first one only."""
    return list({cell_of(str(file)): file for file in reversed(files)}.values())[::-1]


def waves_of(file: Path) -> list[Path]:
    """Returns all waves of the cell that a file is of; the file alone where it is no Igor wave."""
    if file.suffix.lower() != ".ibw":
        return [file]
    return sorted(beside for beside in file.parent.iterdir() if cell_of(beside.name) == cell_of(file.name))


def stored(path: Path) -> Iterator[tuple[int, Any, Any, float] | str | Remark]:
    """Yields each sweep of the cell as number, voltage (mV), current (pA) and sampling rate (Hz).

    Raises:
        UserError: when igor2 is missing.
    """
    sweeps: dict[int, dict[str, list]] = defaultdict(lambda: {"mV": [], "pA": []})
    for file in waves_of(path):
        found = SWEEP.search(CHANNEL.sub("", file.stem))
        try:
            unit, values, rate, timed = _wave(file)
        except UserError as error:
            if isinstance(error.__cause__, ImportError):
                raise
            yield str(error).removeprefix(f"{file}: ")
            continue
        sweeps[int(found[1]) if found else 0][unit].append((values, rate))
        if not timed:
            yield Remark(f"its waves name no unit of time: their steps were taken for {rate:,.0f} Hz")
    for number, of in sorted(sweeps.items()):
        if len(of["mV"]) != 1 or len(of["pA"]) != 1:
            counted = f"{len(of['mV'])} waves in volts and {len(of['pA'])} in amperes"
            yield f"it has {counted}; expected one of each, named as cell_ch0_3 and cell_ch1_3"
            continue
        ((voltage, rate),), ((current, other),) = of["mV"], of["pA"]
        if not np.isclose(rate, other, rtol=1e-4):
            yield "no one sampling rate for response and stimulus"
            continue
        samples = min(len(voltage), len(current))
        yield number, voltage[:samples], current[:samples], rate


def _unnamed(step: float) -> float:
    """Returns the factor to seconds of a step whose unit is not named: s, or where that is too long for a sample ms."""
    low, high = STEPS_S
    return 1e-3 if high < step <= 1e3 * high else 1.0


def _wave(file: Path) -> tuple[str, np.ndarray, float, bool]:
    """Returns "mV" or "pA", the values in it, the sampling rate (Hz), and whether the wave names a unit of time."""
    try:
        from igor2 import binarywave
    except ImportError as error:
        raise UserError(f"{file}: igor2 is missing ({error}): pip install 'celltype[igor]'") from error
    logging.getLogger("igor2").setLevel(logging.CRITICAL + 1)  # it would print whole files that it cannot read
    try:
        wave = binarywave.load(str(file))
        header, values = wave["wave"]["wave_header"], np.asarray(wave["wave"]["wData"], dtype=np.float64)
        unit = symbol(as_text(b"".join(np.ravel(header["dataUnits"])), missing=frozenset()))
        step, time = (header[name] for name in (("hsA", "xUnits") if wave["version"] < 5 else ("sfA", "dimUnits")))
        named = as_text(b"".join(np.ravel(time[0] if np.ndim(time) > 1 else time)))
        if not named and np.ravel(step)[0] == 1:
            raise UserError(
                f"{file}: its points are numbered, and not in time (dx = 1 without a unit): SetScale/P in Igor"
            )
        step = float(np.ravel(step)[0]) * (TO_S[named] if named else _unnamed(float(np.ravel(step)[0])))
    except KeyError as error:
        raise UserError(f"{file}: its time is in {error}; expected s or ms") from error
    except BROKEN as error:
        raise UserError(f"{file}: cannot be read as an Igor wave, it is truncated or damaged") from error
    if values.ndim != 1 or not step > 0:
        raise UserError(f"{file}: holds {values.ndim} axes of {step:g} s; expected one row of samples")
    for name, factors in (("mV", TO_MV), ("pA", TO_PA)):
        if unit in factors:
            return name, values * factors[unit], 1 / step, bool(named)
    raise UserError(f"{file}: is in {unit or 'no unit'}; expected volts or amperes")
