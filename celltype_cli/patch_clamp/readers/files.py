"""Current-clamp recordings from files: NWB 1, NWB 2, ABF and npz; one file holds one cell.

The content of a file says what it is, not its name. The readers of the formats yield what is stored, in mV and pA; here
the padding after the end of a recording is cut off, and what cannot be used is counted.

npz, numpy arrays without pickled objects:
    voltage        [sweep, time] mV; shorter sweeps are filled up with NaN
    current        [sweep, time] pA
    sampling_rate  Hz, one number
    number         [sweep], the sweeps' numbers (optional; else from 0)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float

from celltype_cli.core.cache import BROKEN_NPZ
from celltype_cli.core.messages import UserError, nearest, raise_faults
from celltype_cli.patch_clamp.recording import Entry, Recording, Sweep

SUFFIXES = (".nwb", ".abf", ".npz")
ENDING = re.compile(rf"({'|'.join(map(re.escape, SUFFIXES))})$", re.IGNORECASE)
SPECIMEN = re.compile(r"(?:^|/)specimen_([^/]+)/ephys(?:\.nwb)?$")
HDF5 = b"\x89HDF\r\n\x1a\n"
# What the reader of a format yields for each sweep: number, voltage (mV), current (pA) and sampling rate (Hz), or the
# reason why it is left out.
Stored = tuple[int, Float[np.ndarray, " _"], Float[np.ndarray, " _"], float] | str


def read(path: str | Path) -> Recording:
    """Reads all current-clamp sweeps of a file.

    Raises:
        UserError: when the file is broken, in another format or in other units, or holds no current-clamp sweep.
    """
    path = Path(path).expanduser()
    sweeps, left_out, faults = [], Counter(), []
    for stored in _stored(path):
        if isinstance(stored, str):
            left_out[stored] += 1
            continue
        number, voltage, current, rate = stored
        recorded = _recorded(voltage)
        voltage, current = voltage[:recorded].astype(np.float32), current[:recorded].astype(np.float32)
        if recorded == 0:
            left_out["empty"] += 1
        elif np.isnan(voltage).any() or np.isnan(current).any():
            left_out["values missing within the sweep"] += 1
        else:
            try:
                sweeps.append(Sweep(voltage, current, float(rate), int(number)))
            except UserError as error:
                faults.append(str(error))
    raise_faults(str(path), faults)
    if not sweeps:
        reasons = "; ".join(f"{count}: {reason}" for reason, count in left_out.most_common()) or "it holds no sweep"
        raise UserError(f"{path}: no current-clamp sweep with its stimulus ({reasons})")
    return Recording(tuple(sorted(sweeps, key=lambda sweep: sweep.number)), left_out)


def find(path: str | Path) -> list[Entry]:
    """Names the recording of each file of a folder and below, or of one file, unread and without label.

    Raises:
        UserError: when there is no such file.
    """
    path = Path(path).expanduser()
    if path.is_file():
        return [entry(path, path.name)]
    files = sorted(file for file in path.rglob("[!.]*") if file.suffix.lower() in SUFFIXES and file.is_file())
    if not files:
        what = "holds no file" if path.is_dir() else "does not exist; expected a folder with files"
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() and not path.exists() else []
        raise UserError(f"dataset.path={path} {what} ending in {', '.join(SUFFIXES)}{nearest(path.name, beside)}")
    return [entry(file, file.relative_to(path).as_posix()) for file in files]


def entry(file: Path, name: str, **known: str) -> Entry:
    """Names the recording of a file.

    Args:
        name: of the file, for messages; the cell goes by it as in `name_of`, unless `known` has a cell_id.
        known: cell_id, label, group and source, as far as they are known.
    """
    specimen = SPECIMEN.search(file.absolute().as_posix())  # `name` may lack the folder that says it
    files = [place for place in (file, file.with_name("ephys_sweeps.json")) if place.is_file()]
    made_of = [(str(place.resolve()), place.stat().st_size, place.stat().st_mtime_ns) for place in files]
    cell_id = specimen[1] if specimen else name_of(name)
    return Entry(**({"cell_id": cell_id} | known), file=name, read=partial(read, file), made_of=made_of)


def name_of(file: str) -> str:
    """Returns the name that the cell of a file goes by: the file's, or the id of specimen_<id>/ephys.nwb, as allensdk's
    CellTypesCache puts it."""
    specimen = SPECIMEN.search(name := Path(file).as_posix())
    return specimen[1] if specimen else ENDING.sub("", name)


def _recorded(voltage: Float[np.ndarray, " time"]) -> int:
    """Returns how many samples there are before the padding: NaN (MIES) or 0 (Cell Types Database) up to the end."""
    used = np.isfinite(voltage) & (voltage != 0)
    return len(used) - int(np.argmax(used[::-1])) if used.any() else 0


def _stored(path: Path) -> Iterable[Stored]:
    if not path.is_file():
        raise UserError(f"{path}: {'is a folder' if path.is_dir() else 'does not exist'}; expected a file")
    with path.open("rb") as file:
        first = file.read(len(HDF5))
    if first == HDF5:
        from celltype_cli.patch_clamp.readers import nwb

        return nwb.stored(path)
    if first[:4] in (b"ABF ", b"ABF2"):
        from celltype_cli.patch_clamp.readers import abf

        return abf.stored(path)
    if first[:2] == b"PK":
        return _npz(path)
    raise UserError(f"{path}: is no NWB, ABF or npz file by its content (first bytes: {first!r}); is it complete?")


def _npz(path: Path) -> Iterator[Stored]:
    arrays = _arrays(path)
    if missing := [name for name in ("voltage", "current", "sampling_rate") if name not in arrays]:
        raise UserError(f"{path}: has no array {', '.join(missing)}; found {', '.join(arrays) or 'none'}")
    voltage, current = arrays["voltage"], arrays["current"]
    number = arrays.get("number", np.arange(len(voltage)) if voltage.ndim else np.empty(0))
    faults = [
        f"{name} is {array.dtype} of shape {array.shape}; expected {expected}"
        for name, array, fits, expected in (
            ("voltage", voltage, voltage.ndim == 2, "numbers [sweep, time]"),
            ("current", current, current.shape == voltage.shape, f"numbers of shape {voltage.shape}, as the voltage"),
            ("sampling_rate", arrays["sampling_rate"], arrays["sampling_rate"].size == 1, "one number, in Hz"),
            ("number", number, number.shape == voltage.shape[:1], "one whole number for each sweep"),
        )
        if not fits or array.dtype.kind not in "fiu"
    ]
    raise_faults(str(path), faults)
    for k in range(len(voltage)):
        yield int(number[k]), voltage[k].astype(float), current[k].astype(float), float(arrays["sampling_rate"].item())


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except BROKEN_NPZ as error:
        if "Object arrays" in str(error):
            raise UserError(
                f"{path}: holds pickled objects, which could run code; save plain arrays of numbers, with sweeps of "
                "unequal length filled up with NaN at their end"
            ) from error
        raise UserError(f"{path}: cannot be read as npz, it is truncated or in another format ({error})") from error
