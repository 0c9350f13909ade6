"""The output of suite2p: folders with F.npy, Fneu.npy and iscell.npy, as plain arrays; pickles are never opened.

The fluorescence of an ROI is F - f * Fneu, with f the setting `dataset.neuropil` (0.7 in suite2p, Pachitariu et al.
2017, bioRxiv 061507); it is raw fluorescence: prepare.signal=raw_to_dff. iscell.npy is [ROI, (0 or 1, probability)].
The frame rate of a plane stands as fs in ops.npy (settings.npy of later versions), a pickle: it is looked up in the
stream of the pickle, which is not run; otherwise dataset.frame_rate gives it. It is that of one plane (suite2p's
documentation of settings, "fs"), and 10 Hz where nobody set it. Recordings that were registered together follow one
another (frames_per_folder), and no window crosses from one to the next. Cells are named by folder, plane and number of
the ROI, and all cells of one output are of one animal. Of suite2p/plane0, plane1 and combined, the planes are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from celltype_cli.calcium.readers.found import Found, How
from celltype_cli.calcium.readers.pickled import joins, numbers_after
from celltype_cli.calcium.recording import Recording, parted
from celltype_cli.core.arrays import read_array
from celltype_cli.core.files import find_files
from celltype_cli.core.memory import check_room
from celltype_cli.core.messages import UserError

FULL = "F.npy"
DEFAULT = 10.0  # Hz, fs of suite2p where nobody set it
TURNED = 10  # times as many rows as samples, where nothing beside says how many ROIs there are
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
    found = Found(counted={plane.name: len(trace)}, asked={"neuropil"})
    neuropil = _beside(plane, "Fneu.npy", trace.shape) if how.neuropil else None
    if neuropil is not None:
        found.notes.append(f"the neuropil of suite2p is subtracted: F - {how.neuropil:g} Fneu (dataset.neuropil)")
    elif how.neuropil:
        found.notes.append(f"{plane.name}: has no Fneu.npy, so that no neuropil is subtracted")
    rejected = _rejected(plane, trace.shape, found)
    red = _beside(plane, "redcell.npy", (len(trace),))
    if red is not None and (n := int((_first(red) > 0).sum())):
        found.notes.append(f"{plane.name}: redcell.npy calls {n} ROIs red, which is no label here: dataset.labels")
    said = _settings(plane)
    rate = how.frame_rate or _frame_rate(plane, said, found.notes)
    if (frames := numbers_after("nframes", said)) and trace.shape[1] not in frames:
        said_so = f"{plane.name}: ops.npy says {max(frames):g} frames and F.npy has {trace.shape[1]}"
        found.notes.append(f"{said_so}: are they of one run of suite2p?")
    starts = joins(said, trace.shape[1])
    if len(starts):
        found.notes.append(f"{plane.name}: {len(starts) + 1} recordings follow one another (frames_per_folder), and no "
                           "window crosses from one to the next")  # fmt: skip
    for k in np.flatnonzero(~rejected | how.keep_rejected):
        values = trace[k].astype(np.float64)
        if neuropil is not None:
            values -= how.neuropil * neuropil[k].astype(np.float64)
        cell, file = f"{plane.name}/{k}", f"{plane.name}/{FULL}"
        parts = [parted(piece, f"cell {cell} ({file})") for piece in np.split(values, starts)]
        segments = tuple(segment for part in parts for segment in part["segments"])
        missing = sum(part["missing"] for part in parts)
        found.recordings.append(Recording(cell, "", plane.recording, segments, rate, "", file, "raw", missing))
    return found


def _rejected(plane: Plane, shape: tuple[int, int], found: Found) -> np.ndarray:
    """Returns which ROIs iscell.npy calls none, and counts them in `found`; none, with a note, where it is missing.

    Raises:
        UserError: when it holds something else, or nothing tells that the traces are not turned.
    """
    rois, samples = shape
    if (cells := _beside(plane, "iscell.npy", (rois,))) is None:
        if rois > TURNED * samples:
            raise UserError(f"{plane.folder / FULL} holds {rois} rows of {samples} samples, and a row is an ROI: it "
                            "looks turned; expected [ROI, time]")  # fmt: skip
        found.notes.append(f"{plane.name}: has no iscell.npy, so that all ROIs are taken for cells")
        return np.zeros(rois, dtype=bool)
    flag = _first(cells)
    if (other := flag[~np.isin(flag, (0, 1))]).size:
        raise UserError(
            f"{plane.folder / 'iscell.npy'} holds {other[0]:g}; expected 0 or 1 for each ROI, beside its probability: "
            "[ROI, (0 or 1, probability)]"
        )
    found.notes += _curated_apart(plane, flag)
    if n := int((flag == 0).sum()):
        found.rejected["iscell.npy"] = n
    return flag == 0


def _curated_apart(plane: Plane, flag: np.ndarray) -> list[str]:
    """Returns a note where suite2p's combined view, which saves for itself, calls other ROIs cells than the plane."""
    combined = plane.folder.parent / "combined" / "iscell.npy"
    single = sorted(plane.folder.parent.glob("plane*/iscell.npy"), key=lambda file: (len(file.parent.name), file))
    own = plane.folder / "iscell.npy"
    if not combined.is_file() or own not in single:
        return []
    try:
        theirs, *each = (np.atleast_1d(read_array(file)) for file in (combined, *single))
    except UserError as error:
        return [f"combined/iscell.npy is passed over, that of the plane counts: {error}"]
    first = sum(map(len, each[: single.index(own)])) if len(theirs) == sum(map(len, each)) else len(theirs)
    theirs = _first(theirs[first : first + len(flag)]) if first < len(theirs) else theirs[:0]
    n = int((theirs != flag).sum()) if len(theirs) == len(flag) else 0
    said = (
        f"{plane.name}: {n} ROIs are called otherwise in combined/iscell.npy (curated there?); that of the plane counts"
    )
    return [said] if n else []


