"""Current-clamp sweeps of npz files, numpy arrays without pickled objects; `readers.files` describes the arrays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from celltype_cli.core.arrays import read_arrays
from celltype_cli.core.called import meant, unread
from celltype_cli.core.messages import UserError, raise_faults
from celltype_cli.patch_clamp.recording import Remark

NAMES = ("voltage", "current", "sampling_rate", "number")


def stored(path: Path) -> Iterator[tuple[int, Float[np.ndarray, " _"], Float[np.ndarray, " _"], float] | Remark]:
    """Yields each sweep as number, voltage (mV), current (pA) and sampling rate (Hz).

    Raises:
        UserError: when the file is broken, lacks an array, or one has another shape.
    """
    arrays, names = read_arrays(path, NAMES.__contains__, "sweeps")
    if missing := [name for name in NAMES[:3] if name not in arrays]:
        nearest = "".join(meant(name, {*names} - {*NAMES}) for name in missing)
        found = f"found {', '.join(names) or 'none'}"
        raise UserError(f"{path}: has no array {', '.join(missing)}{nearest}; {found}")
    for note in unread("arrays", names, NAMES):
        yield Remark(note)
    voltage, current, rate = (arrays[name] for name in NAMES[:3])
    number = arrays.get("number", np.arange(len(voltage)) if voltage.ndim else np.empty(0))
    faults = [
        f"{name} is {array.dtype} of shape {array.shape}; expected {expected}"
        for name, array, fits, expected in (
            ("voltage", voltage, voltage.ndim == 2, "numbers [sweep, time]"),
            ("current", current, current.shape == voltage.shape, f"numbers of shape {voltage.shape}, as the voltage"),
            ("sampling_rate", rate, rate.size == 1, "one number, in Hz"),
            ("number", number, number.shape == voltage.shape[:1], "one whole number for each sweep"),
        )
        if not fits or array.dtype.kind not in "fiu"
    ]
    raise_faults(str(path), faults)
    if voltage.shape[0] > voltage.shape[1] > 0:
        raise UserError(
            f"{path}: voltage holds {voltage.shape[0]} sweeps of {voltage.shape[1]} samples; expected [sweep, time]: "
            "save the transposed arrays, voltage.T and current.T"
        )
    if not (np.isfinite(number) & (number == np.floor(number)) & (np.abs(number) < 1e9)).all():
        raise UserError(f"{path}: number holds {number[:5].tolist()}; expected one whole number for each sweep")
    for k in range(len(voltage)):
        yield int(number[k]), voltage[k].astype(float), current[k].astype(float), float(rate.item())
