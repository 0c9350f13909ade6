"""One neuron of the ground truth of CASCADE: a .mat file with the variable CAttached, an entry for each trial.

Each trial has fluo_time (s) and fluo_mean (dF/F). `datasets.cascade` knows what the folders of the repository hold;
here a file stands for itself, named by its file, without label.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from h5py import is_hdf5
from jaxtyping import Float
from scipy.io import loadmat, whosmat

from celltype_cli.calcium.readers.found import Found, How
from celltype_cli.calcium.recording import Recording, joined, parted
from celltype_cli.cells.assemble import named
from celltype_cli.core.files import why_unreadable
from celltype_cli.core.messages import UserError, few
from celltype_cli.core.signals import split_at_gaps

ANIMAL = re.compile(r"((?:PV|SOM|VIP)(?:Vitro|Camp)\d+)|(?:XCaMP|jGCaMP)\w*?_(\d+)_\d+$", re.IGNORECASE)
TREATMENT = re.compile(r"(_mini|_full|_corrected|_neuropil_subtracted|_Puff\w*?)+$")
Trial = tuple[Float[np.ndarray, " time"], Float[np.ndarray, " time"]]  # stamps (s), dF/F


def read(path: Path, how: How) -> Found:
    """Reads a file as the only neuron in it, without label; the animal is what its name tells.

    Raises:
        UserError: when it is no intact file of CASCADE.
    """
    name = TREATMENT.sub("", re.sub("^CAttached_?", "", path.stem)) or path.stem
    animal = ANIMAL.search(name)
    recording = Recording(name, "", (animal[1] or animal[2]) if animal else "", (), np.nan, file=path.name)
    recording = whole(recording, trials_of(path, named(recording)))
    return Found([replace(recording, signal="dff", sampling_rate=how.frame_rate or recording.sampling_rate)])


def whole(recording: Recording, trials: Iterator[Trial]) -> Recording:
    """Returns a recording with the traces of its trials; those whose rates differ are brought to the slowest.

    Raises:
        UserError: when there is no trace, or a trial is none.
    """
    parts = []
    try:
        timed = [(*split_at_gaps(time, np.arange(len(time), dtype=np.float64)), trace) for time, trace in trials]
    except (ValueError, TypeError) as error:
        raise UserError(f"{named(recording)}: {str(error)[:200]}") from error
    for frames, rate, trace in timed:
        pieces = [parted(trace[piece.astype(int)], named(recording)) for piece in frames]
        if pieces:
            segments = tuple(segment for piece in pieces for segment in piece["segments"])
            missing = sum(piece["missing"] for piece in pieces)
            parts.append(replace(recording, segments=segments, sampling_rate=rate, missing=missing))
    if not parts:
        raise UserError(f"{named(recording)}: CAttached holds no trace")
    return joined(parts)


def trials_of(file: Path, where: str, check_type: Callable[[str], None] = lambda said: None) -> Iterator[Trial]:
    """Yields time stamps (s) and dF/F of each trial; stamps may be NaN after the end and may be fewer than values.

    Args:
        where: names the file in messages.
        check_type: is given what the field cell_type says, in lower case, where there is one.
    """
    for trial in _structs(_attached(file, where)):
        found = trial.dtype.names
        if missing := [name for name in ("fluo_time", "fluo_mean") if name not in found]:
            raise UserError(f"{where}: field {', '.join(missing)} is missing; found {', '.join(found)}")
        if "cell_type" in found:
            check_type(str(np.ravel(trial["cell_type"])[0]).lower() if np.size(trial["cell_type"]) else "")
        time, trace = (np.ravel(trial[field]).astype(np.float64) for field in ("fluo_time", "fluo_mean"))
        time, trace = time[: len(trace)], trace[: len(time)]
        yield time[~np.isnan(time)], trace[~np.isnan(time)]


def _attached(file: Path, where: str) -> np.ndarray:
    try:
        found = loadmat(file, variable_names=["CAttached"])
    except Exception as error:  # loadmat raises a dozen unrelated types for a broken file, and names none of them
        if is_hdf5(file):
            raise UserError(
                f"{where}: is of MATLAB 7.3, which is HDF5; save its traces as npz or csv, or a neuron of CASCADE "
                "with save(..., '-v7')"
            ) from error
        if said := why_unreadable(file, error):
            raise UserError(f"{where}: {said}{_of_suite2p(file)}") from error
        mend = f"copy it again (of CASCADE: clone its repository){_of_suite2p(file)}"
        said = f"{type(error).__name__}: {str(error)[:200]}"
        raise UserError(f"{where}: is no intact MATLAB file (version 5 to 7; {said}); {mend}") from error
    if "CAttached" not in found:
        names = [name for name, _, _ in whosmat(file)]
        mend = _of_suite2p(file, names) or (
            "; is it a ground-truth file of CASCADE? Of other files save the traces as npz or csv"
        )
        raise UserError(f"{where}: holds no variable CAttached; found {', '.join(few(names)) or 'none'}{mend}")
    return found["CAttached"]


def _of_suite2p(file: Path, names: Collection[str] = ()) -> str:
    """Returns "; ..." where a file is what suite2p saves for MATLAB, whole or not."""
    ours = file.stem.lower() == "fall" or {"F", "iscell"} <= {*names}
    return "; it is suite2p's, which is read from F.npy: give the folder that holds that" if ours else ""


def _structs(value: np.ndarray) -> Iterator[np.void]:
    """Yields the trials, which stand in a cell array of structs or in a struct array."""
    for element in np.ravel(value):
        if isinstance(element, np.void) and element.dtype.names:
            yield element
        elif isinstance(element, np.ndarray):
            yield from _structs(element)