def _first(array: np.ndarray) -> np.ndarray:
    """Returns the first of each pair (0 or 1, probability)."""
    return np.asarray(array).reshape(len(array), -1)[:, 0]


def _beside(plane: Plane, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
    if not (plane.folder / name).is_file():
        return None
    array = read_array(plane.folder / name)
    if array.shape[: len(shape)] != shape:
        raise UserError(f"{plane.folder / name} is of shape {array.shape}; F.npy makes {shape} expected")
    return array


def _settings(plane: Plane) -> bytes:
    """Returns the content of ops.npy, or settings.npy, whichever names fs; nothing where neither does."""
    for name in ("ops.npy", "settings.npy"):
        try:
            content = (plane.folder / name).read_bytes()
        except OSError:
            continue
        if numbers_after("fs", content):
            return content
    return b""


def _frame_rate(plane: Plane, settings: bytes, notes: list[str]) -> float:
    """Returns fs of the settings, without running the pickle, and notes where it may be no rate of a plane."""
    rates = numbers_after("fs", settings)
    if not rates:
        raise UserError(f"{plane.name}: its frame rate is not known, for want of fs in ops.npy; set dataset.frame_rate "
                        "(Hz, of a plane)")  # fmt: skip
    if len(rates) > 1:
        said = ", ".join(f"{rate:g}" for rate in sorted(rates))
        raise UserError(f"{plane.name}: ops.npy names several fs: {said}; set dataset.frame_rate (Hz, of a plane)")
    rate, count = rates.pop(), max(numbers_after("nplanes", settings), default=1.0)
    if count > 1:
        notes.append(f"fs of suite2p, {rate:g} Hz, was taken for the rate of each of {count:g} planes, as it is meant; "
                     f"where it is that of all together, set dataset.frame_rate={rate / count:.4g}")  # fmt: skip
    elif rate == DEFAULT:
        notes.append(f"fs of suite2p is {rate:g} Hz, as where nobody set it: if it is another, set dataset.frame_rate")
    return rate
