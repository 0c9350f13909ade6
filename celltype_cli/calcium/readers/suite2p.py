"""The output of suite2p: folders with F.npy, Fneu.npy and iscell.npy, as plain arrays; pickles are never opened.

The fluorescence of an ROI is F - f * Fneu, with f the setting `dataset.neuropil` (0.7 in suite2p, Pachitariu et al.
2017, bioRxiv 061507); it is raw fluorescence: prepare.signal=raw_to_dff. iscell.npy is [ROI, (0 or 1, probability)].
The frame rate of a plane stands as fs in ops.npy (settings.npy of later versions), a pickle: it is looked up in the
stream of the pickle, which is not run; otherwise dataset.frame_rate gives it. Cells are named by folder, plane and
number of the ROI, and all cells of one output are of one animal. Of suite2p/plane0, plane1 and combined, the planes
are read.
"""

from __future__ import annotations

import io
import pickletools
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from celltype_cli.calcium.readers.found import Found, How
from celltype_cli.calcium.recording import Recording, parted
from celltype_cli.core.arrays import read_array
from celltype_cli.core.files import find_files
from celltype_cli.core.memory import check_room
from celltype_cli.core.messages import UserError

FULL = "F.npy"
OPCODES = 60  # within which the bytes of a number of numpy follow its key
COPIES = 4  # of the values, as float64, that reading takes at its highest


@dataclass(frozen=True)
class Plane:
    """A folder that suite2p wrote.

    Attributes:
        name: of its cells: the folder of the recording, below that which was given, and the plane.
        recording: the folder that holds suite2p's, which is of one animal.
    """

    folder: Path
    name: str
    recording: str


def planes(path: Path) -> list[Plane]:
    """Finds the planes in a folder and below; not the combined ones that repeat them."""
    try:
        files, _ = find_files(path, (FULL,), named=FULL)
    except UserError:
        return []
    folders = [file.parent for file in files if file.name == FULL]
    single = {folder.parent for folder in folders if folder.name.startswith("plane")}
    found = []
    for folder in folders:
        if folder.name == "combined" and folder.parent in single:
            continue
        parts = [part for part in (path.resolve().name, *folder.relative_to(path).parts) if part != "suite2p"]
        plane = parts.pop() if parts[-1].startswith("plane") or parts[-1] == "combined" else ""
        if not parts:  # the plane itself, or suite2p's folder, was given
            above = path.resolve().parents
            parts = [next((p.name for p in above if p.name and p.name != "suite2p"), "suite2p")]
        recording = "/".join(parts[1:] or parts)
        found.append(Plane(folder, "/".join(filter(None, [recording, plane])), recording))
    return found


def read(plane: Plane, how: How) -> Found:
    """Reads the ROIs of a plane.

    Raises:
        UserError: when an array is missing, broken, pickled or of another shape, or the frame rate is not known.
    """
    trace = read_array(plane.folder / FULL)
    if trace.ndim != 2 or not trace.size:
        raise UserError(f"{plane.folder / FULL} is of shape {trace.shape}; expected [ROI, time], with an ROI at least")
    check_room(COPIES * 8.0 * trace.size, f"{plane.folder / FULL}: its {trace.size} values")
    found, rejected = Found(), np.zeros(len(trace), dtype=bool)
    neuropil = _beside(plane, "Fneu.npy", trace.shape) if how.neuropil else None
    if neuropil is not None:
        found.notes.append(f"the neuropil of suite2p is subtracted: F - {how.neuropil:g} Fneu (dataset.neuropil)")
    elif how.neuropil:
        found.notes.append(f"{plane.name}: has no Fneu.npy, so that no neuropil is subtracted")
    if (cells := _beside(plane, "iscell.npy", (len(trace),))) is None:
        found.notes.append(f"{plane.name}: has no iscell.npy, so that all ROIs are taken for cells")
    else:
        flag = np.asarray(cells).reshape(len(trace), -1)[:, 0]
        if not np.isin(flag, (0, 1)).all():
            raise UserError(
                f"{plane.folder / 'iscell.npy'} holds {flag[~np.isin(flag, (0, 1))][0]:g}; expected 0 or 1 for each "
                "ROI, beside its probability: [ROI, (0 or 1, probability)]"
            )
        rejected = flag == 0
        found.rejected = {"iscell.npy": int(rejected.sum())} if rejected.any() else {}
    rate = how.frame_rate or _frame_rate(plane)
    for k in np.flatnonzero(~rejected | how.keep_rejected):
        values = trace[k].astype(np.float64) - (
            how.neuropil * neuropil[k].astype(np.float64) if neuropil is not None else 0
        )
        cell, file = f"{plane.name}/{k}", f"{plane.name}/{FULL}"
        part = parted(values, f"cell {cell} ({file})")
        found.recordings.append(
            Recording(cell, "", plane.recording, sampling_rate=rate, file=file, signal="raw", **part)
        )
    return found


def _beside(plane: Plane, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
    if not (plane.folder / name).is_file():
        return None
    array = read_array(plane.folder / name)
    if array.shape[: len(shape)] != shape:
        raise UserError(f"{plane.folder / name} is of shape {array.shape}; F.npy makes {shape} expected")
    return array


def _frame_rate(plane: Plane) -> float:
    """Returns fs of ops.npy or settings.npy, without running the pickle."""
    for name in ("ops.npy", "settings.npy"):
        try:
            content = (plane.folder / name).read_bytes()
        except OSError:
            continue
        if rates := _numbers_after("fs", content):
            if len(rates) > 1:
                said = ", ".join(f"{rate:g}" for rate in sorted(rates))
                raise UserError(
                    f"{plane.name}: {name} names several fs: {said}; set dataset.frame_rate (Hz, of a plane)"
                )
            return rates.pop()
    raise UserError(
        f"{plane.name}: its frame rate is not known, for want of fs in ops.npy; set dataset.frame_rate (Hz, of a plane)"
    )


def _numbers_after(key: str, content: bytes) -> set[float]:
    """Returns the numbers that follow a key in the stream of a pickle in an npy file; nothing is run or built."""
    found, kept, after, keys = set(), 0, False, set()  # keys: where the pickle keeps the key, to repeat it
    waits, kind = 0, "f8"  # for the bytes of a number of numpy, and of which kind it is
    try:
        for code, value, _ in pickletools.genops(io.BytesIO(content[_header(content) :])):
            if code.name == "MEMOIZE" or "PUT" in code.name:
                keys |= {kept if code.name == "MEMOIZE" else value} if after else set()
                kept += 1
                continue
            number = isinstance(value, (int, float)) and "GET" not in code.name
            if after and number:
                found.add(float(value))
            elif waits and isinstance(value, bytes) and len(value) == int(kind[1]):
                found.add(float(np.frombuffer(value, f"<{kind}")[0]))
            waits = 0 if isinstance(value, bytes) or (after and number) else OPCODES if after else max(0, waits - 1)
            kind = value if isinstance(value, str) and re.fullmatch("[fiu][248]", value) else kind
            after = (isinstance(value, str) and value == key) or ("GET" in code.name and value in keys)
    except Exception:  # noqa: BLE001 - a stream that is no pickle, or cut short, says nothing
        return set()
    return found


def _header(content: bytes) -> int:
    """Returns the length of the header of an npy file."""
    size = 2 if content[6:7] == b"\x01" else 4
    return 8 + size + int.from_bytes(content[8 : 8 + size], "little")
